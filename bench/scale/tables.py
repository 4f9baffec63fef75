"""The crucial statements on big tables: pages touched and time, at 100 000, one million and ten million rows.

``python bench/scale/tables.py [--largest ROWS] [--write]``. 700 agencies, five years, the rows of the agencies mixed as
they come in; the statements are those the node says (schemas/postgres/queries), explained with ANALYZE and BUFFERS, and
rolled back. Pages touched do not depend on the machine; a figure that grows with the table is a missing index.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from lienthong.bench.measuring import conditions
from lienthong.bench.scale.figures import remember
from lienthong.gateway.postgres.migrations.runner import migrate
from lienthong.gateway.postgres.statements import statements
from lienthong.gateway.postgres.supervisor import EmbeddedServer

FILL = Path(__file__).with_name("tables.sql")
AGENCIES, YEARS, FIRST_YEAR = 700, 5, 2022
STEPS = (100_000, 1_000_000, 10_000_000)
QUEUE = 20_000  # waiting messages and work, beside ten times as many that are over
MINE = UUID("00000000-0000-7000-9000-000000000007")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A named statement with its arguments."""

    name: str
    told: str  # for the table, in Vietnamese
    arguments: Mapping[str, Any]


def questions(rows: int) -> list[Question]:
    """What is asked of tables with so many rows; of the middle of the last year."""
    year, middle = FIRST_YEAR + YEARS - 1, UUID(int=(0x7000_8000 << 48) + rows * 9 // 10)
    page = {"agency_id": MINE, "direction": "incoming", "book": "den", "year": year, "limit": 100}
    twin = {"sender_code": "000.00.08.H99", "document_id": f"d{rows // 2 + 8}", "business_type": 0}
    number = {"agency_id": MINE, "direction": "incoming", "book": "den", "year": year}
    directory = {
        "name_part": None,
        "on_date": date(2026, 11, 21),
        "after_axis": None,
        "after_id": None,
        "limit": 101,
    }
    return [
        Question(name="register_page", told="một trang sổ đến (100 dòng)", arguments=page | {"after": middle}),
        Question(name="next_number", told="lấy số đến kế tiếp", arguments=number),
        Question(
            name="mailbox_page",
            told="một trang hộp thư (100 mục)",
            arguments={"agency_id": MINE, "after": rows // AGENCIES // 2, "limit": 100},
        ),
        Question(
            name="outgoing_page",
            told="một trang văn bản đi (50)",
            arguments={"agency_id": MINE, "after": None, "state": None, "limit": 50},
        ),
        Question(name="business_twins", told="tìm văn bản đến trùng", arguments=twin | {"agency_id": MINE}),
        Question(
            name="agencies_that_have",
            told="100 nơi nhận, nơi nào đã có",
            arguments=twin | {"agency_ids": [_agency(n) for n in range(100)], "content_digest": "x"},
        ),
        Question(
            name="outbox_take",
            told=f"nhận 50 tin khi {QUEUE} tin chờ",
            arguments={"topic": "lienthong.documents", "lane": 1, "window": 400, "batch": 50, "consumer": "bench"},
        ),
        Question(name="relay_next", told=f"chuyển 500 tin khi {QUEUE} tin chờ", arguments={"batch": 500}),
        Question(
            name="work_claim",
            told=f"nhận 16 việc khi {QUEUE} việc chờ",
            arguments={"kinds": ["dispatch"], "places": [16], "owner": "bench", "lease": 60.0},
        ),
        Question(
            name="sender_and_recipients",
            told="tìm 20 nơi nhận trong danh bạ 111 000 đơn vị",
            arguments={"agency_id": MINE, "keys": _codes(20), "on_date": date(2026, 11, 21)},
        ),
        Question(name="find_own_agencies", told="100 mã, mã nào của nút", arguments={"keys": _codes(100)}),
        Question(name="agency_page", told="một trang danh bạ (100)", arguments=directory),
        Question(name="agency_page_of_code", told="tra danh bạ theo mã", arguments=directory | {"code": _codes(1)[0]}),
    ]


def _agency(number: int) -> UUID:
    return UUID(int=(0x7000_9000 << 48) + number)


def _codes(count: int) -> list[str]:
    return [f"000.{n // 100:02d}.{n % 100:02d}.H99" for n in range(count)]


async def explain(connection: asyncpg.Connection, question: Question) -> dict[str, float]:
    """Pages touched and milliseconds; the second of two runs, both undone."""
    statement, order = getattr(statements(), question.name).sql, statements().driver_adapter.var_sorted[question.name]
    values = [question.arguments[name] for name in order]
    for _ in range(2):
        part = connection.transaction()
        await part.start()
        text = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", *values)
        await part.rollback()
    (plan,) = json.loads(text)
    pages = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    return {"pages": pages, "ms": round(plan["Execution Time"], 2), "rows": plan["Plan"]["Actual Rows"]}


async def measure(folder: Path, steps: Sequence[int]) -> dict[str, Any]:
    async with EmbeddedServer(folder / "postgres", randbytes=os.urandom) as server:
        await migrate(server.dsn)
        connection = await asyncpg.connect(server.dsn, server_settings={"jit": "off"})  # as the node has it
        await connection.execute(FILL.read_text())
        figures: dict[str, Any] = {}
        there = 0
        for rows in steps:
            await connection.execute("SELECT bench_fill($1, $2)", there, rows, timeout=3600)
            await connection.execute("VACUUM ANALYZE", timeout=3600)
            there = rows
            figures[str(rows)] = {one.name: await explain(connection, one) for one in questions(rows)}
            for one in questions(rows):
                print(f"{rows} {one.told}: {figures[str(rows)][one.name]}", flush=True)
        sizes = await connection.fetch(
            "SELECT relname, pg_total_relation_size(oid) AS bytes FROM pg_class WHERE relname = ANY($1::text[])",
            ["register_entry", "mailbox_item", "directory"],
        )
        counts = {"register_entry": there, "mailbox_item": there, "directory": 111_000}
        await connection.close()
    each = {row["relname"]: round(row["bytes"] / counts[row["relname"]]) for row in sizes}
    return {
        "conditions": conditions(),
        "date": datetime.now(UTC).date().isoformat(),
        "at": figures,
        "bytes_per_row": each,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=STEPS[-2])
    parser.add_argument("--write", action="store_true", help="ghi vào measured.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lienthong-tables-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # as root, PostgreSQL runs as nobody and must get in
        figures = asyncio.run(measure(folder, [step for step in STEPS if step <= options.largest]))
    print(figures["bytes_per_row"], figures["conditions"])
    if options.write:
        remember("tables", figures)


if __name__ == "__main__":
    main()
