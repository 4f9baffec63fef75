"""Vé ký: signing on the holder's own computer, where the token is. One case, one step, one certificate, each file once.

The node prepares the document and says what is to be signed; the holder's computer signs; the node embeds, stamps the
time, verifies, and only then keeps it. Everything between the two calls stands in the database and in one file, so a
restart in between loses nothing. A ticket is known by its SHA-256 only.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

from ...signing.sign_job import Flow
from ..errors import GatewayError
from ..node import Node
from .orders import Ready, files_of_step, get_ready
from .pressing import adopt, run_press
from .records import CaseView, Revision, Signature, read_case, write_revision
from .sessions import find_holder
from .states import ROLE_OF, Role


class Channel(StrEnum):
    TICKET = "ticket"  # our own client, two calls for each file
    VGCA = "vgca"  # the VGCA tool: download, sign, upload


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    id: UUID
    ticket: str  # shown once
    channel: Channel
    expires_at: datetime
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket that may be used now, with the case as it stands."""

    row: Any
    files: tuple[Any, ...]
    ready: Ready

    @property
    def id(self) -> UUID:
        found: UUID = self.row["id"]
        return found

    @property
    def agency_id(self) -> UUID:
        found: UUID = self.row["agency_id"]
        return found

    @property
    def case(self) -> CaseView:
        return self.ready.case

    def file(self, position: int) -> Any:
        """Raise SIGNING_TICKET_FILE for a file that this ticket does not name, or that was signed with it already."""
        found = next((file for file in self.files if file["position"] == position), None)
        if found is None:
            raise GatewayError("SIGNING_TICKET_FILE", "Vé ký này không có tệp mang thứ tự đó.")
        if found["state"] == "done":
            raise GatewayError("SIGNING_TICKET_USED", "Tệp này đã được ký bằng vé; mỗi tệp chỉ ký một lần.")
        if found["sha256"] != found["before_sha256"]:
            raise GatewayError("SIGNING_TICKET_FILE", "Tệp đã thay đổi sau khi cấp vé; xin cấp vé mới.")
        return found


async def issue(
    node: Node,
    agency_id: UUID,
    case_id: UUID,
    *,
    channel: Channel,
    certificate_sha256: str,
    minutes: float | None,
    actor: str,
    secret: str,
) -> Issued:
    """A ticket for the step at which the case stands; earlier ones of that step end. Raise as open_session does."""
    now = node.clock()
    limit = node.settings.signing.ticket_minutes
    if minutes is not None and minutes > limit:
        raise GatewayError("SIGNING_SESSION_TOO_LONG", f"Vé ký có hạn dài nhất {limit:g} phút.")
    async with node.db.unit(agency_id) as conn:
        case = await read_case(node, conn, agency_id, case_id)
    role = ROLE_OF.get(case.state)
    if role is None:
        raise GatewayError("SIGNING_NOT_NOW", "Hồ sơ không ở bước cần ký.")
    async with node.db.unit(agency_id) as conn:
        holder = await find_holder(node, conn, agency_id, certificate_sha256, role)
    ready = await get_ready(node, agency_id, case_id, role, holder.name, certificate_sha256)
    files = files_of_step(ready)
    handed = {} if channel is Channel.TICKET else await hand_out(node, agency_id, ready, files)
    issued = Issued(
        id=node.new_id(),
        ticket=secret,
        channel=channel,
        expires_at=now + timedelta(minutes=minutes or limit),
        positions=tuple(file["position"] for file in files),
    )
    async with node.db.unit(agency_id) as conn:
        await read_case(node, conn, agency_id, case_id, lock=True)
        for revision in handed.values():
            await write_revision(node, conn, agency_id, case_id, revision, actor=actor)
        await node.db.queries.cancel_open_tickets(conn, case_id=case_id, step=STEPS[role])
        await node.db.queries.insert_signing_ticket(
            conn,
            id=issued.id,
            agency_id=agency_id,
            case_id=case_id,
            step=STEPS[role],
            channel=channel,
            secret_sha256=digest(secret),
            certificate_sha256=certificate_sha256,
            holder=holder.name,
            actor=actor,
            created_at=now,
            expires_at=issued.expires_at,
        )
        await node.db.queries.insert_ticket_files(
            conn,
            ticket_id=issued.id,
            positions=list(issued.positions),
            digests=[
                handed[file["position"]].after if file["position"] in handed else file["sha256"] for file in files
            ],
        )
    return issued


