"""F08: a refused timestamp is told from a refused key, by the axis's words or by the clocks; F10: who was refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lienthong.adapters.axis import MessageKind, OutcomeKind
from lienthong.adapters.clocks import words
from lienthong.adapters.emulator.app import open_emulator
from lienthong.adapters.emulator.faults import Fault, FaultCode
from lienthong.adapters.emulator.settings import Profile, ReceiverCheck
from lienthong.adapters.errors import AxisError
from lienthong.adapters.vxp.client import open_vxp
from lienthong.adapters.vxp.clocks import seconds_ahead
from lienthong.adapters.vxp.protocol import Operation
from lienthong.tests.adapters.axes import LOCKED, emulator_settings, our_settings, over_emulator
from lienthong.tests.adapters.packages import MINISTRY, THEIRS, document, frozen

Clock = Callable[[], datetime]
WINDOW = Profile(timestamp_window=60.0)
pytestmark = pytest.mark.timeout(20)


@pytest.mark.parametrize(("wrong", "says"), [(90, "nhanh hơn trục 90 giây"), (-7200, "chậm hơn trục 120 phút")])
async def test_f08_a_call_at_the_wrong_time_is_lech_gio(tmp_path: Path, clock: Clock, wrong: int, says: str) -> None:
    package = frozen(document(tmp_path), tmp_path / "sent.edxml")
    settings = emulator_settings(tmp_path / "axis", profile=WINDOW)
    async with open_emulator(settings, clock=clock) as axis:
        ours = our_settings(axis)
        async with open_vxp(ours, clock=lambda: clock() + timedelta(seconds=wrong)) as client:
            outcome = await client.send(package)
            calls: list[Callable[[], Any]] = [
                lambda: client.list_received(MessageKind.DOCUMENT),
                lambda: client.fetch("id", tmp_path / "into"),
            ]
            for call in calls:
                with pytest.raises(AxisError) as error:
                    await call()
                assert (error.value.code, error.value.transient) == ("AXIS_CLOCK", True)
                assert says in error.value.message
            assert client.clock_ahead() == pytest.approx(-wrong, abs=2)
    assert (outcome.kind, outcome.code) == (OutcomeKind.RETRY, "CLOCK")
    assert outcome.message.startswith("Lệch giờ")
    assert says in outcome.message


async def test_f08_a_wrong_key_stays_a_wrong_key_while_the_clocks_agree(tmp_path: Path, clock: Clock) -> None:
    package = frozen(document(tmp_path), tmp_path / "sent.edxml")
    async with over_emulator(tmp_path / "axis", clock) as axis:
        for _ in range(2):
            axis.emulator.controls.faults.inject(Fault(code=FaultCode.KEY, variant="401"))
        assert (await axis.ours.send(package)).kind is OutcomeKind.SUSPENDED
        with pytest.raises(AxisError) as error:
            await axis.ours.list_received(MessageKind.DOCUMENT)
        assert error.value.code == "AXIS_KEY"


@pytest.mark.parametrize("date", [None, "", "hôm nay", "Mon, 99 Foo 2026 00:00:00 GMT", "\x00", "1" * 5000])
def test_a_date_that_cannot_be_read_says_nothing(date: str | None, clock: Clock) -> None:
    assert seconds_ahead(date, clock()) is None


def test_without_a_measured_distance_the_words_name_none() -> None:
    assert "giây" not in words(None)
    assert words(None).startswith("Lệch giờ")


async def test_f10_a_refusal_names_the_recipient_that_is_to_blame(tmp_path: Path, clock: Clock) -> None:
    receivers = (THEIRS, LOCKED, MINISTRY)
    package = frozen(document(tmp_path, receivers=receivers), tmp_path / "sent.edxml")
    async with over_emulator(tmp_path / "axis", clock) as axis:
        outcome = await axis.ours.send(package)
        assert (outcome.kind, outcome.code, outcome.refused) == (OutcomeKind.REJECTED, "23", (LOCKED,))
        assert LOCKED in outcome.message
        axis.emulator.controls.faults.inject(Fault(code=FaultCode.REFUSED, operation=Operation.SEND, variant="18"))
        assert (await axis.ours.send(package)).refused == ()  # it says that one is unknown, and not which


async def test_f10_an_axis_may_refuse_one_recipient_and_take_the_rest(tmp_path: Path, clock: Clock) -> None:
    """It remembers so over a restart."""
    receivers = (THEIRS, LOCKED)
    package = frozen(document(tmp_path, receivers=receivers), tmp_path / "sent.edxml")
    profile = Profile(receiver_check=ReceiverCheck.RECIPIENT)
    async with over_emulator(tmp_path / "axis", clock, profile=profile) as axis:
        outcome = await axis.ours.send(package)
        assert outcome.kind is OutcomeKind.ACCEPTED
        assert len(await axis.theirs.list_received(MessageKind.DOCUMENT)) == 1
    async with over_emulator(tmp_path / "axis", clock, profile=profile) as axis:
        rows = await axis.ours.list_sent(axis_doc_id=outcome.axis_doc_id or "", kind=MessageKind.DOCUMENT)
    seen = {row.receiver_code: (row.receive_status, row.receiver_doc_id is None) for row in rows}
    assert seen == {THEIRS: ("INITIAL", False), LOCKED: ("FAIL", True)}
    assert LOCKED in next(row.receive_status_text for row in rows if row.receiver_code == LOCKED)
