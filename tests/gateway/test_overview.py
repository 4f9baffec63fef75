"""One look at a node: its processes, who leads what, what waits; as values and as a command prints it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from uuid import UUID

from lienthong.gateway.cli.main import run
from lienthong.gateway.overview import look
from lienthong.gateway.postgres.database import Database, DatabaseSettings
from lienthong.queue import outbox, work
from lienthong.queue.leader import lead
from lienthong.queue.messages import Lane, Message, Work
from lienthong.tests.conftest import Addresses, Clock
from lienthong.tests.waiting import until


async def test_processes_leads_and_what_waits(
    addresses: Addresses, database: Database, ids: Callable[[], UUID], clock: Clock, capsys, monkeypatch
) -> None:
    message = Message(
        id=ids(), topic="pipeline", key="a", type="x", source="/vb", occurred_at=clock(), payload={}, lane=Lane.URGENT
    )
    async with database.unit(None) as conn:
        await outbox.append(conn, [message])
        await work.enqueue(conn, Work(id=ids(), kind="dispatch", key="a", payload={}))
    stop = asyncio.Event()

    async def hold(over: asyncio.Event) -> None:
        await over.wait()

    async with Database(addresses.app_dsn, DatabaseSettings(application_name="p-1")) as own:
        leading = asyncio.ensure_future(lead(own, "mail quoc-gia", stop, hold, poll=0.1))

        async def leads() -> bool:
            found = await look(database, ["quoc-gia"])
            return [(one.name, one.leads) for one in found.processes] == [("p-1", ("mail quoc-gia",))]

        await until(leads, 10.0)
        monkeypatch.setenv("LIENTHONG_DATABASE__DSN", addresses.app_dsn)
        assert await asyncio.to_thread(run, ["status"]) == 0
        text = capsys.readouterr().out
        assert await asyncio.to_thread(run, ["status", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        stop.set()
        await leading
    assert "p-1" in text
    assert "chờ chuyển" in text
    assert "dispatch" in text
    assert told["messages"][0] | {"oldest": ""} == {
        "what": "pipeline (urgent)",
        "state": "pending",
        "number": 1,
        "oldest": "",
    }
    assert (await look(database, ())).processes == []
