"""Chapter 4: documents reach the province from the axis; what becomes of each, and what a person decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .axis_desk import digest
from .elsewhere import document_package
from .letter import Letter
from .people import MINISTRY, OTHER_PROVINCE, SENDER, Place
from .screen import await_it, heading, meanwhile, rows, say
from .show import Show
from .texts import notice_letter

ARRIVAL_SECONDS = 60.0
NOTATIONS = {OTHER_PROVINCE.code: "UBND-VX", MINISTRY.code: "BM-VP"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A package that somebody elsewhere brought to the axis."""

    what: str
    document_id: str
    receiver_doc_id: str
    sender: Place
    files: tuple[Path, ...]


def documents_arrive(show: Show) -> tuple[Brought, ...]:
    """Bring four, follow each."""
    heading("4. Văn bản đến từ trục")
    good, single, altered, doubled = _bring_all(show)
    _good_one(show, good)
    _single_signature(show, single)
    _altered_one(show, altered)
    _doubled_one(show, doubled)
    return good, single, altered, doubled


def _bring_all(show: Show) -> tuple[Brought, Brought, Brought, Brought]:
    good, single, altered, doubled = meanwhile("các nơi khác ký văn bản của mình", lambda: _papers(show))
    table = show.room.spreadsheet("den-301-bieu-mau")
    brought = (
        bring(show, "hợp lệ", (good, table), OTHER_PROVINCE, "301", _SUBJECTS[0]),
        bring(show, "chỉ một chữ ký", (single,), MINISTRY, "77", _SUBJECTS[1]),
        bring(show, "bị sửa sau khi ký", (altered,), OTHER_PROVINCE, "302", _SUBJECTS[2]),
        bring(show, "trục giao hai lần", (doubled,), MINISTRY, "78", _SUBJECTS[3]),
    )
    twin = show.axis.bring_again(brought[3].receiver_doc_id)["receiver_doc_id"]
    cells = [[one.what, one.sender.name, one.document_id, one.receiver_doc_id] for one in brought]
    rows(["Văn bản", "Nơi gửi", "Mã định danh văn bản", "receiverDocId trên trục"], cells)
    say(f"Trục giao văn bản cuối thêm lần nữa, với receiverDocId {twin}.")
    return brought


def _papers(show: Show) -> tuple[Path, Path, Path, Path]:
    room = show.room
    return (
        room.signed("den-301", letter_of(show, OTHER_PROVINCE, "301", _SUBJECTS[0]), OTHER_PROVINCE),
        room.leader_only("den-77", letter_of(show, MINISTRY, "77", _SUBJECTS[1]), MINISTRY),
        room.altered("den-302", letter_of(show, OTHER_PROVINCE, "302", _SUBJECTS[2]), OTHER_PROVINCE),
        room.signed("den-78", letter_of(show, MINISTRY, "78", _SUBJECTS[3]), MINISTRY),
    )


_SUBJECTS = (
    "phối hợp cung cấp số liệu chuyển đổi số năm 2026",
    "góp ý dự thảo quy chế gửi, nhận văn bản điện tử",
    "cử cán bộ tham gia tổ công tác liên tỉnh",
    "báo cáo tình hình sử dụng chữ ký số",
)


def letter_of(show: Show, sender: Place, number: str, subject: str) -> Letter:
    ministry = sender is MINISTRY
    return notice_letter(
        governing=None,
        agency="BỘ MẪU" if ministry else "ỦY BAN NHÂN DÂN\nTỈNH KHÁC",
        notation=NOTATIONS[sender.code],
        place="Hà Nội" if ministry else "Khác",
        number=number,
        day=show.room.today,
        subject=subject,
        to=SENDER.name,
        capacity=("TL. BỘ TRƯỞNG", "CHÁNH VĂN PHÒNG") if ministry else ("TM. ỦY BAN NHÂN DÂN", "CHỦ TỊCH"),
        signer=sender.leader,
    )


def bring(show: Show, what: str, files: Sequence[Path], sender: Place, number: str, subject: str) -> Brought:
    """Hand it to the axis, addressed to the sender's agency of the other chapters."""
    package = document_package(
        files,
        sender=sender,
        to=SENDER,
        number=number,
        notation=NOTATIONS[sender.code],
        subject=subject,
        now=show.room.now,
    )
    kept = show.axis.bring(package)
    return Brought(
        what=what,
        document_id=kept["document_id"],
        receiver_doc_id=kept["deliveries"][0]["receiver_doc_id"],
        sender=sender,
        files=tuple(files),
    )


def arrived(show: Show, brought: Brought) -> dict[str, Any]:
    """The one item of the mailbox that it became."""

    def items() -> list[dict[str, Any]]:
        return items_of(show, brought)

    return await_it(f"chờ văn bản “{brought.what}” vào hộp thư", items, seconds=ARRIVAL_SECONDS)[0]


def items_of(show: Show, brought: Brought) -> list[dict[str, Any]]:
    return [one for one in show.sender.mailbox("document") if one["detail"]["document_id"] == brought.document_id]


