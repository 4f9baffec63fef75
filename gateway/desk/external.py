"""The two calls of our own client for one file of a ticket: what is to be signed, and the signature."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...signing.json_values import from_json, to_json
from ...signing.sign_job import SignResult
from ..errors import GatewayError
from ..node import Node
from .orders import job_at_hand, made_revision, refuse_bad, step_of
from .pressing import adopt, run_press
from .records import CaseView, write_signatures
from .tickets import Channel, Ticket, look_up, make_workplace, signature_of
from .tools import desk_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ToSign:
    """``signed_attributes``: DER that the token signs. ``digest``: its hash, hexadecimal, by ``algorithm``."""

    signed_attributes: bytes
    digest: str
    algorithm: str
    gap: tuple[int, int]  # of the prepared file, where the signature goes


async def start(node: Node, secret: str, position: int, *, certificate: bytes, chain: Sequence[bytes]) -> ToSign:
    """Prepare file and digest for this certificate; asking again starts anew. Raise SIGNING_TICKET_CERTIFICATE."""
    ticket = await look_up(node, secret, Channel.TICKET)
    file = ticket.file(position)
    if hashlib.sha256(certificate).hexdigest() != ticket.row["certificate_sha256"]:
        raise GatewayError("SIGNING_TICKET_CERTIFICATE", "Vé ký được cấp cho một chứng thư khác.")
    target = await make_workplace(node, ticket, position)
    async with job_at_hand(node, ticket.ready, file, target) as job:
        value = {
            "job": to_json(job),
            "certificate": b64encode(certificate).decode(),
            "chain": [b64encode(der).decode() for der in chain],
        }
        answer = await desk_of(node.desk).press.run("begin_external", value)
    async with node.db.unit(ticket.agency_id) as conn:
        begun = await node.db.queries.begin_ticket_file(conn, ticket_id=ticket.id, position=position, begun=answer)
    if begun is None:
        raise _used()
    return ToSign(
        signed_attributes=b64decode(answer["signed_attributes"]),
        digest=answer["digest"],
        algorithm=answer["algorithm"],
        gap=(answer["gap"][0], answer["gap"][1]),
    )


async def prepared(node: Node, secret: str, position: int) -> Path:
    """The file whose digest the token signs; it begins with the one that was shown. Raise SIGNING_TICKET_FILE."""
    ticket = await look_up(node, secret, Channel.TICKET)
    file = ticket.file(position)
    if file["begun"] is None:
        raise GatewayError("SIGNING_TICKET_FILE", "Tệp này chưa được bắt đầu ký bằng vé.")
    return Path(file["begun"]["prepared"])


async def finish(node: Node, secret: str, position: int, signature: bytes) -> CaseView:
    """Embed, stamp, verify, keep: the file, the signature and the state in one transaction."""
    ticket = await look_up(node, secret, Channel.TICKET)
    file = ticket.file(position)
    if file["begun"] is None:
        raise GatewayError("SIGNING_TICKET_FILE", "Tệp này chưa được bắt đầu ký bằng vé.")
    target = Path(file["begun"]["job"]["target"])
    value = {"start": file["begun"], "signature": b64encode(signature).decode()}
    result = from_json(SignResult, await run_press(node, "finish_external", value, target))
    stored = await adopt(node, ticket.agency_id, target, result.sha256)
    step = step_of(ticket.ready, file)
    refuse_bad(step, result)
    revision = made_revision(file, step, result, stored.size)
    return await keep(node, ticket, file, result, revision)


async def keep(node: Node, ticket: Ticket, file: Any, result: SignResult, revision: Any) -> CaseView:
    """What came back from the holder's computer becomes the file's current revision; the ticket's place is used up."""
    made = signature_of(ticket, field=result.field, level=result.level, signing_time=result.signing_time)
    async with node.db.unit(ticket.agency_id) as conn:
        done = await node.db.queries.finish_ticket_file(conn, ticket_id=ticket.id, position=file["position"])
        if done is None:
            raise _used()
        case = await write_signatures(
            node,
            conn,
            ticket.agency_id,
            ticket.case.id,
            [(revision, made)],
            before=ticket.case.state,
            actor=f"ticket:{ticket.id.hex}",
        )
        await node.db.queries.close_finished_ticket(conn, id=ticket.id)
    return case


def _used() -> GatewayError:
    return GatewayError("SIGNING_TICKET_USED", "Tệp này đã được ký bằng vé; mỗi tệp chỉ ký một lần.")
