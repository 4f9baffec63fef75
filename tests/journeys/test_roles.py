"""Journeys through a node of several processes: each with its role, over one database and one real Kafka."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from lienthong.deploy.kafka.cluster import Cluster
from lienthong.gateway import bootstrap
from lienthong.gateway.errors import GatewayError
from lienthong.gateway.settings import Settings
from lienthong.tests.journeys.conftest import knows_agencies
from lienthong.tests.journeys.outsiders import bring, letter
from lienthong.tests.journeys.papers import OUTSIDE, SENDER, Papers
from lienthong.tests.journeys.province import LONG, Province, open_province
from lienthong.tests.waiting import until

pytestmark = [pytest.mark.timeout(240), pytest.mark.slow]
NGHE_AN = "000.00.00.H41"


@asynccontextmanager
async def process(settings: Settings, name: str, *roles: str) -> AsyncIterator[None]:
    """One more process of the node, with these roles."""
    own = settings.model_copy(update={"instance": name, "roles": roles})
    async with bootstrap.open_node(own, None) as node:
        stop = asyncio.Event()
        roots = asyncio.create_task(bootstrap.run_roots(node, stop), name=name)
        try:
            yield
        finally:
            stop.set()
            await roots


def broker_lines(kafka: Cluster) -> str:
    return f"""[kafka]
servers = "{kafka.bootstrap}"
prefix = "roles."
partitions = 2
copies = 1
in_sync = 1
"""


async def test_documents_pass_once_through_two_workers_two_relays_and_two_pollers(
    addresses: tuple[str, str], tmp_path: Path, papers: Papers, kafka: Cluster
) -> None:
    more = broker_lines(kafka)
    async with AsyncExitStack() as stack:
        province = await stack.enter_async_context(
            open_province(tmp_path, addresses[1], papers, more, roles=("api",), broker="kafka")
        )
        settings = province.node.settings
        for name, *roles in (
            ("w-1", "worker"),
            ("w-2", "worker", "relay"),
            ("p-1", "poller", "relay"),
            ("p-2", "poller"),
        ):
            await stack.enter_async_context(process(settings, name, *roles))
        await until(lambda: knows_agencies(province), LONG)
        numbers = [str(n) for n in range(41, 47)]
        sent = {}
        for number in numbers:
            paper = await papers.signed(number)
            status, answer = await province.sender.post(province.letter(number, NGHE_AN), paper, key=number)
            assert status == 202, answer
            sent[number] = answer["id"]
        paper = await papers.signed("48", by=OUTSIDE)
        await bring(province, letter(province, "48", paper, to=(SENDER,)), tmp_path)

        async def finished() -> bool:
            return all([await province.sender.states(one) == {NGHE_AN: "finished"} for one in sent.values()])

        await until(finished, 4 * LONG)
        (item,) = await until(lambda: province.sender.mailbox("document"), LONG)
        assert item["label"] == "Hợp lệ"
        await _each_once(province, numbers)


async def _each_once(province: Province, numbers: list[str]) -> None:
    packages = province.emulator.controls.ledger.state.packages.values()
    documents = Counter(one.document_id for one in packages if one.kind == "edoc" and SENDER in one.document_id)
    assert sorted(documents.values()) == [1] * len(numbers)
    leases = await province.rows("SELECT DISTINCT state FROM outbox")
    assert {row["state"] for row in leases} == {"published"}


async def test_a_second_process_of_one_name_does_not_start(
    addresses: tuple[str, str], tmp_path: Path, papers: Papers
) -> None:
    async with open_province(tmp_path, addresses[1], papers) as province:
        stop = asyncio.Event()
        settings = province.node.settings.model_copy(update={"instance": "hai"})
        first = asyncio.create_task(_serve(settings, stop))
        await until(lambda: _named(province, "hai"), LONG)
        with pytest.raises(GatewayError) as refused:
            await bootstrap.run(settings, asyncio.Event())
        assert refused.value.code == "INSTANCE_TAKEN"
        stop.set()
        await first


async def _serve(settings: Settings, stop: asyncio.Event) -> None:
    http = settings.http.model_copy(update={"port": 0})
    await bootstrap.run(settings.model_copy(update={"http": http}), stop)


async def _named(province: Province, name: str) -> bool:
    rows = await province.rows("SELECT 1 FROM pg_stat_activity WHERE application_name LIKE $1", f"%{name}%")
    return bool(rows)
