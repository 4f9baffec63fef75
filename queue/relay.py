"""From the outbox to the outer broker: one relay leads, the others stand by. Read, send, mark; no transaction is open
while the broker is asked, so that an absent broker stops nothing else.

A crash between sending and marking sends twice; the inbox absorbs it. What was sent and is never absorbed is sent
again after a while, so that nothing depends on the broker's memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from .guard import surviving
from .leader import lead
from .messages import Lane, Message
from .outbox import message_of, waiting_for
from .port import Store
from .statements import statements
from .wakeups import Wakeups, waited

_log = structlog.get_logger(__name__)
BATCH: Final = 500
LOOK_BACK_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of messages given to the broker; what is in neither is tried again."""

    ids: Sequence[UUID] = ()  # the broker has them for certain
    refused: Mapping[UUID, str] = field(default_factory=dict)  # can never be sent, and why


Send = Callable[[Sequence[Message]], Awaitable[Sent]]


class Relay:
    """``send`` gives messages to the broker in their order; it never raises for a broker that is away."""

    def __init__(self, store: Store, send: Send, *, wakeups: Wakeups, poll: float, resend: float) -> None:
        self._store = store
        self._send = send
        self._wake = asyncio.Event()
        self._wakeups = wakeups
        self._poll = poll
        self._resend = resend
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
            looked = -LOOK_BACK_SECONDS
            clock = asyncio.get_running_loop().time
            while not over.is_set():
                self._wake.clear()
                with surviving("relay-lost-the-database"):
                    if clock() - looked >= LOOK_BACK_SECONDS:
                        looked = clock()
                        await self._look_back()
                    if await self.step():
                        continue
                await waited(self._wake, self._poll)
        finally:
            self.leads = self.away = False

    async def step(self) -> bool:
        """Send what is due; whether there may be more at once."""
        async with self._store.unit(None) as connection:
            rows = statements().relay_next(connection, batch=BATCH)
            messages = [message_of(row) async for row in rows]
        if not messages:
            self.away = False
            return False
        sent = await self._send(messages)
        self.away = len(sent.ids) + len(sent.refused) < len(messages)
        if sent.ids or sent.refused:
            async with self._store.unit(None) as connection:
                await statements().relay_sent(connection, ids=list(sent.ids))
                for message, reason in sent.refused.items():
                    _log.error("dead-letter", message=str(message), error=reason)
                    await statements().outbox_failed(
                        connection, id=message, counts=1, error=reason, delay=0.0, max_failures=1
                    )
        return not self.away

    async def _look_back(self) -> None:
        async with self._store.unit(None) as connection:
            again = await statements().relay_forget_sent(connection, older=self._resend)
        if again:
            _log.warning("relay-sends-again", messages=again)
