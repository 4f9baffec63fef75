"""Phiên ký: the holder opens it with the PIN, for listed cases and a limited time; only inside it a token signs.

NĐ 30/2020/NĐ-CP Điều 32.2.c: văn thư signs in person. So a call without the secret that the opening gave is refused,
and a session ends by itself, with its token process, or with the node. The PIN goes into the token's process and
nowhere else: not into the database, a log or an error.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from ...queue.port import Connection
from ...signing.errors import SigningError
from ...signing.tokens import TokenAddress, TokenInfo
from ..directory import own_agency
from ..errors import GatewayError
from ..node import Node
from .states import CERTIFICATE_ROLE, Role
from .tools import Desk, OpenSession, desk_of

_log = structlog.get_logger(__name__)
LOOK: Final = 2.0  # seconds between two looks for sessions that are over
TRIAL: Final = "pkcs12:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A certificate of the node's register that may act for the agency now."""

    name: str
    certificate_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody asks a session for."""

    role: Role
    cases: tuple[UUID, ...]
    address: TokenAddress
    certificate_sha256: str
    minutes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    session: OpenSession
    secret: str  # shown once; whoever signs shows it


async def tokens(node: Node) -> tuple[TokenInfo, ...]:
    """The tokens in this machine, of the modules that the settings allow."""
    return await desk_of(node.desk).tokens.tokens()


async def open_session(node: Node, agency_id: UUID, wanted: Wanted, pin: str, *, actor: str, secret: str) -> Started:
    """Raise SIGNING_CERTIFICATE, SIGNING_CASE_NOT_FOUND, SIGNING_SESSION_TOO_LONG, or the token's own refusal."""
    desk = desk_of(node.desk)
    now = node.clock()
    minutes = _minutes(node, wanted)
    _require_module(node, wanted.address)
    async with node.db.unit(agency_id) as conn:
        holder = await find_holder(node, conn, agency_id, wanted.certificate_sha256, wanted.role)
        await _require_cases(node, conn, agency_id, wanted.cases)
    opened = await desk.tokens.open(wanted.address, pin, certificate_sha256=wanted.certificate_sha256)
    session = OpenSession(
        id=node.new_id(),
        agency_id=agency_id,
        role=wanted.role,
        holder=holder.name,
        certificate_sha256=wanted.certificate_sha256,
        secret_sha256=_digest(secret),
        handle=opened.handle,
        expires_at=now + timedelta(minutes=minutes),
        cases=frozenset(wanted.cases),
    )
    try:
        await _insert(node, session, wanted.address, now, actor)
    except BaseException:  # nobody knows the session: the token is let go, whatever it was
        with suppress(SigningError):
            await asyncio.shield(desk.tokens.close(opened.handle))
        raise
    desk.sessions[session.id] = session
    return Started(session=session, secret=secret)


def _minutes(node: Node, wanted: Wanted) -> float:
    signing = node.settings.signing
    minutes = wanted.minutes or signing.session_minutes
    if minutes > signing.session_minutes_max:
        raise GatewayError("SIGNING_SESSION_TOO_LONG", f"Phiên ký dài nhất {signing.session_minutes_max:g} phút.")
    if len(wanted.cases) > signing.session_cases_max:
        raise GatewayError("SIGNING_SESSION_TOO_LONG", f"Một phiên ký tối đa {signing.session_cases_max} hồ sơ.")
    return minutes


def _require_module(node: Node, address: TokenAddress) -> None:
    """Only modules of the operator's list are ever loaded; a key in a file only where trial is declared."""
    signing = node.settings.signing
    if address.module.startswith(TRIAL) and not signing.trial_keys:
        raise GatewayError("SIGNING_TRIAL_KEY", "Nút này không nhận khóa trong tệp; khóa phải nằm trong thiết bị.")
    if address.module not in signing.modules:
        raise GatewayError("SIGNING_MODULE", "Mô-đun PKCS#11 này không có trong cấu hình [signing] modules của nút.")


async def find_holder(node: Node, conn: Connection, agency_id: UUID, certificate_sha256: str, role: Role) -> Holder:
    """Raise SIGNING_CERTIFICATE for one that is not registered for the agency and role, or not valid now."""
    agency = await own_agency(node, conn, agency_id)
    row = await node.db.queries.holder_certificate(
        conn,
        sha256=certificate_sha256,
        agency_code=agency.code.value,
        role=CERTIFICATE_ROLE[role],
        at=node.clock(),
    )
    if row is None:
        raise GatewayError(
            "SIGNING_CERTIFICATE",
            "Chứng thư này chưa được ghi cho cơ quan và vai trò đó trong danh sách của nút, hoặc ngoài thời hạn.",
        )
    return Holder(name=row["holder"], certificate_sha256=row["sha256"])


async def _require_cases(node: Node, conn: Connection, agency_id: UUID, cases: Sequence[UUID]) -> None:
    rows = node.db.queries.known_cases(conn, agency_id=agency_id, case_ids=list(cases))
    known = {row["id"] async for row in rows}
    if set(cases) - known:
        raise GatewayError("SIGNING_CASE_NOT_FOUND", "Danh sách có hồ sơ ký không phải của đơn vị.")


