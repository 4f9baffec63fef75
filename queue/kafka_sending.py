"""Sends messages to Kafka and says which of them it has for certain. A producer that lost a record is replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord

from .errors import QueueError
from .kafka_clients import producer
from .kafka_records import Record, record_of
from .kafka_settings import KafkaSettings
from .messages import Message
from .relay import Sent

_log = structlog.get_logger(__name__)
CLOSE_SECONDS: Final = 2.0  # for the end of a client, whether Kafka hears it or not


class KafkaSender:
    """One idempotent producer, made when it is needed."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._producer: AIOKafkaProducer | None = None

    async def send(self, messages: Sequence[Message]) -> Sent:
        """In this order; sent is what all required copies have. Never raises for an absent broker."""
        records, refused = _records(messages)
        try:
            outcomes = await self._send(records)
        except (KafkaError, OSError) as error:
            _log.warning("kafka-away", error=repr(error))
            await self.close()
            return Sent(refused=refused)
        sent = [message.id for (message, _), outcome in zip(records, outcomes, strict=True) if not _failed(outcome)]
        if len(sent) < len(records):
            _log.warning("kafka-lost-records", records=len(records) - len(sent))
            await self.close()  # an idempotent producer may not go on after a lost record
        return Sent(ids=sent, refused=refused)

    async def set_aside(self, topic: str, record: ConsumerRecord, error: QueueError) -> None:
        """Put an unreadable record, as it is, into the topic of the dead. Raises KafkaError."""
        client = await self._ready()
        headers = [*record.headers, ("lienthong_error", error.message.encode())]
        await client.send_and_wait(topic, key=record.key, value=record.value, headers=headers)

    async def close(self) -> None:
        client, self._producer = self._producer, None
        if client is not None:
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await client.stop()
            except (KafkaError, OSError, TimeoutError) as error:
                _log.warning("kafka-producer-left", error=repr(error))

    async def _send(self, records: Sequence[tuple[Message, Record]]) -> list[object]:
        client = await self._ready()
        pending = []
        for message, record in records:
            topic = self._kafka.topic(message.topic, message.lane)
            pending.append(await client.send(topic, key=record.key, value=record.value, headers=record.headers))
        outcomes: list[object] = await asyncio.gather(*pending, return_exceptions=True)
        return outcomes

    async def _ready(self) -> AIOKafkaProducer:
        if self._producer is None:
            client = producer(self._kafka)
            try:
                await client.start()
            except BaseException:
                await client.stop()
                raise
            self._producer = client
        return self._producer


def _records(messages: Sequence[Message]) -> tuple[list[tuple[Message, Record]], dict[UUID, str]]:
    records: list[tuple[Message, Record]] = []
    refused: dict[UUID, str] = {}
    for message in messages:
        try:
            records.append((message, record_of(message)))
        except QueueError as error:
            refused[message.id] = f"{error.code}: {error.message}"
    return records, refused


def _failed(outcome: object) -> bool:
    if isinstance(outcome, BaseException):
        if not isinstance(outcome, KafkaError | OSError):
            raise outcome
        return True
    return False
