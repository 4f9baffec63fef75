"""Journeys of a document for several of whom the axis refuses one (axis.md F10): unknown (18) or locked (23)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest_asyncio

from lienthong.adapters.emulator.settings import ReceiverCheck
from lienthong.tests.conftest import Addresses
from lienthong.tests.journeys.papers import SENDER, Papers
from lienthong.tests.journeys.province import LONG, Province, knows_agencies, open_province
from lienthong.tests.waiting import until

LOCKED = "000.00.00.H97"
GONE = "H41.13"
SILENT = "000.00.00.G99"


@pytest_asyncio.fixture
async def tolerant(addresses: Addresses, tmp_path: Path, papers: Papers) -> AsyncIterator[Province]:
    """An axis that takes the package and names the refused recipient in the list of sent documents."""
    profile = {"receiver_check": ReceiverCheck.RECIPIENT}
    async with open_province(tmp_path, addresses.app_dsn, papers, profile=profile) as opened:
        await until(lambda: knows_agencies(opened), LONG)
        yield opened


async def post(province: Province, number: str, *recipients: str) -> str:
    paper = await province.papers.signed(number)
    code, accepted = await province.sender.post(province.letter(number, *recipients), paper, key=number)
    assert code == 202, accepted
    document: str = accepted["id"]
    return document


async def ended(province: Province, document: str, expected: dict[str, str]) -> dict[str, Any]:
    """Wait for these states; the recipients as the sender sees them, by code, and the state of the document."""

    async def reached() -> bool:
        return await province.sender.states(document) == expected

    await until(reached, LONG)
    _, view = await province.sender.call("GET", f"/v1/documents/{document}")
    return {one["code"]: one for one in view["recipients"]} | {"state": view["state"]}


async def named(province: Province) -> list[Any]:
    """What the sender's mailbox says of refused recipients."""
    items = await province.sender.mailbox("status")
    return [item["detail"]["refused"] for item in items if item["label"] == "Trục từ chối"]


def at_the_axis(province: Province) -> list[list[str]]:
    """For whom the axis has packages of ours."""
    packages = province.emulator.controls.ledger.state.packages.values()
    mine = (one for one in packages if one.kind == "edoc" and one.sender == SENDER)
    return [sorted(delivery.receiver for delivery in one.deliveries) for one in mine]


async def test_the_sender_learns_which_recipient_stopped_the_whole_package(province: Province) -> None:
    document = await post(province, "71", SILENT, LOCKED)
    seen = await ended(province, document, {SILENT: "undeliverable", LOCKED: "undeliverable"})
    assert LOCKED in seen[LOCKED]["reason"]
    assert seen[SILENT]["reason"].startswith("Chưa gửi cho nơi này")
    assert LOCKED in seen[SILENT]["reason"]
    assert seen["state"] == "undeliverable"
    assert await named(province) == [[LOCKED]]
    assert at_the_axis(province) == []


async def test_where_a_policy_says_so_the_others_get_a_package_of_their_own(province: Province) -> None:
    """Twice: a locked recipient is named first, then one that the axis forgot since the directory was read."""
    async with province.node.db.unit(None) as conn:
        await province.node.db.queries.insert_agency_policy(
            conn,
            key="send_to_the_rest",
            agency_code=SENDER,
            valid_from=date(2020, 1, 1),
            valid_to=None,
            value=True,
            legal_basis="Quy chế thử nghiệm",
        )
    await province.emulator.controls.ledger.remove_agency(GONE)
    document = await post(province, "72", SILENT, LOCKED, GONE)
    seen = await ended(province, document, {SILENT: "sent", LOCKED: "undeliverable", GONE: "undeliverable"})
    assert LOCKED in seen[LOCKED]["reason"]
    assert GONE in seen[GONE]["reason"]
    assert seen["state"] == "sent"
    assert sorted(await named(province)) == [[LOCKED], [GONE]]
    assert at_the_axis(province) == [[SILENT]]
    packages = await province.rows("SELECT document_id, state FROM outgoing_package WHERE kind = 'edoc' ORDER BY id")
    assert [row["state"] for row in packages] == ["rejected", "rejected", "accepted"]
    assert len({row["document_id"] for row in packages}) == 1


async def test_an_axis_that_refuses_one_recipient_only_is_believed_for_that_one(tolerant: Province) -> None:
    document = await post(tolerant, "73", SILENT, LOCKED)
    await ended(tolerant, document, {SILENT: "sent", LOCKED: "sent"})
    async with tolerant.node.db.unit(None) as conn:  # the first look comes after twenty seconds
        await conn.execute("UPDATE work SET due_at = now() WHERE kind = 'follow'")
    seen = await ended(tolerant, document, {SILENT: "sent", LOCKED: "undeliverable"})
    assert "Don vi nhan da khoa" in seen[LOCKED]["reason"]
    assert await named(tolerant) == [[LOCKED]]
