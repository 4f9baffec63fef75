"""Events for other systems are written with the change they tell of, or not at all; off they cost nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lienthong.gateway import holds, public_events
from lienthong.gateway.exchanges import Delivery, Outward
from lienthong.gateway.node import Node
from lienthong.gateway.pipeline.holding import hold_outward
from lienthong.gateway.pipeline.moves import move_outward
from lienthong.gateway.postgres.database import Database
from lienthong.gateway.settings import Settings
from lienthong.queue.messages import Message
from lienthong.queue.public_feed import PublicFeed
from lienthong.queue.relay import Sent
from lienthong.tests.conftest import Addresses
from lienthong.tests.gateway.conftest import RECEIVER, SENDER, Room, document
from lienthong.tests.gateway.events.conftest import SOURCE
from lienthong.tests.gateway.events.schemas import assert_all_valid, fields_of
from lienthong.tests.gateway.test_cost import TakingAxis, outside, travel
from lienthong.tests.waiting import until

NOUNS = ("document", "delivery", "incoming")


async def said(node: Node) -> list[dict[str, Any]]:
    async with node.db.unit(None) as conn:
        rows = [dict(row) for row in await conn.fetch("select * from public_outbox order by position")]
    assert_all_valid(rows)
    for row in rows:
        assert set(row["payload"]) <= fields_of(row["type"])
    return rows


def words(rows: list[dict[str, Any]]) -> list[str]:
    return [row["type"].removeprefix("lienthong.public.").removesuffix(".v1") for row in rows]


async def test_the_road_of_a_document_is_told_step_by_step_under_its_key(room: Room) -> None:
    node = outside(room.node, TakingAxis())
    await travel(room, node, 15)
    rows = await said(node)
    assert words(rows) == ["document.accepted", "document.registered", "delivery.sent", "document.sent"]
    assert len({row["key"] for row in rows}) == 1
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["source"] for row in rows} == {SOURCE}
    sent = rows[2]["payload"]
    assert (sent["sender"], sent["recipient"], sent["number"], sent["state"]) == (SENDER, RECEIVER, "15", "sent")
    assert sent["id"] == rows[2]["key"] == rows[2]["subject"]


async def test_titles_reasons_and_people_never_leave(room: Room) -> None:
    title = "V/v một việc không ai ngoài cơ quan cần biết"
    answer = await room.submit(document(subject=title))
    assert answer.status == 202
    exchange = await room.one("select id from exchange")
    async with room.node.db.unit(None) as conn:
        row = await room.node.db.queries.lock_exchange(conn, id=exchange)
        await hold_outward(room.node, conn, row, code="SIG_NOT_SIGNED", reason="Ông Nguyễn Văn An chưa ký.")
    hold = await room.one("select id from hold")
    await holds.cancel(room.node, hold, actor="Trần Thị Bình", reason="Theo yêu cầu của ông An.")
    rows = await said(room.node)
    assert words(rows) == ["document.accepted", "document.held", "document.cancelled", "delivery.cancelled"]
    for secret in (title, "Nguyễn", "Trần Thị Bình", "yêu cầu"):
        assert secret not in str(rows)


async def test_what_is_rolled_back_is_not_told(room: Room) -> None:
    await room.submit()
    exchange = await room.one("select id from exchange")
    with pytest.raises(asyncio.CancelledError):
        async with room.node.db.unit(None) as conn:
            await move_outward(room.node, conn, exchange, Outward.ACCEPTED, Outward.HELD, reason="thử")
            raise asyncio.CancelledError
    assert words(await said(room.node)) == ["document.accepted"]


async def test_a_status_is_told_with_its_code_and_its_recipient(room: Room) -> None:
    node = outside(room.node, TakingAxis())
    await travel(room, node, 15)
    async with node.db.unit(None) as conn:
        delivery = await conn.fetchval("select id from delivery")
        await node.db.queries.move_delivery(
            conn,
            id=delivery,
            from_state=Delivery.SENT,
            to_state=Delivery.REGISTERED,
            actor="node",
            reason="Nguyễn Văn An tiếp nhận",
            state_time=node.clock(),
        )
    last = (await said(node))[-1]
    assert last["type"] == "lienthong.public.delivery.registered.v1"
    assert (last["payload"]["status_code"], last["payload"]["previous_state"]) == ("03", "sent")


async def test_nothing_is_written_where_nobody_asked_for_it(room: Room, addresses: Addresses) -> None:
    async with Database(addresses.app_dsn) as silent:
        node = outside(replace(room.node, db=silent), TakingAxis())
        exchange = await room.submit()
        assert exchange.status == 202
        before = len(await said(room.node))
        async with silent.unit(None) as conn:
            row = await node.db.queries.lock_exchange(conn, id=await room.one("select id from exchange"))
            await hold_outward(node, conn, row, code="SIG_NOT_SIGNED", reason="thử")
    assert len(await said(room.node)) == before


class Topic:
    """A public topic that takes what it is told to."""

    def __init__(self) -> None:
        self.away = False
        self.closed = False
        self.taken: list[Message] = []

    async def send(self, messages: list[Message]) -> Sent:
        if self.away:
            return Sent()
        self.taken += messages
        return Sent(ids=[message.id for message in messages])


def feed(node: Node, topic: Topic) -> PublicFeed:
    async def prepare() -> None: ...

    return PublicFeed(node.db, "lienthong.events", topic.send, prepare=prepare, poll=0.01)


async def test_a_row_is_settled_when_the_topic_has_it_and_keeps_its_id_when_it_is_sent_again(room: Room) -> None:
    topic = Topic()
    publisher = feed(room.node, topic)
    await room.submit()
    topic.away = True
    assert not await publisher.step()
    assert publisher.trouble
    topic.away = False
    assert await publisher.step()
    assert publisher.trouble is None
    [row] = await said(room.node)
    assert row["published_at"] is not None
    assert [one.id for one in topic.taken] == [row["id"]]
    assert not await publisher.step()
    async with room.node.db.unit(None) as conn:  # a crash between sending and marking
        await conn.execute("update public_outbox set published_at = null")
    assert await publisher.step()
    assert [one.id for one in topic.taken] == [row["id"], row["id"]]


async def test_two_publishers_share_nothing_one_stands_by(room: Room) -> None:
    topic, stop = Topic(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(feed(room.node, topic).run(stop))
        for number in range(1, 6):
            answer = await room.submit(document(number=str(number)), idempotency_key=f"k-{number}")
            assert answer.status == 202

        async def published() -> bool:
            return not await room.one("select count(*) from public_outbox where published_at is null")

        await until(published, 20)
        stop.set()
    assert len(topic.taken) == len({one.id for one in topic.taken}) == 5


def test_the_settings_name_the_speaker_and_refuse_events_without_kafka() -> None:
    kafka = {"servers": "127.0.0.1:9092", "public_events": True, "public_source": SOURCE}
    chosen = Settings.model_validate({"queue": {"broker": "kafka"}, "kafka": kafka})
    assert chosen.public_source == SOURCE
    assert chosen.kafka is not None
    assert chosen.kafka.to_queue("a").public_topic == "lienthong.events"
    silent = Settings.model_validate({"queue": {"broker": "kafka"}, "kafka": {"servers": "127.0.0.1:9092"}})
    assert silent.public_source == ""
    with pytest.raises(ValueError, match="public_events"):
        Settings.model_validate({"kafka": kafka})


def test_the_guide_names_every_event() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "events.md").read_text("utf-8")
    lines = {noun: guide.split(f"`lienthong.public.{noun}.*`")[1].split("\n-")[0] for noun in NOUNS}
    for kind in public_events.types():
        _, _, noun, word, _ = kind.split(".")
        assert f"`{word}`" in lines[noun], kind
