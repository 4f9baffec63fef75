"""The control plane on its own port: JSON over HTTP for the demo, for tests and for the curious. No signature is asked.

Answers are JSON; a mistake in a request is 400 with ``{"error": …}``, an unknown thing 404.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from aiohttp import web

from ..axis import MessageKind
from ..errors import AxisError
from ..vxp.backend import Refusal
from ..vxp.protocol import BLOCK, Operation
from ..vxp.uploads import UploadTooLargeError, receive_body
from .faults import Fault, FaultBoard, FaultCode
from .ledger import Ledger
from .printing import printed_delivery, printed_package, printed_request
from .requests import RequestJournal
from .robots import Robots
from .settings import agency_seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What the control plane reaches."""

    ledger: Ledger
    faults: FaultBoard
    requests: RequestJournal
    robots: Robots


Handler = Callable[[Controls, web.Request], Awaitable[web.StreamResponse]]


def control_application(controls: Controls) -> web.Application:
    application = web.Application(middlewares=[_explain])
    for (method, path), handler in ROUTES.items():
        application.router.add_route(method, path, _bound(controls, handler))
    return application


def _bound(controls: Controls, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(controls, request)

    return handle


@web.middleware
async def _explain(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except AxisError as error:
        return web.json_response({"error": error.code, "message": error.message}, status=400)
    except (ValueError, KeyError, TypeError) as error:
        return web.json_response({"error": "BAD_REQUEST", "message": str(error)}, status=400)


async def _health(controls: Controls, request: web.Request) -> web.StreamResponse:
    del request
    state = controls.ledger.state
    counts = {"agencies": len(state.agencies), "packages": len(state.packages), "robots_owe": controls.robots.owe()}
    return web.json_response({"status": "ok", **counts})


async def _reset(controls: Controls, request: web.Request) -> web.StreamResponse:
    """Empty the axis; ``{"seed": false}`` leaves it without agencies too."""
    options = await _json(request)
    controls.faults.clear()
    controls.requests.clear()
    await controls.ledger.reset()
    if options.get("seed", True):
        await controls.ledger.seed()
    return web.json_response({})


async def _agencies(controls: Controls, request: web.Request) -> web.StreamResponse:
    del request
    return web.json_response([asdict(agency) for agency in controls.ledger.state.agencies.values()])


async def _seed_agencies(controls: Controls, request: web.Request) -> web.StreamResponse:
    """One agency or a list of them, in the shape of the TOML seed; existing ones are replaced."""
    rows = await request.json()
    for row in rows if isinstance(rows, list) else [rows]:
        await controls.ledger.register(agency_seed(row))
    return web.json_response({})


async def _script(controls: Controls, request: web.Request) -> web.StreamResponse:
    """``{"script": ["01", "02:lý do"], "on_recall": ["15"]}``; an empty script makes it no robot."""
    agency = controls.ledger.state.agency(request.match_info["code"])
    if agency is None:
        return web.json_response({"error": "UNKNOWN_AGENCY"}, status=404)
    options = await _json(request)
    changed = replace(
        agency,
        script=tuple(options.get("script", agency.script)),
        on_recall=tuple(options.get("on_recall", agency.on_recall)),
    )
    await controls.ledger.register(changed)
    return web.json_response({})


async def _pace(controls: Controls, request: web.Request) -> web.StreamResponse:
    controls.robots.pace = float((await _json(request))["seconds"])
    return web.json_response({})


async def _keys(controls: Controls, request: web.Request) -> web.StreamResponse:
    """``{"system_id": …, "secrets": [new, old]}``: rotate; an empty list closes the system."""
    options = await _json(request)
    await controls.ledger.set_keys(options["system_id"], [str(secret) for secret in options["secrets"]])
    return web.json_response({})


async def _inject(controls: Controls, request: web.Request) -> web.StreamResponse:
    """``{"code": "F03", "operation": "sendEdoc", "count": 1, "variant": ""}``.

    No operation: any. Count 0: until it is cleared.
    """
    options = await _json(request)
    operation = options.get("operation")
    controls.faults.inject(
        Fault(
            code=FaultCode(options["code"]),
            operation=Operation(operation) if operation else None,
            count=int(options.get("count", 1)),
            variant=str(options.get("variant", "")),
        )
    )
    return web.json_response({})


async def _faults(controls: Controls, request: web.Request) -> web.StreamResponse:
    del request
    return web.json_response([asdict(fault) for fault in controls.faults.active()])


async def _clear_faults(controls: Controls, request: web.Request) -> web.StreamResponse:
    """Also lets hanging calls go."""
    del request
    controls.faults.clear()
    return web.json_response({})


async def _redeliver(controls: Controls, request: web.Request) -> web.StreamResponse:
    """``{"receiver_doc_id": …, "twin": false}``: list it again, or (twin) under a new receiverDocId."""
    options = await _json(request)
    delivery = controls.ledger.state.deliveries.get(options["receiver_doc_id"])
    if delivery is None:
        return web.json_response({"error": "UNKNOWN_DELIVERY"}, status=404)
    if options.get("twin"):
        return web.json_response({"receiver_doc_id": await controls.ledger.duplicate(delivery)})
    await controls.ledger.redeliver(delivery)
    return web.json_response({"receiver_doc_id": delivery.receiver_doc_id})


async def _bring_in(controls: Controls, request: web.Request) -> web.StreamResponse:
    """The body is an edXML package, as if the agency of its From had sent it; its kind is read from it."""
    ledger = controls.ledger
    path = ledger.folders.incoming / ledger.incoming_name()
    try:
        body = await receive_body(request.content.iter_chunked(BLOCK), path, ledger.settings.profile.max_body)
        package = await ledger.read(path)
        if not isinstance(package, Refusal):
            answer = await ledger.store(path, package, sha256=body.sha256, size=body.size)
    except UploadTooLargeError:
        return web.json_response({"error": "TOO_LARGE"}, status=413)
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)
    refusal = package if isinstance(package, Refusal) else answer
    if isinstance(refusal, Refusal):
        return web.json_response({"error": refusal.code, "message": refusal.text}, status=400)
    return web.json_response(printed_package(ledger.state.packages[refusal]))


async def _packages(controls: Controls, request: web.Request) -> web.StreamResponse:
    """All packages; ``?kind=`` edoc or status, ``?sender=`` and ``?receiver=`` codes narrow it down."""
    kind = request.query.get("kind")
    sender = request.query.get("sender")
    receiver = request.query.get("receiver")
    return web.json_response(
        [
            printed_package(package)
            for package in controls.ledger.state.packages.values()
            if kind in {None, package.kind.value} and sender in {None, package.sender}
            if receiver is None or any(row.receiver == receiver for row in package.deliveries)
        ]
    )


async def _bytes(controls: Controls, request: web.Request) -> web.StreamResponse:
    """The package as it was sent, or with ``?as=delivered`` as recipients fetch it."""
    axis_doc_id = request.match_info["axis_doc_id"]
    if axis_doc_id not in controls.ledger.state.packages:
        return web.json_response({"error": "UNKNOWN_PACKAGE"}, status=404)
    if request.query.get("as") == "delivered":
        return web.FileResponse(await controls.ledger.delivered(axis_doc_id))
    return web.FileResponse(controls.ledger.folders.original(axis_doc_id))


async def _mailbox(controls: Controls, request: web.Request) -> web.StreamResponse:
    """What waits for one agency; ``?kind=status`` for statuses."""
    kind = MessageKind(request.query.get("kind", "edoc"))
    waiting = controls.ledger.state.waiting(request.match_info["code"], kind)
    return web.json_response([printed_delivery(delivery) for delivery in waiting])


async def _requests(controls: Controls, request: web.Request) -> web.StreamResponse:
    operation = request.query.get("operation")
    kept = (one for one in controls.requests.all() if operation in {None, one.operation})
    return web.json_response([printed_request(one) for one in kept])


async def _forget_requests(controls: Controls, request: web.Request) -> web.StreamResponse:
    del request
    controls.requests.clear()
    return web.json_response({})


async def _json(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    value = json.loads(text) if text.strip() else {}
    if not isinstance(value, dict):
        raise TypeError("a JSON object is expected")
    return value


ROUTES: dict[tuple[str, str], Handler] = {
    ("GET", "/health"): _health,
    ("POST", "/reset"): _reset,
    ("GET", "/agencies"): _agencies,
    ("POST", "/agencies"): _seed_agencies,
    ("PUT", "/agencies/{code}/script"): _script,
    ("PUT", "/pace"): _pace,
    ("POST", "/keys"): _keys,
    ("POST", "/faults"): _inject,
    ("GET", "/faults"): _faults,
    ("DELETE", "/faults"): _clear_faults,
    ("POST", "/redeliver"): _redeliver,
    ("POST", "/packages"): _bring_in,
    ("GET", "/packages"): _packages,
    ("GET", "/packages/{axis_doc_id}"): _bytes,
    ("GET", "/mailbox/{code}"): _mailbox,
    ("GET", "/requests"): _requests,
    ("DELETE", "/requests"): _forget_requests,
}
