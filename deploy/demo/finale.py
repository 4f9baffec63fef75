"""Chapter 5: the timeline of every document, both registers, one effect each, the delivery certificate, the verdict."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pikepdf

from .eoffice import Office
from .incoming import Brought, items_of
from .people import OTHER_PROVINCE, SENDER
from .screen import at, heading, rows, say
from .show import Show

CERTIFICATE = "giay-xac-nhan-gui-nhan.pdf"
_SHOWN = 46  # characters of a column that may be long


def timelines(show: Show) -> None:
    heading("5. Nhật ký từng văn bản")
    for what, (office, document) in show.travelling.items():
        say(f"{what}, của {office.name} ({document}):")
        events = office.timeline(document)
        inward = any(one["subject"] == "inward" for one in events)
        cells = [_event(one, inward=inward) for one in events]
        rows(["Lúc", "Việc của", "Nơi nhận", "Thành", "Ai", "Ghi chú"], cells)
        say()


def _event(one: dict[str, Any], *, inward: bool) -> list[str]:
    recipient = one.get("recipient") or ""
    # What goes out for an incoming document is a status.
    what = "Trạng thái gửi về" if inward and one["subject"] == "outgoing_package" else one["subject_label"]
    return [at(one["at"]), what, recipient, one["to_label"], one["actor"], _short(one["reason"])]


def _short(text: str | None) -> str:
    return "" if text is None else text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def registers(show: Show) -> None:
    for office, direction in ((show.sender, "outgoing"), (show.sender, "incoming"), (show.neighbour, "incoming")):
        _register(office, direction, show.year)


def _register(office: Office, direction: str, year: int) -> None:
    book = office.register(direction, year)
    say(f"{book['title']} năm {year} của {office.name}:")
    used = [n for n, _ in enumerate(book["columns"]) if any(line["cells"][n] for line in book["items"])]
    titles = [book["columns"][n] for n in used]
    rows(titles, [[_short(line["cells"][n]) for n in used] for line in book["items"]])
    say()


def one_effect_each(show: Show, brought: tuple[Brought, ...], *, sent: bool) -> None:
    """Nothing doubled, nothing missing, no number skipped."""
    say("Kiểm đếm cuối cùng:")
    for one in brought:
        show.checks.equal(f"văn bản đến “{one.what}” vào hộp thư đúng một lần", len(items_of(show, one)), 1)
    outgoing = [line["number"] for line in show.sender.register("outgoing", show.year)["items"]]
    incoming = sorted(int(line["number"]) for line in show.sender.register("incoming", show.year)["items"])
    show.checks.equal("sổ văn bản đi có đúng một dòng cho văn bản đã gửi", outgoing, ["12"] if sent else [])
    show.checks.equal("sổ văn bản đến liên tục từ 1, không trùng, không nhảy số", incoming, [1, 2])
    gaps = show.sender.get(f"/v1/registers/incoming/{show.year}/gaps")["gaps"]
    show.checks.equal("nút cũng báo sổ văn bản đến không nhảy số", gaps, [])
    statuses = show.axis.packages(kind="status", sender=SENDER.code)
    once = {(one["document_id"], one["status_code"]) for one in statuses}
    show.checks.equal("không trạng thái nào của nút tới trục hai lần", len(statuses), len(once))
    to_other = [one for one in statuses if one["deliveries"][0]["receiver"] == OTHER_PROVINCE.code]
    show.checks.equal(
        f"{OTHER_PROVINCE.name} nhận đúng 01, 03 và 01", sorted(s["status_code"] for s in to_other), _THREE
    )


_THREE = ["01", "01", "03"]


def certificate(show: Show, document: str) -> None:
    """The one page that proves who sent what to whom."""
    content = show.sender.download(f"/v1/documents/{document}/certificate")
    (show.room.papers / CERTIFICATE).write_bytes(content)
    with pikepdf.open(io.BytesIO(content)) as pdf:
        show.checks.equal("giấy xác nhận gửi nhận là một tệp PDF một trang", len(pdf.pages), 1)


def keep_papers(show: Show, output: Path) -> None:
    """The signed files and the certificate outlive the demonstration's own folder."""
    say()
    try:
        shutil.copytree(show.room.papers, output, dirs_exist_ok=True)
    except OSError as error:  # shutil.Error too: one of several files
        say(f"Không chép được các văn bản đã ký sang {output}: {error}")
        return
    say(f"Các văn bản đã ký để mở xem: {output}")
    if (output / CERTIFICATE).exists():
        say(f"Giấy xác nhận gửi nhận (PDF, một trang): {output / CERTIFICATE}")


def verdict(show: Show) -> int:
    """The last words; the exit status."""
    heading("Kết luận")
    failed = show.checks.failed
    say(f"Đã tự kiểm tra {len(show.checks.lines)} điều, {len(show.checks.lines) - len(failed)} đạt.")
    for what in failed:
        say(f"KHÔNG ĐẠT: {what}", indent=2)
    say("ĐẠT: mọi văn bản đến đúng nơi, đúng một lần, đúng từng byte." if not failed else "KHÔNG ĐẠT.")
    return 1 if failed else 0
