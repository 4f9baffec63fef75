"""``lienthong trust``: what the node trusts, whose seal it bears, and newer lists of national roots."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ...signing.trust import PACKAGED, view_store
from ...signing.trust_seal import checked, issued, refuse_unsealed, seal, seal_of
from ..errors import GatewayError
from .context import Json, clock, invocation
from .exits import reason_of
from .printing import say, say_json, table

group = typer.Typer(help="Kho tin cậy: gốc đã ghim, dấu niêm, danh sách thu hồi.", no_args_is_help=True)

ListFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Danh sách ghim (TOML).")]
UNSEALED = "KHO CỦA NƠI VẬN HÀNH: không có dấu niêm của dự án, được tin vì cấu hình nêu tên (signing.trust_store)."


@group.command("show")
def show(
    context: typer.Context,
    store: Annotated[str | None, typer.Option("--store", help="Tên kho; bỏ trống: kho đang dùng.")] = None,
    trust_dir: Annotated[Path | None, typer.Option(help="Thư mục kho tin cậy.")] = None,
    as_json: Json = False,
) -> None:
    """In gốc đã ghim với mã băm và thời hạn, chứng thư và danh sách thu hồi đang có."""
    settings = invocation(context).settings()
    name = store or settings.signing.trust_store
    view, held = view_store(str(trust_dir or settings.trust_dir), name)
    lists = [
        {"issuer": one.parsed.issuer.human_friendly, "number": one.number, "next_update": one.next_update}
        for one in held.lists
    ]
    if as_json:
        say_json({**_plain(view), "digest": held.digest, "revocation_lists": lists})
        return
    say(f"Kho {name}: {view.title}" + (f", ban hành {view.issued}" if view.issued else ""))
    say("Danh sách ghim có dấu niêm của dự án, dấu đúng." if view.sealed else UNSEALED)
    columns = ["name", "sha256", "not_before", "not_after", "sha1_until"]
    table(["Gốc đã ghim", "SHA-256", "Từ", "Đến", "SHA-1 đến"], [[pin.get(c) for c in columns] for pin in view.pins])
    for missing in view.missing_roots:
        say(f"Chưa có tệp chứng thư gốc: {missing}")
    table(["Danh sách thu hồi", "Số", "Hạn"], [[one["issuer"], one["number"], one["next_update"]] for one in lists])
    expired = [one for one in held.lists if one.next_update is not None and one.next_update <= clock()]
    if expired:
        say(f"{len(expired)} danh sách thu hồi đã hết hạn; chữ ký liên quan là CHƯA XÁC ĐỊNH.")


def _plain(view: Any) -> dict[str, Any]:
    return {
        "name": view.name,
        "title": view.title,
        "issued": view.issued,
        "sealed": view.sealed,
        "pins": [{key: str(value) for key, value in pin.items()} for pin in view.pins],
        "authorities": [{key: str(value) for key, value in one.items()} for one in view.authorities],
        "missing_roots": list(view.missing_roots),
    }


@group.command("verify")
def verify(file: ListFile) -> None:
    """Kiểm tra dấu niêm của một danh sách ghim (tệp .sig đứng cạnh)."""
    content = _sealed(file)
    say(f"{file.name}: dấu niêm đúng, ban hành {issued(content)}.")


@group.command("import")
def take_in(
    context: typer.Context,
    file: ListFile,
    trust_dir: Annotated[Path | None, typer.Option(help="Thư mục kho tin cậy.")] = None,
) -> None:
    """Nhận danh sách ghim mới hơn cho kho quốc gia (bcy, neac); phải có dấu niêm của dự án."""
    name = file.name.removesuffix(".toml")
    if name not in PACKAGED:
        raise GatewayError(
            "TRUST_STORE_NAME",
            f"Chỉ kho {' và '.join(PACKAGED)} nhận danh sách có dấu niêm; kho của nơi vận hành đặt tên khác, đặt thẳng "
            "vào thư mục kho tin cậy và nêu ở signing.trust_store.",
        )
    content, seal_bytes = _sealed(file), seal_of(file).read_bytes()
    folder = trust_dir or invocation(context).settings().trust_dir
    target = folder / file.name
    if target.is_file() and seal_of(target).is_file() and issued(checked(target)) >= issued(content):
        raise GatewayError("TRUST_STORE_OLDER", "Danh sách đang dùng không cũ hơn danh sách này.")
    folder.mkdir(parents=True, exist_ok=True)
    seal_of(target).unlink(missing_ok=True)  # between the two steps the program's own list counts
    _place(target, content)
    _place(seal_of(target), seal_bytes)
    view, _store = view_store(str(folder), name)
    say(f"Kho {name} dùng danh sách ban hành {view.issued}: {len(view.pins)} gốc.")


@group.command("seal")
def put_seal(
    file: ListFile,
    key: Annotated[Path, typer.Option("--key", exists=True, dir_okay=False, help="Khóa riêng Ed25519, PEM.")],
) -> None:
    """Niêm phong một danh sách ghim (việc của dự án); ghi tệp .sig đứng cạnh."""
    content = file.read_bytes()
    made = seal(content, key.read_bytes())
    seal_of(file).write_bytes(made)
    refuse_unsealed(content, made)
    say(f"Đã ghi {seal_of(file)}.")


def _sealed(file: Path) -> bytes:
    try:
        return checked(file)
    except OSError as error:
        raise GatewayError("FILE_UNREADABLE", f"Không đọc được {file} hoặc dấu niêm: {reason_of(error)}.") from error


def _place(target: Path, content: bytes) -> None:
    temporary = target.with_name(f".{target.name}")
    temporary.write_bytes(content)
    temporary.replace(target)
