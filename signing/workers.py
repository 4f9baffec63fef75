"""Processes that look at untrusted files for us: one file each at a time, bounded, killed and replaced singly.

The standard pool does not do: its workers outlive a killed parent, and one hung file cannot be ended (platform.md
7.6). A worker gets a path, never bytes. The parent imports no PDF library. The environment is not handed down,
because it may hold secrets.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import struct
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from .errors import SigningError

LENGTH: Final = struct.Struct(">I")
ANSWER_LIMIT: Final = 64 * 1024 * 1024
START_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """``jobs``: name to ``module:function`` (dict in, dict out), the only functions a worker may call."""

    jobs: Mapping[str, str]
    size: int = 2
    seconds: float = 30.0  # per file; beyond it the worker is killed
    memory_bytes: int = 512 * 1024 * 1024  # address space of one worker
    recycle_after: int = 500  # files; a fresh process then takes over


class WorkerError(SigningError):
    """The job did not answer. SIG_TIMEOUT, SIG_WORKER_DIED, SIG_MEMORY, SIG_CHECK_FAILED, or the job's own code."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, f"Tiến trình kiểm tra tệp không trả lời ({code} {detail})", blame="document")
        self.detail = detail


@dataclass(slots=True, kw_only=True)
class _Slot:
    process: Process | None = None
    files: int = 0


@dataclass(slots=True, kw_only=True)
class WorkerPool:
    """Use as ``async with``. ``run`` waits for a free worker; a cancelled call costs its worker, nobody else's."""

    settings: WorkerSettings
    _free: asyncio.LifoQueue[_Slot] = field(default_factory=asyncio.LifoQueue)
    _slots: list[_Slot] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._slots = [_Slot() for _ in range(self.settings.size)]
        for slot in self._slots:
            self._free.put_nowait(slot)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for slot in self._slots:
            await _end(slot)

    @property
    def process_ids(self) -> tuple[int, ...]:
        """Of the workers alive now; for health reports and tests."""
        alive = (s.process for s in self._slots)
        return tuple(p.pid for p in alive if p is not None and p.returncode is None)

    async def run(self, job: str, value: dict[str, Any], *, seconds: float | None = None) -> dict[str, Any]:
        """The job's answer. Raises WorkerError."""
        slot = await self._free.get()
        answered = False
        try:
            process = await self._ready(slot)
            answer = await _ask(process, {"job": job, "value": value}, seconds or self.settings.seconds)
            answered = answer.get("fault") != "SIG_MEMORY"  # what is left of its memory is no measure any more
        finally:
            if not answered:
                await asyncio.shield(_end(slot))
            self._free.put_nowait(slot)
        slot.files += 1
        if "fault" in answer:
            raise WorkerError(answer["fault"], answer.get("detail", ""))
        result: dict[str, Any] = answer["value"]
        return result

    async def _ready(self, slot: _Slot) -> Process:
        if slot.process is not None and (
            slot.files >= self.settings.recycle_after or slot.process.returncode is not None
        ):
            await _end(slot)
        if slot.process is None:
            slot.process, slot.files = await self._start(), 0
            await _answered(slot.process, START_SECONDS)
        return slot.process

    async def _start(self) -> Process:
        jobs = (part for name, target in self.settings.jobs.items() for part in ("--job", f"{name}={target}"))
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", f"{__package__}.worker_main"),
            *("--parent", str(os.getpid()), "--memory", str(self.settings.memory_bytes)),
            *jobs,
            stdin=PIPE,
            stdout=PIPE,
            env={"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "LANG": "C.UTF-8"},
            start_new_session=True,  # a Ctrl-C at the terminal is the parent's to handle
        )


async def _ask(process: Process, request: dict[str, Any], seconds: float) -> dict[str, Any]:
    await _send(process, request)
    return await _answered(process, seconds)


async def _answered(process: Process, seconds: float) -> dict[str, Any]:
    try:
        async with asyncio.timeout(seconds):
            return await _receive(process)
    except TimeoutError as cause:
        raise WorkerError("SIG_TIMEOUT", f"{seconds:g} s") from cause


async def _send(process: Process, value: dict[str, Any]) -> None:
    assert process.stdin is not None
    body = json.dumps(value, ensure_ascii=False).encode()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its end shows when the answer is read
        process.stdin.write(LENGTH.pack(len(body)) + body)
        await process.stdin.drain()


async def _receive(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    try:
        length = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))[0]
        if length > ANSWER_LIMIT:
            raise WorkerError("SIG_CHECK_FAILED", "câu trả lời quá lớn")
        value: dict[str, Any] = json.loads(await process.stdout.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionResetError) as cause:
        raise WorkerError("SIG_WORKER_DIED") from cause
    return value


async def _end(slot: _Slot) -> None:
    process, slot.process = slot.process, None
    if process is None:
        return
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()
