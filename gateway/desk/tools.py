"""What the signing desk works with beside the node: worker processes for PDFs, token processes, open sessions.

Knows no HTTP and no SQL. The PIN passes through ``Tokens.open`` into the token's own process and is kept nowhere here.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from ...signing.sign_job import SignJob, SignResult
from ...signing.tokens import TokenAddress, TokenInfo
from ..errors import GatewayError
from .states import Role


class Press(Protocol):
    """Sandboxed jobs on PDF files (signing/sign_jobs.py), by name; they get paths, never bytes."""

    async def run(self, job: str, value: dict[str, Any]) -> dict[str, Any]: ...


class Opened(Protocol):
    """A key that was logged in to."""

    @property
    def handle(self) -> str: ...


class Tokens(Protocol):
    """The token processes (signing/token_desk.py)."""

    async def tokens(self) -> tuple[TokenInfo, ...]: ...

    async def open(self, address: TokenAddress, pin: str, *, certificate_sha256: str) -> Opened: ...

    async def sign(self, handle: str, job: SignJob) -> SignResult: ...

    async def look(self, handle: str) -> None: ...

    async def close(self, handle: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """A holder's session as this process knows it; with the process it ends."""

    id: UUID
    agency_id: UUID
    role: Role
    holder: str
    certificate_sha256: str
    secret_sha256: bytes
    handle: str  # of the token's process
    expires_at: datetime
    cases: frozenset[UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One for each process."""

    press: Press
    tokens: Tokens
    sessions: dict[UUID, OpenSession] = field(default_factory=dict)
    # Numbers of one book are given one after the other, so that the database's lock is never waited for in crowds.
    books: Mapping[tuple[UUID, str, int], asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))


def desk_of(desk: Desk | None) -> Desk:
    """Raise SIGNING_OFF on a node that has no signing desk."""
    if desk is None:
        raise GatewayError("SIGNING_OFF", "Nút này không mở bàn ký.")
    return desk
