"""``lienthong certificate``: whose certificate it is, the node's own register (QĐ 28/2018/QĐ-TTg Điều 9.1)."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ...edxml.identifiers import OrganCode
from ...signing.certificates import certificate_facts
from ...signing.verifying import REVOCATION_JOBS, VerificationPool, VerificationSettings
from .. import registry
from ..expiry import Expiry, expiry_view
from ..expiry import survey as expiries
from ..registry import Ending, Entry, Role
from ..settings import Settings
from .context import Actor, Invocation, Json, Reason, clock, invocation
from .database import opened
from .printing import VIETNAM, say, say_json, table

group = typer.Typer(help="Chứng thư số của các cơ quan và người ký.", no_args_is_help=True)

Agency = Annotated[str, typer.Option("--agency", help="Mã định danh của cơ quan (của nút hay ngoài nút).")]
OfAgency = Annotated[str | None, typer.Option("--agency", help="Chỉ cơ quan này.")]


@group.command("add")
def add(
    context: typer.Context,
    file: Annotated[Path, typer.Option("--file", exists=True, dir_okay=False, help="Chứng thư, PEM hoặc DER.")],
    agency: Agency,
    role: Annotated[
        Role,
        typer.Option("--role", help="leader: người có thẩm quyền; agency: cơ quan (văn thư ký); initials: ký nháy."),
    ],
    title: Annotated[str | None, typer.Option("--title", help="Chức vụ của người giữ chứng thư.")] = None,
    actor: Actor = "node",
) -> None:
    """Ghi chứng thư vào danh sách; từ đó chữ ký được nhận ra theo chứng thư, không theo tên."""
    facts = certificate_facts(file.read_bytes())
    entry = Entry(facts=facts, agency=OrganCode.parse(agency), role=role, title=title)
    asyncio.run(_add(invocation(context), entry, actor))
    say(f"Đã ghi chứng thư của {facts.holder} ({facts.sha256}) cho {entry.agency}, vai trò {role.label}.")


async def _add(call: Invocation, entry: Entry, actor: str) -> None:
    async with opened(call.settings()) as database:
        await registry.add(database, entry, actor=actor)


@group.command("end")
def end(
    context: typer.Context,
    sha256: Annotated[str, typer.Argument(help="SHA-256 của chứng thư, như lệnh list in ra.")],
    reason: Reason,
    actor: Actor,
    agency: OfAgency = None,
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M"], help="Chấm dứt vào lúc này (giờ Việt Nam); bỏ trống: ngay bây giờ."),
    ] = None,
) -> None:
    """Chấm dứt: từ lúc này, hoặc từ lúc đã nêu, chứng thư không còn là của cơ quan. Chữ ký trước đó giữ nguyên."""
    ending = Ending(now=clock(), at=at.replace(tzinfo=VIETNAM) if at else None, actor=actor, reason=reason)
    ended = asyncio.run(_end(invocation(context), sha256, agency, ending))
    say(f"Đã chấm dứt {ended} mục của chứng thư {sha256}.")


async def _end(call: Invocation, sha256: str, agency: str | None, ending: Ending) -> int:
    async with opened(call.settings()) as database:
        return await registry.end(database, sha256, agency=agency, ending=ending)


@group.command("list")
def show(
    context: typer.Context,
    as_json: Json = False,
    agency: OfAgency = None,
    after: Annotated[int, typer.Option(help="Số thứ tự cuối của trang trước.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Số mục của một trang.")] = 1000,
) -> None:
    """Liệt kê các chứng thư đã ghi."""
    rows = asyncio.run(_page(invocation(context), agency, after, limit))
    if as_json:
        say_json(rows)
        return
    titles = ["STT", "Cơ quan", "Vai trò", "Người giữ", "Chức vụ", "Đến ngày", "Chấm dứt", "SHA-256"]
    columns = ["id", "agency_code", "role", "holder", "title", "valid_to", "ended_at", "sha256"]
    table(titles, [[row[name] for name in columns] for row in rows])


async def _page(call: Invocation, agency: str | None, after: int, limit: int) -> list[dict[str, Any]]:
    async with opened(call.settings()) as database:
        return await registry.page(database, agency=agency, after=after, limit=limit)


@group.command("survey")
def survey(
    context: typer.Context,
    as_json: Json = False,
    days: Annotated[int, typer.Option(min=0, max=36500, help="Chỉ những gì hết hạn trong số ngày này.")] = 90,
) -> None:
    """Những gì sắp hết hạn: gốc, trung gian, danh sách thu hồi, chứng thư đã ghi, dấu thời gian, chứng thư của nút."""
    now = clock()
    found = asyncio.run(_survey(invocation(context).settings(), now))
    soon = [one for one in found if one.days_left(now) <= days]
    if as_json:
        say_json([expiry_view(one, now) for one in soon])
        return
    rows = [[one.days_left(now), one.expires_at, one.kind.label, one.holder, one.agency, one.subject] for one in soon]
    table(["Còn (ngày)", "Hết hạn", "Loại", "Tên", "Cơ quan", "Mã"], rows)


async def _survey(settings: Settings, now: datetime) -> list[Expiry]:
    wanted = VerificationSettings(workers=1, extra_jobs=REVOCATION_JOBS)
    async with opened(settings) as database, VerificationPool(wanted) as pool:
        return await expiries(database, settings, run=pool.run, now=now)
