"""One trace for all that happens to a document, from the caller's header to the last message and the log."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
import structlog

from lienthong.gateway.monitoring import logs
from lienthong.gateway.pipeline.handover import trace_of
from lienthong.gateway.pipeline.steps import kinds
from lienthong.gateway.tracing import trace_id, traceparent
from lienthong.queue.messages import Work
from lienthong.tests.gateway.conftest import Room, document
from lienthong.tests.gateway.test_cost import TakingAxis, claimed, hand_on, outside, travel

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
GIVEN = f"00-{TRACE}-00f067aa0ba902b7-01"


def test_the_callers_trace_goes_on_under_a_span_of_our_own(ids: Callable[[], UUID]) -> None:
    version, trace, span, flags = traceparent(GIVEN, ids()).split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert span != "00f067aa0ba902b7"
    assert int(span, 16)


def test_a_caller_that_does_not_sample_is_not_overruled(ids: Callable[[], UUID]) -> None:
    assert traceparent(GIVEN[:-2] + "00", ids()).endswith("-00")


def test_a_later_version_is_read_as_far_as_it_is_known(ids: Callable[[], UUID]) -> None:
    assert trace_id(traceparent(f"cc{GIVEN[2:]}-what-will-be", ids())) == TRACE


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        GIVEN.upper(),
        GIVEN + "-more",
        GIVEN.replace(TRACE, "0" * 32),
        GIVEN.replace("00f067aa0ba902b7", "0" * 16),
        "ff" + GIVEN[2:],
        GIVEN[:-1],
        " " + GIVEN,
        "cc" + GIVEN[2:] + "-" + "x" * 500,
    ],
)
def test_what_is_no_traceparent_begins_a_trace(given: str | None, ids: Callable[[], UUID]) -> None:
    made = traceparent(given, ids())
    assert trace_id(made) != TRACE
    assert trace_id(traceparent(made, ids())) == trace_id(made)  # ours is well-formed itself


async def test_every_message_of_a_document_carries_the_trace_of_the_call(room: Room) -> None:
    node = outside(room.node, TakingAxis())
    answer = await room.submit(document(), idempotency_key="k-1")
    assert answer.status == 202
    room.client.session.headers["traceparent"] = GIVEN
    await travel(room, node, 77)
    async with node.db.unit(None) as conn:
        rows = await conn.fetch(
            "select e.code_number, o.type, o.traceparent from outbox o join exchange e on e.id::text = o.key"
        )
    traces = {
        number: {trace_id(row["traceparent"]) for row in rows if row["code_number"] == number}
        for number in ("15", "77")
    }
    assert traces["77"] == {TRACE}
    assert len(traces["15"]) == 1
    assert len([row for row in rows if row["code_number"] == "77"]) == 4


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, str]]]]:
    """What the process logs meanwhile."""
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    logs.configure(level="info", form="json", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


async def test_a_step_logs_under_the_trace_of_its_document(
    room: Room, lines: Callable[[], list[dict[str, str]]]
) -> None:
    room.client.session.headers["traceparent"] = GIVEN
    assert (await room.submit()).status == 202
    await hand_on(room.node)
    [work] = await claimed(room.node, "examine")
    assert trace_id(trace_of(work) or "") == TRACE
    with pytest.raises(AssertionError):  # the examiner of these tests looks into nothing
        await kinds(room.node)["examine"].handler(work)
    structlog.get_logger("after").warning("work-failed")
    assert lines()[-1]["trace_id"] == TRACE


def test_work_that_no_message_opened_has_no_trace(ids: Callable[[], UUID]) -> None:
    assert trace_of(Work(id=ids(), kind="fetch", key="k")) is None
