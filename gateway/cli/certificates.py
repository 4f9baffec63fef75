"""``lienthong certificate``: whose certificate it is, the node's own register (QĐ 28/2018/QĐ-TTg Điều 9.1)."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ...edxml.identifiers import OrganCode
from ...signing.certificates import CertificateFacts, certificate_facts
from .context import Invocation, Json, invocation
from .database import opened
from .printing import say, say_json, table

group = typer.Typer(help="Chứng thư số của các cơ quan và người ký.", no_args_is_help=True)


class Role(StrEnum):
    LEADER = "leader"
    AGENCY = "agency"
    INITIALS = "initials"


@group.command("add")
def add(
    context: typer.Context,
    file: Annotated[Path, typer.Option("--file", exists=True, dir_okay=False, help="Chứng thư, PEM hoặc DER.")],
    agency: Annotated[str, typer.Option("--agency", help="Mã định danh của cơ quan (của nút hay ngoài nút).")],
    role: Annotated[Role, typer.Option("--role", help="leader: người có thẩm quyền; agency: cơ quan.")],
) -> None:
    """Ghi chứng thư vào danh sách; từ đó chữ ký được nhận ra theo chứng thư, không theo tên."""
    facts = certificate_facts(file.read_bytes())
    code = OrganCode.parse(agency)
    asyncio.run(_add(invocation(context), facts, code, role))
    say(f"Đã ghi chứng thư của {facts.holder} ({facts.sha256}) cho {code}, vai trò {role}.")


async def _add(call: Invocation, facts: CertificateFacts, code: OrganCode, role: Role) -> None:
    async with opened(call.settings()) as database, database.unit(None) as connection:
        await database.queries.insert_certificate(
            connection,
            sha256=facts.sha256,
            agency_code=code.value,
            role=role.value,
            holder=facts.holder,
            valid_from=facts.valid_from,
            valid_to=facts.valid_to,
        )


@group.command("list")
def show(context: typer.Context, as_json: Json = False) -> None:
    """Liệt kê các chứng thư đã ghi."""
    rows = asyncio.run(_all(invocation(context)))
    if as_json:
        say_json(rows)
        return
    titles = ["Cơ quan", "Vai trò", "Người giữ", "Đến ngày", "SHA-256"]
    table(titles, [[r["agency_code"], r["role"], r["holder"], r["valid_to"], r["sha256"]] for r in rows])


async def _all(call: Invocation) -> list[dict[str, Any]]:
    async with opened(call.settings()) as database, database.unit(None) as connection:
        rows = database.queries.certificates_of(connection)
        return sorted([dict(row) async for row in rows], key=lambda row: (row["agency_code"], row["role"]))
