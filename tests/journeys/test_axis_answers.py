"""Journeys with an axis that answers wrongly, twice or late, in every operation: each document still arrives once."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from lienthong.adapters.emulator.faults import Fault, FaultCode
from lienthong.adapters.errors import AxisError
from lienthong.adapters.vxp.protocol import Operation
from lienthong.gateway.directory import synchronise
from lienthong.gateway.errors import GatewayError
from lienthong.tests.chaos.proxy import Proxy
from lienthong.tests.chaos.watching import HttpWatch
from lienthong.tests.conftest import Addresses
from lienthong.tests.journeys.insistence import Insistence, arrived, at_the_axis, later, sent
from lienthong.tests.journeys.outsiders import bring, bring_bytes, letter
from lienthong.tests.journeys.papers import OUTSIDE, SENDER, Papers
from lienthong.tests.journeys.province import LONG, Province, knows_agencies, open_province
from lienthong.tests.waiting import until

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]
WRONG = ("html502", "html503", "html200", "empty", "truncated", "cut", "garbage", "list")


@pytest.fixture
def wire() -> Proxy:
    return Proxy(watch=HttpWatch)


@pytest_asyncio.fixture
async def province(addresses: Addresses, tmp_path: Path, papers: Papers, wire: Proxy) -> AsyncIterator[Province]:
    async with wire, open_province(tmp_path, addresses.app_dsn, papers, wire=wire) as opened:
        await until(lambda: knows_agencies(opened), LONG)
        yield opened


@pytest_asyncio.fixture
async def eoffice(province: Province) -> Insistence:
    return Insistence(province=province, paper=await province.papers.signed("601"))


def inject(province: Province, code: str, operation: Operation, variant: str = "") -> None:
    province.emulator.controls.faults.inject(Fault(code=FaultCode(code), operation=operation, variant=variant))


async def test_wrong_answers_to_a_send_are_never_taken_for_a_refusal(province: Province, eoffice: Insistence) -> None:
    documents = []
    for place, variant in enumerate(WRONG, 1):
        inject(province, "F04", Operation.SEND, variant)
        documents.append(await eoffice.post(f"{600 + place}"))
    await until(lambda: not province.emulator.controls.faults.active(), LONG)
    await sent(province, *documents)
    assert len(at_the_axis(province)) == len(set(at_the_axis(province))) == len(WRONG)
    assert await province.rows("SELECT code, reason FROM hold") == []


async def test_wrong_answers_while_receiving_lose_nothing_and_acknowledge_nothing(
    province: Province, tmp_path: Path
) -> None:
    theirs = await province.papers.signed("602", by=OUTSIDE)
    for variant in WRONG:
        for operation in (Operation.RECEIVED, Operation.DOWNLOAD, Operation.GET, Operation.UPDATE):
            inject(province, "F04", operation, variant)
    for place in range(1, 4):
        await bring(province, letter(province, f"{place}", theirs, to=(SENDER,)), tmp_path)

    async def struck() -> bool:
        await later(province)
        return not province.emulator.controls.faults.active()

    await until(struck, LONG)
    await arrived(province, 3)

    async def acknowledged() -> bool:
        deliveries = province.emulator.controls.ledger.state.deliveries.values()
        return {one.status for one in deliveries if one.receiver == SENDER} == {"DONE"}

    await later(province)
    await until(acknowledged, LONG)
    assert await province.rows("SELECT code, reason FROM hold") == []


async def test_an_item_listed_twice_and_under_two_names_is_one_document(province: Province, tmp_path: Path) -> None:
    theirs = await province.papers.signed("603", by=OUTSIDE)
    inject(province, "F15", Operation.RECEIVED)
    await bring(province, letter(province, "603", theirs, to=(SENDER,)), tmp_path)
    ledger = province.emulator.controls.ledger
    (delivery,) = [one for one in ledger.state.deliveries.values() if one.receiver == SENDER]
    await ledger.duplicate(delivery)

    async def both_done() -> bool:
        rows = await province.rows("SELECT acknowledged_at IS NOT NULL AS done FROM incoming_package")
        return [row["done"] for row in rows] == [True, True]

    await until(both_done, LONG)
    await arrived(province, 1)


async def test_a_document_id_that_belongs_to_nobody_does_no_harm(province: Province, eoffice: Insistence) -> None:
    """The axis took the package and names it wrongly: it is sent, and not sent again."""
    inject(province, "F06", Operation.SEND, "other")
    document = await eoffice.post("604")
    await sent(province, document)
    await later(province)
    await sent(province, document, await eoffice.post("605"))
    assert len(at_the_axis(province)) == 2


async def test_an_axis_that_stores_late_what_was_not_found_has_the_same_document_twice_not_two(
    province: Province, eoffice: Insistence, wire: Proxy
) -> None:
    """The request lingers on its way, nobody finds it, the same bytes go again; then the first one arrives."""
    lost = wire.on(re.compile(rb"POST \S*sendEdoc"), wire.drop, when="instead")
    document = await eoffice.post("606")
    await sent(province, document)
    assert lost.struck.is_set()
    assert len(at_the_axis(province)) == 1
    (package,) = await province.rows("SELECT agency_id, sha256 FROM outgoing_package")
    async with province.node.files.at_hand(package["agency_id"], package["sha256"]) as frozen:
        await bring_bytes(province, frozen.read_bytes())
    assert len(at_the_axis(province)) == 2
    assert len(set(at_the_axis(province))) == 1
    await later(province)
    await sent(province, document)
    assert await province.rows("SELECT code, reason FROM hold") == []


async def test_a_directory_that_is_broken_or_has_shrunk_leaves_the_one_there_is(province: Province) -> None:
    """F12: half a list is not believed, and an agency that was in no list is still found."""
    axis, agencies = province.node.axes["quoc-gia"], province.emulator.controls.ledger.state.agencies
    whole = await known(province)
    for variant in WRONG:
        inject(province, "F04", Operation.AGENCIES, variant)
        with pytest.raises(AxisError):
            await synchronise(province.node, axis)
        assert await known(province) == whole
        province.emulator.controls.faults.clear()
    kept = dict(agencies)
    for code in list(agencies)[2:]:
        del agencies[code]
    with pytest.raises(GatewayError) as shrank:
        await synchronise(province.node, axis)
    assert shrank.value.code == "DIRECTORY_SHRANK"
    assert await known(province) == whole
    agencies.update(kept)
    assert await synchronise(province.node, axis) == len(whole)


async def known(province: Province) -> list[str]:
    rows = await province.rows("SELECT code FROM directory WHERE valid_to IS NULL ORDER BY code")
    return [row["code"] for row in rows]
