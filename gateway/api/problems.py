"""Errors as problem+json (RFC 9457), worded by the catalogue ``schemas/errors/catalogue.yaml``.

The only place that knows which HTTP status a code has. Every exception that leaves a handler passes ``answer``;
what nobody foresaw becomes INTERNAL with an incident number, and only the log says more.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml
from aiohttp import web

from ...adapters.errors import AxisError
from ...edxml.errors import EdxmlError
from ...queue.errors import QueueError, is_transient
from ...signing.errors import SigningError
from ..errors import GatewayError
from ..files.errors import FileError
from ..identifiers import IdentifierError
from ..postgres.errors import DatabaseError

_log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
OURS = (FileError, EdxmlError, AxisError, DatabaseError, SigningError, QueueError, IdentifierError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the catalogue."""

    code: str
    http: int | None  # None: never an answer by itself (a fault, a finding, a verdict)
    blame: str  # ours | peer | document | network
    title: str
    cause: str
    action: str
    legal_basis: str | None


Catalogue = Mapping[str, Entry]


@cache
def load_catalogue() -> Catalogue:
    """Read the catalogue that is shipped with the package, once per process."""
    text = (files("lienthong") / "schemas" / "errors" / "catalogue.yaml").read_bytes()
    rows = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    return {
        row["code"]: Entry(
            code=row["code"],
            http=row.get("http"),
            blame=row["blame"],
            title=row["title"],
            cause=row["cause"],
            action=row["action"],
            legal_basis=row.get("legal_basis"),
        )
        for row in rows
    }


# aiohttp's own refusals and the codes they are shown under.
HTTP_CODES: Final = {
    400: "REQUEST_INVALID",
    404: "PAGE_NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "BODY_TOO_LARGE",
    415: "MEDIA_TYPE_UNSUPPORTED",
    417: "REQUEST_INVALID",
}


def describe(error: Exception) -> GatewayError | None:
    """The error as one of the gateway's own; None when nobody foresaw it."""
    if isinstance(error, GatewayError):
        return error
    if isinstance(error, OURS):
        return GatewayError(error.code, error.message, retry_after=5 if error.transient else None)
    if isinstance(error, web.HTTPException) and error.status in HTTP_CODES:
        return GatewayError(HTTP_CODES[error.status], _HTTP_SENTENCES.get(error.status, "Yêu cầu không hợp lệ."))
    if is_transient(error) and (not isinstance(error, OSError) or isinstance(error, ConnectionError | TimeoutError)):
        return GatewayError("DATABASE_UNAVAILABLE", "Cơ sở dữ liệu tạm thời không trả lời.", retry_after=5)
    return None


_HTTP_SENTENCES: Final = {
    404: "Không có địa chỉ này trên nút liên thông.",
    405: "Địa chỉ này không nhận phương thức đã gọi.",
    413: "Nội dung gửi lên vượt giới hạn.",
    415: "Kiểu nội dung không được hỗ trợ.",
}


def answer(
    catalogue: Catalogue, error: GatewayError, *, instance: str, incident: str | None = None, status: int | None = None
) -> web.Response:
    """The problem document of one error; ``status`` where the catalogue's does not count."""
    entry = catalogue.get(error.code)
    if entry is None:
        _log.error("code %s is not in the error catalogue", error.code)
        entry = catalogue["INTERNAL"]
    status = status or entry.http or 422
    body: dict[str, Any] = {
        "type": f"/errors/{entry.code}",
        "title": entry.title,
        "status": status,
        "detail": error.message,
        "instance": instance,
        "code": entry.code,
        "blame": entry.blame,
        "action": entry.action,
    }
    if entry.legal_basis:
        body["legal_basis"] = entry.legal_basis
    if incident:
        body["incident"] = incident
    if error.faults:
        body["faults"] = [{"code": f.code, "place": f.place, "message": f.message} for f in error.faults]
    body.update(error.extra)
    response = web.Response(status=status, body=json.dumps(body, ensure_ascii=False).encode(), content_type=MEDIA_TYPE)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if status == web.HTTPUnauthorized.status_code:
        response.headers["WWW-Authenticate"] = 'Bearer realm="lienthong"'
    return response
