"""The node's desk for tokens: one process per token, one queue per process, the PIN only passes through.

A hung or crashing vendor module costs its own process. What the holder opened is over then; nothing opens a token by
itself (Nghị định 30/2020/NĐ-CP, Điều 32.2.c): the next ``open`` needs the holder and the PIN.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from types import TracebackType
from typing import Any, Final, Self

from .json_values import from_json, to_json
from .opened_key import TRIAL_PREFIX
from .sign_job import SignJob, SignResult
from .token_json import info_from_json
from .token_process import ProcessSettings, TokenProcess
from .tokens import TokenAddress, TokenError, TokenInfo

JOBS: Final = {
    "sign_pdf": f"{__package__}.token_jobs:sign_pdf",
    "sign_bytes": f"{__package__}.token_jobs:sign_bytes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDeskSettings:
    """``modules``: the only PKCS#11 libraries this node ever loads. ``environment``: variables they need.

    ``trial_keys``: whether ``pkcs12:PATH`` may stand among the modules and be opened; never on a real node.
    """

    modules: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    jobs: Mapping[str, str] = field(default_factory=lambda: dict(JOBS))
    seconds: float = 60.0  # one request; a USB token signs in up to a second, a long list of documents is many requests
    memory_bytes: int = 1024 * 1024 * 1024
    waiting: int = 256
    trial_keys: bool = False
    certificates: tuple[bytes, ...] = ()  # DER, of keys whose tokens show none (VGCA cards keep them compressed)

    def certificate(self, fingerprint: str | None) -> bytes | None:
        """The operator's certificate with this SHA-256, in hexadecimal."""
        return next((der for der in self.certificates if sha256(der).hexdigest() == fingerprint), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenToken:
    """A key its holder has opened. ``certificate`` and ``chain``: DER. ``warnings``: codes that go with each use."""

    handle: str
    certificate: bytes
    chain: tuple[bytes, ...]
    warnings: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class TokenDesk:
    """Use as ``async with``; leaving it logs out of every token and ends every process."""

    settings: TokenDeskSettings
    _group: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)
    _processes: dict[TokenAddress, TokenProcess] = field(default_factory=dict)
    _live: set[TokenProcess] = field(default_factory=set)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._live:
            process.stop()
        await self._group.__aexit__(None, None, None)  # what the block raised passes as it is

    @property
    def process_ids(self) -> tuple[int, ...]:
        """Of the token processes alive now; for health reports and tests."""
        return tuple(process.pid for process in self._live if process.pid is not None)

    async def tokens(self) -> tuple[TokenInfo, ...]:
        """Every token of every listed module, each seen by a fresh process. Raises the first module's TokenError."""
        found: list[TokenInfo] = []
        for module in self.settings.modules:
            found.extend(await self.tokens_of(module))
        return tuple(found)

    async def tokens_of(self, module: str) -> tuple[TokenInfo, ...]:
        process = self._started(module, jobs={})
        try:
            answer = await process.ask({"do": "list"})
        finally:
            process.stop()
        return tuple(info_from_json(token) for token in answer["tokens"])

    async def open(
        self,
        address: TokenAddress,
        pin: str,
        *,
        certificate_sha256: str | None = None,
        label: str | None = None,
        certificate: bytes | None = None,
        chain: tuple[bytes, ...] = (),
    ) -> OpenToken:
        """Open the key of this certificate with its holder's PIN, tried once.

        ``certificate``: when the token shows none; else the one among the settings'. Raises TokenError.
        """
        certificate = certificate or self.settings.certificate(certificate_sha256)
        process = self._processes.get(address)
        if process is None or process.over:
            process = self._processes[address] = self._started(address.module)
        handle = f"{address.serial}.{next(self._numbers)}"
        request: dict[str, Any] = {
            "do": "open",
            "handle": handle,
            "serial": address.serial,
            "certificate_sha256": certificate_sha256,
            "label": label,
            "certificate": None if certificate is None else b64encode(certificate).decode(),
            "chain": [b64encode(der).decode() for der in chain],
        }
        process.handles.add(handle)
        try:
            answer = await process.ask(request, bytearray(pin.encode()))
        except BaseException:
            await self._left(address, process, handle)
            raise
        return OpenToken(
            handle=handle,
            certificate=b64decode(answer["certificate"]),
            chain=tuple(b64decode(der) for der in answer["chain"]),
            warnings=("SIG_KEY_TRIAL_ONLY",) if answer["trial"] else (),
        )

    async def sign(self, handle: str, job: SignJob) -> SignResult:
        """Sign one PDF by one step with the opened key, in the token's process. Raises SigningError."""
        return from_json(SignResult, await self.run(handle, "sign_pdf", to_json(job)))

    async def run(self, handle: str, job: str, value: dict[str, Any]) -> dict[str, Any]:
        """One of the settings' jobs with the opened key, after what was asked before. Raises TokenError."""
        _, process = self._holding(handle)
        return await process.ask({"do": "run", "handle": handle, "job": job, "value": value})

    async def sign_bytes(self, handle: str, data: bytes, digest: str = "sha256", salt: int | None = None) -> bytes:
        """PKCS#1 v1.5 (``salt`` in bytes: PSS) or DER ECDSA over ``data``. Raises TokenError."""
        value = {"data": b64encode(data).decode(), "digest": digest, "salt": salt}
        return b64decode((await self.run(handle, "sign_bytes", value))["signature"])

    async def look(self, handle: str) -> None:
        """Whether this key can still sign; while its token is at work nothing is asked. Raises TokenError."""
        _, process = self._holding(handle)
        if process.over or not process.busy:
            await process.ask({"do": "look", "handle": handle})

    async def close(self, handle: str) -> None:
        """Log out when it was the token's last handle. Closing what is gone already is no error."""
        try:
            address, process = self._holding(handle)
        except TokenError:
            return
        await self._left(address, process, handle)

    async def _left(self, address: TokenAddress, process: TokenProcess, handle: str) -> None:
        process.handles.discard(handle)
        if process.handles:
            if not process.over:
                await process.ask({"do": "close", "handle": handle})
            return
        process.stop()
        if self._processes.get(address) is process:
            del self._processes[address]

    def _holding(self, handle: str) -> tuple[TokenAddress, TokenProcess]:
        for address, process in self._processes.items():
            if handle in process.handles:
                return address, process
        raise TokenError("SIG_TOKEN_HANDLE_UNKNOWN", handle)

    def _started(self, module: str, jobs: Mapping[str, str] | None = None) -> TokenProcess:
        if module not in self.settings.modules:
            raise TokenError("SIG_TOKEN_MODULE_NOT_LISTED", module)
        if module.startswith(TRIAL_PREFIX) and not self.settings.trial_keys:
            raise TokenError("SIG_KEY_TRIAL_ONLY", module)
        settings = self.settings
        process = TokenProcess(
            module=module,
            settings=ProcessSettings(
                jobs=settings.jobs if jobs is None else jobs,
                environment=settings.environment,
                seconds=settings.seconds,
                memory_bytes=settings.memory_bytes,
                waiting=settings.waiting,
            ),
        )
        process.task = task = self._group.create_task(process.serve(), name=f"token {module}")
        self._live.add(process)
        task.add_done_callback(lambda _: self._live.discard(process))
        return process
