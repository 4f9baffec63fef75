"""Journeys of a node whose disk is full: who posts is told when to come again, nothing is half stored, the axis keeps
what was not stored, and everything goes on by itself when there is room.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio

from lienthong.gateway import channels
from lienthong.tests.chaos.disk_faults import MB, filled, small_disk
from lienthong.tests.conftest import Addresses
from lienthong.tests.journeys.insistence import Insistence, arrived, at_the_axis, later, sent
from lienthong.tests.journeys.outsiders import bring, letter
from lienthong.tests.journeys.papers import NEIGHBOUR, OUTSIDE, SENDER, Papers
from lienthong.tests.journeys.province import LONG, Province, knows_agencies, open_province
from lienthong.tests.waiting import until

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]
NO_RESERVE = "[files]\nreserve_bytes = 0\n"
NOISE = "".join(
    f"{number:x} " for number in Random(5).sample(range(1 << 40), 160_000)
).encode()  # 1.7 MB, no ZIP shrinks it


@pytest.fixture
def disk(tmp_path: Path) -> AsyncIterator[Path]:
    with small_disk(tmp_path / "node", 24 * MB) as folder:
        yield folder


@pytest_asyncio.fixture
async def province(disk: Path, addresses: Addresses, tmp_path: Path, papers: Papers) -> AsyncIterator[Province]:
    async with open_province(tmp_path, addresses.app_dsn, papers, NO_RESERVE) as opened:
        await until(lambda: knows_agencies(opened), LONG)
        yield opened


@pytest_asyncio.fixture
async def eoffice(province: Province) -> Insistence:
    return Insistence(province=province, paper=await province.papers.signed("501"))


def half_stored(disk: Path) -> list[Path]:
    """Files that no finished piece of work leaves behind."""
    return [*(disk / "files" / "tmp").iterdir(), *(disk / "scratch").glob("*/*"), *disk.rglob("*.partial")]


async def failures(province: Province, kind: str) -> list[str]:
    rows = await province.rows("SELECT last_error FROM work WHERE kind = $1 AND last_error IS NOT NULL", kind)
    return [row["last_error"] for row in rows]


async def test_a_disk_that_fills_up_during_an_upload_refuses_it_whole(disk: Path, eoffice: Insistence) -> None:
    with filled(disk, leave=1_200_000):
        assert await eoffice.attempt("501", NOISE) is None  # its length is known: refused before the body is read
        assert await eoffice.attempt("501", NOISE, chunked=True) is None  # its length is not: refused when it is full
    assert [one.code for one in eoffice.refusals] == ["DISK_LOW", "FILE_STORE_FULL"]
    assert eoffice.only_says("DISK_LOW", "FILE_STORE_FULL")
    await until(lambda: not half_stored(disk))
    document = await eoffice.post("501", NOISE)
    await sent(eoffice.province, document)
    assert len(at_the_axis(eoffice.province)) == 1


async def test_what_the_axis_has_stays_there_while_it_cannot_be_stored(
    disk: Path, province: Province, tmp_path: Path
) -> None:
    theirs = await province.papers.signed("502", by=OUTSIDE)
    with filled(disk, leave=4096):
        await bring(province, letter(province, "502", theirs, to=(SENDER,)), tmp_path)
        await until(lambda: failures(province, "fetch"), LONG)
        assert await province.rows("SELECT id FROM incoming_package") == []
        assert len(await province.rows("SELECT id FROM work WHERE kind = 'fetch'")) == 1  # however often it is listed
        deliveries = province.emulator.controls.ledger.state.deliveries.values()
        assert [one.status for one in deliveries if one.receiver == SENDER] != ["DONE"]
    await later(province)
    await arrived(province, 1)
    await until(lambda: not half_stored(disk), LONG)


async def test_a_package_that_cannot_be_written_waits_and_is_sent_when_there_is_room(
    disk: Path, province: Province, eoffice: Insistence
) -> None:
    """Room enough for the upload, not for the package made of it."""
    room = len(NOISE) + eoffice.paper.stat().st_size + 700_000
    with filled(disk, leave=room):
        document = await eoffice.post("503", NOISE)
        await until(lambda: failures(province, "package"), LONG)
        assert at_the_axis(province) == []
        assert await province.rows("SELECT code, reason FROM hold") == []
    await later(province)
    await sent(province, document)
    assert len(at_the_axis(province)) == 1
    await until(lambda: not half_stored(disk), LONG)


async def test_an_incoming_package_that_cannot_be_unwrapped_is_not_called_unreadable(
    disk: Path, province: Province, tmp_path: Path
) -> None:
    """Room enough for the raw bytes, not for the attachments in them."""
    theirs = await province.papers.signed("504", by=OUTSIDE)
    noise = tmp_path / "phu-luc.txt"
    noise.write_bytes(NOISE)
    package = letter(province, "504", theirs, noise, to=(SENDER,))
    with filled(disk, leave=2_900_000):
        await bring(province, package, tmp_path)
        await until(lambda: failures(province, "examine_incoming"), LONG)
        assert await province.rows("SELECT code, reason FROM hold") == []
    await later(province)
    await arrived(province, 1)
    await until(lambda: not half_stored(disk), LONG)


async def test_the_axis_inside_the_node_waits_for_room_too(disk: Path, province: Province, eoffice: Insistence) -> None:
    await channels.pause(province.node, "axis:local", actor="test", reason="Bảo trì.")
    _, accepted = await province.sender.post(province.letter("505", NEIGHBOUR), eoffice.paper, key="505")

    async def packaged() -> bool:
        return bool(await province.rows("SELECT 1 FROM outgoing_package WHERE state = 'queued'"))

    await until(packaged, LONG)
    with filled(disk):
        await channels.resume(province.node, "axis:local", actor="test", reason="Xong bảo trì.")
        await until(lambda: failures(province, "dispatch"), LONG)

    async def arrived_once() -> bool:
        return await province.sender.states(accepted["id"]) == {NEIGHBOUR: "arrived"}

    await until(arrived_once, LONG)
    assert len(await province.neighbour.mailbox("document")) == 1
    await until(lambda: not half_stored(disk), LONG)
