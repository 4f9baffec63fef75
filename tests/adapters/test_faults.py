"""Faults of the axis (axis.md 12.3) as our client sees them: what is reported, what is stored, nothing doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from lienthong.adapters.axis import AckWord, FindAnswer, MessageKind, OutcomeKind, OutgoingPackage, SendOutcome
from lienthong.adapters.emulator.faults import Fault, FaultCode
from lienthong.adapters.errors import AxisError
from lienthong.adapters.vxp.client import open_vxp
from lienthong.adapters.vxp.protocol import Operation
from lienthong.tests.adapters.axes import OverEmulator, our_settings, over_emulator
from lienthong.tests.adapters.packages import OURS, THEIRS, document, frozen, resized, status, with_status_code

Clock = Callable[[], datetime]
pytestmark = pytest.mark.timeout(20)
IMPATIENT = {"connect_seconds": 0.3, "read_seconds": 0.2, "total_seconds": 0.5}


@pytest.fixture
async def axis(tmp_path: Path, clock: Clock) -> AsyncIterator[OverEmulator]:
    async with over_emulator(tmp_path / "axis", clock, client=IMPATIENT) as running:
        yield running


@pytest.fixture
def package(tmp_path: Path) -> OutgoingPackage:
    return frozen(document(tmp_path), tmp_path / "sent.edxml")


def inject(axis: OverEmulator, code: str, operation: Operation | None = None, variant: str = "") -> None:
    axis.emulator.controls.faults.inject(Fault(code=FaultCode(code), operation=operation, variant=variant))


async def stored(axis: OverEmulator) -> int:
    return len(await axis.theirs.list_received(MessageKind.DOCUMENT))


async def find(axis: OverEmulator, package: OutgoingPackage, clock: Clock) -> FindAnswer:
    span = timedelta(minutes=1)
    return (await axis.ours.find(package, since=clock() - span, until=clock() + span)).answer


async def test_f01_nobody_listens_before_the_body_is_a_retry(
    axis: OverEmulator, package: OutgoingPackage, clock: Clock, unused_port: int
) -> None:
    settings = our_settings(axis.emulator, base_url=f"http://127.0.0.1:{unused_port}")
    async with open_vxp(settings, clock=clock) as nobody:
        outcome = await nobody.send(package)
        assert (outcome.kind, outcome.code) == (OutcomeKind.RETRY, "CONNECT")
        with pytest.raises(AxisError) as error:
            await nobody.list_received(MessageKind.DOCUMENT)
    assert (error.value.code, error.value.transient) == ("AXIS_CONNECT", True)


@pytest.fixture
async def unused_port() -> int:
    """A port that was free a moment ago."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return int(port)


async def test_f01_a_connection_reset_after_the_body_is_unknown(
    axis: OverEmulator, package: OutgoingPackage, clock: Clock
) -> None:
    inject(axis, "F01", Operation.SEND)
    outcome = await axis.ours.send(package)
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNKNOWN, "BROKEN")
    assert await find(axis, package, clock) is FindAnswer.NOT_FOUND


async def test_f02_a_timeout_before_commit_is_not_found_and_goes_again(
    axis: OverEmulator, package: OutgoingPackage, clock: Clock
) -> None:
    inject(axis, "F02", Operation.SEND)
    outcome = await axis.ours.send(package)
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNKNOWN, "TIMEOUT")
    assert await find(axis, package, clock) is FindAnswer.NOT_FOUND
    assert (await axis.ours.send(package)).kind is OutcomeKind.ACCEPTED
    assert await stored(axis) == 1


async def test_f03_a_timeout_after_commit_is_found_and_not_sent_again(
    axis: OverEmulator, package: OutgoingPackage, clock: Clock
) -> None:
    inject(axis, "F03", Operation.SEND)
    outcome = await axis.ours.send(package)
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNKNOWN, "TIMEOUT")
    assert await find(axis, package, clock) is FindAnswer.FOUND
    assert await stored(axis) == 1


async def test_a_package_that_is_there_twice_cannot_be_told(
    axis: OverEmulator, package: OutgoingPackage, clock: Clock
) -> None:
    await axis.ours.send(package)
    await axis.ours.send(package)
    assert await find(axis, package, clock) is FindAnswer.CANNOT_TELL


async def test_an_unknown_status_package_is_never_looked_up(axis: OverEmulator, tmp_path: Path, clock: Clock) -> None:
    answer = frozen(status(sender=OURS, receiver=THEIRS), tmp_path / "status.edxml")
    inject(axis, "F03", Operation.SEND)
    assert (await axis.ours.send(answer)).kind is OutcomeKind.UNKNOWN
    assert await find(axis, answer, clock) is FindAnswer.NOT_FOUND


