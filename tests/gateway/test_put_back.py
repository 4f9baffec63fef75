"""Work that was claimed while its channel closed to it: nothing is called, nothing counted, it waits as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lienthong.adapters.axis import OutcomeKind, OutgoingPackage, SendOutcome
from lienthong.gateway import channels
from lienthong.gateway.errors import GatewayError
from lienthong.gateway.node import Node
from lienthong.gateway.pipeline.sending import dispatch
from lienthong.tests.gateway.conftest import Room, document
from lienthong.tests.gateway.test_cost import STEPS, TakingAxis, claimed, do, hand_on, outside

CHANNEL = "axis:local"
WHY = {"actor": "trực ban", "reason": "Bảo trì."}


class FailingAxis(TakingAxis):
    """Answers 503 so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times

    async def send(self, package: OutgoingPackage) -> SendOutcome:
        self.left -= 1
        if self.left >= 0:
            return SendOutcome(kind=OutcomeKind.RETRY, code="HTTP_503", message="Trục trả lỗi HTTP 503.")
        return await super().send(package)


async def to_the_door(room: Room, node: Node, number: int) -> None:
    """Everything but the sending."""
    answer = await room.submit(document(number=str(number)), idempotency_key=f"d-{number}")
    assert answer.status == 202, await answer.text()
    for kind in ("examine", "package"):
        await do(node, kind, STEPS[kind])
    await hand_on(node)


async def test_a_send_claimed_before_the_pause_waits_without_an_attempt(room: Room) -> None:
    axis = TakingAxis()
    node = outside(room.node, axis)
    await to_the_door(room, node, 1)
    (work,) = await claimed(node, "dispatch")
    await channels.pause(node, CHANNEL, **WHY)
    await dispatch(node, work)
    assert axis.taken == []
    assert await room.one("SELECT attempts FROM outgoing_package") == 0
    assert await room.one("SELECT count(*) FROM attempt") == 0
    assert await claimed(node, "dispatch") == []
    await channels.resume(node, CHANNEL, **WHY)
    (work,) = await claimed(node, "dispatch")
    await dispatch(node, work)
    assert len(axis.taken) == 1


async def test_failures_open_the_channel_and_the_one_that_did_is_excused(room: Room) -> None:
    node = outside(room.node, FailingAxis(times=2))
    patience = node.settings.retry.model_copy(update={"breaker_failures": 2})
    node = replace(node, settings=node.settings.model_copy(update={"retry": patience}))
    for number in (1, 2):
        await to_the_door(room, node, number)
    for work in await claimed(node, "dispatch"):
        await dispatch(node, work)
    rows = [await room.one(f"SELECT excused FROM outgoing_package ORDER BY id OFFSET {n} LIMIT 1") for n in (0, 1)]
    assert sorted(rows) == [0, 1]
    (found,) = [one for one in await channels.list_channels(node) if one.name == CHANNEL]
    assert (found.state, found.waiting) == ("open", 2)


@pytest.mark.parametrize(("actor", "reason"), [("", "Bảo trì."), ("trực ban", "  ")])
async def test_nobody_decides_without_name_and_reason(room: Room, actor: str, reason: str) -> None:
    for decide in (channels.pause, channels.resume, channels.try_now):
        with pytest.raises(GatewayError) as refused:
            await decide(room.node, CHANNEL, actor=actor, reason=reason)
        assert refused.value.code == "REASON_MISSING"
