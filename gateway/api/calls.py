"""A call of an operation: who calls, with which parameters and body, all checked against the contract.

Handlers get a ``Call`` and give back an answer; they hold no rule and no SQL.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final
from uuid import UUID

from aiohttp import web

from ..access import AgencyCaller, Caller, KeyRing, OperatorCaller
from ..checks.desk import CheckDesk
from ..errors import GatewayError, InputFault
from ..idempotency import Claim
from ..identifiers import Noun, parse
from ..node import Node
from ..readiness import Readiness
from .contract import Audience, Contract, Operation, Parameter
from .faults import check
from .gate import Gate
from .problems import Catalogue
from .text import clean, parse_object
from .visitors import Pace

TRACE: Final = web.RequestKey("traceparent", str)
VIETNAM: Final = timezone(timedelta(hours=7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """What all handlers of one application share."""

    node: Node
    contract: Contract
    catalogue: Catalogue
    keys: KeyRing
    gate: Gate
    desk: CheckDesk
    pace: Pace
    readiness: Readiness
    abandoned: set[Claim] = field(default_factory=set)  # keys that the database could not be told to free


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    surface: Surface
    request: web.Request
    caller: Caller | None
    parameters: Mapping[str, Any]
    body: dict[str, Any]

    @property
    def node(self) -> Node:
        return self.surface.node

    @property
    def agency(self) -> AgencyCaller:
        if not isinstance(self.caller, AgencyCaller):
            raise GatewayError("KEY_WRONG_KIND", "Địa chỉ này dành cho khóa của đơn vị.")
        return self.caller

    @property
    def operator(self) -> OperatorCaller:
        if not isinstance(self.caller, OperatorCaller):
            raise GatewayError("KEY_WRONG_KIND", "Địa chỉ này dành cho khóa của người vận hành.")
        return self.caller

    def identifier(self, noun: Noun, name: str = "id") -> UUID:
        """The identifier in the path or query. Raises IdentifierError."""
        return parse(noun, self.parameters[name])

    def cursor(self, noun: Noun) -> UUID | None:
        after = self.parameters["after"]
        return None if after is None else parse(noun, after)


Handler = Callable[[Call], Awaitable[web.StreamResponse]]


async def open_call(surface: Surface, operation: Operation, request: web.Request) -> Call:
    """Who, then what: the key is looked at before anything the caller wrote."""
    caller = await _authenticate(surface, operation, request)
    faults: list[InputFault] = []
    parameters = {p.name: _read_parameter(p, request, faults) for p in operation.parameters}
    known = {p.name for p in operation.parameters if p.place == "query"}
    faults.extend(
        InputFault(code="FIELD_UNKNOWN", place=f"query:{name[:50]}", message="Không có tham số này.")
        for name in request.query
        if name not in known
    )
    body: dict[str, Any] = {}
    if operation.body is not None and not faults:
        value, faults = clean(await _read_json(request))
        faults = faults or check(operation.body, value)
        body = value
    if faults:
        raise GatewayError("REQUEST_INVALID", f"Yêu cầu có {len(faults)} lỗi: {faults[0].message}", faults=faults)
    return Call(surface=surface, request=request, caller=caller, parameters=parameters, body=body)


async def _authenticate(surface: Surface, operation: Operation, request: web.Request) -> Caller | None:
    if operation.audience is Audience.ANYBODY:
        return None
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise GatewayError("KEY_MISSING", "Thiếu tiêu đề Authorization: Bearer <khóa>.")
    caller = await surface.keys.recognise(key.strip())
    expected = AgencyCaller if operation.audience is Audience.AGENCY else OperatorCaller
    if not isinstance(caller, expected):
        raise GatewayError("KEY_WRONG_KIND", "Khóa này không dùng được cho địa chỉ đã gọi.")
    return caller


def _read_parameter(parameter: Parameter, request: web.Request, faults: list[InputFault]) -> Any:
    place = f"{parameter.place}:{parameter.name}"
    text = _SOURCES[parameter.place](request).get(parameter.name)
    if text is None:
        if parameter.required:
            faults.append(InputFault(code="FIELD_REQUIRED", place=place, message="Thiếu tham số bắt buộc này."))
        return parameter.default
    value, found = clean(text, place=place)
    if parameter.kind == "integer":
        value = _integer(value)
    found = found or check(parameter.validator, value, place=place)
    faults.extend(found)
    return value


def _integer(text: str) -> int | str:
    plain = text.removeprefix("-")
    return int(text) if plain.isascii() and plain.isdigit() and len(plain) <= len(str(2**63)) else text


async def _read_json(request: web.Request) -> dict[str, Any]:
    media_type = request.content_type
    if media_type != "application/json":
        raise GatewayError("MEDIA_TYPE_UNSUPPORTED", "Thân yêu cầu phải là application/json.")
    return parse_object(await request.read(), what="Thân yêu cầu")


def reply(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer; what an agency reads is kept by nobody on the way."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    response = web.Response(status=status, body=body, content_type="application/json", headers=headers)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def moment(value: datetime | None) -> str | None:
    """A time as every surface shows it: Vietnamese time with its offset."""
    return None if value is None else value.astimezone(VIETNAM).isoformat(timespec="microseconds")


_SOURCES: Final[dict[str, Callable[[web.Request], Mapping[str, str]]]] = {
    "path": lambda request: request.match_info,
    "query": lambda request: request.query,
    "header": lambda request: request.headers,
}
