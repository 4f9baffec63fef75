"""The HTTP surface as one aiohttp application: routes from the contract, guards around every handler.

``make_app`` builds it over an opened node and opens nothing itself; whoever built the node closes it. From outside to
inside: the error guard, then the call (key, parameters, body) and its handler.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware
from structlog.contextvars import bound_contextvars

from ..access import KeyRing
from ..checks.desk import CheckDesk
from ..errors import GatewayError
from ..node import Node
from ..readiness import Readiness, no_trouble
from ..settings import API
from ..tracing import trace_id, traceparent
from . import (
    agencies,
    books,
    certificates,
    checks,
    documents,
    evidence,
    files,
    health,
    incoming,
    operations,
    signing_cases,
    signing_sessions,
    signing_tickets,
    submissions,
    trust,
)
from .calls import TRACE, Handler, Surface, open_call
from .contract import Audience, Contract, Operation, load_contract
from .gate import Gate
from .pages import add_pages
from .problems import Catalogue, answer, describe, load_catalogue
from .sealing import Sealer, shared_key
from .visitors import Pace

_log = logging.getLogger(__name__)

SURFACE: Final = web.AppKey("surface", Surface)
_Next = Callable[[web.Request], Awaitable[web.StreamResponse]]
_MAX_JSON: Final = 256 * 1024  # bytes of a body that is read whole


def make_app(
    node: Node,
    *,
    trouble: Callable[[], str | None] = no_trouble,
    random_bytes: Callable[[int], bytes] = os.urandom,
) -> web.Application:
    """The application of one process; ``trouble`` is its broker's. ``close_gate`` before its runner is cleaned up."""
    contract, catalogue = load_contract(), load_catalogue()
    gate = Gate(node.files, most=node.settings.http.max_uploads)
    surface = Surface(
        node=node,
        contract=contract,
        catalogue=catalogue,
        keys=KeyRing(node.db, node.clock),
        gate=gate,
        desk=CheckDesk(node),
        pace=Pace(node.settings.check_page.per_minute),
        readiness=Readiness(node=node, stopping=lambda: gate.closed, trouble=trouble),
    )
    app = web.Application(client_max_size=_MAX_JSON, middlewares=[_guard(catalogue, node)])
    app[SURFACE] = surface
    add_operations(app, contract, surface)
    add_pages(app, surface, Sealer(shared_key(node.settings.data_dir / "check-page.key", random_bytes)))
    app.on_response_prepare.append(_harden)
    app.on_shutdown.append(_stop)
    return app


def close_gate(app: web.Application) -> None:
    """From now on /readyz says no and uploads get 503 with Retry-After; what is inside is finished."""
    app[SURFACE].gate.close()


async def _stop(app: web.Application) -> None:
    close_gate(app)


def add_operations(app: web.Application, contract: Contract, surface: Surface) -> None:
    """One route for each operation of the contract; an operation without handler stops the start (KeyError).

    Without the role api only what operators ask, and the probes.
    """
    everything = API in surface.node.settings.roles
    for operation in contract.operations:
        if not everything and operation.audience is not Audience.OPERATOR and operation.id not in PROBES:
            continue
        handler = _bind(surface, operation, HANDLERS[operation.id])
        if operation.method == "GET":
            app.router.add_get(operation.path, handler)
        else:
            app.router.add_route(operation.method, operation.path, handler)


def _bind(surface: Surface, operation: Operation, handler: Handler) -> _Next:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(await open_call(surface, operation, request))

    return handle


def _guard(catalogue: Catalogue, node: Node) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: _Next) -> web.StreamResponse:
        """Under the trace of the call, which every log line names."""
        request[TRACE] = traceparent(request.headers.get("traceparent"), node.new_id())
        with bound_contextvars(trace_id=trace_id(request[TRACE])):
            return await guarded(request, handler)

    async def guarded(request: web.Request, handler: _Next) -> web.StreamResponse:
        """The named guard of the HTTP surface: whatever a handler raises becomes a problem document."""
        try:
            return await handler(request)
        except asyncio.CancelledError:
            raise
        except web.HTTPException as error:
            known = describe(error)
            if known is None:
                raise
            response = answer(catalogue, known, instance=request.path)
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
        except Exception as error:  # noqa: BLE001 - the HTTP error guard (STYLE.md habit 18)
            response = _answer_for(catalogue, node, request, error)
        return response

    return guard


