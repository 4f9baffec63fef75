"""``lienthong hold``: what waits for a person, and what he decides. A reason is mandatory."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

import typer

from .. import holds
from ..holds import HoldView
from ..identifiers import Noun, parse
from ..identifiers import show as shown
from .context import Actor, Invocation, Json, Reason, invocation
from .database import opened_node
from .printing import moment, say, say_json, table

group = typer.Typer(help="Việc đang giữ, chờ người xử lý.", no_args_is_help=True)

HoldId = Annotated[str, typer.Argument(help="Mã việc giữ, dạng tg_…")]
PAGE: Final = 200

SUBJECTS: Final = {
    "outward": "văn bản đi",
    "inward": "văn bản đến",
    "outgoing_package": "gói tin đi",
    "incoming_package": "gói tin đến",
    "work": "bước xử lý",
}
CLOSINGS: Final = {"release": "cho đi tiếp", "cancel": "hủy"}


@group.command("list")
def list_holds(context: typer.Context, as_json: Json = False) -> None:
    """Liệt kê các việc đang giữ, cũ nhất trước."""
    found = asyncio.run(_open_holds(invocation(context)))
    if as_json:
        say_json([_as_json(hold) for hold in found])
        return
    rows = [[shown(Noun.HOLD, h.id), SUBJECTS[h.subject], h.since, h.sender_code, h.title, h.code] for h in found]
    table(["Mã việc giữ", "Đang giữ", "Từ lúc", "Bên gửi", "Trích yếu", "Lý do"], rows)


async def _open_holds(call: Invocation) -> list[HoldView]:
    async with opened_node(call.settings()) as node:
        found = await holds.list_open(node, after=None, limit=PAGE)
        while page := await holds.list_open(node, after=found[-1].id, limit=PAGE) if found else []:
            found += page
        return found


@group.command("show")
def show_hold(context: typer.Context, hold: HoldId, as_json: Json = False) -> None:
    """Xem một việc giữ: vì sao giữ, được làm gì."""
    view = asyncio.run(_one(invocation(context), hold))
    if as_json:
        say_json(_as_json(view))
    else:
        _print(view)


async def _one(call: Invocation, hold: str) -> HoldView:
    async with opened_node(call.settings()) as node:
        return await holds.show(node, parse(Noun.HOLD, hold))


@group.command("release")
def release(context: typer.Context, hold: HoldId, reason: Reason, actor: Actor) -> None:
    """Cho đi tiếp."""
    _print(asyncio.run(_decide(invocation(context), hold, "release", reason, actor)))


@group.command("cancel")
def cancel(context: typer.Context, hold: HoldId, reason: Reason, actor: Actor) -> None:
    """Hủy (văn bản đến: từ chối, trả lại bên gửi)."""
    _print(asyncio.run(_decide(invocation(context), hold, "cancel", reason, actor)))


DECISIONS: Final = {"release": holds.release, "cancel": holds.cancel}


async def _decide(call: Invocation, hold: str, word: str, reason: str, actor: str) -> HoldView:
    async with opened_node(call.settings()) as node:
        return await DECISIONS[word](node, parse(Noun.HOLD, hold), actor=actor, reason=reason)


def _as_json(hold: HoldView) -> dict[str, object]:
    return {"hold": shown(Noun.HOLD, hold.id), "may": hold.may, "value": hold}


def _print(hold: HoldView) -> None:
    say(f"Việc giữ     {shown(Noun.HOLD, hold.id)} ({SUBJECTS[hold.subject]})")
    say(f"Từ lúc       {moment(hold.since)}")
    say(f"Văn bản      {hold.title or ''} {hold.document_id or ''}".rstrip())
    say(f"Bên gửi      {hold.sender_code or ''}".rstrip())
    say(f"Lý do        {hold.reason} ({hold.code})")
    if hold.proposal:
        say(f"Đề nghị      {hold.proposal}")
    if hold.closing is None:
        for command, meaning in hold.may.items():
            say(f"Có thể       hold {command}: {meaning}")
    else:
        decision = CLOSINGS[hold.closing]
        say(f"Đã xử lý     {decision}, {hold.closed_by}, {moment(hold.closed_at)}: {hold.closing_reason}")
