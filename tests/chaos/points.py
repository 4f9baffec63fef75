"""Kills at exact moments: between two things of which a process has done the first and not the second.

Nothing in the node knows of them. The wire between the process and PostgreSQL (or the axis) sees the moment pass, and
the process is dead before the bytes go on.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Final

from lienthong.tests.chaos.members import Member
from lienthong.tests.chaos.proxy import Proxy
from lienthong.tests.chaos.stage import Stage, Wire
from lienthong.tests.chaos.watching import Towards
from lienthong.tests.chaos.wires import Trigger

MOMENT_SECONDS: Final = 90.0  # in which the moment comes under load
MOST_SKIPPED: Final = 4  # sightings that are let by, so that not always the first thing after a start is struck


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Where a process dies. The bytes that would have told are lost with it."""

    name: str  # Vietnamese, for the report
    role: str
    wire: Wire
    pattern: re.Pattern[bytes]
    towards: Towards


def _line(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.DOTALL | re.IGNORECASE)


ACCEPTED: Final = Point(
    name="API: đã commit văn bản, chưa trả lời",
    role="api",
    wire=Wire.DATABASE,
    pattern=_line(rb"^READY I AFTER commit.*WITHIN.*UPDATE idempotency SET request_hash"),
    towards="client",
)
REGISTERED: Final = Point(
    name="API: đã commit số đến, chưa trả lời",
    role="api",
    wire=Wire.DATABASE,
    pattern=_line(rb"^READY I AFTER commit.*WITHIN.*INSERT INTO register_entry"),
    towards="client",
)
RELAYED: Final = Point(
    name="relay: đã gửi vào Kafka, chưa đánh dấu",
    role="relay",
    wire=Wire.DATABASE,
    pattern=_line(rb"^EXECUTE .*update outbox set state = 'sent'"),
    towards="server",
)
STEPPED: Final = Point(
    name="worker: đã làm xong bước, chưa ghi",
    role="worker",
    wire=Wire.DATABASE,
    pattern=_line(rb"^EXECUTE .*WITH held AS"),
    towards="server",
)
COMMITTING: Final = Point(
    name="worker: đã có hiệu lực trong giao dịch, chưa commit",
    role="worker",
    wire=Wire.DATABASE,
    pattern=_line(rb"^QUERY commit"),
    towards="server",
)
ABSORBED: Final = Point(
    name="worker: đã commit tin nhận từ Kafka, chưa chuyển offset",
    role="worker",
    wire=Wire.DATABASE,
    pattern=_line(rb"^READY I AFTER commit.*WITHIN.*insert into inbox"),
    towards="client",
)
FETCHED: Final = Point(
    name="nhận: đã lưu gói tin, chưa báo «done»",
    role="worker",
    wire=Wire.AXIS,
    pattern=_line(rb"^POST \S*/updateStatus HTTP"),
    towards="server",
)
ACKNOWLEDGED: Final = Point(
    name="nhận: trục đã ghi «done», nút chưa biết",
    role="worker",
    wire=Wire.AXIS,
    pattern=_line(rb"^POST \S*/updateStatus ->"),
    towards="client",
)
SENT: Final = Point(
    name="gửi: trục đã nhận gói tin, nút chưa ghi kết quả",
    role="worker",
    wire=Wire.AXIS,
    pattern=_line(rb"^POST \S*/sendEdoc ->"),
    towards="client",
)
SENDING: Final = Point(
    name="gửi: đã ghi lần gửi, gói tin đang trên đường",
    role="worker",
    wire=Wire.AXIS,
    pattern=_line(rb"^POST \S*/sendEdoc HTTP"),
    towards="server",
)
LISTED: Final = Point(
    name="poller: trục đã trả danh sách, chưa mở việc",
    role="poller",
    wire=Wire.DATABASE,
    pattern=_line(rb"^EXECUTE .*insert into work "),
    towards="server",
)
# An object's key: the bucket, perhaps a prefix, the agency, two digits, the digest.
_OBJECT: Final = rb" /\S*/[0-9a-f-]{36}/[0-9a-f]{2}/[0-9a-f]{64}"
UPLOADING: Final = Point(
    name="API: tệp đang lên kho S3",
    role="api",
    wire=Wire.FILES,
    pattern=_line(rb"^PUT" + _OBJECT + rb"\S* HTTP"),
    towards="server",
)
UPLOADED: Final = Point(
    name="API: kho S3 đã có tệp, chưa có văn bản",
    role="api",
    wire=Wire.FILES,
    pattern=_line(rb"^PUT" + _OBJECT + rb"\S* -> HTTP/1.1 200"),
    towards="client",
)
KEEPING: Final = Point(
    name="worker: gói tin, tệp nhận về đang lên kho S3",
    role="worker",
    wire=Wire.FILES,
    pattern=UPLOADING.pattern,
    towards="server",
)
KEPT: Final = Point(
    name="worker: kho S3 đã có gói tin, tệp nhận về, chưa ghi bước",
    role="worker",
    wire=Wire.FILES,
    pattern=UPLOADED.pattern,
    towards="client",
)
TAKING: Final = Point(
    name="worker: đang lấy tệp từ kho S3",
    role="worker",
    wire=Wire.FILES,
    pattern=_line(rb"^GET" + _OBJECT + rb"\S* -> HTTP/1.1 200"),
    towards="client",
)


async def strike(stage: Stage, points: tuple[Point, ...], random: Random, killed: Counter[str]) -> None:
    """Let one process die at one of these points, whichever of its role comes there first; serve again."""
    point, skip = random.choice(points), random.randrange(MOST_SKIPPED)
    members = stage.of(point.role)
    wires = [stage.wires[member.name, point.wire] for member in members]
    before = sum(member.deaths for member in members)
    waits = [
        asyncio.ensure_future(_armed(wire, member, point, skip).struck.wait())
        for wire, member in zip(wires, members, strict=True)
    ]
    try:
        done, _ = await asyncio.wait(waits, timeout=MOMENT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wire, wait in zip(wires, waits, strict=True):
            wire.forget()
            wait.cancel()
    assert done, f"the moment never came: {point.name}"
    for member in members:
        await member.serve()
    killed[point.name] += sum(member.deaths for member in members) - before


def _armed(wire: Proxy, member: Member, point: Point, skip: int) -> Trigger:
    return wire.on(point.pattern, member.kill, towards=point.towards, when="instead", skip=skip)
