"""``lienthong agency``: the node's own agencies."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from ...edxml.identifiers import OrganCode
from ..errors import GatewayError
from ..postgres.database import Database
from .context import Invocation, Json, invocation, new_id
from .database import opened
from .printing import say, say_json, table

group = typer.Typer(help="Đơn vị dùng nút liên thông này.", no_args_is_help=True)

CODE = Annotated[str, typer.Option("--code", help="Mã định danh, ví dụ 000.00.15.H40 hay H40.15.")]


@group.command("add")
def add(
    context: typer.Context,
    code: CODE,
    name: Annotated[str, typer.Option("--name", help="Tên đầy đủ, như trên văn bản.")],
    in_charge: Annotated[str | None, typer.Option("--in-charge", help="Cơ quan chủ quản.")] = None,
    address: Annotated[str | None, typer.Option("--address", help="Địa chỉ.")] = None,
    email: Annotated[str | None, typer.Option("--email", help="Thư điện tử.")] = None,
) -> None:
    """Thêm một đơn vị."""
    values = {"name": name, "in_charge": in_charge, "address": address, "email": email}
    asyncio.run(_add(invocation(context), OrganCode.parse(code), values))


async def _add(call: Invocation, code: OrganCode, values: dict[str, str | None]) -> None:
    if not code.writable:
        raise GatewayError("AGENCY_CODE", f"Mã {code} không viết được vào gói tin (chỉ A-Z, 0-9 và dấu chấm).")
    async with opened(call.settings()) as database:
        if await find(database, code.value) is not None:
            raise GatewayError("AGENCY_EXISTS", f"Đã có đơn vị mang mã {code}.")
        async with database.unit(None) as connection:
            await database.queries.insert_agency(connection, id=new_id(), code=code.value, **values)
    say(f"Đã thêm đơn vị {code} {values['name']}.")


@group.command("list")
def show(context: typer.Context, as_json: Json = False) -> None:
    """Liệt kê các đơn vị đang hoạt động."""
    rows = asyncio.run(_all(invocation(context)))
    if as_json:
        say_json(rows)
    else:
        table(["Mã định danh", "Tên", "Thư điện tử"], [[row["code"], row["name"], row["email"]] for row in rows])


async def _all(call: Invocation) -> list[dict[str, Any]]:
    async with opened(call.settings()) as database, database.unit(None) as connection:
        return [dict(row) async for row in database.queries.own_agencies(connection)]


async def find(database: Database, code: str) -> Any | None:
    """The agency's row by its exact code, without regard to case; None when there is none."""
    async with database.unit(None) as connection:
        rows = [row async for row in database.queries.own_agencies(connection)]
    return next((row for row in rows if row["code"].upper() == code.upper()), None)


async def required(database: Database, code: str) -> Any:
    """The agency's row; raises GatewayError AGENCY_UNKNOWN."""
    row = await find(database, code)
    if row is None:
        raise GatewayError("AGENCY_UNKNOWN", f"Nút không có đơn vị nào mang mã {code}; thêm bằng «agency add».")
    return row
