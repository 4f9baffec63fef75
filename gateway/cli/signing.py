"""``lienthong sign``: the holder signs on his own computer what a ticket of the node lists, with the token in it.

Needs no settings and no database: it is the part that a clerk's or a leader's computer has. The PIN is asked at the
keyboard, never given on the command line, and goes into the token only.
"""

from __future__ import annotations

import getpass
import hashlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ...signing.errors import SigningError
from ...signing.pkcs11 import Module, open_module
from ...signing.pkcs11_keys import TokenSigningKey, key_of
from ...signing.tokens import TokenInfo
from ...signing.told_apart import refuse_other_document
from ..errors import GatewayError
from .ticket_client import Errand, Paper, TicketClient


def sign(
    node: Annotated[str, typer.Option("--node", help="Địa chỉ của nút, https://…")],
    ticket: Annotated[str, typer.Option("--ticket", help="Vé ký do phần mềm của đơn vị cấp (ve_…).")],
    token: Annotated[Path, typer.Option("--token", help="Mô-đun PKCS#11 của thiết bị (.so, .dll).")],
    authority: Annotated[
        Path | None, typer.Option("--ca", exists=True, dir_okay=False, help="Chứng thư CA của nút, PEM.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option("--save", file_okay=False, help="Lưu các tệp vào thư mục này để đọc trước khi ký.")
    ] = None,
) -> None:
    """Ký bằng thiết bị cắm ở máy này những tệp mà vé cho phép; mã PIN hỏi ở bàn phím."""
    client = TicketClient(node, ticket, authority=authority)
    errand = client.errand()
    waiting = [paper for paper in errand.papers if not paper.done]
    _tell(errand, waiting)
    shown = {paper.position: _fetch(client, paper) for paper in waiting}
    if save is not None:
        _save(shown, save)
    module = open_module(str(token))
    found = _token_of(module, errand)
    print(f"Thiết bị “{found.label}”, số sê-ri {found.serial}; mã PIN {found.pin.words} ({found.pin.tries_left}).")
    session = module.login(found.address, bytearray(_ask_pin().encode()))
    try:
        key = key_of(session, certificate_sha256=errand.certificate_sha256)
        for paper in waiting:
            state = _sign_one(client, paper, shown[paper.position], key)
            print(f"Đã ký “{paper.name}”. Hồ sơ: {state}.")
    finally:
        session.logout()


def _tell(errand: Errand, waiting: list[Paper]) -> None:
    if not waiting:
        raise GatewayError("TICKET_EMPTY", "Vé này không còn tệp nào chờ ký.")
    number = f"{errand.number or '…'}/{errand.notation}"
    print(f"{errand.agency}\nVăn bản số {number}: {errand.subject}")
    print(f"Ký với tư cách {errand.role_label.lower()}, chứng thư của {errand.holder}:")
    for paper in waiting:
        print(f"  {paper.name}: {paper.step_label} (SHA-256 {paper.sha256})")


def _fetch(client: TicketClient, paper: Paper) -> bytes:
    content = client.document(paper.position)
    if hashlib.sha256(content).hexdigest() != paper.sha256:
        raise GatewayError("TICKET_CHANGED", f"Tệp “{paper.name}” tải về khác mã băm đã báo; không ký.")
    return content


def _save(shown: dict[int, bytes], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for position, content in shown.items():
        target = folder / f"{position}.pdf"
        target.write_bytes(content)
        print(f"Đã lưu {target}; hãy đọc trước khi nhập mã PIN.")


def _token_of(module: Module, errand: Errand) -> TokenInfo:
    """The token that holds the ticket's certificate. Raise TICKET_TOKEN."""
    tokens = module.tokens()
    for token in tokens:
        if any(key.sha256 == errand.certificate_sha256 for key in token.keys):
            return token
    seen = ", ".join(f"“{token.label}”" for token in tokens) or "không có thiết bị nào"
    raise GatewayError("TICKET_TOKEN", f"Không thấy thiết bị giữ chứng thư của vé (đang cắm: {seen}).")


def _ask_pin() -> str:
    return getpass.getpass("Mã PIN (không hiện khi gõ): ")


def _sign_one(client: TicketClient, paper: Paper, shown: bytes, key: TokenSigningKey) -> str:
    """What the token signs is this document and no other (signing/told_apart.py)."""
    chain = [certificate.dump() for certificate in key.chain]
    wanted = client.start(paper.position, key.certificate.dump(), chain)
    if hashlib.sha256(wanted.attributes).hexdigest() != wanted.digest:
        raise GatewayError("TICKET_CHANGED", "Dữ liệu cần ký không khớp mã băm mà nút nêu; không ký.")
    refuse_other_document(wanted.attributes, shown, client.prepared(paper.position), wanted.gap)
    return client.finish(paper.position, key.sign(wanted.attributes, "sha256"))


def alone(arguments: list[str]) -> int:
    """The command without the rest of the program, so that nothing of a server is loaded; its exit status."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(sign)
    try:
        answer: Any = app(arguments, prog_name="lienthong sign", standalone_mode=False)
    except (GatewayError, SigningError) as error:
        print(f"Lỗi {error.code}: {error.message}", file=sys.stderr)
        return 3
    except typer.TyperException as error:
        print(f"Lỗi USAGE: {error.format_message()}", file=sys.stderr)
        return 64
    except (typer.Abort, KeyboardInterrupt, EOFError):
        return 130
    return answer if isinstance(answer, int) else 0
