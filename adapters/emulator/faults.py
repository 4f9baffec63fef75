"""Faults an operator or a test injects into the emulated axis (axis.md 12.3), each for the next N calls.

F01 connection reset · F02 no answer, nothing stored · F03 stored, then no answer · F04 unreadable answers ·
F05 FAIL with a code · F06 success without DocId · F07 key refused · F15 every row listed twice · F16 a lost
updateStatus. F19 needs no fault: status packages are brought in through the control plane.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from aiohttp import web

from ..vxp.answers import CODES
from ..vxp.backend import Refusal
from ..vxp.calls import refuse
from ..vxp.listing import succeed, unaccented
from ..vxp.protocol import Operation

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FaultCode(StrEnum):
    RESET = "F01"
    SILENT = "F02"
    STORED_SILENT = "F03"
    UNREADABLE = "F04"
    REFUSED = "F05"
    NO_DOC_ID = "F06"
    KEY = "F07"
    LISTED_TWICE = "F15"
    LOST_ACK = "F16"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """``variant``: F04 html502, html503, html200, empty, truncated, cut, garbage, list; F05 an ErrorCode;
    F06 missing, empty, zero, null, other; F07 401, 15.
    """

    code: FaultCode
    operation: Operation | None = None  # None: any
    count: int = 1  # how many calls it still strikes; 0: until it is cleared
    variant: str = ""


class FaultBoard:
    """The faults in force; the oldest that fits a call strikes first."""

    def __init__(self, hang: float) -> None:
        self._hang = hang
        self._faults: list[Fault] = []
        self._released = asyncio.Event()

    def inject(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        """Forget all faults and let the hanging calls go."""
        self._faults.clear()
        self._released.set()
        self._released = asyncio.Event()

    def active(self) -> tuple[Fault, ...]:
        return tuple(self._faults)

    def take(self, operation: Operation) -> Fault | None:
        for place, fault in enumerate(self._faults):
            if fault.operation in {None, operation}:
                left = fault if fault.count == 0 else replace(fault, count=fault.count - 1)
                self._faults[place : place + 1] = [left] if fault.count != 1 else []
                return fault
        return None

    async def strike(
        self, fault: Fault, operation: Operation, request: web.Request, answer: Answer
    ) -> web.StreamResponse:
        return await STRIKES[fault.code](Strike(self, fault, operation, request, answer))

    async def hang(self, request: web.Request) -> web.StreamResponse:
        """Keep the connection open without an answer, then drop it."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._released.wait(), self._hang)
        return _drop(request)


@dataclass(frozen=True, slots=True)
class Strike:
    board: FaultBoard
    fault: Fault
    operation: Operation
    request: web.Request
    answer: Answer


def _drop(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)  # never written: the connection is gone


async def _reset(strike: Strike) -> web.StreamResponse:
    return _drop(strike.request)


async def _silent(strike: Strike) -> web.StreamResponse:
    async for _ in strike.request.content.iter_chunked(1 << 16):
        pass
    return await strike.board.hang(strike.request)


async def _stored_silent(strike: Strike) -> web.StreamResponse:
    await strike.answer(strike.request)
    return await strike.board.hang(strike.request)


async def _unreadable(strike: Strike) -> web.StreamResponse:
    if strike.fault.variant == "cut":
        return await _cut_off(strike.request)
    return UNREADABLE.get(strike.fault.variant, UNREADABLE["html502"])()


async def _cut_off(request: web.Request) -> web.StreamResponse:
    """More bytes are promised than come before the connection ends."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"status":"OK","ErrorCode":"0","Er')
    return _drop(request)


UNREADABLE: Mapping[str, Callable[[], web.Response]] = {
    "html502": lambda: _page(502, "502 Bad Gateway"),
    "html503": lambda: _page(503, "503 Service Unavailable"),
    "html200": lambda: _page(200, "Trang dang nhap"),
    "garbage": lambda: web.Response(body=bytes(range(256)), content_type="application/octet-stream"),
    "list": lambda: web.Response(text="[]", content_type="application/json"),
    "empty": lambda: web.Response(status=200),
    "truncated": lambda: web.Response(text='{"status":"OK","ErrorCode":"0","Er', content_type="application/json"),
}


def _page(status: int, title: str) -> web.Response:
    return web.Response(status=status, text=f"<html><body>{title}</body></html>", content_type="text/html")


async def _refused(strike: Strike) -> web.StreamResponse:
    code = strike.fault.variant or "20"
    text = CODES[code].message if code in CODES else "Loi khong xac dinh"
    return refuse(strike.operation, Refusal(code=code, text=unaccented(text)))


async def _no_doc_id(strike: Strike) -> web.StreamResponse:
    """The package is stored; only its id is lost on the way."""
    answer = await strike.answer(strike.request)
    if not isinstance(answer, web.Response) or strike.operation is not Operation.SEND:
        return answer
    fields = json.loads(answer.text or "{}")
    fields.pop("DocId", None)
    variant = strike.fault.variant
    if variant in NO_DOC_ID:
        fields["DocId"] = NO_DOC_ID[variant]
    return web.json_response(fields)


# "other": an id that this axis never gave to anybody.
NO_DOC_ID: Mapping[str, str | None] = {"empty": "", "zero": "0", "null": None, "other": "ffffffffffffffffffffffff"}


async def _key(strike: Strike) -> web.StreamResponse:
    if strike.fault.variant == "15":
        return refuse(strike.operation, Refusal(code="15", text="Sai SystemId/SecretKey"))
    return web.Response(status=401, text="Unauthorized")


async def _listed_twice(strike: Strike) -> web.StreamResponse:
    answer = await strike.answer(strike.request)
    if not isinstance(answer, web.Response) or not answer.text:
        return answer
    fields = json.loads(answer.text)
    if isinstance(fields.get("data"), list):
        fields["data"] *= 2
    return web.json_response(fields)


async def _lost_ack(strike: Strike) -> web.StreamResponse:
    """Answered as done, and forgotten: the item stays in the list."""
    return succeed() if strike.operation is Operation.UPDATE else await strike.answer(strike.request)


STRIKES: Mapping[FaultCode, Callable[[Strike], Awaitable[web.StreamResponse]]] = {
    FaultCode.RESET: _reset,
    FaultCode.SILENT: _silent,
    FaultCode.STORED_SILENT: _stored_silent,
    FaultCode.UNREADABLE: _unreadable,
    FaultCode.REFUSED: _refused,
    FaultCode.NO_DOC_ID: _no_doc_id,
    FaultCode.KEY: _key,
    FaultCode.LISTED_TWICE: _listed_twice,
    FaultCode.LOST_ACK: _lost_ack,
}
