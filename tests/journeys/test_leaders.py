"""Pollers beside each other, each a process: what one does at a time is done once, whoever dies or stands still."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from lienthong.adapters.emulator.faults import Fault, FaultCode
from lienthong.adapters.vxp.protocol import Operation
from lienthong.tests.crash.processes import Program
from lienthong.tests.journeys.outsiders import bring, letter
from lienthong.tests.journeys.papers import OUTSIDE, SENDER, Papers
from lienthong.tests.journeys.province import LONG, Province, free_port, open_province
from lienthong.tests.waiting import until

pytestmark = [pytest.mark.timeout(240), pytest.mark.slow]
EVERY = 1.0  # seconds between two synchronisations of the directory
LEADS = """
SELECT a.application_name FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
  AND (l.classid::bigint << 32) | l.objid::bigint = hashtextextended('lienthong leader ' || $1, 0)
"""


class Pollers:
    """Two processes with the role poller over the province's database."""

    def __init__(self, province: Province, programs: dict[str, Program]) -> None:
        self.province = province
        self.programs = programs

    async def leader(self, name: str) -> str | None:
        rows = await self.province.rows(LEADS, name)
        return rows[0]["application_name"].removesuffix("-listen") if rows else None

    def signal(self, name: str, which: signal.Signals) -> None:
        process = self.programs[name].running
        assert process is not None
        os.kill(process.pid, which)

    async def other_leads(self, name: str, than: str) -> str:
        async def other() -> str | None:
            leader = await self.leader(name)
            return leader if leader != than else None

        found: str = await until(other, 2 * LONG)
        return found


@asynccontextmanager
async def open_pollers(folder: Path, dsn: str, papers: Papers) -> AsyncIterator[Pollers]:
    more = f"directory_sync_seconds = {EVERY}"
    async with AsyncExitStack() as stack:
        province = await stack.enter_async_context(open_province(folder, dsn, papers, more, roles=("api", "worker")))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        text = (folder / "node.toml").read_text().replace("read_timeout_s = 2.0", "read_timeout_s = 60.0")
        programs = {}
        for name in ("p-1", "p-2"):
            health = free_port()
            own = folder / f"{name}.toml"
            own.write_text(text.replace("notice_s = 0\n", f"health_port = {health}\n"))
            programs[name] = Program(
                arguments=("--config", str(own), "serve", "--roles", "poller", "--instance", name),
                log=folder / f"{name}.log",
                ready=f"http://127.0.0.1:{health}/readyz",
            )
            await programs[name].start()
            stack.push_async_callback(programs[name].kill)
        for program in programs.values():
            await program.serving(http)
        yield Pollers(province, programs)


def asked(province: Province, operation: Operation) -> int:
    return sum(one.operation == operation for one in province.emulator.controls.requests.all())


async def test_jobs_of_the_clock_run_once_and_another_takes_over_from_a_killed_process(
    addresses: tuple[str, str], tmp_path: Path, papers: Papers
) -> None:
    clock = asyncio.get_running_loop().time
    async with open_pollers(tmp_path, addresses[1], papers) as pollers:
        province = pollers.province
        first = await until(lambda: pollers.leader("clockwork"), LONG)

        async def rounds(count: int) -> float:
            """Seconds that so many synchronisations took."""
            before, since = asked(province, Operation.AGENCIES), clock()
            await until(lambda: asked(province, Operation.AGENCIES) >= before + count, LONG)
            return clock() - since

        await rounds(1)
        assert await rounds(4) >= 3 * EVERY  # two that took turns would need half of it
        pollers.signal(first, signal.SIGKILL)
        second = await pollers.other_leads("clockwork", first)
        assert second != first
        await rounds(1)
        assert await rounds(3) >= 2 * EVERY


async def test_a_leader_that_stands_still_is_replaced_and_does_nothing_twice_when_it_goes_on(
    addresses: tuple[str, str], tmp_path: Path, papers: Papers
) -> None:
    """Stopped in the middle of asking what has arrived; it gets its answer when another has long done the work."""
    mail = "mail quoc-gia"
    async with open_pollers(tmp_path, addresses[1], papers) as pollers:
        province = pollers.province
        faults = province.emulator.controls.faults
        first = await until(lambda: pollers.leader(mail), LONG)
        paper = await papers.signed("91", by=OUTSIDE)
        faults.inject(Fault(code=FaultCode.RESET, operation=Operation.RECEIVED, count=0))  # nobody sees it before
        await bring(province, letter(province, "91", paper, to=(SENDER,)), tmp_path)
        faults.clear()
        faults.inject(Fault(code=FaultCode.STORED_SILENT, operation=Operation.RECEIVED))
        await until(lambda: not faults.active(), LONG)  # asked, and without an answer
        pollers.signal(first, signal.SIGSTOP)
        second = await pollers.other_leads(mail, first)
        await until(lambda: province.sender.mailbox("document"), LONG)
        faults.clear()
        pollers.signal(first, signal.SIGCONT)
        paper = await papers.signed("92", by=OUTSIDE)
        await bring(province, letter(province, "92", paper, to=(SENDER,)), tmp_path)

        async def both() -> bool:
            return len(await province.sender.mailbox("document")) >= 2

        await until(both, LONG)
        pollers.signal(second, signal.SIGTERM)  # the old one leads again when its turn comes
        assert await pollers.other_leads(mail, second) == first
        items = await province.sender.mailbox("document")
        assert len(items) == 2
        rows = await province.rows("SELECT receiver_doc_id FROM incoming_package")
        assert set(Counter(row["receiver_doc_id"] for row in rows).values()) == {1}
        acknowledged = asked(province, Operation.UPDATE)
        assert acknowledged >= 2