@pytest.mark.parametrize(
    ("variant", "kind", "code"),
    [
        ("html502", OutcomeKind.RETRY, "HTTP_502"),
        ("html503", OutcomeKind.RETRY, "HTTP_503"),
        ("empty", OutcomeKind.UNKNOWN, "UNREADABLE"),
        ("truncated", OutcomeKind.UNKNOWN, "UNREADABLE"),
        ("html200", OutcomeKind.UNKNOWN, "UNREADABLE"),
        ("garbage", OutcomeKind.UNKNOWN, "UNREADABLE"),
        ("list", OutcomeKind.UNKNOWN, "UNREADABLE"),
        ("cut", OutcomeKind.UNKNOWN, "BROKEN"),
    ],
)
async def test_f04_an_unreadable_answer_to_a_send(
    axis: OverEmulator, package: OutgoingPackage, variant: str, kind: OutcomeKind, code: str
) -> None:
    inject(axis, "F04", Operation.SEND, variant)
    outcome = await axis.ours.send(package)
    assert (outcome.kind, outcome.code) == (kind, code)
    assert await stored(axis) == 0


WRONG = ["html502", "html503", "html200", "empty", "truncated", "cut", "garbage", "list"]


@pytest.mark.parametrize("variant", WRONG)
async def test_f04_a_package_that_is_an_error_page_is_not_kept(
    axis: OverEmulator, package: OutgoingPackage, tmp_path: Path, variant: str
) -> None:
    """Both ways of fetching answer wrongly; a moment later the package is there, whole."""
    await axis.ours.send(package)
    (item,) = await axis.theirs.list_received(MessageKind.DOCUMENT)
    for operation in (Operation.DOWNLOAD, Operation.GET):
        inject(axis, "F04", operation, variant)
    with pytest.raises(AxisError) as error:
        await axis.theirs.fetch(item.receiver_doc_id, tmp_path / "fetched")
    assert error.value.transient
    assert not (tmp_path / "fetched").exists()
    axis.emulator.controls.faults.clear()
    await axis.theirs.fetch(item.receiver_doc_id, tmp_path / "fetched")
    assert b"DocumentId" in (tmp_path / "fetched").read_bytes()


@pytest.mark.parametrize("variant", WRONG)
async def test_f04_an_outage_is_never_an_empty_list(axis: OverEmulator, variant: str) -> None:
    for call in (
        lambda: axis.ours.list_received(MessageKind.DOCUMENT),
        lambda: axis.ours.list_sent(axis_doc_id="a", kind=MessageKind.DOCUMENT),
        lambda: anext(axis.ours.directory()),
        lambda: axis.ours.ack("a", AckWord.DONE),
    ):
        inject(axis, "F04", variant=variant)
        with pytest.raises(AxisError) as error:
            await call()
        assert error.value.transient


async def test_f04_a_list_that_never_comes_is_an_error(axis: OverEmulator) -> None:
    inject(axis, "F02", Operation.RECEIVED)
    with pytest.raises(AxisError) as error:
        await axis.ours.list_received(MessageKind.DOCUMENT)
    assert error.value.code == "AXIS_TIMEOUT"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *((code, OutcomeKind.REJECTED) for code in ("10", "18", "19", "21", "22", "23")),
        ("20", OutcomeKind.RETRY),
        ("15", OutcomeKind.SUSPENDED),
        ("77", OutcomeKind.RETRY),
    ],
)
async def test_f05_a_refusal_by_code(
    axis: OverEmulator, package: OutgoingPackage, code: str, kind: OutcomeKind
) -> None:
    inject(axis, "F05", Operation.SEND, code)
    outcome = await axis.ours.send(package)
    assert (outcome.kind, outcome.code) == (kind, code)
    assert outcome.message
    assert await stored(axis) == 0


@pytest.mark.parametrize("variant", ["missing", "empty", "zero", "null"])
async def test_f06_success_without_an_id_is_unknown_and_found(
    axis: OverEmulator, package: OutgoingPackage, clock: Clock, variant: str
) -> None:
    inject(axis, "F06", Operation.SEND, variant)
    outcome = await axis.ours.send(package)
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNKNOWN, "NO_DOC_ID")
    assert await find(axis, package, clock) is FindAnswer.FOUND
    assert await stored(axis) == 1