async def hand_out(node: Node, agency_id: UUID, ready: Ready, files: Sequence[Any]) -> dict[int, Revision]:
    """Files without a form get an empty one, so that what a tool adds can be told from what it changes."""
    handed: dict[int, Revision] = {}
    for file in files:
        if file["kind"] == "main" and ready.case.row["flow"] != Flow.PAPER_SCAN:
            continue  # it has its form since the case was opened
        target = await node.files.new_temporary()
        async with node.files.at_hand(agency_id, file["sha256"]) as source:
            job = {"source": str(source), "target": str(target)}
            answer = await run_press(node, "hand_out", job, target)
        stored = await adopt(node, agency_id, target, answer["sha256"])
        if stored.sha256 != file["sha256"]:
            handed[file["position"]] = Revision(
                position=file["position"],
                step="prepared",
                before=file["sha256"],
                after=stored.sha256,
                size=stored.size,
            )
    return handed


async def look_up(node: Node, secret: str, channel: Channel) -> Ticket:
    """Raise SIGNING_TICKET for one that is unknown, over or of the other channel; and the case's own refusal."""
    async with node.db.unit(None) as conn:
        row = await node.db.queries.signing_ticket_by_secret(conn, secret_sha256=digest(secret))
        if row is None or row["channel"] != channel:
            raise GatewayError("SIGNING_TICKET", "Vé ký không có, hoặc không dùng được ở địa chỉ này.")
        files = tuple([file async for file in node.db.queries.ticket_files(conn, ticket_id=row["id"])])
    if row["closing"] == "used":
        raise GatewayError("SIGNING_TICKET_USED", "Vé ký đã dùng xong.")
    if row["closing"] is not None or row["expires_at"] <= node.clock():
        raise GatewayError("SIGNING_TICKET_EXPIRED", "Vé ký đã hết hạn hoặc đã được thay bằng vé mới.")
    role = ROLES[row["step"]]
    async with node.db.unit(row["agency_id"]) as conn:
        await find_holder(node, conn, row["agency_id"], row["certificate_sha256"], role)
    ready = await get_ready(node, row["agency_id"], row["case_id"], role, row["holder"], row["certificate_sha256"])
    return Ticket(row=row, files=files, ready=ready)


def signature_of(ticket: Ticket, *, field: str, level: str | None, signing_time: datetime) -> Signature:
    leader = ticket.ready.role is Role.LEADER
    return Signature(
        holder=ticket.row["holder"],
        certificate_sha256=ticket.row["certificate_sha256"],
        field=field,
        level=level,
        signing_time=signing_time,
        delegation=ticket.case.request.signer.delegation if leader else None,
        ticket_id=ticket.id,
    )


def workplace(node: Node) -> Path:
    """Where documents wait for the signature of another computer; unlike scratch it outlives a restart."""
    return node.settings.data_dir / "signing"


async def make_workplace(node: Node, ticket: Ticket, position: int) -> Path:
    folder = workplace(node)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
    return folder / f"{ticket.id.hex}-{position}"


async def sweep_workplace(node: Node) -> int:
    """Remove what no ticket needs any more: older than the longest ticket. How many."""
    before = (node.clock() - timedelta(minutes=node.settings.signing.ticket_minutes)).timestamp()
    return await asyncio.to_thread(_sweep, workplace(node), before)


def _sweep(folder: Path, before: float) -> int:
    old: Sequence[Path] = (
        [path for path in folder.glob("*") if path.stat().st_mtime < before] if folder.is_dir() else []
    )
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


STEPS = {Role.INITIALS: "initials", Role.LEADER: "leader", Role.CLERK: "agency"}
ROLES = {step: role for role, step in STEPS.items()}
