"""A load, what befalls the node meanwhile, and the check after everything has come to rest."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from lienthong.tests.crash.archive import Archive
from lienthong.tests.crash.checking import at_rest, check
from lienthong.tests.crash.load import Load, rest
from lienthong.tests.crash.tally import Tally

LOOK_SECONDS = 0.25


async def run_under(
    load: Load,
    archive: Archive,
    meanwhile: Callable[[], Awaitable[None]],
    *,
    senders: int,
    quiet_seconds: float,
) -> Tally:
    """Press with ``senders`` eOffice systems of each writer while ``meanwhile`` does its worst; then count."""
    scene, loop = load.scene, asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        clerks = [group.create_task(load.clerk(agency), name=f"clerk {agency}") for agency in scene.cast.own]
        feeders = [
            group.create_task(load.send(writer, 1 + n, senders), name=f"sender {writer} {n}")
            for writer in scene.cast.writers
            for n in range(senders)
        ]
        feeders.append(group.create_task(load.bring(), name="outside"))
        await meanwhile()
        load.over.set()
        await asyncio.wait(feeders)
        end = loop.time() + quiet_seconds
        while not await _quiet(load, archive) and loop.time() < end:
            await rest(LOOK_SECONDS)
        load.gone.set()
        await asyncio.wait(clerks)
        return await check(scene, load.memory, archive)  # what did not come to rest is named there


async def _quiet(load: Load, archive: Archive) -> bool:
    """At rest, and the eOffice systems have pulled everything there is."""
    if not await at_rest(load.scene, archive):
        return False
    [row] = await archive.rows("SELECT count(*) AS items FROM mailbox_item")
    return bool(row["items"] == sum(len(items) for items in load.memory.pulled.values()))
