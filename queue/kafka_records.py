"""A message as a record: CloudEvents in binary mode, JSON in the value, the root document as key (platform.md 5.4)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from .errors import QueueError
from .messages import Lane, Message

FORMAT: Final = JSONFormat()
MAX_BYTES: Final = 256 * 1024  # of a value: payloads are claim checks, never files


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the client library takes and gives."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def record_of(message: Message) -> Record:
    """Raises QueueError MESSAGE_TOO_LARGE: somebody put more into a message than a claim check."""
    attributes: dict[str, Any] = {
        "id": str(message.id),
        "type": message.type,
        "source": message.source,
        "time": message.occurred_at,
        "datacontenttype": "application/json",
        "schemaversion": message.schema_version,
    }
    optional = {"subject": message.subject, "traceparent": message.traceparent}
    attributes |= {name: value for name, value in optional.items() if value is not None}
    written = to_binary(CloudEvent(attributes=attributes, data=dict(message.payload)), FORMAT)
    if len(written.value) > MAX_BYTES:
        raise QueueError("MESSAGE_TOO_LARGE", f"Tin {message.id} lớn hơn {MAX_BYTES} byte; chỉ được chứa mã và băm.")
    return Record(key=message.key.encode(), value=written.value, headers=list(written.headers.items()))


def message_of(
    topic: str, lane: Lane, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]
) -> Message:
    """Raises QueueError RECORD_UNREADABLE for whatever is no message of ours."""
    try:
        event = from_binary(KafkaMessage(headers=dict(headers), key=None, value=value or b""), FORMAT)
        payload = event.get_data()
        return Message(
            id=UUID(event.get_id()),
            topic=topic,
            lane=lane,
            key=(key or b"").decode(),
            type=event.get_type(),
            source=event.get_source(),
            subject=event.get_subject(),
            occurred_at=_moment(event.get_time()),
            schema_version=int(event.get_extension("schemaversion")),
            traceparent=event.get_extension("traceparent"),
            payload=_mapping(payload),
        )
    except (ValueError, TypeError, KeyError, BaseCloudEventException) as error:
        raise QueueError("RECORD_UNREADABLE", f"Bản ghi không đọc được: {type(error).__name__}: {error}") from error


def _moment(value: datetime | None) -> datetime:
    if value is None or value.tzinfo is None:
        raise QueueError("RECORD_UNREADABLE", "Bản ghi không có thời điểm kèm múi giờ.")
    return value


def _mapping(value: object) -> dict[str, Any]:
    if isinstance(value, bytes | str):
        value = json.loads(value)
    if not isinstance(value, dict):
        raise QueueError("RECORD_UNREADABLE", "Nội dung bản ghi không phải đối tượng JSON.")
    return value
