"""``lienthong files``: sweep what nothing names, read everything again, and what names one file."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Final

import typer

from ..errors import GatewayError
from ..upkeep.scrubbing import Scrubbed, look_again, require_whole, scrub
from ..upkeep.showing import Naming, StoreState, store_state, who_names
from ..upkeep.sweeping import Swept, sweep
from .context import Invocation, Json, invocation
from .database import opened_node
from .printing import say, say_json, size, table

group = typer.Typer(help="Kho tệp: dọn, đọc lại, ai nhắc tới tệp nào.", no_args_is_help=True)

SHOWN: Final = 200
KINDS: Final = {"missing": "thiếu", "damaged": "hỏng"}


@group.command("sweep")
def sweep_files(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Chỉ đếm, không đụng tới tệp nào.")] = False,
    as_json: Json = False,
) -> None:
    """Dọn một vòng: tệp không hồ sơ nào nhắc tới được cất riêng; đã cất riêng đủ lâu thì xóa."""
    swept = asyncio.run(_sweep(invocation(context), dry_run=dry_run))
    if as_json:
        say_json(asdict(swept))
        return
    say(f"Đã xem {swept.seen} tệp.")
    say(f"Cất riêng: {swept.set_aside}; trả về chỗ cũ: {swept.brought_back}.")
    say(f"Xóa: {swept.removed} tệp, {size(swept.bytes)}.")
    if dry_run:
        say("Chạy thử: chưa làm gì trong kho.")


async def _sweep(call: Invocation, *, dry_run: bool) -> Swept:
    settings = call.settings()
    if not settings.files.orphan_hours:
        raise GatewayError("SETTINGS_INVALID", "files.orphan_hours = 0: nút được cấu hình không dọn kho tệp.")
    async with opened_node(settings) as node:
        return await sweep(node, grace=timedelta(hours=settings.files.orphan_hours), dry_run=dry_run)


@group.command("check")
def check_files(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Đọc lại toàn kho ngay bây giờ, nhanh hết mức.")] = False,
    as_json: Json = False,
) -> None:
    """Xem lại các tệp đã biết là thiếu hoặc hỏng (--all: toàn kho). Còn tệp như vậy thì mã thoát là 3."""
    asyncio.run(_check(invocation(context), everything=everything, as_json=as_json))


async def _check(call: Invocation, *, everything: bool, as_json: bool) -> None:
    async with opened_node(call.settings()) as node:
        read = await scrub(node, _at_once) if everything else await look_again(node)
        state = await store_state(node, limit=SHOWN)
        if as_json:
            say_json({"read": asdict(read), **asdict(state)})
        else:
            _print(read, state)
        await require_whole(node)


async def _at_once(_size: int) -> bool:
    return True


def _print(read: Scrubbed, state: StoreState) -> None:
    say(f"Đã đọc lại {read.files} tệp, {size(read.bytes)}; thiếu hoặc hỏng: {state.faults_in_all}.")
    if state.faults:
        rows = [
            [KINDS[one.kind], one.agency_code or "(nút)", one.sha256, one.rows, one.found_at] for one in state.faults
        ]
        table(["Tình trạng", "Đơn vị", "SHA-256", "Số dòng nhắc tới", "Thấy từ"], rows)


@group.command("show")
def show_file(
    context: typer.Context, sha256: Annotated[str, typer.Argument(help="SHA-256 của tệp.")], as_json: Json = False
) -> None:
    """Bao nhiêu dòng dữ liệu nhắc tới một tệp."""
    named = asyncio.run(_named(invocation(context), sha256.strip().lower()))
    if as_json:
        say_json([asdict(one) for one in named])
        return
    say(f"{sum(one.rows for one in named)} dòng dữ liệu nhắc tới tệp này.")
    if named:
        table(["Đơn vị", "Bảng", "Số dòng"], [[one.agency_code or "(nút)", one.named_by, one.rows] for one in named])


async def _named(call: Invocation, sha256: str) -> tuple[Naming, ...]:
    async with opened_node(call.settings()) as node:
        return await who_names(node, sha256)
