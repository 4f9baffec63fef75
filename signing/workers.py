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
    """The job did not answer. SIG_TIMEOUT, SIG_WORKER_DIED, SIG_MEMORY, SIG_CHECK_FAILED, or the job's own code.

    ``said``: the job's own Vietnamese sentence, when it refused with one of ours.
    """

    def __init__(self, code: str, detail: str = "", said: str = "") -> None:
        text = said or f"Tiến trình kiểm tra tệp không trả lời ({code} {detail})"
        super().__init__(code, text, blame="document")
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class _Worker:
    process: Process
    requests: asyncio.StreamWriter
    answers: asyncio.StreamReader


@dataclass(slots=True, kw_only=True)
class _Slot:
    worker: _Worker | None = None
    files: int = 0

    def take(self) -> _Worker | None:
        worker, self.worker = self.worker, None
        return worker


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
            if (worker := slot.take()) is not None:
                await _end(worker)

    @property
    def process_ids(self) -> tuple[int, ...]:
        """Of the workers alive now; for health reports and tests."""
        processes = (slot.worker.process for slot in self._slots if slot.worker is not None)
        return tuple(process.pid for process in processes if process.returncode is None)

    async def run(self, job: str, value: dict[str, Any], *, seconds: float | None = None) -> dict[str, Any]:
        """The job's answer. Raises WorkerError."""
        slot = await self._free.get()
        answered = False
        try:
            worker = await self._ready(slot)
            answer = await _ask(worker, {"job": job, "value": value}, seconds or self.settings.seconds)
            slot.files += 1
            answered = answer.get("fault") != "SIG_MEMORY"  # what is left of its memory is no measure any more
        finally:
            spoilt = None if answered else slot.take()
            self._free.put_nowait(slot)  # first: a second cancellation must not lose the place
            if spoilt is not None:
                await asyncio.shield(_end(spoilt))
        if "fault" in answer:
            raise WorkerError(answer["fault"], answer.get("detail", ""), answer.get("said", ""))
        result: dict[str, Any] = answer["value"]
        return result

    async def _ready(self, slot: _Slot) -> _Worker:
        worker = slot.worker
        if worker is not None:
            if slot.files < self.settings.recycle_after and worker.process.returncode is None:
                return worker
            slot.worker = None
            await _end(worker)
        slot.worker, slot.files = await self._start(), 0
        await _answered(slot.worker, START_SECONDS)
        return slot.worker

    async def _start(self) -> _Worker:
        jobs = (part for name, target in self.settings.jobs.items() for part in ("--job", f"{name}={target}"))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", f"{__package__}.worker_main"),
            *("--parent", str(os.getpid()), "--memory", str(self.settings.memory_bytes)),
            *jobs,
            stdin=PIPE,
            stdout=PIPE,
            env={"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "LANG": "C.UTF-8"},
            start_new_session=True,  # a Ctrl-C at the terminal is the parent's to handle
        )
        if process.stdin is None or process.stdout is None:
            raise WorkerError("SIG_WORKER_DIED")
        return _Worker(process=process, requests=process.stdin, answers=process.stdout)


async def _ask(worker: _Worker, request: dict[str, Any], seconds: float) -> dict[str, Any]:
    body = json.dumps(request, ensure_ascii=False).encode()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its end shows when the answer is read
        worker.requests.write(LENGTH.pack(len(body)) + body)
        await worker.requests.drain()
    return await _answered(worker, seconds)


async def _answered(worker: _Worker, seconds: float) -> dict[str, Any]:
    try:
        async with asyncio.timeout(seconds):
            return await _receive(worker.answers)
    except TimeoutError as cause:
        raise WorkerError("SIG_TIMEOUT", f"{seconds:g} s") from cause


async def _receive(answers: asyncio.StreamReader) -> dict[str, Any]:
    try:
        length = LENGTH.unpack(await answers.readexactly(LENGTH.size))[0]
        if length > ANSWER_LIMIT:
            raise WorkerError("SIG_CHECK_FAILED", "câu trả lời quá lớn")
        value: dict[str, Any] = json.loads(await answers.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionResetError) as cause:
        raise WorkerError("SIG_WORKER_DIED") from cause
    return value


async def _end(worker: _Worker) -> None:
    if worker.process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            worker.process.kill()
    worker.requests.close()
    await worker.process.wait()