def _answer_for(catalogue: Catalogue, node: Node, request: web.Request, error: Exception) -> web.Response:
    known = describe(error)
    if known is not None:
        entry = catalogue.get(known.code)
        if entry is not None and entry.blame == "ours":
            _log.warning("%s at %s %s: %s", known.code, request.method, _place(request), known.message)
        return answer(catalogue, known, instance=request.path)
    incident = node.new_id().hex
    _log.error("incident %s at %s %s", incident, request.method, _place(request), exc_info=error)
    unforeseen = GatewayError("INTERNAL", f"Nút gặp lỗi chưa lường trước. Mã sự cố: {incident}.")
    return answer(catalogue, unforeseen, instance=request.path, incident=incident)


def _place(request: web.Request) -> str:
    """The address as the contract writes it: a ticket in the path is a secret, and a log is no place for one."""
    resource = request.match_info.route.resource
    return request.path if resource is None else resource.canonical


async def _harden(_request: web.Request, response: web.StreamResponse) -> None:
    """Before any answer leaves, also one that streams."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.pop("Server", None)


SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

PROBES: Final = frozenset({"showHealth", "showReadiness"})

HANDLERS: Final[dict[str, Handler]] = {
    "submitDocument": submissions.submit_document,
    "validateDocument": submissions.validate_document,
    "checkFile": checks.check_file,
    "listDocuments": documents.list_documents,
    "showDocument": documents.show_document,
    "showTimeline": documents.show_timeline,
    "showCertificate": certificates.show_certificate,
    "fetchEvidence": evidence.fetch_evidence,
    "listCertificates": trust.list_certificates,
    "addCertificate": trust.add_certificate,
    "endCertificate": trust.end_certificate,
    "listExpiries": trust.list_expiries,
    "showRevocation": trust.show_revocation,
    "reserveNumber": books.reserve,
    "readRegister": books.read_register,
    "readGaps": books.read_gaps,
    "createSigningCase": signing_cases.create_case,
    "listSigningCases": signing_cases.list_cases,
    "showSigningCase": signing_cases.show_case,
    "fetchSigningFile": signing_cases.fetch_file,
    "checkSigningForm": signing_cases.check_form,
    "numberSigningCase": signing_cases.number_case,
    "returnSigningCase": signing_cases.return_case,
    "cancelSigningCase": signing_cases.cancel_case,
    "releaseSigningCase": signing_cases.release_case,
    "issueSigningTicket": signing_sessions.issue_ticket,
    "listTokens": signing_sessions.list_tokens,
    "setSigningPicture": signing_sessions.set_picture,
    "openSigningSession": signing_sessions.open_session,
    "showSigningSession": signing_sessions.show_session,
    "signInSession": signing_sessions.sign,
    "closeSigningSession": signing_sessions.close_session,
    "showTicket": signing_tickets.show_ticket,
    "fetchTicketFile": signing_tickets.fetch_file,
    "fetchPreparedFile": signing_tickets.fetch_prepared,
    "startTicketFile": signing_tickets.start,
    "finishTicketFile": signing_tickets.finish,
    "showVgcaRequest": signing_tickets.show_vgca,
    "fetchVgcaDocument": signing_tickets.fetch_vgca,
    "uploadVgcaDocument": signing_tickets.upload_vgca,
    "readMailbox": incoming.read_mailbox,
    "showIncoming": incoming.show_incoming,
    "fetchPackage": incoming.fetch_package,
    "fetchFile": incoming.fetch_file,
    "registerIncoming": incoming.register_incoming,
    "refuseIncoming": incoming.refuse_incoming,
    "reportStatus": incoming.report_status,
    "findAgencies": agencies.find_agencies,
    "listHolds": operations.list_holds,
    "showHold": operations.show_hold,
    "releaseHold": operations.release_hold,
    "cancelHold": operations.cancel_hold,
    "listChannels": operations.show_channels,
    "listChannelEvents": operations.show_channel_events,
    "pauseChannel": operations.pause_channel,
    "resumeChannel": operations.resume_channel,
    "showFiles": files.show_files,
    "showFile": files.show_file,
    "tryChannel": operations.try_channel,
    "showHealth": health.show_health,
    "showReadiness": health.show_readiness,
}