@pytest.mark.parametrize("variant", ["401", "15"])
async def test_f07_a_refused_key_suspends_the_channel(
    axis: OverEmulator, package: OutgoingPackage, variant: str
) -> None:
    inject(axis, "F07", variant=variant)
    assert (await axis.ours.send(package)).kind is OutcomeKind.SUSPENDED
    inject(axis, "F07", variant=variant)
    with pytest.raises(AxisError) as error:
        await axis.ours.list_received(MessageKind.DOCUMENT)
    assert (error.value.code, error.value.transient) == ("AXIS_KEY", False)


async def test_f07_a_rotated_key_is_refused_until_the_client_has_it(
    axis: OverEmulator, package: OutgoingPackage, clock: Clock
) -> None:
    settings = our_settings(axis.emulator)
    ledger = axis.emulator.controls.ledger
    await ledger.set_keys(settings.system_id, ["TEST-NEW", settings.secret])
    assert (await axis.ours.send(package)).kind is OutcomeKind.ACCEPTED
    await ledger.set_keys(settings.system_id, ["TEST-NEW"])
    assert (await axis.ours.send(package)).kind is OutcomeKind.SUSPENDED
    async with open_vxp(replace(settings, secret="TEST-NEW"), clock=clock) as renewed:
        assert (await renewed.send(package)).kind is OutcomeKind.ACCEPTED


async def test_f15_a_row_listed_twice_names_one_package(axis: OverEmulator, package: OutgoingPackage) -> None:
    await axis.ours.send(package)
    inject(axis, "F15", Operation.RECEIVED)
    first, second = await axis.theirs.list_received(MessageKind.DOCUMENT)
    assert first == second
    await axis.theirs.ack(first.receiver_doc_id, AckWord.DONE)
    await axis.theirs.ack(second.receiver_doc_id, AckWord.DONE)
    assert await stored(axis) == 0


async def test_f15_one_document_under_two_receiver_ids(
    axis: OverEmulator, package: OutgoingPackage, tmp_path: Path
) -> None:
    await axis.ours.send(package)
    (item,) = await axis.theirs.list_received(MessageKind.DOCUMENT)
    ledger = axis.emulator.controls.ledger
    twin = await ledger.duplicate(ledger.state.deliveries[item.receiver_doc_id])
    items = await axis.theirs.list_received(MessageKind.DOCUMENT)
    assert [one.receiver_doc_id for one in items] == [item.receiver_doc_id, twin]
    for place, one in enumerate(items):
        await axis.theirs.fetch(one.receiver_doc_id, tmp_path / str(place))
        await axis.theirs.ack(one.receiver_doc_id, AckWord.DONE)
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()
    assert await stored(axis) == 0


async def test_f16_a_lost_done_is_said_again(axis: OverEmulator, package: OutgoingPackage) -> None:
    await axis.ours.send(package)
    (item,) = await axis.theirs.list_received(MessageKind.DOCUMENT)
    inject(axis, "F16", Operation.UPDATE)
    await axis.theirs.ack(item.receiver_doc_id, AckWord.DONE)
    assert await axis.theirs.list_received(MessageKind.DOCUMENT) == [item]
    await axis.theirs.ack(item.receiver_doc_id, AckWord.DONE)
    assert await stored(axis) == 0


async def test_f19_odd_statuses_are_carried_as_they_are(axis: OverEmulator, tmp_path: Path) -> None:
    """Duplicate, out of order, unknown document, unknown codes: the axis and the client judge none of them."""
    answer = frozen(status("01"), tmp_path / "01.edxml")
    unknown = frozen(status("01", number="404"), tmp_path / "404.edxml")
    late = frozen(status("03", description="Đã tiếp nhận"), tmp_path / "03.edxml")
    odd = [resized(answer, with_status_code(answer.path, code, tmp_path / f"odd-{code}")) for code in ("07", "99", "1")]
    for package in (late, answer, answer, unknown, *odd):
        assert (await axis.theirs.send(package)).kind is OutcomeKind.ACCEPTED
    items = await axis.ours.list_received(MessageKind.STATUS)
    assert len({item.receiver_doc_id for item in items}) == 7
    await axis.ours.fetch(items[4].receiver_doc_id, tmp_path / "fetched")
    assert b"StatusCode>07<" in (tmp_path / "fetched").read_bytes()


async def test_a_fault_strikes_as_often_as_it_was_told(axis: OverEmulator, package: OutgoingPackage) -> None:
    axis.emulator.controls.faults.inject(Fault(code=FaultCode.REFUSED, operation=Operation.SEND, count=2, variant="20"))
    await axis.ours.list_received(MessageKind.DOCUMENT)
    outcomes: list[SendOutcome] = [await axis.ours.send(package) for _ in range(3)]
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.RETRY, OutcomeKind.RETRY, OutcomeKind.ACCEPTED]
    assert axis.emulator.controls.faults.active() == ()
