"""API keys: who is calling. An agency's key opens what belongs to the agency, an operator's key the operations.

A key reads ``lt_<prefix>_<secret>`` (agency) or ``ltvh_<prefix>_<secret>`` (operator). The secret has 32 random bytes,
so one SHA-256 of it is enough and all that is stored. A key is looked up in the database at most every
``REMEMBERED`` seconds; that long a revoked key may still work in a process.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from .errors import GatewayError
from .postgres.database import Database

AGENCY_MARK: Final = "lt"
OPERATOR_MARK: Final = "ltvh"
REMEMBERED: Final = timedelta(seconds=5)
_PREFIX_BYTES: Final = 6
_SECRET_BYTES: Final = 32
_MOST: Final = 10_000  # keys remembered; more callers than that only cost look-ups

RandomBytes = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyCaller:
    agency_id: UUID
    code: str
    name: str
    prefix: str

    @property
    def actor(self) -> str:
        """How events name the caller."""
        return f"api:{self.prefix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCaller:
    name: str
    prefix: str

    @property
    def actor(self) -> str:
        return f"operator:{self.name}"


Caller = AgencyCaller | OperatorCaller


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    digest: bytes
    until: datetime


class KeyRing:
    """The keys of one process's callers."""

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def recognise(self, key: str) -> Caller:
        """Who holds this key. Raise KEY_INVALID for a key that is unknown, wrong or revoked: all the same."""
        mark, _, rest = key.partition("_")
        prefix, _, secret = rest.partition("_")
        if mark not in {AGENCY_MARK, OPERATOR_MARK} or not prefix or not secret or not key.isascii():
            raise _refusal()
        known = self._known.get(f"{mark}_{prefix}")
        now = self._clock()
        if known is None or known.until <= now:
            known = await self._look_up(mark, prefix, until=now + REMEMBERED)
        if known is None or not hmac.compare_digest(_digest(key), known.digest):
            raise _refusal()
        return known.caller

    async def _look_up(self, mark: str, prefix: str, *, until: datetime) -> _Known | None:
        name = f"{mark}_{prefix}"
        async with self._db.unit(None) as conn:
            if mark == AGENCY_MARK:
                row = await self._db.queries.api_key_by_prefix(conn, prefix=prefix)
            else:
                row = await self._db.queries.operator_key_by_prefix(conn, prefix=prefix)
        if row is None:
            self._known.pop(name, None)
            return None
        caller: Caller = (
            AgencyCaller(agency_id=row["agency_id"], code=row["code"], name=row["name"], prefix=prefix)
            if mark == AGENCY_MARK
            else OperatorCaller(name=row["name"], prefix=prefix)
        )
        if len(self._known) >= _MOST:
            self._known.clear()
        known = self._known[name] = _Known(caller, row["sha256"], until)
        return known


async def issue_key(
    db: Database, agency_id: UUID, label: str, *, new_id: Callable[[], UUID], random_bytes: RandomBytes
) -> str:
    """Make a key of an agency and store its hash; the answer is the only time the key is seen."""
    prefix, key = _make(AGENCY_MARK, random_bytes)
    async with db.unit(None) as conn:
        await db.queries.insert_api_key(
            conn, id=new_id(), agency_id=agency_id, prefix=prefix, sha256=_digest(key), label=label
        )
    return key


async def issue_operator_key(db: Database, name: str, *, new_id: Callable[[], UUID], random_bytes: RandomBytes) -> str:
    """Make a key of an operator; ``name`` is recorded with every decision he makes with it."""
    prefix, key = _make(OPERATOR_MARK, random_bytes)
    async with db.unit(None) as conn:
        await db.queries.insert_operator_key(conn, id=new_id(), name=name, prefix=prefix, sha256=_digest(key))
    return key


async def revoke_key(db: Database, prefix: str) -> None:
    """End an agency's or operator's key by its prefix. Raise KEY_NOT_FOUND."""
    async with db.unit(None) as conn:
        gone = await db.queries.revoke_api_key(conn, prefix=prefix)
        if gone is None:
            gone = await db.queries.revoke_operator_key(conn, prefix=prefix)
    if gone is None:
        raise GatewayError("KEY_NOT_FOUND", f"Không có khóa nào còn hiệu lực với tiền tố {prefix}.")


def _make(mark: str, random_bytes: RandomBytes) -> tuple[str, str]:
    prefix = random_bytes(_PREFIX_BYTES).hex()
    return prefix, f"{mark}_{prefix}_{random_bytes(_SECRET_BYTES).hex()}"


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _refusal() -> GatewayError:
    return GatewayError("KEY_INVALID", "Khóa truy cập không đúng hoặc đã bị thu hồi.")
