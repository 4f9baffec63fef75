"""``lienthong policy``: an agency's own rule, within what law, nation and province leave open (DESIGN, noun Policy)."""

from __future__ import annotations

import asyncio
import json
from datetime import date, datetime
from typing import Annotated, Any, Final

import typer

from ...edxml.identifiers import OrganCode
from ...signing.policies import NOT_APPLICABLE, REQUIRED_SETS
from ...signing.sign_job import Flow
from ..desk.values import Appearance
from ..errors import GatewayError
from .context import Invocation, Json, invocation
from .database import opened
from .printing import say, say_json, table

group = typer.Typer(help="Quy định riêng của từng đơn vị.", no_args_is_help=True)

# key -> the values it may have; None: true or false
VALUES: Final[dict[str, tuple[str, ...] | None]] = {
    "required_signatures": (*REQUIRED_SETS, NOT_APPLICABLE),
    "required_signatures.annex": (*REQUIRED_SETS, NOT_APPLICABLE),
    "strict": None,
    "flow": tuple(Flow),
    "appearance": tuple(Appearance),
    "source_required": None,
    "recall_refusable": None,
    "send_to_the_rest": None,
}


@group.command("set")
def set_policy(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help=", ".join(VALUES))],
    value: Annotated[str, typer.Argument(help=f"{', '.join(REQUIRED_SETS)}; strict: true, false")],
    agency: Annotated[str, typer.Option("--agency", help="Mã định danh của cơ quan gửi.")],
    legal_basis: Annotated[str, typer.Option("--legal-basis", help="Căn cứ: số, ngày, điều của văn bản quy định.")],
    since: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="Áp dụng từ ngày.")],
    until: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Đến hết ngày.")] = None,
) -> None:
    """Đặt một quy định cho một cơ quan. Quy định bắt buộc của cấp trên vẫn được theo trước."""
    row = {
        "key": key,
        "agency_code": OrganCode.parse(agency).value,
        "valid_from": since.date(),
        "valid_to": until.date() if until else None,
        "value": _checked(key, value),
        "legal_basis": legal_basis,
    }
    number = asyncio.run(_insert(invocation(context), row))
    say(f"Đã đặt quy định số {number}: {key} = {value} cho {agency}.")


def _checked(key: str, value: str) -> str | bool:
    if key not in VALUES:
        raise GatewayError("POLICY_KEY", f"Không có quy định tên {key}; các tên: {', '.join(VALUES)}.")
    allowed = VALUES[key]
    if allowed is None and value in {"true", "false"}:
        return value == "true"
    if allowed is None or value not in allowed:
        raise GatewayError("POLICY_VALUE", f"{key} phải là một trong: {', '.join(allowed or ('true', 'false'))}.")
    return value


async def _insert(call: Invocation, row: dict[str, Any]) -> int:
    async with opened(call.settings()) as database, database.unit(None) as connection:
        return int(await database.queries.insert_agency_policy(connection, **row))


@group.command("list")
def show(
    context: typer.Context,
    on: Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="Có hiệu lực vào ngày.")] = None,
    as_json: Json = False,
) -> None:
    """Liệt kê các quy định và căn cứ."""
    rows = asyncio.run(_all(invocation(context), on.date() if on else None))
    if as_json:
        say_json(rows)
        return
    titles = ["Số", "Quy định", "Cấp", "Cơ quan", "Từ ngày", "Đến ngày", "Giá trị", "Căn cứ"]
    names = ("id", "key", "scope", "agency_code", "valid_from", "valid_to")
    table(titles, [[*(row[name] for name in names), json.dumps(row["value"]), row["legal_basis"]] for row in rows])


async def _all(call: Invocation, on: date | None) -> list[dict[str, Any]]:
    async with opened(call.settings()) as database, database.unit(None) as connection:
        return [dict(row) async for row in database.queries.all_policies(connection, on_date=on)]