def _good_one(show: Show, brought: Brought) -> None:
    say()
    item = arrived(show, brought)
    document = item["id"]
    show.travelling[f"Văn bản đến {brought.what}"] = (show.sender, document)
    say(f"Văn bản {brought.what}: vào hộp thư của {SENDER.name} với nhãn “{item['label']}”.")
    show.checks.equal("văn bản đủ hai chữ ký mang nhãn hợp lệ", item["label"], "Hợp lệ")
    got = {}
    for file in show.sender.get(f"/v1/incoming/{document}")["files"]:
        target = show.stage.folder / "pulled"
        target.write_bytes(show.sender.download(f"/v1/incoming/{document}/files/{file['position']}"))
        got[file["name"]] = digest(target)
    sent = {file.name: digest(file) for file in brought.files}
    show.checks.equal("eOffice lấy về đủ các tệp, đúng từng mã băm", got, sent)
    entry = show.sender.post(f"/v1/incoming/{document}/registration", {"staff": "Trần Thị Bình"})
    say(f"Văn thư vào sổ: số đến {entry['number']} năm {entry['year']}.")
    again = show.sender.post(f"/v1/incoming/{document}/registration", {})
    show.checks.equal("bấm vào sổ lần nữa không cấp thêm số", again["number"], entry["number"])
    wait_statuses(show, brought, ["01", "03"])


def wait_statuses(show: Show, brought: Brought, expected: list[str]) -> None:
    """At the axis: exactly these statuses of ours, in this order, for the document's sender."""

    def seen() -> list[str]:
        return show.axis.statuses(sender=SENDER.code, receiver=brought.sender.code, document_id=brought.document_id)

    await_it(f"chờ trạng thái {', '.join(expected)} tới trục", lambda: len(seen()) >= len(expected) or None)
    what = f"trạng thái {', '.join(expected)} đã về {brought.sender.name}, thấy tại trục"
    show.checks.equal(what, seen(), expected)


def _holds_of(show: Show, brought: Brought) -> list[dict[str, Any]]:
    page = show.operator.get("/v1/operations/holds?limit=200")
    return [one for one in page["items"] if one["document_id"] == brought.document_id]


def _single_signature(show: Show, brought: Brought) -> None:
    say()
    item = arrived(show, brought)
    show.travelling[f"Văn bản đến {brought.what}"] = (show.sender, item["id"])
    say(f"Văn bản {brought.what}: vẫn vào hộp thư, nhãn “{item['label']}” (Quyết định 28/2018/QĐ-TTg Điều 4.2).")
    view = show.sender.get(f"/v1/incoming/{item['id']}")
    legal = view["verdict"]["legal_value"]
    show.checks.equal("văn bản thiếu chữ ký chỉ để tham khảo", (item["label"], legal), ("Chỉ tham khảo", "reference"))


def _altered_one(show: Show, brought: Brought) -> None:
    say()
    hold = await_it("chờ văn bản bị sửa được giữ lại", lambda: _holds_of(show, brought), seconds=ARRIVAL_SECONDS)[0]
    show.travelling[f"Văn bản đến {brought.what}"] = (show.sender, hold["exchange"])
    say(f"Văn bản {brought.what}: GIỮ LẠI, chưa ai nhận được. Lý do: {hold['reason']} ({hold['code']})")
    say(f"Đề nghị: trạng thái {hold['proposal']} (từ chối); máy không tự làm. Người vận hành có thể:")
    for word, meaning in hold["may"].items():
        say(f"- {word}: {meaning}", indent=2)
    show.checks.equal("máy đề nghị từ chối (02)", hold["proposal"], "02")
    show.checks.equal("văn bản bị giữ không vào hộp thư", items_of(show, brought), [])
    before = show.axis.statuses(sender=SENDER.code, receiver=brought.sender.code, document_id=brought.document_id)
    show.checks.equal("chưa trạng thái nào tự gửi đi", before, [])
    say("Người vận hành đã gọi điện cho nơi gửi và cho văn bản đi tiếp, bằng lệnh:")
    reason = "Nơi gửi xác nhận qua điện thoại; chỉ dùng để tham khảo, chờ bản gửi lại."
    show.stage.run("hold", "release", hold["id"], "--reason", reason, "--actor", "Trực ban Nguyễn Văn An")
    item = arrived(show, brought)
    say(f"Văn bản vào hộp thư với nhãn “{item['label']}”.")
    show.checks.expect("văn bản được cho đi tiếp chỉ để tham khảo", item["label"].startswith("Chỉ tham khảo"), item)
    wait_statuses(show, brought, ["01"])


def one_more_altered(show: Show) -> None:
    """Something for a person to decide on, where the node keeps running."""
    subject = "báo cáo kết quả thử nghiệm"
    letter = letter_of(show, OTHER_PROVINCE, "303", subject)
    altered = meanwhile("ký rồi sửa", lambda: show.room.altered("den-303", letter, OTHER_PROVINCE))
    brought = bring(show, "để tự thử", (altered,), OTHER_PROVINCE, "303", subject)
    await_it("chờ văn bản được giữ lại", lambda: _holds_of(show, brought), seconds=ARRIVAL_SECONDS)


def _doubled_one(show: Show, brought: Brought) -> None:
    say()
    item = arrived(show, brought)
    show.travelling[f"Văn bản đến {brought.what}"] = (show.sender, item["id"])
    say(f"Văn bản {brought.what}: một văn bản trong hộp thư, nhãn “{item['label']}”.")

    def acknowledged() -> list[str] | None:
        found = [
            row["status"]
            for one in show.axis.packages(kind="edoc", receiver=SENDER.code)
            if one["document_id"] == brought.document_id
            for row in one["deliveries"]
        ]
        return found if all(status == "DONE" for status in found) else None

    done = await_it("chờ nút báo đã nhận cả hai lần", acknowledged, seconds=ARRIVAL_SECONDS)
    show.checks.equal("trục nhận đủ hai lần báo done", done, ["DONE", "DONE"])
    entry = show.sender.post(f"/v1/incoming/{item['id']}/registration", {"staff": "Trần Thị Bình"})
    say(f"Văn thư vào sổ một lần: số đến {entry['number']}.")
    wait_statuses(show, brought, ["01", "03"])
