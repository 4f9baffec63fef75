"""What one document costs the database, counted: round trips and transactions from POST to the axis's DocId.

No clock is looked at. Whoever adds a statement to the road of every document finds out here, and raises the bound
together with the table of docs/performance.md, or finds another place for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from lienthong.adapters.axis import OutcomeKind, OutgoingPackage, SendOutcome
from lienthong.gateway.directory import LOCAL
from lienthong.gateway.node import Node
from lienthong.gateway.pipeline import outward
from lienthong.gateway.pipeline.handover import TOPIC, consumer
from lienthong.gateway.postgres.database import Database
from lienthong.queue.embedded import EmbeddedBroker, Subscription
from lienthong.queue.messages import Lane, Work
from lienthong.queue.wakeups import Wakeups
from lienthong.queue.work import claim
from lienthong.tests.gateway.conftest import Room, document

STEPS = outward.STEPS


class AllWell:
    """Files that are what their names say; signatures are not looked at."""

    async def verify(self, request: object, *, sha256: str) -> Any:
        raise AssertionError(sha256)

    async def inspect(self, path: str, *, name: str, main: bool) -> dict[str, Any]:
        del path, name, main
        return {"findings": []}


class TakingAxis:
    """Takes whatever it is given."""

    def __init__(self) -> None:
        self.taken: list[OutgoingPackage] = []

    async def send(self, package: OutgoingPackage) -> SendOutcome:
        self.taken.append(package)
        return SendOutcome(kind=OutcomeKind.ACCEPTED, axis_doc_id=f"doc-{len(self.taken)}")


@asynccontextmanager
async def counting(database: Database) -> AsyncIterator[list[str]]:
    """Every statement of the block, in order."""
    pool = database._pool
    assert pool is not None
    said: list[str] = []
    lines = list(pool._idle)
    for line in lines:
        line.add_query_logger(note := lambda query: said.append(query.query))
    yield said
    assert pool._idle == lines, "a connection was opened meanwhile: its statements were not counted"
    for line in lines:
        line.remove_query_logger(note)


def outside(node: Node, axis: TakingAxis) -> Node:
    unchecked = node.settings.signing.model_copy(update={"mode": "unsafe_off"})
    settings = node.settings.model_copy(update={"signing": unchecked})
    return replace(node, verifier=AllWell(), axes={LOCAL: axis}, settings=settings)


async def hand_on(node: Node) -> None:
    """One step of the broker: what was said becomes work."""
    broker = EmbeddedBroker(node.db, random=lambda: 0.5, wakeups=Wakeups(node.db))
    step = await broker.step(
        Subscription(consumer="pipeline", topic=TOPIC, handler=consumer(node)), Lane.NORMAL, 100, 100
    )
    assert step.error is None
    assert step.batch


async def claimed(node: Node, kind: str) -> list[Work]:
    async with node.db.single() as connection:
        return await claim(connection, {kind: 100}, lease_seconds=60, owner="one")


async def do(node: Node, kind: str, step: Callable[[Node, Work], Awaitable[None]]) -> None:
    await hand_on(node)
    works = await claimed(node, kind)
    assert works
    for work in works:
        await step(node, work)


async def travel(room: Room, node: Node, *numbers: int) -> None:
    for number in numbers:
        answer = await room.submit(document(number=str(number)), idempotency_key=f"k-{number}")
        assert answer.status == 202, await answer.text()
    for kind, step in STEPS.items():
        await do(node, kind, step)


def units(said: list[str]) -> int:
    """Transactions: those that were begun, and the statements that stand alone."""
    begun = False
    count = 0
    for statement in said:
        if statement.startswith("begin"):
            begun, count = True, count + 1
        elif statement.startswith("commit"):
            begun = False
        elif not begun:
            count += 1
    return count


@pytest.mark.parametrize(
    ("documents", "round_trips", "transactions"),
    [(1, 34, 16), (10, 205, 106)],
    ids=["alone", "ten at once share the broker's steps and the claims"],
)
async def test_the_road_of_a_document_costs_no_more_than_was_measured(
    room: Room, documents: int, round_trips: int, transactions: int
) -> None:
    axis = TakingAxis()
    node = outside(room.node, axis)
    await travel(room, node, 900)  # the caller's key is known, every statement prepared
    async with counting(node.db) as said:
        await travel(room, node, *range(1, documents + 1))
    assert len(axis.taken) == documents + 1
    assert await room.one("SELECT count(*) FROM exchange WHERE state = 'sent'") == documents + 1
    assert len(said) <= round_trips, "\n".join(said)
    assert units(said) <= transactions, "\n".join(said)
