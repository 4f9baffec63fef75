"""The file store as operators see it. Handlers only translate."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ..identifiers import Noun, show
from ..upkeep.showing import Fault, store_state, who_names
from .calls import Call, moment, reply


async def show_files(call: Call) -> web.Response:
    """Rounds over the file store, what is out of sight, what is missing or damaged."""
    state = await store_state(call.node, limit=call.parameters["limit"])
    return reply(
        {
            "store": call.node.settings.files.store,
            "aside": {"files": state.aside_files, "bytes": state.aside_bytes},
            "rounds": [
                {
                    "kind": one.kind,
                    "started_at": moment(one.started_at),
                    "ended_at": moment(one.ended_at),
                    "files": one.files,
                    "bytes": one.bytes,
                    "report": one.report,
                }
                for one in state.rounds
            ],
            "faults": [_fault(one) for one in state.faults],
            "faults_in_all": state.faults_in_all,
        }
    )


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "agency_code": fault.agency_code,
        "sha256": fault.sha256,
        "kind": fault.kind,
        "found_at": moment(fault.found_at),
        "seen_at": moment(fault.seen_at),
        "references": fault.rows,
        "exchanges": [show(Noun.EXCHANGE, one) for one in fault.exchanges],
    }


async def show_file(call: Call) -> web.Response:
    """How many rows name one file."""
    named = await who_names(call.node, call.parameters["sha256"])
    rows = [{"agency_code": one.agency_code, "named_by": one.named_by, "rows": one.rows} for one in named]
    return reply({"sha256": call.parameters["sha256"], "references": sum(one.rows for one in named), "named": rows})
