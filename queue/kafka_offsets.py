"""Offsets are committed behind the work: while Kafka writes them down, the next records are absorbed already.

An offset is handed over only when the database knows what became of the records before it, and one commit ends before
the next begins. Whoever dies in between reads again what is absorbed, and the inbox knows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

_log = structlog.get_logger(__name__)


class Offsets:
    """The commits of one consumer, one after another."""

    def __init__(self, client: AIOKafkaConsumer) -> None:
        self._client = client
        self._going: asyncio.Task[None] | None = None

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Begin once the commit before has ended. Raises what that one met: KafkaError, OSError."""
        await self.ended()
        self._going = asyncio.create_task(self._commit(offsets), name="kafka offsets")

    async def ended(self) -> None:
        """Wait for the commit that is under way. Raises as ``commit``."""
        if self._going is not None:
            going, self._going = self._going, None
            await going

    def leave(self) -> None:
        """Give up what is under way."""
        if self._going is not None:
            self._going.cancel()

    async def _commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        try:
            await self._client.commit(dict(offsets))
        except (CommitFailedError, IllegalStateError) as error:  # the partitions are another member's now
            _log.info("kafka-commit-lost", error=repr(error))


@asynccontextmanager
async def offsets_of(client: AIOKafkaConsumer) -> AsyncIterator[Offsets]:
    """The last commit is waited for at an orderly end, and given up at any other: its records are read again."""
    offsets = Offsets(client)
    try:
        yield offsets
        await offsets.ended()
    finally:
        offsets.leave()
