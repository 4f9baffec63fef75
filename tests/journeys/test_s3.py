"""The whole node over an S3 server: out and in, what lies in the bucket, a server that is away or answers nothing."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from lienthong.deploy.s3.server import BUCKET, S3Server, free_port
from lienthong.gateway.upkeep.scrubbing import scrub
from lienthong.gateway.upkeep.sweeping import sweep
from lienthong.tests.chaos.proxy import Proxy, through
from lienthong.tests.chaos.watching import HttpWatch
from lienthong.tests.chaos.wires import Cut
from lienthong.tests.conftest import Addresses
from lienthong.tests.journeys.insistence import later
from lienthong.tests.journeys.outsiders import bring, letter
from lienthong.tests.journeys.papers import OUTSIDE, SENDER, Papers
from lienthong.tests.journeys.province import LONG, Province, knows_agencies, open_province
from lienthong.tests.waiting import until

NGHE_AN = "000.00.00.H41"  # a robot that answers 01, 03, 04, 05, 06
FETCHING = re.compile(rb"^GET /\S+/[0-9a-f]{64} HTTP")


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[S3Server]:
    """A server of its own: one of these journeys kills it."""
    with S3Server(folder=tmp_path / "s3", port=free_port()) as server:
        yield server


@pytest_asyncio.fixture
async def wire(bucket: S3Server) -> AsyncIterator[Proxy]:
    async with Proxy(watch=HttpWatch) as opened:
        through(opened, bucket.endpoint)
        yield opened


@pytest_asyncio.fixture
async def distant(
    addresses: Addresses, tmp_path: Path, papers: Papers, bucket: S3Server, wire: Proxy
) -> AsyncIterator[Province]:
    settings = {**bucket.settings("van-ban"), "endpoint": f"http://127.0.0.1:{wire.port}", "answer_seconds": "1.0"}
    section = "\n".join(f"{name} = {json.dumps(str(value))}" for name, value in settings.items())
    more = f'[files]\nstore = "s3"\n[files.s3]\n{section}\n'
    async with open_province(tmp_path, addresses.app_dsn, papers, more=more) as opened:
        await until(lambda: knows_agencies(opened), LONG)
        yield opened


def kept_here(province: Province) -> list[Path]:
    """Files of documents on the node's own disk."""
    data = province.node.settings.data_dir
    return [path for path in (data / "files").rglob("*") if path.is_file()]


async def _at_once(_size: int) -> bool:
    return True


async def test_documents_go_out_and_come_in_with_every_byte_in_the_bucket(
    distant: Province, bucket: S3Server, tmp_path: Path
) -> None:
    paper = await distant.papers.signed("12")
    status, accepted = await distant.sender.post(distant.letter("12", NGHE_AN), paper, key="first")
    assert status == 202, accepted
    coming = await distant.papers.signed("81", by=OUTSIDE)
    await bring(distant, letter(distant, "81", coming, to=(SENDER,)), tmp_path)

    async def settled() -> bool:
        return await distant.sender.states(accepted["id"]) == {NGHE_AN: "finished"}

    await until(settled, LONG)
    (item,) = await until(lambda: distant.sender.mailbox("document"), LONG)
    assert item["label"] == "Hợp lệ"
    for _ in range(2):  # fetched, then at hand
        _, content = await distant.sender.call("GET", f"/v1/incoming/{item['id']}/files/0")
        assert content == coming.read_bytes()
    _, evidence = await distant.sender.call("GET", f"/v1/documents/{item['id']}/evidence/0")
    assert evidence["manifest"]
    assert kept_here(distant) == []
    agency = bucket.data / BUCKET / "van-ban" / str(distant.sender.id)
    lying = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in agency.rglob("*") if path.is_file()}
    assert hashlib.sha256(paper.read_bytes()).hexdigest() in lying
    assert all(name == digest for name, digest in lying.items())

    swept = await sweep(distant.node, grace=timedelta(seconds=-5), wait=timedelta(hours=2))
    assert (swept.seen > 5, swept.set_aside, swept.strange) == (True, 0, 0), "all of it is named by rows"
    scrubbed = await scrub(distant.node, _at_once)
    assert (scrubbed.faults, scrubbed.whole, scrubbed.files) == (0, True, swept.seen)


async def test_while_the_server_is_away_nothing_is_promised_and_nothing_is_lost(
    distant: Province, bucket: S3Server
) -> None:
    paper = await distant.papers.signed("13")
    bucket.kill()
    status, refusal = await distant.sender.post(distant.letter("13", NGHE_AN), paper, key="again")
    assert (status, refusal["code"]) == (503, "FILE_STORE_FAILED")
    ready, report = await distant.sender.call("GET", "/readyz")
    assert (ready, report["parts"]["files"]) == (503, "FILE_STORE_FAILED")
    await asyncio.to_thread(bucket.start)
    status, accepted = await distant.sender.post(distant.letter("13", NGHE_AN), paper, key="again")
    assert status == 202, accepted

    async def settled() -> bool:
        return await distant.sender.states(accepted["id"]) == {NGHE_AN: "finished"}

    await until(settled, LONG)
    assert len(await distant.rows("SELECT id FROM exchange")) == 1
    assert kept_here(distant) == []


@pytest.mark.parametrize("how", [Cut.SILENT, Cut.ANSWERS])
async def test_a_server_that_answers_nothing_is_told_in_time_and_what_was_taken_in_goes_on_later(
    distant: Province, wire: Proxy, how: Cut
) -> None:
    paper, loop = await distant.papers.signed("14"), asyncio.get_running_loop()
    examining = asyncio.Event()

    async def stall() -> None:
        await wire.cut(how)
        examining.set()

    wire.on(FETCHING, stall, when="after")  # the first is taken in; its examination finds nobody there
    _, first = await distant.sender.post(distant.letter("14", NGHE_AN), paper, key="first")
    await until(examining.is_set, LONG)

    begun = loop.time()
    status, refusal = await distant.sender.post(distant.letter("15", NGHE_AN), paper, key="second")
    assert (status, refusal["code"]) == (503, "FILE_STORE_FAILED")
    ready, report = await distant.sender.call("GET", "/readyz")
    assert (ready, report["parts"]["files"]) == (503, "FILE_STORE_FAILED")
    assert loop.time() - begun < 8.0

    async def set_back() -> bool:
        return bool(await distant.rows("SELECT id FROM work WHERE state = 'ready' AND last_error LIKE '%S3%'"))

    await until(set_back, LONG)
    await wire.mend()
    await later(distant)
    status, second = await distant.sender.post(distant.letter("15", NGHE_AN), paper, key="second")
    assert status == 202, second

    async def settled() -> bool:
        return [await distant.sender.states(one["id"]) for one in (first, second)] == [{NGHE_AN: "finished"}] * 2

    await until(settled, LONG)
    assert (await distant.sender.call("GET", "/readyz"))[0] == 200
    assert len(await distant.rows("SELECT id FROM exchange")) == 2
    assert await distant.rows("SELECT id FROM hold") == []
    assert kept_here(distant) == []
