"""Answers of the server side as JSON: the wire spelling of every field, complete and in ASCII.

Vendors' clients read a missing or null field as no answer at all, so every answer carries every field and an
absent value is an empty text (axis.md 3, rows 7 to 9).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from aiohttp import web

from ..axis import AxisAgency
from .answers import print_date
from .backend import ListedPackage, Refusal, TitledSentRow

OK_TEXT = "Thanh cong"


def unaccented(text: str) -> str:
    """Vietnamese without marks, in ASCII."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return plain.encode("ascii", "ignore").decode()


def succeed(**fields: Any) -> web.Response:
    return _json({"status": "OK", "ErrorCode": "0", "ErrorDesc": OK_TEXT, **fields})


def fail(refusal: Refusal, empty: Mapping[str, Any], *, status: int = 200) -> web.Response:
    """``empty``: the further fields this operation must not leave out."""
    answer = {"status": "FAIL", "ErrorCode": refusal.code, "ErrorDesc": unaccented(refusal.text)}
    return _json(answer | dict(empty), status=status)


def _json(answer: Mapping[str, Any], *, status: int = 200) -> web.Response:
    text = json.dumps(answer, ensure_ascii=True, separators=(",", ":"))
    return web.Response(text=text, status=status, content_type="application/json")


def received_row(item: ListedPackage) -> dict[str, Any]:
    return {
        "docId": item.receiver_doc_id,
        "serviceType": "eDoc",
        "messageType": item.kind.value,
        "created_time": print_date(item.created),
        "updated_time": print_date(item.updated),
        "from": item.sender_code,
        "to": item.receiver_code,
        "status": item.status,
        "status_desc": "",
    }


def sent_row(titled: TitledSentRow, kind: str) -> dict[str, Any]:
    row = titled.row
    return {
        "serviceType": "eDoc",
        "messageType": kind,
        "senderDocId": row.axis_doc_id,
        "fromCode": row.sender_code or "",
        "sentTime": _date(row.sent_at),
        "sendStatus": row.send_status or "",
        "sendStatusDesc": "",
        "receiverDocId": row.receiver_doc_id or "",
        "toCode": row.receiver_code or "",
        "receivedTime": _date(titled.received_at),
        "receiveStatus": row.receive_status or "",
        "receiveStatusDesc": row.receive_status_text,
        "title": titled.title,
        "notation": row.notation or "",
    }


def agency_row(agency: AxisAgency) -> dict[str, Any]:
    return {
        "id": agency.id,
        "pid": agency.parent_id or "",
        "code": agency.code,
        "name": agency.name,
        "mail": agency.email or "",
        "oldCode": agency.old_code or "",
    }


def qd20_row(agency: AxisAgency) -> dict[str, Any]:
    return {
        "id": agency.id,
        "code": agency.code,
        "name": agency.name,
        "mail": agency.email or "",
        "code102": agency.code102 or "",
    }


def unit_row(agency: AxisAgency) -> dict[str, Any]:
    return {
        "id": agency.id,
        "pid": agency.parent_id or "",
        "code": agency.code,
        "name": agency.name,
        "mail": agency.email or "",
        "version": 1,
        "centerCode": "",
        "deleted": False,
        "modifyDate": "",
        "isAgency": True,
    }


def _date(moment: datetime | None) -> str:
    return print_date(moment) if moment else ""


EMPTY_LIST: Mapping[str, Sequence[Any]] = {"data": ()}
