"""``lienthong key`` and ``lienthong operator-key``: who may call the API. A key is shown once and never again."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import typer

from ..access import issue_key, issue_operator_key, revoke_key
from . import agencies
from .context import Invocation, invocation, new_id
from .database import opened
from .printing import say

group = typer.Typer(help="Khóa của các phần mềm eOffice.", no_args_is_help=True)
operators = typer.Typer(help="Khóa của người vận hành.", no_args_is_help=True)

Prefix = Annotated[str, typer.Argument(help="Phần giữa hai dấu gạch dưới của khóa.")]


@group.command("issue")
def issue(
    context: typer.Context,
    agency: Annotated[str, typer.Option("--agency", help="Mã định danh của đơn vị.")],
    label: Annotated[str, typer.Option("--label", help="Ghi chú: dùng cho phần mềm nào.")] = "",
) -> None:
    """Cấp một khóa cho đơn vị; khóa chỉ hiện một lần, trên dòng cuối."""
    say(asyncio.run(_issue(invocation(context), agency, label)))


async def _issue(call: Invocation, agency: str, label: str) -> str:
    async with opened(call.settings()) as database:
        row = await agencies.required(database, agency)
        return await issue_key(database, row["id"], label, new_id=new_id, random_bytes=os.urandom)


@operators.command("issue")
def issue_operator(
    context: typer.Context,
    name: Annotated[str, typer.Option("--name", help="Người giữ khóa; tên đi theo mọi quyết định của khóa.")],
) -> None:
    """Cấp một khóa cho người vận hành; khóa chỉ hiện một lần, trên dòng cuối."""
    say(asyncio.run(_issue_operator(invocation(context), name)))


async def _issue_operator(call: Invocation, name: str) -> str:
    async with opened(call.settings()) as database:
        return await issue_operator_key(database, name, new_id=new_id, random_bytes=os.urandom)


@group.command("revoke")
@operators.command("revoke")
def revoke(context: typer.Context, prefix: Prefix) -> None:
    """Thu hồi một khóa; chậm nhất 5 giây sau khóa hết tác dụng."""
    asyncio.run(_revoke(invocation(context), prefix))
    say(f"Đã thu hồi khóa {prefix}.")


async def _revoke(call: Invocation, prefix: str) -> None:
    async with opened(call.settings()) as database:
        await revoke_key(database, prefix)
