"""What the use cases work with: opened resources and the sources of time and identity. Built in bootstrap.py alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from ..adapters.axis import Axis
from ..signing.report import FileReport
from .files.store import FileStore
from .postgres.database import Database
from .settings import Settings


class Verifier(Protocol):
    """The pool of worker processes (signing/workers.py), as the pipeline sees it."""

    async def verify(self, request: object) -> FileReport: ...

    async def run_job(self, job: str, request: dict[str, object]) -> dict[str, object]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    db: Database
    files: FileStore
    verifier: Verifier
    axes: Mapping[str, Axis]  # by name; always has "local"
    settings: Settings
    clock: Callable[[], datetime]  # aware, UTC
    new_id: Callable[[], UUID]  # UUIDv7
    random: Callable[[], float]  # 0..1, for jitter
    scratch: Path  # folder for packages while they are written or read, emptied at start
