"""Registers: reserve a number, read a page in the columns of NĐ 30/2020/NĐ-CP Phụ lục IV, report gaps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Final
from uuid import UUID

from aiohttp import web

from ..identifiers import Noun, show
from ..registers.incoming import BOOK as INCOMING_BOOK
from ..registers.outgoing import gaps, reserve_number
from .calls import Call, reply

OUTGOING_BOOK: Final = "van-ban-di"


async def reserve(call: Call) -> web.Response:
    reserved = await reserve_number(
        call.node,
        call.agency.agency_id,
        book=call.body.get("book", OUTGOING_BOOK),
        year=call.body["year"],
        notation=call.body["notation"],
        subject=call.body.get("subject"),
    )
    answer = {
        "reservation": str(reserved.id),
        "number": reserved.number,
        "year": reserved.year,
        "book": reserved.book,
        "notation": reserved.notation,
    }
    return reply(answer, status=201)


async def read_register(call: Call) -> web.Response:
    direction, year, limit = (call.parameters[name] for name in ("direction", "year", "limit"))
    book, after = _book(call), call.parameters["after"]
    async with call.node.db.unit(call.agency.agency_id) as conn:
        found = call.node.db.queries.register_page(
            conn,
            agency_id=call.agency.agency_id,
            direction=direction,
            book=book,
            year=year,
            after=UUID(after) if after else None,
            limit=limit + 1,
        )
        rows = [row async for row in found]
    title, columns = BOOKS[direction]
    return reply(
        {
            "title": title,
            "book": book,
            "year": year,
            "columns": [name for name, _ in columns],
            "items": [_line(row, columns) for row in rows[:limit]],
            "next": str(rows[limit - 1]["id"]) if len(rows) > limit else None,
        }
    )


async def read_gaps(call: Call) -> web.Response:
    book = _book(call)
    missing = await gaps(
        call.node,
        call.agency.agency_id,
        book=book,
        year=call.parameters["year"],
        direction=call.parameters["direction"],
    )
    return reply(
        {
            "book": book,
            "year": call.parameters["year"],
            "gaps": [{"from": first, "to": last} for first, last in missing],
        }
    )


def _book(call: Call) -> str:
    asked: str | None = call.parameters["book"]
    return asked or {"outgoing": OUTGOING_BOOK, "incoming": INCOMING_BOOK}[call.parameters["direction"]]


_Column = tuple[str, Callable[[Any], str]]


def _line(row: Any, columns: tuple[_Column, ...]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "document": show(Noun.EXCHANGE, row["exchange_id"]),
        "number": row["number_text"],
        "allotted": row["allotted"],
        "cells": [cell(row) for _, cell in columns],
        "annotations": list(row["annotations"]),
    }


def _text(name: str) -> Callable[[Any], str]:
    return lambda row: "" if row[name] is None else str(row[name])


def _date(name: str) -> Callable[[Any], str]:
    return lambda row: "" if row[name] is None else _vietnamese(row[name])


def _vietnamese(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _kind_and_subject(row: Any) -> str:
    return ". ".join(part for part in (row["type_name"], row["subject"]) if part)


def _nothing(_row: Any) -> str:
    return ""  # ký nhận: signed by hand on the printed register


def _notes(row: Any) -> str:
    return "; ".join(part for part in (row["note"], *row["annotations"]) if part)


# Nghị định 30/2020/NĐ-CP Phụ lục IV: title, then ten columns in this order.
BOOKS: Final[dict[str, tuple[str, tuple[_Column, ...]]]] = {
    "outgoing": (
        "Sổ đăng ký văn bản đi",
        (
            ("Số, ký hiệu văn bản", _text("document_number")),
            ("Ngày tháng văn bản", _date("document_date")),
            ("Tên loại và trích yếu nội dung văn bản", _kind_and_subject),
            ("Người ký", _text("signer")),
            ("Nơi nhận văn bản", _text("recipients")),
            ("Đơn vị, người nhận bản lưu", _text("keeper")),
            ("Số lượng bản", _text("copies")),
            ("Ngày chuyển", _date("transferred_on")),
            ("Ký nhận", _nothing),
            ("Ghi chú", _notes),
        ),
    ),
    "incoming": (
        "Sổ đăng ký văn bản đến",
        (
            ("Ngày đến", _date("arrival_date")),
            ("Số đến", _text("number_text")),
            ("Tác giả", _text("author")),
            ("Số, ký hiệu văn bản", _text("document_number")),
            ("Ngày tháng văn bản", _date("document_date")),
            ("Tên loại và trích yếu nội dung văn bản", _kind_and_subject),
            ("Đơn vị hoặc người nhận", _text("recipients")),
            ("Ngày chuyển", _date("transferred_on")),
            ("Ký nhận", _nothing),
            ("Ghi chú", _notes),
        ),
    ),
}