async def _insert(node: Node, session: OpenSession, address: TokenAddress, now: datetime, actor: str) -> None:
    async with node.db.unit(session.agency_id) as conn:
        await node.db.queries.insert_signing_session(
            conn,
            id=session.id,
            agency_id=session.agency_id,
            role=session.role,
            holder=session.holder,
            certificate_sha256=session.certificate_sha256,
            module=address.module,
            token_serial=address.serial,
            instance=node.settings.instance,
            actor=actor,
            opened_at=now,
            expires_at=session.expires_at,
        )
        await node.db.queries.insert_session_cases(
            conn, session_id=session.id, case_ids=sorted(session.cases), agency_id=session.agency_id
        )


async def attended(node: Node, agency_id: UUID, session_id: UUID, secret: str | None) -> OpenSession:
    """The open session of whoever shows its secret.

    Raise SIGNING_UNATTENDED without the secret (L-15), SIGNING_SESSION_EXPIRED, SIGNING_SESSION_CLOSED,
    SIGNING_SESSION_NOT_FOUND.
    """
    desk = desk_of(node.desk)
    session = desk.sessions.get(session_id)
    if session is None or session.agency_id != agency_id:
        await _explain_absence(node, agency_id, session_id)
        raise GatewayError("SIGNING_SESSION_CLOSED", "Phiên ký đã đóng; người giữ khóa phải mở phiên mới.")
    if secret is None or not hmac.compare_digest(_digest(secret), session.secret_sha256):
        raise GatewayError(
            "SIGNING_UNATTENDED",
            "Chỉ ký trong phiên do chính người giữ khóa mở bằng mã PIN; yêu cầu không kèm mã phiên nên bị từ chối.",
        )
    if session.expires_at <= node.clock():
        await end_session(node, desk, session, "expired")
        raise _expired()
    return session


async def _explain_absence(node: Node, agency_id: UUID, session_id: UUID) -> None:
    async with node.db.unit(agency_id) as conn:
        row = await node.db.queries.signing_session_by_id(conn, id=session_id, agency_id=agency_id)
    if row is None:
        raise GatewayError("SIGNING_SESSION_NOT_FOUND", "Đơn vị không có phiên ký nào mang định danh này.")
    if row["closing"] == "expired":
        raise _expired()
    if row["closed_at"] is None and row["instance"] != node.settings.instance:
        raise GatewayError(
            "SIGNING_SESSION_ELSEWHERE",
            f"Phiên ký đang mở ở tiến trình “{row['instance']}”; yêu cầu phải tới đúng tiến trình đó.",
        )


def _expired() -> GatewayError:
    return GatewayError("SIGNING_SESSION_EXPIRED", "Phiên ký đã hết hạn; người giữ khóa phải mở phiên mới.")


async def end_session(node: Node, desk: Desk, session: OpenSession, closing: str) -> None:
    """Let the token go first, so that the key is shut even when the database does not answer."""
    desk.sessions.pop(session.id, None)
    with suppress(SigningError):
        await desk.tokens.close(session.handle)
    async with node.db.unit(session.agency_id) as conn:
        await node.db.queries.close_signing_session(conn, id=session.id, closing=closing)


async def close_expired(node: Node) -> None:
    """One look: sessions whose time is over lose their token."""
    desk = desk_of(node.desk)
    now = node.clock()
    for session in [one for one in desk.sessions.values() if one.expires_at <= now]:
        await end_session(node, desk, session, "expired")


async def close_lost(node: Node) -> None:
    """One look: sessions whose token, login or token process is gone end, and say so, before somebody signs in them."""
    desk = desk_of(node.desk)
    for session in [*desk.sessions.values()]:
        try:
            async with asyncio.timeout(LOOK):
                await desk.tokens.look(session.handle)
        except TimeoutError:
            continue  # at work; its own time limit ends it
        except SigningError as error:
            _log.warning("signing-session-lost", session=str(session.id), code=error.code, holder=session.holder)
            await end_session(node, desk, session, "token")


async def forget_sessions(node: Node) -> None:
    """At the start: what a process of this name had open went with it (its token processes are gone)."""
    async with node.db.unit(None) as conn:
        await node.db.queries.close_sessions_of_instance(conn, instance=node.settings.instance)


async def close_all(node: Node) -> None:
    """At the stop."""
    desk = desk_of(node.desk)
    for session in [*desk.sessions.values()]:
        await end_session(node, desk, session, "closed")


async def show_session(node: Node, agency_id: UUID, session_id: UUID) -> tuple[Any, list[Any]]:
    """The row and its cases. Raise SIGNING_SESSION_NOT_FOUND."""
    async with node.db.unit(agency_id) as conn:
        row = await node.db.queries.signing_session_by_id(conn, id=session_id, agency_id=agency_id)
        if row is None:
            raise GatewayError("SIGNING_SESSION_NOT_FOUND", "Đơn vị không có phiên ký nào mang định danh này.")
        return row, [case async for case in node.db.queries.cases_of_session(conn, session_id=session_id)]


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
