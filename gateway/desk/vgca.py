"""The contract of the VGCA Sign Service tool (signatures.md 9.1): what its plugin is asked for, and what it uploads.

The tool downloads ``FileName``, signs it with the token in its own computer, and posts the result to
``FileUploadHandler``. What comes back is checked like the work of a stranger: the bytes we gave must stand unchanged
at the front, exactly one signature may be new, by the ticket's certificate, and nothing else may have changed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from ...signing.json_values import from_json, to_json
from ...signing.sign_job import SignResult, SignStep
from ..errors import GatewayError
from ..files.durable import digest_of
from ..node import Node
from ..pipeline.intake import VIETNAM
from .external import keep
from .numbering import number_text
from .orders import job_at_hand, made_revision, refuse_bad, step_of
from .pressing import adopt, run_press
from .records import CaseView
from .tickets import Channel, Ticket, look_up

UPLOAD_FIELD: Final = "uploadfile"


class Function(StrEnum):
    APPROVED = "vgca_sign_approved"  # lãnh đạo ký phê duyệt, also ký nháy
    ISSUED = "vgca_sign_issued"  # văn thư ký phát hành
    APPENDIX = "vgca_sign_appendix"  # tài liệu đính kèm
    COPY = "vgca_sign_copy"  # sao văn bản điện tử


FUNCTIONS: Final[dict[SignStep, Function]] = {
    SignStep.INITIALS: Function.APPROVED,
    SignStep.LEADER: Function.APPROVED,
    SignStep.AGENCY: Function.ISSUED,
    SignStep.ANNEX: Function.APPENDIX,
    SignStep.COPY: Function.COPY,
    SignStep.DIGITISED: Function.COPY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One file of a ticket that waits for the tool."""

    ticket: Ticket
    file: Any

    @property
    def step(self) -> SignStep:
        return step_of(self.ticket.ready, self.file)


async def find_place(node: Node, secret: str, position: int) -> Place:
    """Raise as a ticket does."""
    ticket = await look_up(node, secret, Channel.VGCA)
    return Place(ticket=ticket, file=ticket.file(position))


def plugin_request(place: Place, base: str) -> dict[str, Any]:
    """The JSON object that the page hands to the plugin. ``base``: address of this file's place on the node."""
    row = place.ticket.case.row
    asked: dict[str, Any] = {
        "FileUploadHandler": f"{base}/upload",
        "SessionId": "",
        "JWTToken": "",
        "FileName": f"{base}/document.pdf",
        "MetaData": [],
    }
    if place.step not in (SignStep.INITIALS, SignStep.LEADER):
        asked["DocNumber"] = f"{number_text(row['number'])}/{row['notation']}"
        asked["IssuedDate"] = datetime.combine(row["document_date"], time(), VIETNAM).isoformat()
    return asked


async def take_upload(node: Node, secret: str, position: int, uploaded: Path) -> CaseView:
    """Check what the tool made and keep it. Raise as a ticket does, or the check's own code."""
    place = await find_place(node, secret, position)
    ticket, file = place.ticket, place.file
    sha256, _ = await asyncio.to_thread(digest_of, uploaded)
    if sha256 == file["before_sha256"]:
        raise GatewayError("SIGNING_UPLOAD_UNSIGNED", "Tệp tải lên chưa có chữ ký nào mới.")
    target = await node.files.new_temporary()
    async with job_at_hand(node, ticket.ready, file, target) as job:
        value = {
            "job": to_json(job),
            "returned": str(uploaded),
            "certificates": [ticket.row["certificate_sha256"]],
        }
        result = from_json(SignResult, await run_press(node, "check_returned", value, target))
    stored = await adopt(node, ticket.agency_id, target, result.sha256)
    refuse_bad(job.step, result)
    revision = made_revision(file, job.step, result, stored.size)
    return await keep(node, ticket, file, result, revision)
