"""The evidence of the verdict on one file of an agency's document, to keep and to reproduce the verdict from."""

from __future__ import annotations

from aiohttp import web

from ..evidence import of_exchange
from ..identifiers import Noun
from .calls import Call
from .stored import disposition


async def fetch_evidence(call: Call) -> web.Response:
    """Of an outgoing or incoming document alike; another agency's document has none."""
    content, sha256 = await of_exchange(
        call.node.db,
        files=call.node.files,
        agency_id=call.agency.agency_id,
        exchange_id=call.identifier(Noun.EXCHANGE),
        position=call.parameters["n"],
    )
    headers = {
        "Content-Disposition": disposition(f"chung-cu-{sha256[:16]}.json"),
        "ETag": f'"{sha256}"',
        "Cache-Control": "no-store",
    }
    return web.Response(body=content, content_type="application/json", headers=headers)
