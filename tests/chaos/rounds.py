"""The rounds of the campaign: each one kind of trouble over a load of its own, on a node that begins empty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from lienthong.tests.chaos import points, troubles
from lienthong.tests.chaos.points import Point
from lienthong.tests.chaos.stage import Stage, Wire

Strike = Callable[[Stage, Random, Counter[str]], Awaitable[None]]
BOTH_AXIS_ROLES: Final = frozenset({("worker", Wire.AXIS), ("poller", Wire.AXIS)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """``documents``: its share of the campaign's. ``strikes``: its share of the campaign's kills (or of troubles,
    where it kills no process of the node).
    """

    name: str
    title: str  # Vietnamese, for the report
    strike: Strike
    documents: float
    strikes: float
    brokers: int = 1
    wired: frozenset[tuple[str, Wire]] = frozenset()
    disk: int = 0
    s3: bool = False


def _at(*where: Point) -> Strike:
    async def strike(stage: Stage, random: Random, happened: Counter[str]) -> None:
        await points.strike(stage, where, random, happened)

    return strike


def _point_round(name: str, title: str, *where: Point, s3: bool = False) -> Round:
    wired = frozenset((point.role, point.wire) for point in where)
    return Round(name=name, title=title, strike=_at(*where), documents=0.06, strikes=0.1, wired=wired, s3=s3)


ROUNDS: Final = (
    Round(
        name="any-kafka",
        title="Giết bất kỳ tiến trình nào, bất kỳ lúc nào (Kafka)",
        strike=troubles.kill_any,
        documents=0.2,
        strikes=0.25,
    ),
    Round(
        name="any-embedded",
        title="Giết bất kỳ tiến trình nào, bất kỳ lúc nào (broker nhúng)",
        strike=troubles.kill_any,
        documents=0.14,
        strikes=0.25,
        brokers=0,
    ),
    _point_round("api-commit", "API chết giữa commit và trả lời", points.ACCEPTED, points.REGISTERED),
    _point_round("relay-mark", "Relay chết giữa gửi và đánh dấu", points.RELAYED),
    _point_round(
        "worker-commit",
        "Worker chết giữa hiệu lực và commit, giữa commit và offset",
        points.STEPPED,
        points.COMMITTING,
        points.ABSORBED,
    ),
    _point_round(
        "poller-done", "Nhận: chết giữa lưu và báo «done»", points.LISTED, points.FETCHED, points.ACKNOWLEDGED
    ),
    _point_round("dispatch-record", "Gửi: chết giữa gửi và ghi kết quả", points.SENT, points.SENDING),
    Round(
        name="any-s3",
        title="Giết bất kỳ tiến trình nào, bất kỳ lúc nào (kho tệp S3)",
        strike=troubles.kill_any,
        documents=0.08,
        strikes=0.15,
        s3=True,
    ),
    _point_round(
        "s3-commit",
        "Chết lúc tệp lên kho S3, và giữa kho S3 với commit",
        points.UPLOADING,
        points.UPLOADED,
        points.KEEPING,
        points.KEPT,
        points.TAKING,
        s3=True,
    ),
    Round(
        name="s3-away",
        title="Kho tệp S3 bị giết, đứng yên, mạng tới kho đứt, câm, chậm",
        strike=troubles.lose_the_store,
        documents=0.06,
        strikes=0.05,
        wired=frozenset({("api", Wire.FILES), ("worker", Wire.FILES)}),
        s3=True,
    ),
    Round(
        name="postgres",
        title="PostgreSQL dừng, bị giết, phục hồi",
        strike=troubles.restart_postgres,
        documents=0.06,
        strikes=0.05,
    ),
    Round(
        name="kafka-one",
        title="Broker Kafka duy nhất bị giết, đứng yên",
        strike=troubles.lose_a_broker,
        documents=0.06,
        strikes=0.03,
    ),
    Round(
        name="kafka-three",
        title="Mất một trong ba broker Kafka",
        strike=troubles.lose_a_broker,
        documents=0.06,
        strikes=0.03,
        brokers=3,
    ),
    Round(
        name="axis-network",
        title="Mạng tới trục đứt, câm, mất một chiều, chậm",
        strike=troubles.cut_the_axis,
        documents=0.05,
        strikes=0.05,
        wired=BOTH_AXIS_ROLES,
    ),
    Round(
        name="axis-wrong",
        title="Trục trả lời muộn, hai lần, sai, không bao giờ",
        strike=troubles.wrong_axis,
        documents=0.05,
        strikes=0.15,
    ),
    Round(
        name="disk-full",
        title="Đĩa của kho tệp đầy",
        strike=troubles.fill_the_disk,
        documents=0.03,
        strikes=0.03,
        disk=1 << 30,
    ),
    Round(
        name="storm",
        title="Hai sự cố cùng lúc, mọi loại",
        strike=troubles.everything,
        documents=0.06,
        strikes=0.1,
        wired=BOTH_AXIS_ROLES,
    ),
)

BY_NAME: Final = {one.name: one for one in ROUNDS}
