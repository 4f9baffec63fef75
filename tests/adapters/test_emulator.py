"""The emulated axis: what it keeps over kills and restarts, its robots, its profile switches."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import pytest

from lienthong.adapters.axis import AckWord, Axis, FindAnswer, MessageKind, OutcomeKind
from lienthong.adapters.emulator.app import open_emulator, run_emulator
from lienthong.adapters.emulator.journal import Journal, open_journal, read_journal
from lienthong.adapters.emulator.settings import (
    AgencySeed,
    EmulatorSettings,
    FailSemantics,
    Profile,
    RecipientRow,
    StatusCase,
)
from lienthong.adapters.errors import AxisError
from lienthong.adapters.vxp.client import open_vxp
from lienthong.adapters.vxp.settings import VxpSettings
from lienthong.edxml.model import BusinessType, DocumentPackage, StatusPackage
from lienthong.edxml.reader import read_header
from lienthong.tests.adapters.axes import (
    LOCKED,
    OUR_SYSTEM,
    THEIR_SYSTEM,
    emulator_settings,
    over_emulator,
)
from lienthong.tests.adapters.packages import MINISTRY, OURS, THEIRS, document, frozen, status
from lienthong.tests.waiting import until

Clock = Callable[[], datetime]
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(20)


def robot(*script: str, **more: tuple[str, ...]) -> AgencySeed:
    return AgencySeed(code=THEIRS, name="UBND tỉnh Khác", center=THEIR_SYSTEM, script=script, **more)


async def statuses(axis: Axis, folder: Path) -> list[tuple[str, str | None]]:
    """Code and text of every status that waits, in order."""
    found = []
    for place, item in enumerate(await axis.list_received(MessageKind.STATUS)):
        path = folder / f"status-{place}"
        path.unlink(missing_ok=True)
        await axis.fetch(item.receiver_doc_id, path)
        package = read_header(path).package
        assert isinstance(package, StatusPackage)
        found.append((package.status_code, package.description))
    return found


async def test_a_robot_receives_and_answers_by_its_script(tmp_path: Path, clock: Clock) -> None:
    async with over_emulator(tmp_path / "axis", clock) as axis:
        await axis.emulator.controls.ledger.register(robot("01", "03", "04", "05", "06"))
        outcome = await axis.ours.send(frozen(document(tmp_path), tmp_path / "sent.edxml"))
        await until(lambda: _count(axis.ours, 5), deadline=10.0)
        assert [code for code, _ in await statuses(axis.ours, tmp_path)] == ["01", "03", "04", "05", "06"]
        assert outcome.axis_doc_id
        (row,) = await axis.ours.list_sent(axis_doc_id=outcome.axis_doc_id, kind=MessageKind.DOCUMENT)
        assert row.receive_status == "DONE"
        assert await axis.theirs.list_received(MessageKind.DOCUMENT) == []


async def _count(axis: Axis, wanted: int) -> bool:
    return len(await axis.list_received(MessageKind.STATUS)) == wanted


async def test_a_robot_refuses_with_its_reason_and_may_send_codes_of_no_list(tmp_path: Path, clock: Clock) -> None:
    async with over_emulator(tmp_path / "axis", clock) as axis:
        await axis.emulator.controls.ledger.register(robot("01", "02:Gửi nhầm đơn vị", "07", "99", "1"))
        await axis.ours.send(frozen(document(tmp_path), tmp_path / "sent.edxml"))
        await until(lambda: _count(axis.ours, 5), deadline=10.0)
        found = await statuses(axis.ours, tmp_path)
        assert found[:2] == [("01", "Đã đến"), ("02", "Gửi nhầm đơn vị")]
        assert [code for code, _ in found[2:]] == ["07", "99", "01"]


@pytest.mark.parametrize("how", ["status 13", "package of type 1"])
async def test_a_robot_answers_a_recall(tmp_path: Path, clock: Clock, how: str) -> None:
    recall = (
        status("13", sender=OURS, receiver=THEIRS, description="Thu hồi do sai sót")
        if how == "status 13"
        else document(tmp_path, kind=BusinessType.RECALL)
    )
    async with over_emulator(tmp_path / "axis", clock) as axis:
        await axis.emulator.controls.ledger.register(robot("01", on_recall=("16:Đã xử lý xong",)))
        assert (await axis.ours.send(frozen(recall, tmp_path / "recall.edxml"))).kind is OutcomeKind.ACCEPTED
        await until(lambda: _count(axis.ours, 1), deadline=10.0)
        assert await statuses(axis.ours, tmp_path) == [("16", "Đã xử lý xong")]


async def test_a_robot_refuses_a_package_it_cannot_read(tmp_path: Path, clock: Clock) -> None:
    package = frozen(document(tmp_path), tmp_path / "sent.edxml")
    async with over_emulator(tmp_path / "axis", clock) as axis:
        await axis.ours.send(package)
        (item,) = await axis.theirs.list_received(MessageKind.DOCUMENT)
        ledger = axis.emulator.controls.ledger
        delivered = await ledger.delivered(ledger.state.deliveries[item.receiver_doc_id].axis_doc_id)
        delivered.write_bytes(delivered.read_bytes()[:-50])
        await ledger.register(robot("01", "03"))
        await until(lambda: _count(axis.ours, 1), deadline=10.0)
        ((code, text),) = await statuses(axis.ours, tmp_path)
        assert code == "02"
        assert text
        assert text.startswith("Gói tin không đọc được")


async def test_a_restart_goes_on_in_the_middle_of_a_script(tmp_path: Path, clock: Clock) -> None:
    async with over_emulator(tmp_path / "axis", clock, pace=3600) as axis:
        await axis.ours.send(frozen(document(tmp_path), tmp_path / "sent.edxml"))
        await axis.emulator.controls.ledger.register(robot("01", "03", "06"))
        for _ in range(2):
            await axis.emulator.controls.robots.step_all()
        assert axis.emulator.controls.robots.owe() == 1
    async with over_emulator(tmp_path / "axis", clock) as axis:
        await until(lambda: _count(axis.ours, 3), deadline=10.0)
        await until(lambda: not axis.emulator.controls.robots.owe(), deadline=10.0)
        assert [code for code, _ in await statuses(axis.ours, tmp_path)] == ["01", "03", "06"]


async def test_delivery_adds_the_axis_trace_and_keeps_the_original(tmp_path: Path, clock: Clock) -> None:
    package = frozen(document(tmp_path), tmp_path / "sent.edxml")
    async with over_emulator(tmp_path / "axis", clock) as axis:
        outcome = await axis.ours.send(package)
        (item,) = await axis.theirs.list_received(MessageKind.DOCUMENT)
        await axis.theirs.fetch(item.receiver_doc_id, tmp_path / "fetched")
        assert outcome.axis_doc_id
        original = axis.emulator.controls.ledger.folders.original(outcome.axis_doc_id)
        assert original.read_bytes() == package.path.read_bytes()
    delivered = read_header(tmp_path / "fetched").package
    assert isinstance(delivered, DocumentPackage)
    assert [str(trace.organ) for trace in delivered.traces] == [OURS, "001.00.20.TT2"]


async def test_nobody_fetches_or_acknowledges_what_is_not_his(tmp_path: Path, clock: Clock) -> None:
    async with over_emulator(tmp_path / "axis", clock) as axis:
        await axis.ours.send(frozen(document(tmp_path), tmp_path / "sent.edxml"))
        (item,) = await axis.theirs.list_received(MessageKind.DOCUMENT)
        with pytest.raises(AxisError):
            await axis.ours.fetch(item.receiver_doc_id, tmp_path / "stolen")
        with pytest.raises(AxisError):
            await axis.ours.ack(item.receiver_doc_id, AckWord.DONE)
        assert await axis.theirs.list_received(MessageKind.DOCUMENT) == [item]


async def test_codes_old_and_new_reach_the_same_agency(tmp_path: Path, clock: Clock) -> None:
    async with over_emulator(tmp_path / "axis", clock) as axis:
        for number, code in enumerate(("H98.5", "000.00.05.H98", "000.05.98.H98")):
            package = frozen(document(tmp_path, number=str(number), receivers=(code,)), tmp_path / f"{number}.edxml")
            assert (await axis.ours.send(package)).kind is OutcomeKind.ACCEPTED
        found = {agency.code: agency async for agency in axis.ours.directory()}
    assert (found["H98.5"].code102, found["H98.5"].old_code) == ("000.00.05.H98", "000.05.98.H98")


@pytest.mark.parametrize(
    ("receivers", "sender", "code"),
    [((LOCKED,), OURS, "23"), (("000.00.00.X99",), OURS, "18"), ((OURS,), THEIRS, "19"), ((THEIRS,), "A.B", "19")],
)
async def test_what_may_not_be_sent_is_refused_for_good(
    tmp_path: Path, clock: Clock, receivers: tuple[str, ...], sender: str, code: str
) -> None:
    async with over_emulator(tmp_path / "axis", clock) as axis:
        package = frozen(document(tmp_path, receivers=receivers, sender=sender), tmp_path / "sent.edxml")
        outcome = await axis.ours.send(package)
    assert (outcome.kind, outcome.code) == (OutcomeKind.REJECTED, code)


async def test_one_row_per_center(tmp_path: Path, clock: Clock) -> None:
    profile = Profile(recipient_row=RecipientRow.CENTER)
    async with over_emulator(tmp_path / "axis", clock, profile=profile) as axis:
        package = frozen(document(tmp_path, receivers=(THEIRS, MINISTRY)), tmp_path / "sent.edxml")
        await axis.ours.send(package)
        (item,) = await axis.theirs.list_received(MessageKind.DOCUMENT)
        assert item.receiver_code == THEIR_SYSTEM
        await axis.theirs.fetch(item.receiver_doc_id, tmp_path / "fetched")
        await axis.theirs.ack(item.receiver_doc_id, AckWord.DONE)
        assert await axis.theirs.list_received(MessageKind.DOCUMENT) == []
        found = await axis.ours.find(package, since=clock(), until=clock())
        assert found.answer is FindAnswer.CANNOT_TELL


async def test_profile_switches(tmp_path: Path, clock: Clock) -> None:
    profile = Profile(
        fail_semantics=FailSemantics.TERMINAL,
        status_case=StatusCase.LOWER,
        list_limit=2,
        trace_code="",
        timestamp_window=60.0,
    )
    async with over_emulator(tmp_path / "axis", clock, profile=profile) as axis:
        for number in range(3):
            await axis.ours.send(frozen(document(tmp_path, number=str(number)), tmp_path / f"{number}.edxml"))
        first, _second = await axis.theirs.list_received(MessageKind.DOCUMENT)
        assert first.status == "INITIAL"
        await axis.theirs.ack(first.receiver_doc_id, AckWord.FAIL)
        left = await axis.theirs.list_received(MessageKind.DOCUMENT)
        assert first.receiver_doc_id not in {item.receiver_doc_id for item in left}
        await axis.theirs.fetch(left[0].receiver_doc_id, tmp_path / "fetched")
    delivered = read_header(tmp_path / "fetched").package
    assert isinstance(delivered, DocumentPackage)
    assert [trace.organ and str(trace.organ) for trace in delivered.traces] == [OURS, None]


async def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = open_journal(path)
    await asyncio.gather(*(journal.append({"event": "x", "n": number}) for number in range(50)))
    journal.close()
    with path.open("ab") as file:
        file.write(b'{"event":"torn"')
    journal = open_journal(path)
    await journal.append({"event": "after", "n": 50})
    journal.close()
    assert [event["n"] for event in read_journal(path)] == list(range(51))


@pytest.fixture
def full_disk() -> Iterator[BinaryIO]:
    with Path("/dev/full").open("wb", buffering=0) as file:
        yield file


async def test_after_a_failed_write_nothing_more_is_acknowledged(full_disk: BinaryIO) -> None:
    journal = Journal(full_disk)
    waiting = [journal.append({"event": "x"}) for _ in range(5)]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, OSError) for result in results)
    with pytest.raises(OSError, match="space"):
        await journal.append({"event": "y"})


async def test_two_emulators_never_share_a_folder(tmp_path: Path, clock: Clock) -> None:
    settings = emulator_settings(tmp_path / "axis")
    async with open_emulator(settings, clock=clock):
        with pytest.raises(AxisError) as error:
            async with open_emulator(settings, clock=clock):
                pass
    assert error.value.code == "EMULATOR_RUNNING"


async def test_it_runs_until_it_is_stopped(tmp_path: Path, clock: Clock) -> None:
    stop = asyncio.Event()
    stop.set()
    await run_emulator(emulator_settings(tmp_path / "axis"), stop=stop, clock=clock)


def test_the_demo_seed_is_complete(tmp_path: Path) -> None:
    settings = EmulatorSettings.from_toml(ROOT / "deploy/demo/axis.toml")
    codes = {agency.code for agency in settings.agencies}
    assert {"000.00.00.H41", "000.00.00.G22", "000.00.00.G12"} <= codes
    assert {agency.parent for agency in settings.agencies} - {""} <= codes
    assert settings.data == ROOT / "deploy/demo/../../demo-data/axis"
    bad = tmp_path / "bad.toml"
    for text in ("surprise = 1", "data = 'x'\n[profile]\nhash_mode = 'x'", "[[agencies]]\nname = 'x'", "= 1", ""):
        bad.write_text(text)
        with pytest.raises(AxisError) as error:
            EmulatorSettings.from_toml(bad)
        assert error.value.code == "EMULATOR_SETTINGS"


PROGRAM = """
import asyncio, sys
from pathlib import Path
from lienthong.adapters.emulator.app import open_emulator
from lienthong.adapters.emulator.settings import EmulatorSettings

