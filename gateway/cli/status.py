"""``lienthong status``: which processes run, what each leads, what waits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import typer

from ..overview import Overview, Waiting, look
from ..settings import Settings
from .context import Json, invocation
from .database import opened
from .printing import say, say_json, table

STATES: Final = {
    "pending": "chờ chuyển",
    "sent": "đã sang Kafka, chưa nhận",
    "dead": "không xử lý được, chờ người",
    "ready": "chờ làm",
    "leased": "đang làm",
    "parked": "dừng, chờ người",
}
NOTHING: Final = "Không có gì."


def status(context: typer.Context, as_json: Json = False) -> None:
    """Các tiến trình của nút, tiến trình nào dẫn việc gì, tin và việc đang chờ."""
    found = asyncio.run(_look(invocation(context).settings()))
    if as_json:
        say_json(asdict(found))
        return
    table(
        ["Tiến trình", "Từ lúc", "Đang dẫn"], [[one.name, one.since, ", ".join(one.leads)] for one in found.processes]
    )
    _show("Tin đang chờ", "Chủ đề", found.messages)
    _show("Việc đang chờ", "Việc", found.work)


async def _look(settings: Settings) -> Overview:
    async with opened(settings) as database:
        return await look(database, [axis.name for axis in settings.axes])


def _show(title: str, what: str, waiting: Sequence[Waiting]) -> None:
    say()
    say(title)
    if not waiting:
        say(NOTHING)
        return
    table(
        [what, "Tình trạng", "Số", "Cũ nhất"],
        [[one.what, STATES.get(one.state, one.state), one.number, one.oldest] for one in waiting],
    )
