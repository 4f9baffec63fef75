"""The AsyncAPI document: valid after the specification's own schema, and the same as the code and the JSON Schemas."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator

from lienthong.gateway import public_events
from lienthong.gateway.pipeline.handover import HANDOVERS, TOPIC
from lienthong.queue.kafka_records import record_of
from lienthong.queue.kafka_settings import KafkaSettings
from lienthong.queue.messages import Lane, Message
from lienthong.tests.gateway.events.schemas import FOLDER, faults, schemas

KAFKA = KafkaSettings(servers="kafka.tinh.example:9093")


@cache
def described() -> dict[str, Any]:
    text = (FOLDER / "asyncapi.yaml").read_text("utf-8")
    return yaml.safe_load(text)


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def followed(reference: str) -> Any:
    file, _, place = reference.partition("#")
    value: Any = described() if not file else schemas()[file.removeprefix("./").removesuffix(".json")]
    for step in place.split("/")[1:]:
        value = value[step]
    return value


def messages_of(channel: str) -> list[dict[str, Any]]:
    return [followed(one["$ref"]) for one in described()["channels"][channel].get("messages", {}).values()]


def test_it_is_valid_after_the_official_schema_of_asyncapi_3() -> None:
    official = json.loads((Path(__file__).parent / "asyncapi-3.0.0.json").read_text("utf-8"))
    found = [
        f"{error.json_path}: {error.message[:200]}" for error in Draft7Validator(official).iter_errors(described())
    ]
    assert found == []


def test_every_reference_leads_somewhere() -> None:
    found = list(references(described()))
    assert len(found) > len(public_events.types())
    for reference in found:
        assert followed(reference)


def test_the_channels_are_the_topics_of_the_code() -> None:
    addresses = {name: channel["address"] for name, channel in described()["channels"].items()}
    assert addresses == {
        "publicEvents": KAFKA.topic(public_events.PUBLIC_TOPIC, Lane.NORMAL),
        "steps": KAFKA.topic(TOPIC, Lane.NORMAL),
        "urgentSteps": KAFKA.topic(TOPIC, Lane.URGENT),
        "unreadable": KAFKA.dead(TOPIC),
    }
    binding = described()["channels"]["publicEvents"]["bindings"]["kafka"]
    assert (binding["partitions"], binding["replicas"]) == (KAFKA.partitions, KAFKA.copies)
    assert binding["topicConfiguration"]["retention.ms"] == KAFKA.public_keep_days * 24 * 3600 * 1000


@pytest.mark.parametrize(
    ("channel", "types"),
    [("publicEvents", public_events.types()), ("steps", set(HANDOVERS)), ("urgentSteps", set(HANDOVERS))],
)
def test_a_channel_carries_the_types_of_the_code_each_with_its_schema(channel: str, types: set[str]) -> None:
    messages = messages_of(channel)
    assert {message["name"] for message in messages} == types
    for message in messages:
        assert message["payload"]["schema"]["$ref"] == f"./{message['name']}.json"
        assert message["title"] == schemas()[message["name"]]["title"]
        for example in message["examples"]:
            assert faults(message["name"], example["payload"]) == []


def test_what_is_not_public_says_so() -> None:
    parts = [*described()["channels"].values(), *described()["operations"].values()]
    tags = {part.get("address", part.get("channel", {}).get("$ref", "")): part["tags"][0]["name"] for part in parts}
    assert tags.pop("lienthong.events") == tags.pop("#/channels/publicEvents") == "public"
    assert set(tags.values()) == {"internal"}
    for message in described()["components"]["messages"].values():
        assert ("tags" in message) == (message["name"] in HANDOVERS)


def test_the_headers_are_those_that_are_written(ids: Callable[[], UUID]) -> None:
    headers = followed("#/components/messageTraits/CloudEvent")["headers"]
    written = record_of(
        Message(
            id=ids(),
            topic=public_events.PUBLIC_TOPIC,
            key="vb_1",
            type="lienthong.public.document.sent.v1",
            source="nut.thu",
            subject="vb_1",
            occurred_at=datetime(2026, 3, 2, 1, 30, tzinfo=UTC),
            payload={},
            traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
    )
    values = {name: value.decode() for name, value in written.headers}
    assert set(values) == set(headers["properties"])
    assert not list(Draft202012Validator(headers).iter_errors(values))
