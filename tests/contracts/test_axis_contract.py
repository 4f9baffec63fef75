"""What every axis keeps, run over the VXP client with the emulated axis and over the local axis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from lienthong.adapters.axis import AckWord, FindAnswer, MessageKind, OutcomeKind, ReceivedItem
from lienthong.adapters.errors import AxisError
from lienthong.edxml.model import DocumentPackage, StatusPackage
from lienthong.edxml.reader import read_header, read_package
from lienthong.tests.adapters.axes import TwoNodes, local_nodes, vxp_nodes
from lienthong.tests.adapters.packages import MINISTRY, OURS, THEIRS, document, frozen, status

Clock = Callable[[], datetime]
Open = Callable[[], AbstractAsyncContextManager[TwoNodes]]
pytestmark = pytest.mark.timeout(20)


@pytest.fixture(params=[vxp_nodes, local_nodes], ids=["vxp", "local"])
def opened(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Open:
    """Opens the axis on one folder; a second time is a restart."""
    return lambda: request.param(tmp_path / "axis", clock)


@pytest.fixture
async def nodes(opened: Open) -> AsyncIterator[TwoNodes]:
    async with opened() as running:
        yield running


async def waiting(nodes: TwoNodes, kind: MessageKind = MessageKind.DOCUMENT) -> dict[str | None, ReceivedItem]:
    return {item.receiver_code: item for item in await nodes.receiver.list_received(kind)}


async def test_a_document_is_sent_listed_fetched_acknowledged_and_gone(nodes: TwoNodes, tmp_path: Path) -> None:
    package = frozen(document(tmp_path), tmp_path / "sent.edxml")
    outcome = await nodes.sender.send(package)
    assert outcome.kind is OutcomeKind.ACCEPTED
    assert outcome.axis_doc_id
    (item,) = await nodes.receiver.list_received(MessageKind.DOCUMENT)
    assert (item.sender_code, item.receiver_code, item.status) == (OURS, THEIRS, "INITIAL")
    assert item.created is not None
    size = await nodes.receiver.fetch(item.receiver_doc_id, tmp_path / "fetched.edxml")
    assert size == (tmp_path / "fetched.edxml").stat().st_size
    await nodes.receiver.ack(item.receiver_doc_id, AckWord.DONE)
    assert await nodes.receiver.list_received(MessageKind.DOCUMENT) == []


async def test_what_is_fetched_says_what_was_sent(nodes: TwoNodes, tmp_path: Path) -> None:
    sent = document(tmp_path, content=b"%PDF-1.7 noi dung \x00\xff" * 999)
    await nodes.sender.send(frozen(sent, tmp_path / "sent.edxml"))
    (item,) = await nodes.receiver.list_received(MessageKind.DOCUMENT)
    await nodes.receiver.fetch(item.receiver_doc_id, tmp_path / "fetched.edxml")
    (tmp_path / "files").mkdir()
    read = read_package(tmp_path / "fetched.edxml", tmp_path / "files").package
    assert isinstance(read, DocumentPackage)
    assert (read.document_id, read.subject, read.sender.code) == (sent.document_id, sent.subject, sent.sender.code)
    assert [one.sha256 for one in read.attachments] == [one.sha256 for one in sent.attachments]


async def test_each_recipient_has_an_id_of_its_own(nodes: TwoNodes, tmp_path: Path) -> None:
    package = frozen(document(tmp_path, receivers=(THEIRS, MINISTRY)), tmp_path / "sent.edxml")
    outcome = await nodes.sender.send(package)
    items = await waiting(nodes)
    assert set(items) == {THEIRS, MINISTRY}
    assert items[THEIRS].receiver_doc_id != items[MINISTRY].receiver_doc_id
    await nodes.receiver.ack(items[THEIRS].receiver_doc_id, AckWord.DONE)
    assert set(await waiting(nodes)) == {MINISTRY}
    assert outcome.axis_doc_id
    rows = await nodes.sender.list_sent(axis_doc_id=outcome.axis_doc_id, kind=MessageKind.DOCUMENT)
    assert {row.receiver_code: row.receive_status for row in rows} == {THEIRS: "DONE", MINISTRY: "INITIAL"}
    assert {row.receiver_doc_id for row in rows} == {item.receiver_doc_id for item in items.values()}
    assert {row.notation for row in rows} == {"12/STN-VP"}


async def test_acknowledging_again_changes_nothing(nodes: TwoNodes, tmp_path: Path) -> None:
    await nodes.sender.send(frozen(document(tmp_path), tmp_path / "sent.edxml"))
    (item,) = await nodes.receiver.list_received(MessageKind.DOCUMENT)
    await nodes.receiver.ack(item.receiver_doc_id, AckWord.PROCESSING)
    (processing,) = await nodes.receiver.list_received(MessageKind.DOCUMENT)
    assert processing.status == "PROCESSING"
    for word in (AckWord.DONE, AckWord.DONE, AckWord.FAIL, AckWord.PROCESSING):
        await nodes.receiver.ack(item.receiver_doc_id, word)
        assert await nodes.receiver.list_received(MessageKind.DOCUMENT) == []


async def test_fail_leaves_the_item_in_the_list(nodes: TwoNodes, tmp_path: Path) -> None:
    await nodes.sender.send(frozen(document(tmp_path), tmp_path / "sent.edxml"))
    (item,) = await nodes.receiver.list_received(MessageKind.DOCUMENT)
    await nodes.receiver.ack(item.receiver_doc_id, AckWord.FAIL)
    assert len(await nodes.receiver.list_received(MessageKind.DOCUMENT)) == 1


async def test_an_unknown_recipient_is_rejected_and_nobody_gets_anything(nodes: TwoNodes, tmp_path: Path) -> None:
    package = frozen(document(tmp_path, receivers=(THEIRS, "000.00.00.X01")), tmp_path / "sent.edxml")
    outcome = await nodes.sender.send(package)
    assert (outcome.kind, outcome.code, outcome.axis_doc_id) == (OutcomeKind.REJECTED, "18", None)
    assert outcome.message
    assert await nodes.receiver.list_received(MessageKind.DOCUMENT) == []


async def test_a_status_reaches_the_sender_of_the_document_in_a_list_of_its_own(
    nodes: TwoNodes, tmp_path: Path
) -> None:
    answer = frozen(status("02", description="Gửi nhầm đơn vị"), tmp_path / "status.edxml")
    outcome = await nodes.receiver.send(answer)
    assert outcome.kind is OutcomeKind.ACCEPTED
    assert await nodes.sender.list_received(MessageKind.DOCUMENT) == []
    (item,) = await nodes.sender.list_received(MessageKind.STATUS)
    assert (item.kind, item.sender_code, item.receiver_code) == (MessageKind.STATUS, THEIRS, OURS)
    await nodes.sender.fetch(item.receiver_doc_id, tmp_path / "fetched.edxml")
    read = read_header(tmp_path / "fetched.edxml").package
    assert isinstance(read, StatusPackage)
    assert (read.status_code, read.description) == ("02", "Gửi nhầm đơn vị")
    await nodes.sender.ack(item.receiver_doc_id, AckWord.DONE)
    assert await nodes.sender.list_received(MessageKind.STATUS) == []


async def test_find_tells_a_package_that_arrived_from_one_that_did_not(
    nodes: TwoNodes, tmp_path: Path, clock: Clock
) -> None:
    arrived = frozen(document(tmp_path, receivers=(THEIRS, MINISTRY)), tmp_path / "arrived.edxml")
    lost = frozen(document(tmp_path, number="13"), tmp_path / "lost.edxml")
    outcome = await nodes.sender.send(arrived)
    window = {"since": clock() - timedelta(minutes=1), "until": clock() + timedelta(minutes=1)}
    found = await nodes.sender.find(arrived, **window)
    assert (found.answer, found.axis_doc_id) == (FindAnswer.FOUND, outcome.axis_doc_id)
    assert (await nodes.sender.find(lost, **window)).answer is FindAnswer.NOT_FOUND


async def test_fetching_never_overwrites_and_leaves_no_half_file(nodes: TwoNodes, tmp_path: Path) -> None:
    await nodes.sender.send(frozen(document(tmp_path), tmp_path / "sent.edxml"))
    (item,) = await nodes.receiver.list_received(MessageKind.DOCUMENT)
    taken = tmp_path / "taken"
    taken.write_bytes(b"kept")
    with pytest.raises(AxisError):
        await nodes.receiver.fetch(item.receiver_doc_id, taken)
    assert taken.read_bytes() == b"kept"
    with pytest.raises(AxisError) as error:
        await nodes.receiver.fetch("00000000-0000-4000-8000-000000000000", tmp_path / "none")
    assert not error.value.transient or error.value.code == "AXIS_REFUSED"
    assert not (tmp_path / "none").exists()


async def test_an_unknown_item_cannot_be_acknowledged(nodes: TwoNodes) -> None:
    with pytest.raises(AxisError):
        await nodes.receiver.ack("00000000-0000-4000-8000-000000000000", AckWord.DONE)


async def test_the_directory_names_the_agencies(nodes: TwoNodes) -> None:
    agencies = {agency.code: agency async for agency in nodes.sender.directory()}
    assert agencies[THEIRS].name == "UBND tỉnh Khác"
    assert {OURS, MINISTRY} <= set(agencies)


async def test_many_at_once_all_arrive_once(nodes: TwoNodes, tmp_path: Path) -> None:
    packages = [frozen(document(tmp_path, number=str(number)), tmp_path / f"{number}.edxml") for number in range(1, 21)]
    outcomes = await asyncio.gather(*(nodes.sender.send(package) for package in packages))
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.ACCEPTED}
    assert len({outcome.axis_doc_id for outcome in outcomes}) == 20
    items = await nodes.receiver.list_received(MessageKind.DOCUMENT)
    assert len({item.receiver_doc_id for item in items}) == 20


async def test_a_restart_keeps_everything(opened: Open, tmp_path: Path) -> None:
    package = frozen(document(tmp_path, receivers=(THEIRS, MINISTRY)), tmp_path / "sent.edxml")
    async with opened() as before:
        outcome = await before.sender.send(package)
        items = await waiting(before)
        await before.receiver.ack(items[MINISTRY].receiver_doc_id, AckWord.DONE)
        await before.receiver.send(frozen(status(), tmp_path / "status.edxml"))
    async with opened() as after:
        assert await waiting(after) == {THEIRS: items[THEIRS]}
        assert len(await after.sender.list_received(MessageKind.STATUS)) == 1
        await after.receiver.fetch(items[THEIRS].receiver_doc_id, tmp_path / "fetched.edxml")
        assert outcome.axis_doc_id
        rows = await after.sender.list_sent(axis_doc_id=outcome.axis_doc_id, kind=MessageKind.DOCUMENT)
        assert {row.receiver_code: row.receive_status for row in rows} == {THEIRS: "INITIAL", MINISTRY: "DONE"}
        again = await after.sender.send(frozen(document(tmp_path, number="14"), tmp_path / "again.edxml"))
        assert again.axis_doc_id != outcome.axis_doc_id
