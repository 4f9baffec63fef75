"""Every message the node writes has a schema, and every schema a message; the examples are what they say."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator

from lienthong.gateway import public_events
from lienthong.gateway.errors import GatewayError
from lienthong.gateway.node import Node
from lienthong.gateway.pipeline.handover import HANDOVERS, TOPIC, hand_over
from lienthong.queue.messages import Message
from lienthong.tests.gateway.events.schemas import SHARED, faults, fields_of, schemas

ROOT = Path(__file__).parents[3]
INTERNAL = sorted(set(schemas()) - {SHARED} - public_events.types())


def test_every_type_in_the_sources_has_a_schema_and_every_schema_a_type() -> None:
    literal = re.compile(r'\b(?:announce|message)\([^"]*"(lienthong\.[^"]+)"')
    written = {kind for path in (ROOT / "gateway").rglob("*.py") for kind in literal.findall(path.read_text("utf-8"))}
    assert set(HANDOVERS) == written
    assert written | public_events.types() | {SHARED} == set(schemas())


@pytest.mark.parametrize("kind", sorted(set(schemas()) - {SHARED}))
def test_a_schema_is_one_of_its_draft_and_its_examples_are_valid(kind: str) -> None:
    schema = schemas()[kind]
    Draft202012Validator.check_schema(schema)
    assert schema["examples"]
    for example in schema["examples"]:
        assert faults(kind, example) == []
        assert set(example) <= fields_of(kind)


@pytest.mark.parametrize("kind", INTERNAL)
def test_an_internal_message_carries_nothing_but_what_is_named(kind: str) -> None:
    [example] = schemas()[kind]["examples"]
    assert faults(kind, {**example, "subject": "V/v việc riêng"})
    assert faults(kind, dict(list(example.items())[1:]))


@pytest.mark.parametrize("kind", sorted(public_events.types()))
def test_a_public_event_names_no_person_no_title_and_no_reason(kind: str) -> None:
    [example] = schemas()[kind]["examples"]
    assert not fields_of(kind) & {"subject", "title", "reason", "actor", "signer", "staff", "description", "metadata"}
    assert faults(kind, {**example, "state": "no such state"})
    assert faults(kind, {**example, "added_later": 1}) == []  # readers of version 1 ignore what they do not know


@pytest.mark.parametrize(
    ("kind", "version"),
    [("lienthong.document.accepted.v2", 2), ("lienthong.document.accepted.v1", 2), ("lienthong.stranger.v1", 1)],
    ids=["a newer type", "a newer version under the old type", "a stranger"],
)
async def test_a_message_of_a_newer_version_is_refused_and_not_read_as_an_older_one(
    node: Node, ids: Callable[[], UUID], kind: str, version: int
) -> None:
    about = Message(
        id=ids(),
        topic=TOPIC,
        key="k",
        type=kind,
        source="/vb",
        occurred_at=node.clock(),
        payload={"exchange_id": str(ids())},
        schema_version=version,
    )
    async with node.db.unit(None) as conn:
        with pytest.raises(GatewayError) as caught:
            await hand_over(node, conn, [about])
        assert await conn.fetchval("select count(*) from work") == 0
    assert caught.value.code == "MESSAGE_UNKNOWN"
    assert kind in caught.value.message
