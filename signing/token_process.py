"""One token's process and its queue, seen from the node: one request at a time, a time limit, killed when it hangs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from .errors import SigningError
from .tokens import MESSAGES, PinState, TokenError
from .workers import ANSWER_LIMIT, LENGTH, START_SECONDS

DEAD: Final = frozenset({"SIG_TOKEN_HUNG", "SIG_TOKEN_PROCESS_DIED", "SIG_TOKEN_ABSENT", "SIG_TOKEN_SESSION_LOST"})

LEAVE_SECONDS: Final = 2.0  # to log out of the token in peace; then it is killed
Request: TypeAlias = tuple[dict[str, Any], bytearray, asyncio.Future[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSettings:
    """``jobs``: name to ``module:function`` (dict and key in, dict out). ``environment``: what modules need."""

    jobs: Mapping[str, str]
    environment: Mapping[str, str]
    seconds: float  # per request; beyond it the process is killed and the holder's session is over
    memory_bytes: int
    waiting: int  # requests in the queue; more are refused


@dataclass(slots=True, kw_only=True, eq=False)
class TokenProcess:
    """Requests wait in one queue. A caller that goes away does not disturb the request at the token."""

    module: str
    settings: ProcessSettings
    handles: set[str] = field(default_factory=set)
    over: bool = False
    task: asyncio.Task[None] | None = None  # that runs ``serve``
    _process: Process | None = None
    _hung: bool = False
    _at_work: bool = False
    _stopped: bool = False
    _queue: asyncio.Queue[Request] = field(init=False)

    def __post_init__(self) -> None:
        self._queue = asyncio.Queue(maxsize=self.settings.waiting)

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def busy(self) -> bool:
        """Whether something is asked of it, or waits to be."""
        return self._at_work or not self._queue.empty()

    async def ask(self, request: dict[str, Any], pin: bytearray | None = None) -> dict[str, Any]:
        """The answer, after everything that was asked before. ``pin`` is wiped. Raises TokenError."""
        if self.over:
            raise TokenError("SIG_TOKEN_SESSION_LOST", "tiến trình đã dừng")
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait((request, bytearray() if pin is None else pin, answer))
        except asyncio.QueueFull as cause:
            raise TokenError("SIG_TOKEN_BUSY", f"{self.settings.waiting}") from cause
        return await answer

    def stop(self) -> None:
        """Take no more requests and end the process, in peace if it lets us."""
        self.over = True
        if self.task is not None and not self._stopped:
            self._stopped = True
            self.task.cancel()

    async def serve(self) -> None:
        """Work through the queue until the process is over. Runs as a task of the desk."""
        try:
            await self._start()
            while not self.over:
                request, pin, answer = await self._queue.get()
                if answer.cancelled():  # the caller left before its turn
                    _wipe(pin)
                else:
                    await self._settle(request, pin, answer)
        except TokenError as cause:  # it did not even start
            self._refuse_waiting(cause)
        finally:
            self._refuse_waiting(TokenError("SIG_TOKEN_SESSION_LOST", "tiến trình đã dừng"))
            await self._end()

    async def _settle(self, request: dict[str, Any], pin: bytearray, answer: asyncio.Future[dict[str, Any]]) -> None:
        self._at_work = True
        try:
            value = await self._exchange(request, pin)
        except SigningError as cause:
            self.over = self.over or cause.code in DEAD
            _refuse(answer, cause)
            return
        except asyncio.CancelledError:  # closed meanwhile: whoever waits for this answer must not wait for ever
            _refuse(answer, TokenError("SIG_TOKEN_SESSION_LOST", "phiên đã đóng"))
            raise
        finally:
            self._at_work = False
            _wipe(pin)
        if not answer.done():
            answer.set_result(value)

    async def _exchange(self, request: dict[str, Any], pin: bytearray) -> dict[str, Any]:
        body = json.dumps({**request, "pin": len(pin) > 0}, ensure_ascii=False).encode()
        process = self._process
        if process is None or process.stdin is None:
            raise TokenError("SIG_TOKEN_PROCESS_DIED")
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its end shows when the answer is read
            process.stdin.write(LENGTH.pack(len(body)) + body)
            if pin:
                process.stdin.write(LENGTH.pack(len(pin)))
                process.stdin.write(pin)
                _wipe(pin)
            await process.stdin.drain()
        return _unpacked(await self._answered(self.settings.seconds))

    async def _answered(self, seconds: float) -> dict[str, Any]:
        try:
            async with asyncio.timeout(seconds):
                return await self._receive()
        except TimeoutError as cause:
            self._hung = True
            raise TokenError("SIG_TOKEN_HUNG", f"{seconds:g} giây") from cause

    async def _receive(self) -> dict[str, Any]:
        if self._process is None or self._process.stdout is None:
            raise TokenError("SIG_TOKEN_PROCESS_DIED")
        answers = self._process.stdout
        try:
            length = LENGTH.unpack(await answers.readexactly(LENGTH.size))[0]
            if length > ANSWER_LIMIT:
                raise TokenError("SIG_TOKEN_FAILED", "câu trả lời quá lớn")
            value: dict[str, Any] = json.loads(await answers.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionResetError, json.JSONDecodeError) as cause:
            raise TokenError("SIG_TOKEN_PROCESS_DIED") from cause
        return value

    async def _start(self) -> None:
        try:
            self._process = await self._spawned()
        except OSError as cause:
            raise TokenError("SIG_TOKEN_PROCESS_DIED") from cause
        await self._answered(START_SECONDS)

    async def _spawned(self) -> Process:
        jobs = (part for name, target in self.settings.jobs.items() for part in ("--job", f"{name}={target}"))
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", f"{__package__}.token_main", "--module", self.module),
            *("--parent", str(os.getpid()), "--memory", str(self.settings.memory_bytes)),
            *jobs,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env={
                **self.settings.environment,
                "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
                "LANG": "C.UTF-8",
            },
            start_new_session=True,
        )

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0 if self._hung else LEAVE_SECONDS):
                    await process.wait()
        finally:  # also when somebody is in a hurry
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await process.wait()

    def _refuse_waiting(self, cause: TokenError) -> None:
        self.over = True
        while not self._queue.empty():
            _, pin, answer = self._queue.get_nowait()
            _wipe(pin)
            _refuse(answer, cause)


def _unpacked(answer: dict[str, Any]) -> dict[str, Any]:
    if "fault" in answer:
        raise _error(answer)
    value: dict[str, Any] = answer["value"]
    return value


def _error(answer: dict[str, Any]) -> SigningError:
    """As it was raised in the token's process."""
    code, message = answer["fault"], answer["message"]
    if code in MESSAGES:
        return TokenError(code, pin=PinState(answer["pin"]) if answer.get("pin") else None, message=message)
    return SigningError(code, message, blame=answer.get("blame", "ours"), transient=answer.get("transient", False))


def _refuse(answer: asyncio.Future[dict[str, Any]], cause: SigningError) -> None:
    if not answer.done():
        answer.set_exception(cause)


def _wipe(pin: bytearray) -> None:
    pin[:] = bytes(len(pin))
