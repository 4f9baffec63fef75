"""From the outbox to the outer broker: one relay leads, the others stand by. Read, send, mark; no transaction is open
while the broker is asked, so that an absent broker stops nothing else. An absent broker is asked ever less often, and
nothing is held in memory for it: each try reads the beginning of the lines anew.

A crash between sending and marking sends twice; the inbox absorbs it. What was sent and is never absorbed is sent
again after a while, so that nothing depends on the broker's memory.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final
from uuid import UUID

import structlog

from .backoff import Backoff, delay
from .guard import surviving
from .leader import lead
from .messages import Lane, Message
from .outbox import message_of, stepped_aside, waiting_for
from .port import Store
from .statements import statements
from .wakeups import Wakeups, waited

_log = structlog.get_logger(__name__)
BATCH: Final = 500  # of each line
AWAY: Final = Backoff(base=0.5, ceiling=15.0)  # between tries to reach a broker that is away
LOOK_BACK_SECONDS: Final = 15.0
AGAIN: Final = 10_000  # messages at most that are sent again at a look back


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of messages given to the broker; what is in neither is tried again."""

    ids: Sequence[UUID] = ()  # the broker has them for certain
    refused: Mapping[UUID, str] = field(default_factory=dict)  # can never be sent, and why


class Progress(Enum):
    """What a step of the relay came to."""

    MORE = auto()  # what was read is sent, and there is more
    END = auto()  # what is due is sent
    NONE = auto()  # the broker did not take all of it


Send = Callable[[Sequence[Message]], Awaitable[Sent]]


class Relay:
    """``send`` gives messages to the broker in their order; it never raises for a broker that is away.

    ``random`` gives numbers in [0, 1) for the jitter of the tries to reach it.
    """

    def __init__(
        self,
        store: Store,
        send: Send,
        *,
        wakeups: Wakeups,
        poll: float,
        resend: float,
        random: Callable[[], float],
    ) -> None:
        self._store = store
        self._send = send
        self._wake = asyncio.Event()
        self._wakeups = wakeups
        self._poll = poll
        self._resend = resend
        self._random = random
        self.leads = False
        self.away = False  # the broker did not take all that it was given last

    def watch(self, topic: str, lane: Lane) -> None:
        """Have the relay woken by messages of the topic's lane."""
        self._wakeups.call("outbox", waiting_for(topic, lane), self._wake.set)

    async def run(self, stop: asyncio.Event) -> None:
        """Stand by until nobody else leads, then relay until ``stop`` or until the lead is lost."""
        await lead(self._store, "relay", stop, self._relay, poll=self._poll)

    async def _relay(self, over: asyncio.Event) -> None:
        self.leads = True
        try:
            with surviving("outbox-not-lined-up"):
                async with self._store.single() as connection:
                    await statements().outbox_line_up(connection)
            await self._lead(over)
        finally:
            self.leads = self.away = False

    async def _lead(self, over: asyncio.Event) -> None:
        looked = -LOOK_BACK_SECONDS
        clock = asyncio.get_running_loop().time
        failures = 0
        while not over.is_set():
            self._wake.clear()
            with surviving("relay-lost-the-database"):
                if clock() - looked >= LOOK_BACK_SECONDS:
                    looked = clock()
                    await self._look_back()
                step = await self.step()
                failures = failures + 1 if step is Progress.NONE else 0
                if step is Progress.MORE:
                    continue
            if failures:  # whoever writes meanwhile must not make us ask the broker again and again
                await waited(over, delay(AWAY, failures, self._random()))
            else:
                await waited(self._wake, self._poll)

    async def step(self) -> Progress:
        """Send what is due, as far as a batch of each line goes."""
        async with self._store.single() as connection:
            rows = [row async for row in statements().relay_next(connection, batch=BATCH)]
        messages = [message_of(row) for row in rows if row["id"] is not None]
        moved = await self._clear_lines(rows)
        if not messages:
            self.away = False
            return Progress.MORE if moved else Progress.END
        sent = await self._send(messages)
        self.away = len(sent.ids) + len(sent.refused) < len(messages)
        if sent.ids or sent.refused:
            await self._mark(sent, {row["version"] for row in rows if row["id"] is not None})
        if self.away:
            return Progress.NONE
        return Progress.MORE if moved or any(row["looked_at"] >= BATCH for row in rows) else Progress.END

    async def _clear_lines(self, rows: Sequence[Any]) -> int:
        """Where not all that was looked at can go: have what stands behind others step aside."""
        looked_at = {(row["topic"], Lane(row["lane"])): row["looked_at"] for row in rows}
        going = Counter((row["topic"], Lane(row["lane"])) for row in rows if row["id"] is not None)
        moved = 0
        for (topic, lane), seen in looked_at.items():
            if going[topic, lane] < seen:
                async with self._store.single() as connection:
                    moved += await stepped_aside(connection, topic, lane)
        return moved

    async def _mark(self, sent: Sent, versions: Collection[int]) -> None:
        async with self._store.unit(None) as connection:
            await statements().relay_sent(connection, ids=list(sent.ids), versions=list(versions))
            for message, reason in sent.refused.items():
                _log.error("dead-letter", message=str(message), error=reason)
                await statements().outbox_failed(
                    connection, id=message, counts=1, error=reason, delay=0.0, max_failures=1
                )

    async def _look_back(self) -> None:
        async with self._store.unit(None) as connection:
            again = await statements().relay_forget_sent(connection, older=self._resend, batch=AGAIN)
        if again:
            _log.warning("relay-sends-again", messages=again)
