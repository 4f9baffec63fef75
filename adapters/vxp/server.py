"""The VXP server side: HTTP in, ``AxisBackend`` behind. Serves the emulator and the node's facade.

Order for every call: 1. path, 2. system id known and signature right, 3. timestamp in its window, 4. the
operation. Built for the clients of the field: either prefix, double slashes, long headers, left-over headers,
complete answers in ASCII (axis.md 3).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

from aiohttp import web

from .backend import Refusal
from .calls import Call, ServerSide, refuse
from .operations import HANDLERS
from .protocol import PREFIX, Distrust, Operation, read_timestamp, verify

PREFIXES = ("/XrdAdapter/adapter/", "/")
SLASHES = re.compile("/+")
MAX_HEADER = 128 * 1024  # more than 600 recipients make a header of over 8,190 bytes
KEEPALIVE_SECONDS = 75.0


def vxp_application(handle: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.Application:
    """An application that leaves every path to ``handle``, usually ``answer``; run it with ``vxp_runner``."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    return application


def vxp_runner(application: web.Application) -> web.AppRunner:
    """The runner such an application needs; without an access log. The caller sets it up and cleans it up."""
    return web.AppRunner(
        application,
        access_log=None,
        shutdown_timeout=1.0,
        keepalive_timeout=KEEPALIVE_SECONDS,
        max_line_size=MAX_HEADER,
        max_field_size=MAX_HEADER,
    )


def operation_of(request: web.Request) -> Operation | None:
    """The operation a request names, whatever the number of slashes; None when there is no such path."""
    path = SLASHES.sub("/", request.path)
    for prefix in PREFIXES:
        if path.startswith(prefix) and path.removeprefix(prefix) in HANDLERS:
            return Operation(path.removeprefix(prefix))
    return None


async def answer(side: ServerSide, request: web.Request) -> web.StreamResponse:
    operation = operation_of(request)
    if operation is None:
        return web.Response(status=404)
    if request.method != ("GET" if operation is Operation.DOWNLOAD else "POST"):
        return web.Response(status=405)
    call = await _authenticate(side, request)
    if isinstance(call, Refusal):
        return refuse(operation, call)
    return await HANDLERS[operation](side, call)


async def _authenticate(side: ServerSide, request: web.Request) -> Call | Refusal:
    system_id = request.headers.get(f"{PREFIX}systemid", "")
    signed = verify(request.headers, await side.backend.secrets(system_id))
    if isinstance(signed, Distrust):
        return Refusal(code=signed.code, text=signed.text)
    call = Call(request=request, system_id=system_id, signed=signed)
    if call.param("systemid") != system_id:
        return Refusal(code="15", text="SystemId khong khop chu ky")
    return _skew(side, call) or call


def _skew(side: ServerSide, call: Call) -> Refusal | None:
    window = side.settings.timestamp_window
    if window is None:
        return None
    sent = read_timestamp(call.param("timestamp") or "")
    if sent is None or abs(sent - side.clock()) > timedelta(seconds=window):
        return Refusal(code="15", text="Lech gio: timestamp ngoai khoang cho phep")
    return None
