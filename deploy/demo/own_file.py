"""With ``PDF=path``: the user's own file travels as the main document; where it is held, how a person releases it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

from ...gateway.cli.exits import reason_of
from .outgoing import Sent
from .people import SENDER
from .screen import exactly, say
from .show import Show


def readable(path: Path) -> str | None:
    """What prevents the demonstration from using this file, in words; None when nothing does."""
    try:
        with path.open("rb") as stream:
            stream.read(1)
    except OSError as error:
        return f"Không đọc được {path}: {reason_of(error)}."
    return None if path.stat().st_size else f"Tệp {path} rỗng."


def how_to_release(show: Show, sent: Sent, view: dict[str, Any]) -> None:
    """The document waits for a person; that is no failure."""
    hold = next(one for one in view["holds"] if one["closing"] is None)
    say()
    say(f"Văn bản đang GIỮ LẠI, chưa gửi đi đâu. Lý do: {hold['reason']} ({hold['code']})")
    if any(one["report"] and one["report"]["signatures"] for one in view["files"][:1]):
        _about_trust(sent.files[0])
    say("Người có thẩm quyền quyết định, lý do được ghi lại và bên gửi đọc được. Cho đi tiếp hoặc hủy bằng lệnh:")
    for word in ("release", "cancel"):
        exactly(show.stage.command("hold", word, hold["id"], "--reason", "…", "--actor", "Họ và tên"))
    say("hoặc qua API của người vận hành:")
    exactly(f"POST {show.stage.node_url}/v1/operations/holds/{hold['id']}/release")
    shown = [one["code"] for one in show.operator.get("/v1/operations/holds?limit=200")["items"]]
    show.checks.expect("người vận hành thấy việc đang giữ", hold["code"] in shown, shown)
    register = show.sender.register("outgoing", show.year)["items"]
    show.checks.equal("văn bản đang giữ chưa vào sổ văn bản đi", register, [])
    on_axis = show.axis.packages(kind="edoc", sender=SENDER.code)
    show.checks.equal("không có gì của nó trên trục", on_axis, [])


def _about_trust(file: Path) -> None:
    say(
        "Buổi trình diễn chỉ tin chứng thư gốc giả lập của lần chạy này, nên văn bản ký bằng chứng thư khác là “chưa "
        "xác định”. Để xét tệp với kho chứng thư chuyên dùng công vụ của đơn vị (thư mục TIN-CAY, chứng thư gốc do "
        "đơn vị cài):"
    )
    exactly(f"{shlex.quote(sys.executable)} -m lienthong check {shlex.quote(str(file))} --trust-dir TIN-CAY")
