"""The two ports of the queue: the broker that hands messages on, and the store it stands on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias, cast
from uuid import UUID

import asyncpg

from .messages import Lane, Message

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Handler: TypeAlias = Callable[[Connection, Sequence[Message]], Awaitable[None]]


class Waking(Protocol):
    """What every connection of a unit carries: whom to wake, as (channel, subject), once the unit is committed."""

    wakes: set[tuple[str, str]]


def wake_later(connection: Connection, channel: str, subject: str) -> None:
    """Wake who waits for the subject (all of the channel when it is empty) as soon as this unit is committed."""
    cast("Waking", connection).wakes.add((channel, subject))


class Store(Protocol):
    """What the queue needs of the database (``gateway.postgres.Database`` is one)."""

    def unit(self, agency_id: UUID | None) -> AbstractAsyncContextManager[Connection]:
        """One transaction: committed at the end of the block, rolled back when it raises.

        Its connection is ``Waking``. What goes wrong with the connection itself raises a transient error.
        """
        ...

    def single(self) -> AbstractAsyncContextManager[Connection]:
        """A connection whose every statement is a transaction of its own; ``Waking`` like that of a unit."""
        ...

    def when_committed(self, tell: Callable[[frozenset[tuple[str, str]]], None]) -> None:
        """Have the wakes of every committed unit told."""
        ...

    async def connect(self) -> asyncpg.Connection[asyncpg.Record]:
        """A connection of its own for LISTEN, closed by the caller."""
        ...


class Broker(Protocol):
    """Hands every message of the outbox to the one consumer of its topic.

    It promises, and no more than every implementation can keep:

    * at least once: a message whose unit did not commit comes again; what did commit may come again too, but is
      absorbed by the inbox before the handler sees it, so its effect happens once;
    * order per key within a topic and lane; nothing between keys, nothing between lanes;
    * a batch per call: the handler gets one or more messages and a connection inside a transaction, does short
      database work (effects, outbox and work rows) and returns; it never commits, waits or calls outside;
    * a message that fails again and again without a passing reason is set aside as a dead letter with its error,
      blocks the later messages of its own key only, and goes on or away by a person's decision.

    No delay, no nack, no priority inside a topic.
    """

    def subscribe(self, *, consumer: str, topic: str, handler: Handler) -> None:
        """Before ``run``: name the consumer (its inbox) and handler of a topic; one consumer per topic."""
        ...

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver what there is to deliver until ``stop`` is set; then finish the batch at hand and return."""
        ...

    async def relay(self, stop: asyncio.Event) -> None:
        """Give messages on to an outer broker until ``stop``, where there is one; several may stand by, one does it."""
        ...

    def trouble(self) -> str | None:
        """Why this process gets or gives no messages at present: KAFKA_AWAY, BROKER_STALLED; None when all is well."""
        ...

    async def lag(self) -> Mapping[tuple[str, Lane], int]:
        """Messages written but not yet absorbed, per topic and lane."""
        ...
