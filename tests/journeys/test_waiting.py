"""A journey without revocation data: documents wait undetermined, and go their way by themselves when the data come."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from shutil import copy, copytree
from typing import Any

from lienthong.deploy.demo.pki import STORE, load_key
from lienthong.signing.producing import Proof, sign_document
from lienthong.tests.conftest import Addresses
from lienthong.tests.journeys.outsiders import bring, letter
from lienthong.tests.journeys.papers import OUTSIDE, SENDER, Papers, _images, make_stamper
from lienthong.tests.journeys.province import LONG, Province, open_province
from lienthong.tests.waiting import until

SILENT = "000.00.00.G99"
OFTEN = "[revocation]\nretry_held_seconds = 0.3\n"


async def signed_without_data(papers: Papers, number: str, *, by: str) -> Path:
    """As VGCA tools sign: a timestamp, but no revocation data inside."""
    unsigned, target = papers.folder / f"{by}-{number}-unsigned.pdf", papers.folder / f"{by}-{number}-b-t.pdf"
    boxes = papers._compose(number, unsigned)
    await asyncio.to_thread(
        sign_document,
        unsigned,
        target,
        leader=load_key(papers.folder / "keys", f"{by}-leader"),
        agency=load_key(papers.folder / "keys", f"{by}-agency"),
        boxes=boxes,
        images=_images(),
        proof=Proof(timestamper=make_stamper(papers.folder), store=None, now=papers.now),
    )
    return target


async def holds(province: Province) -> list[dict[str, Any]]:
    _, page = await province.operator.call("GET", "/v1/operations/holds")
    return page["items"]


async def test_held_for_want_of_revocation_data_and_delivered_when_they_come(
    addresses: Addresses, tmp_path: Path, papers: Papers
) -> None:
    bare = dataclasses.replace(papers, folder=tmp_path / "papers")
    copytree(papers.trust, bare.trust)
    lists = bare.trust / STORE / "crls"
    for file in lists.iterdir():
        file.unlink()
    async with open_province(tmp_path, addresses.app_dsn, bare, more=OFTEN) as province:
        coming = await signed_without_data(papers, "91", by=OUTSIDE)
        await bring(province, letter(province, "91", coming, to=(SENDER,)), tmp_path)
        going = await signed_without_data(papers, "92", by=SENDER)
        status, accepted = await province.sender.post(province.letter("92", SILENT), going, key="waits")
        assert status == 202, accepted

        async def both_held() -> bool:
            return len(await holds(province)) == 2

        await until(both_held, LONG)
        assert {hold["code"] for hold in await holds(province)} <= {"SIG_REVOCATION_UNKNOWN", "SIG_TIMESTAMP_UNTRUSTED"}
        assert {hold["proposal"] for hold in await holds(province)} == {None}, "never returned for want of data"

        for file in (papers.trust / STORE / "crls").iterdir():
            copy(file, lists / file.name)

        async def nothing_held() -> bool:
            return not await holds(province)

        await until(nothing_held, LONG)
        (item,) = await province.sender.mailbox("document")
        assert item["label"] == "Hợp lệ"
        states = await province.sender.states(accepted["id"])
        await until(lambda: province.emulator.controls.ledger.state.packages, LONG)
        assert set(states) == {SILENT}
        closed = await province.rows("SELECT closed_by, closing FROM hold")
        assert {(row["closed_by"], row["closing"]) for row in closed} == {("node", "release")}
        kept = await province.rows("SELECT overall FROM evidence")
        assert [row["overall"] for row in kept] == ["VALID", "VALID"]
