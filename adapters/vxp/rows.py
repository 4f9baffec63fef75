"""Rows of the axis's lists as values. Wire spellings of the JSON fields live here only (reading side)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..axis import AxisAgency, MessageKind, ReceivedItem, SentRow
from .answers import parse_date, storable, unreadable

Row = Mapping[str, Any]


def text_of(row: Row, name: str) -> str | None:
    """The field as text; missing, null and empty are all absent."""
    value = row.get(name)
    if value is None or isinstance(value, bool | list | dict):
        return None
    return storable(str(value)).strip() or None


def _upper(row: Row, name: str) -> str | None:
    value = text_of(row, name)
    return value.upper() if value else None


def _required(row: Row, name: str) -> str:
    value = text_of(row, name)
    if value is None:
        raise unreadable(f"một dòng thiếu {name}")
    return value


def received_item(row: Row, kind: MessageKind) -> ReceivedItem:
    return ReceivedItem(
        receiver_doc_id=_required(row, "docId"),
        kind=kind,
        sender_code=text_of(row, "from"),
        receiver_code=text_of(row, "to"),
        status=_upper(row, "status"),
        created=parse_date(row.get("created_time")),
    )


def sent_row(row: Row) -> SentRow:
    return SentRow(
        axis_doc_id=_required(row, "senderDocId"),
        receiver_doc_id=text_of(row, "receiverDocId"),
        sender_code=text_of(row, "fromCode"),
        receiver_code=text_of(row, "toCode"),
        notation=text_of(row, "notation"),
        sent_at=parse_date(row.get("sentTime")),
        send_status=_upper(row, "sendStatus"),
        receive_status=_upper(row, "receiveStatus"),
        receive_status_text=text_of(row, "receiveStatusDesc") or "",
    )


def agency(row: Row, code102_by_code: Mapping[str, str]) -> AxisAgency:
    code = _required(row, "code")
    return AxisAgency(
        id=_required(row, "id"),
        code=code,
        name=text_of(row, "name") or "",
        parent_id=text_of(row, "pid"),
        code102=text_of(row, "code102") or code102_by_code.get(code),
        old_code=text_of(row, "oldCode"),
        email=text_of(row, "mail"),
    )
