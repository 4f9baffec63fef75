"""``lienthong token``: which tokens this machine sees, their keys and certificates, and how their PINs stand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ...signing.certificates import certificate_facts
from ...signing.token_desk import TokenDesk, TokenDeskSettings
from ...signing.tokens import TokenError, TokenInfo, TokenKey
from ..tokens import token_desk_settings
from .context import Invocation, Json, clock, invocation
from .exits import Exit, complain
from .printing import moment, say, say_json, table

group = typer.Typer(help="Token và HSM (PKCS#11) của lãnh đạo và cơ quan.", no_args_is_help=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    label: str
    algorithm: str
    certificate_sha256: str | None = None
    holder: str | None = None
    valid_to: datetime | None = None
    days_left: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """What a person is shown of one token."""

    module: str
    slot: int
    label: str
    serial: str
    model: str
    pin: str
    tries_left: str
    mechanisms: tuple[str, ...]
    keys: tuple[KeyRow, ...]


@group.command("list")
def show(
    context: typer.Context,
    module: Annotated[
        list[Path] | None, typer.Option("--module", help="Tệp mô-đun PKCS#11, thay cho signing.modules của cấu hình.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Liệt kê token: tình trạng mã PIN, khóa, chứng thư và ngày hết hạn. Không hỏi và không thử mã PIN nào."""
    settings = _settings(invocation(context), [str(path.absolute()) for path in module or ()])
    if not settings.modules:
        say("Chưa khai mô-đun PKCS#11 nào: thêm signing.modules vào cấu hình hoặc dùng --module.")
        return Exit.DONE
    found, refused = asyncio.run(_survey(settings))
    rows = [_row(token, clock()) for token in found]
    if as_json:
        say_json(rows)
    elif rows or not refused:
        _print(rows)
    for error in refused:
        complain(error.code, error.message)
    return Exit.UNREADABLE if refused else Exit.DONE


def _settings(call: Invocation, modules: Sequence[str]) -> TokenDeskSettings:
    """A module named by hand needs no settings file; what its environment must say stands in the shell."""
    shell = {name: value for name, value in call.environ.items() if not name.startswith(("LIENTHONG_", "PYTHON"))}
    if modules:
        return TokenDeskSettings(modules=tuple(modules), environment=shell)
    settings = token_desk_settings(call.settings().signing)
    return replace(settings, environment={**shell, **settings.environment})


async def _survey(settings: TokenDeskSettings) -> tuple[list[TokenInfo], list[TokenError]]:
    found: list[TokenInfo] = []
    refused: list[TokenError] = []
    async with TokenDesk(settings=settings) as desk:
        for module in settings.modules:
            try:
                found.extend(await desk.tokens_of(module))
            except TokenError as error:
                refused.append(error)
    return found, refused


def _row(token: TokenInfo, now: datetime) -> TokenRow:
    return TokenRow(
        module=token.module,
        slot=token.slot,
        label=token.label,
        serial=token.serial,
        model=f"{token.manufacturer} {token.model}".strip(),
        pin=token.pin.words,
        tries_left=token.pin.tries_left,
        mechanisms=token.mechanisms,
        keys=tuple(_key_row(key, now) for key in token.keys),
    )


def _key_row(key: TokenKey, now: datetime) -> KeyRow:
    algorithm = f"{key.algorithm.upper()} {key.bits}"
    if key.certificate is None:
        return KeyRow(label=key.label, algorithm=algorithm)
    facts = certificate_facts(key.certificate)
    return KeyRow(
        label=key.label,
        algorithm=algorithm,
        certificate_sha256=facts.sha256,
        holder=facts.holder,
        valid_to=facts.valid_to,
        days_left=(facts.valid_to - now).days,
    )


def _print(rows: Sequence[TokenRow]) -> None:
    if not rows:
        say("Không thấy token nào.")
    for row in rows:
        say(f"Token “{row.label}”, số sê-ri {row.serial} ({row.model})")
        say(f"  Mô-đun: {row.module}, khe {row.slot}")
        say(f"  Mã PIN: {row.pin}; {row.tries_left}")
        say(f"  Cơ chế ký: {', '.join(row.mechanisms) or 'không có cơ chế nào dùng được'}")
        titles = ["Khóa", "Loại", "Người giữ", "Hết hạn", "Còn lại", "SHA-256 của chứng thư"]
        table(titles, [_cells(key) for key in row.keys])
        say()


def _cells(key: KeyRow) -> list[object]:
    if key.certificate_sha256 is None:
        return [key.label, key.algorithm, "chưa đọc được chứng thư", "", "", ""]
    left = "đã hết hạn" if key.days_left is not None and key.days_left < 0 else f"{key.days_left} ngày"
    return [key.label, key.algorithm, key.holder, moment(key.valid_to), left, key.certificate_sha256]
