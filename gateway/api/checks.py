"""POST /v1/checks: the same check for the eOffice system of an agency, as JSON or as the printed report."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from ..checks.outcome import CheckOutcome
from ..checks.outcome_json import outcome_to_json
from .calls import Call, reply
from .handed_in import take_file


async def check_file(call: Call) -> web.Response:
    surface, node = call.surface, call.node
    surface.pace.take(str(call.agency.agency_id), node.clock())
    with surface.desk.visit():
        async with take_file(call.request, node, surface.gate) as (file, asked):
            outcome = await surface.desk.check(file, asked)
        if call.parameters["format"] == "pdf":
            return paper_response(await surface.desk.paper(outcome), outcome)
    return reply(outcome_to_json(outcome))


def paper_response(content: bytes, outcome: CheckOutcome) -> web.Response:
    """The printed report as a download."""
    return web.Response(
        body=content, content_type="application/pdf", headers=download_headers(f"phieu-kiem-tra {outcome.name}", "pdf")
    )


def download_headers(name: str, ending: str) -> dict[str, str]:
    """RFC 6266: the name with all its letters, and a plain one for whoever cannot read it."""
    disposition = (
        f"attachment; filename=\"phieu-kiem-tra.{ending}\"; filename*=UTF-8''{quote(f'{name}.{ending}', safe='')}"
    )
    return {"Content-Disposition": disposition, "Cache-Control": "no-store"}
