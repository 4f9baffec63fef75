"""A reader of the public topic ``lienthong.events``, to start from: keeps the last state of each document in SQLite.

It needs nothing of the node, only Python and aiokafka. What it shows: an event that comes twice is known by its
``ce_id``; effect and id are written in one transaction, the offset is committed after it; a newer version than this
reader knows is put aside and not guessed at; fields it does not know are ignored.

    python read_events.py --servers kafka.tinh.example:9093 --user doc --password-file mat-khau --ca-file ca.pem
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord

KNOWN: Final = "v1"
TABLES: Final = """
create table if not exists seen (id text primary key, at text);
create table if not exists aside (id text primary key, type text, value blob);
create table if not exists state (
    document text, recipient text, state text, at text, primary key (document, recipient)
);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the topic is and who reads. Without a user: plain text, for a broker on this machine only."""

    servers: str
    topic: str = "lienthong.events"
    group: str = "theo-doi-van-ban"
    user: str | None = None
    password: str | None = None
    authority: Path | None = None


def opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    database.executescript(TABLES)
    return database


def take(database: sqlite3.Connection, records: Sequence[ConsumerRecord]) -> int:
    """One transaction for all; how many were new."""
    new = 0
    with database:
        for record in records:
            headers = {name: value.decode() for name, value in record.headers}
            first = database.execute(
                "insert or ignore into seen values (?, ?)", (headers["ce_id"], headers["ce_time"])
            ).rowcount
            if first:
                new += 1
                _tell(database, headers, record.value)
    return new


def _tell(database: sqlite3.Connection, headers: dict[str, str], value: bytes) -> None:
    noun, _, version = headers["ce_type"].removeprefix("lienthong.public.").rpartition(".")
    if version != KNOWN:
        database.execute("insert into aside values (?, ?, ?)", (headers["ce_id"], headers["ce_type"], value))
        return
    event = json.loads(value)
    if noun.startswith(("document.", "delivery.", "incoming.")) and "id" in event:
        recipient = event.get("recipient", "") if not noun.startswith("document.") else ""
        database.execute(
            "insert or replace into state values (?, ?, ?, ?)",
            (event["id"], recipient, event["state"], headers["ce_time"]),
        )


async def read(place: Place, path: Path, *, until: asyncio.Event) -> None:
    """From where the group stopped, at first from the beginning."""
    database = opened(path)
    client = AIOKafkaConsumer(
        place.topic, group_id=place.group, enable_auto_commit=False, auto_offset_reset="earliest", **_entry(place)
    )
    await client.start()
    try:
        while not until.is_set():
            found = await client.getmany(timeout_ms=500, max_records=500)
            if found:
                take(database, [record for records in found.values() for record in records])
                await client.commit()
    finally:
        await client.stop()
        database.close()


def _entry(place: Place) -> dict[str, Any]:
    if place.user is None:
        return {"bootstrap_servers": place.servers}
    return {
        "bootstrap_servers": place.servers,
        "security_protocol": "SASL_SSL",
        "ssl_context": ssl.create_default_context(cafile=place.authority),
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": place.user,
        "sasl_plain_password": place.password,
    }


def main() -> None:
    words = argparse.ArgumentParser(
        description="Đọc chủ đề lienthong.events, giữ trạng thái mới nhất của từng văn bản."
    )
    words.add_argument("--servers", required=True, help="máy:cổng của các broker, cách nhau bằng dấu phẩy")
    words.add_argument("--topic", default=Place.topic, help="tên chủ đề, kể cả tiền tố của nút")
    words.add_argument("--group", default=Place.group, help="nhóm đọc; mỗi hệ thống một tên")
    words.add_argument("--user", help="tài khoản SASL/SCRAM-SHA-512")
    words.add_argument("--password-file", type=Path, help="tệp chứa mật khẩu")
    words.add_argument("--ca-file", type=Path, help="chứng thư gốc của các broker, PEM")
    words.add_argument("--keep", type=Path, default=Path("su-kien.db"), help="tệp SQLite")
    given = words.parse_args()
    password = given.password_file.read_text().strip() if given.password_file else None
    place = Place(
        servers=given.servers,
        topic=given.topic,
        group=given.group,
        user=given.user,
        password=password,
        authority=given.ca_file,
    )
    asyncio.run(read(place, given.keep, until=asyncio.Event()))


if __name__ == "__main__":
    main()
