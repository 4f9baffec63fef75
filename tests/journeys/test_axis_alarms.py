"""What an operator is told of an axis: clocks that differ (axis.md F08), a second node under our system id (F32)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lienthong.adapters.axis import AckWord, MessageKind
from lienthong.adapters.emulator.faults import Fault, FaultCode
from lienthong.adapters.vxp.client import VxpAxis, open_vxp
from lienthong.adapters.vxp.protocol import Operation
from lienthong.adapters.vxp.settings import VxpSettings
from lienthong.tests.conftest import Addresses
from lienthong.tests.journeys.outsiders import bring, letter
from lienthong.tests.journeys.papers import OUTSIDE, SENDER, Papers
from lienthong.tests.journeys.province import LONG, Province, open_province
from lienthong.tests.waiting import until

CHANNEL = "axis:quoc-gia"
SILENT = "000.00.00.G99"
OURS = "00.99.W00"
TRIED = "SELECT id FROM work WHERE kind = 'fetch' AND state = 'ready' AND attempts > 0"


class AxisClock:
    """The axis's time; ``wrong`` by so much."""

    def __init__(self, wrong: timedelta) -> None:
        self.wrong = wrong

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.wrong


async def channel(province: Province) -> dict[str, Any]:
    _, page = await province.operator.call("GET", "/v1/operations/channels")
    return next((one for one in page["items"] if one["name"] == CHANNEL), {"alarms": [], "state": None})


async def alarm(province: Province, kind: str) -> str | None:
    found = [one["message"] for one in (await channel(province))["alarms"] if one["kind"] == kind]
    return found[0] if found else None


async def warned(province: Province) -> str:
    """What anybody who looks whether the node is ready reads."""
    _, report = await province.operator.call("GET", "/readyz")
    return " ".join(report["warnings"])


async def test_clocks_that_differ_are_told_while_work_goes_on(
    addresses: Addresses, tmp_path: Path, papers: Papers
) -> None:
    """F08 with an axis that looks at no timestamp: the operator knows before one does, and when it is over."""
    clock = AxisClock(timedelta(minutes=7))
    async with open_province(tmp_path, addresses.app_dsn, papers, axis_clock=clock) as province:
        message = await until(lambda: alarm(province, "clock"), LONG)
        assert message.startswith("Lệch giờ: đồng hồ của nút chậm hơn trục 7 phút")
        assert message in await warned(province)
        assert (await channel(province))["state"] == "closed"
        clock.wrong = timedelta()

        async def over() -> bool:
            return await alarm(province, "clock") is None

        await until(over, LONG)


async def test_an_axis_that_refuses_our_time_is_no_matter_of_the_key(
    addresses: Addresses, tmp_path: Path, papers: Papers
) -> None:
    """F08: the channel says "lệch giờ", nothing is lost, and it goes on by itself once the clock is right."""
    clock = AxisClock(timedelta())
    profile = {"timestamp_window": 120.0}
    async with open_province(tmp_path, addresses.app_dsn, papers, axis_clock=clock, profile=profile) as province:
        paper = await papers.signed("75")
        clock.wrong = timedelta(minutes=-10)

        async def said() -> str | None:
            found = await channel(province)
            assert found["state"] != "paused"
            return found["last_error"] if found["state"] in ("open", "half_open") else None

        assert (await until(said, LONG)).startswith("Lệch giờ: đồng hồ của nút nhanh hơn trục 10 phút")
        code, accepted = await province.sender.post(province.letter("75", SILENT), paper, key="late")
        assert code == 202, accepted
        clock.wrong = timedelta()

        async def sent() -> bool:
            return await province.sender.states(accepted["id"]) == {SILENT: "sent"}

        await until(sent, LONG)
        assert (await channel(province))["state"] == "closed"


@asynccontextmanager
async def old_node(province: Province) -> AsyncIterator[VxpAxis]:
    """Somebody forgot to switch it off: another client with our system id and key."""
    settings = VxpSettings(base_url=province.emulator.base_url, system_id=OURS, secret="TEST-SECRET")
    async with open_vxp(settings, clock=province.node.clock) as client:
        yield client


@pytest.mark.parametrize("trace", ["vanishes", "is in work"])
async def test_a_second_node_with_our_system_id_is_noticed(province: Province, tmp_path: Path, trace: str) -> None:
    """F32: what waits here is done by another, or what is new here is in another's hands already."""
    paper = await province.papers.signed("76", by=OUTSIDE)
    faults = province.emulator.controls.faults
    operations = (Operation.DOWNLOAD, Operation.GET) if trace == "vanishes" else (Operation.RECEIVED,)
    for operation in operations:
        variant = "garbage" if trace == "vanishes" else "html503"
        faults.inject(Fault(code=FaultCode.UNREADABLE, operation=operation, variant=variant, count=0))
    await bring(province, letter(province, "76", paper, to=(SENDER,)), tmp_path)
    async with old_node(province) as other:
        if trace == "vanishes":
            await until(lambda: province.rows(TRIED), LONG)
            (item,) = await other.list_received(MessageKind.DOCUMENT)
            await other.ack(item.receiver_doc_id, AckWord.DONE)
        else:
            (item,) = province.emulator.controls.ledger.state.waiting(SENDER, MessageKind.DOCUMENT)
            await other.ack(item.receiver_doc_id, AckWord.PROCESSING)
            faults.clear()
    message = await until(lambda: alarm(province, "shared_system"), LONG)
    assert message.startswith("Có thể một nút hoặc phần mềm khác đang dùng chung mã hệ thống")
    assert item.receiver_doc_id in message
    assert message in await warned(province)
    faults.clear()
    async with province.node.db.unit(None) as conn:
        await conn.execute("UPDATE work SET due_at = now() WHERE kind = 'fetch' AND state = 'ready'")
    await until(lambda: province.sender.mailbox("document"), LONG)  # it is fetched here all the same