async def main():
    async with open_emulator(EmulatorSettings.from_toml(Path(sys.argv[1]))) as emulator:
        print(emulator.base_url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.timeout(60)
async def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, clock: Clock) -> None:
    config = tmp_path / "axis.toml"
    agencies = "".join(
        f'[[agencies]]\ncode = "{code}"\nname = "Cơ quan"\ncenter = "{center}"\n'
        for code, center in ((OURS, OUR_SYSTEM), (THEIRS, THEIR_SYSTEM))
    )
    systems = "".join(f'[[systems]]\nid = "{one}"\nsecret = "TEST"\n' for one in (OUR_SYSTEM, THEIR_SYSTEM))
    config.write_text(f'data = "axis"\nport = 0\ncontrol_port = 0\n{systems}{agencies}', encoding="utf-8")
    packages = [frozen(document(tmp_path, number=str(number)), tmp_path / f"{number}.edxml") for number in range(60)]
    accepted: set[str | None] = set()

    for round_ in range(3):
        async with _process(config) as (process, base_url):
            settings = VxpSettings(base_url=base_url, system_id=OUR_SYSTEM, secret="TEST")
            async with open_vxp(settings, clock=clock) as ours, asyncio.TaskGroup() as tasks:

                async def send(number: int, ours: Axis = ours) -> None:
                    outcome = await ours.send(packages[number])
                    if outcome.kind is OutcomeKind.ACCEPTED:
                        accepted.add(outcome.axis_doc_id)

                for number in range(round_ * 20, round_ * 20 + 20):
                    tasks.create_task(send(number))
                before = len(accepted)
                await until(lambda before=before: len(accepted) >= before + 5, deadline=10.0)
                os.kill(process.pid, signal.SIGKILL)

    assert len(accepted) >= 15
    async with _process(config) as (process, base_url):
        ours_settings = VxpSettings(base_url=base_url, system_id=OUR_SYSTEM, secret="TEST")
        their_settings = VxpSettings(base_url=base_url, system_id=THEIR_SYSTEM, secret="TEST")
        async with open_vxp(ours_settings, clock=clock) as ours, open_vxp(their_settings, clock=clock) as theirs:
            items = await theirs.list_received(MessageKind.DOCUMENT)
            assert len(items) >= len(accepted)
            for axis_doc_id in accepted:
                assert axis_doc_id
                assert await ours.list_sent(axis_doc_id=axis_doc_id, kind=MessageKind.DOCUMENT)
            for place, item in enumerate(items):
                await theirs.fetch(item.receiver_doc_id, tmp_path / f"fetched-{place}")
        os.kill(process.pid, signal.SIGKILL)


class _process:  # noqa: N801 - reads as a function
    """The emulator as a process of its own; reaped at the end."""

    def __init__(self, config: Path) -> None:
        self._config = config

    async def __aenter__(self) -> tuple[asyncio.subprocess.Process, str]:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, str(self._config), stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout
        async with asyncio.timeout(20):
            line = await self._process.stdout.readline()
        assert line, "the emulator did not start"
        return self._process, line.decode().strip()

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()
