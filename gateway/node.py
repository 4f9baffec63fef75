"""What the use cases work with: opened resources and the sources of time and identity. Built in bootstrap.py alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from ..adapters.axis import Axis
from ..signing.report import FileReport
from ..signing.request import VerificationRequest
from .desk.tools import Desk
from .envelopes import EnvelopeSigner
from .evidence import EvidenceRoom
from .files.port import FileStore
from .postgres.database import Database
from .revocation.desk import RevocationDesk
from .settings import Settings


class FileExaminer(Protocol):
    """The worker processes (signing/workers.py), as the pipeline sees them: they get a path, never bytes."""

    async def verify(self, request: VerificationRequest, *, sha256: str) -> FileReport: ...

    async def inspect(self, path: str, *, name: str, main: bool) -> dict[str, Any]: ...

    async def run(self, job: str, value: dict[str, Any]) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    db: Database
    files: FileStore
    verifier: FileExaminer
    axes: Mapping[str, Axis]  # by name; always has "local"
    settings: Settings
    clock: Callable[[], datetime]  # aware, UTC
    new_id: Callable[[], UUID]  # UUIDv7
    random: Callable[[], float]  # 0..1, for jitter
    scratch: Path  # folder for packages while they are written or read, emptied at start
    trust_folder: Path  # trust stores and revocation lists (signing/trust.py)
    signer: EnvelopeSigner | None = None  # the service key; None: envelopes are not signed
    desk: Desk | None = None  # where documents are signed; none beside a command
    evidence: EvidenceRoom | None = None  # absent: no evidence of verdicts is kept
    revocation: RevocationDesk | None = None  # absent: nothing is fetched, as on the command line
