"""Journeys of certificates that may not sign any more: revoked, in both directions, or given up for a new one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from lienthong.tests.conftest import Addresses
from lienthong.tests.journeys.outsiders import bring, letter
from lienthong.tests.journeys.papers import OUTSIDE, SENDER, Papers, revoked
from lienthong.tests.journeys.province import LONG, Province, knows_agencies, open_province
from lienthong.tests.journeys.test_inward import documents, holds
from lienthong.tests.waiting import until

SILENT = "000.00.00.G99"


@pytest.mark.parametrize("direction", ["outward", "inward"])
async def test_what_a_revoked_certificate_signed_is_refused_in_both_directions(
    addresses: Addresses, tmp_path: Path, papers: Papers, direction: str
) -> None:
    """B13: nothing of ours leaves, nothing of theirs is called "hợp lệ"; a person decides."""
    signer = SENDER if direction == "outward" else OUTSIDE
    paper = await papers.signed("77", by=signer)
    trust = tmp_path / "trust"
    with revoked(papers, f"{signer}-leader", trust, since=papers.now - timedelta(days=1)):
        async with open_province(tmp_path, addresses.app_dsn, papers, trust=trust) as province:
            await until(lambda: knows_agencies(province), LONG)
            if direction == "outward":
                code, accepted = await province.sender.post(province.letter("77", SILENT), paper, key="77")
                assert code == 202, accepted
            else:
                await bring(province, letter(province, "77", paper, to=(SENDER,)), tmp_path)
            (hold,) = await until(lambda: holds(province), LONG)
            assert (hold["subject"], hold["code"]) == (direction, "SIG_REVOKED")
            assert hold["proposal"] == ("02" if direction == "inward" else None)
            assert await documents(province) == []
            packages = province.emulator.controls.ledger.state.packages.values()
            assert [one for one in packages if one.sender == SENDER] == []


async def given_up(province: Province, agency: str, minutes: int) -> None:
    """The partner changed to new certificates; the register keeps its old ones until so long after this letter."""
    until_then = province.papers.now + timedelta(minutes=minutes)
    async with province.node.db.unit(None) as conn:
        await conn.execute("UPDATE certificate SET valid_to = $2 WHERE agency_code = $1", agency, until_then)


async def test_an_old_certificate_signs_within_the_overlap_and_not_after_it(province: Province, tmp_path: Path) -> None:
    """B14: ten minutes after the change the partner's software still signs with the old one."""
    paper = await province.papers.signed("78", by=OUTSIDE)
    await given_up(province, OUTSIDE, 10)
    await bring(province, letter(province, "78", paper, to=(SENDER,)), tmp_path)
    (item,) = await until(lambda: documents(province), LONG)
    assert item["label"] == "Hợp lệ"

    await given_up(province, OUTSIDE, -1)
    paper = await province.papers.signed("79", by=OUTSIDE)
    await bring(province, letter(province, "79", paper, to=(SENDER,)), tmp_path)
    (hold,) = await until(lambda: holds(province), LONG)
    assert (hold["code"], hold["proposal"]) == ("SIG_IDENTITY_OUT_OF_TERM", "02")
