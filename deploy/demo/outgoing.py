"""Chapters 1 to 3: a document is made and signed, posted twice, checked, registered, packaged, sent and answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...gateway.cli.printing import size
from .axis_desk import digest
from .people import FINANCE, NEIGHBOUR, NGHE_AN, SENDER
from .screen import await_it, heading, meanwhile, rows, say
from .show import Show
from .texts import review_letter
from .verdicts import show_file

NUMBER, NOTATION = "12", "SKHCN-CĐS"
KEY = "vanbandi-2026-000012"
TRAVEL_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A document that the sender's eOffice posted."""

    id: str
    document_id: str
    files: tuple[Path, ...]


def make_papers(show: Show, own_file: Path | None) -> tuple[Path, ...]:
    """Chapter 1. The main document (or the user's own file), an annex signed by the agency, a spreadsheet."""
    heading("1. Soạn và ký số văn bản")
    room = show.room
    letter = review_letter(number=NUMBER, day=room.today)
    if own_file is None:
        main = meanwhile("lãnh đạo ký, cơ quan ký", lambda: room.signed("cong-van-12", letter, SENDER))
        say(
            "Công văn khổ A4 theo Nghị định 30/2020/NĐ-CP; lãnh đạo ký, cơ quan ký và đóng dấu: hai chữ ký số PAdES, "
            "có hình chữ ký, dấu thời gian và thông tin thu hồi chứng thư kèm trong tệp."
        )
    else:
        main = own_file
        say(f"Văn bản chính là tệp của bạn: {own_file}")
    number = f"{NUMBER}/{NOTATION}"
    annex = meanwhile("cơ quan ký phụ lục", lambda: room.annex("phu-luc-ma-dinh-danh", SENDER, number=number))
    files = (main, annex, room.spreadsheet("phu-luc-ma-dinh-danh"))
    rows(["Tệp", "Cỡ", "SHA-256"], [[file.name, size(file.stat().st_size), digest(file)] for file in files])
    return files


def metadata(show: Show, number: str, recipients: Sequence[str], subject: str) -> dict[str, Any]:
    """What an eOffice says of a document (schemas/api/openapi.yaml, DocumentMetadata)."""
    return {
        "recipients": list(recipients),
        "number": number,
        "notation": NOTATION,
        "promulgation_date": show.room.today.isoformat(),
        "type_name": "Công văn",
        "subject": subject,
        "signer": {"full_name": SENDER.leader, "position": "Phó Giám đốc", "competence": "KT."},
        "place": "Mẫu",
    }


def post_twice(show: Show, files: tuple[Path, ...]) -> Sent | None:
    """Chapter 2. None when the node refuses the user's own file at the door."""
    heading("2. eOffice gửi văn bản, rồi gửi lại với cùng khóa chống trùng")
    recipients = [NEIGHBOUR.code, NGHE_AN.code, FINANCE.code]
    told = metadata(show, NUMBER, recipients, f"V/v {review_letter(number=None, day=None).subject}")
    say(f"POST /v1/documents   Idempotency-Key: {KEY}")
    say(f"Nơi nhận: {NEIGHBOUR.name} (cùng nút), {NGHE_AN.name}, {FINANCE.name} (qua trục)", indent=2)
    first = show.sender.send(told, files, key=KEY)
    if first.status != 202:
        _explain_refusal(first.json)
        return None
    accepted = first.json
    say(f"202: {accepted['id']}, mã định danh văn bản {accepted['document_id']}", indent=2)
    again = show.sender.send(told, files, key=KEY)
    say(f"Gửi lại: {again.status}, {again.json.get('id', again.json.get('detail'))}", indent=2)
    show.checks.expect("gửi lại cùng khóa trả về đúng văn bản cũ", again.json == accepted, again.json)
    show.checks.equal("câu trả lời lần hai nói rõ là trả lời lại", again.headers.get("idempotency-replayed"), "true")
    listed = [one["id"] for one in show.sender.get("/v1/documents?limit=100")["items"]]
    show.checks.equal("chỉ có một văn bản đi trên nút", listed, [accepted["id"]])
    show.travelling["Văn bản đi"] = (show.sender, accepted["id"])
    return Sent(id=accepted["id"], document_id=accepted["document_id"], files=files)


def _explain_refusal(problem: dict[str, Any]) -> None:
    say(f"Nút từ chối ngay khi nhận: {problem['title']} ({problem['code']}).", indent=2)
    say(problem["detail"], indent=2)
    for fault in problem.get("faults", ()):
        say(f"- {fault['place']}: {fault['message']}", indent=4)
    say(f"Cách khắc phục: {problem['action']}", indent=2)
    if "legal_basis" in problem:
        say(f"Căn cứ: {problem['legal_basis']}", indent=2)


def examined(show: Show, sent: Sent) -> dict[str, Any]:
    """Chapter 3, first half: verdicts of every file; the document as it stands then."""
    heading("3. Nút kiểm tra, vào sổ, đóng gói, gửi")
    view = await_it("chờ kiểm tra chữ ký", lambda: _after_examination(show, sent), seconds=TRAVEL_SECONDS)
    for file in view["files"]:
        show_file(file)
    verdict = view["verdict"]
    say(f"Kết quả chung: {verdict['label']}. Giá trị: {verdict['legal_label'] or 'không xác định'}.")
    return view


def _after_examination(show: Show, sent: Sent) -> dict[str, Any] | None:
    view: dict[str, Any] = show.sender.get(f"/v1/documents/{sent.id}")
    return view if view["state"] not in {"accepted", "examined"} else None


def is_sent(show: Show, sent: Sent) -> dict[str, Any]:
    """Register entry and packages; every package is with its axis."""

    def gone() -> dict[str, Any] | None:
        view: dict[str, Any] = show.sender.get(f"/v1/documents/{sent.id}")
        return view if view["state"] == "sent" else None

    view = await_it("chờ trục nhận các gói tin", gone, seconds=TRAVEL_SECONDS)
    entry = view["register_entry"]
    say(f"Sổ văn bản đi năm {entry['year']}: số {entry['number']}, ghi lúc {_clock(entry['entered_at'])}.")
    say("Gói tin edXML (QCVN 102:2016/BTTTT), mỗi trục một gói:")
    cells = [
        [one["axis"], ", ".join(one["recipients"]), size(one["size"]), one["state_label"], one["sha256"]]
        for one in view["packages"]
    ]
    rows(["Trục", "Nơi nhận", "Cỡ", "Tình trạng", "SHA-256"], cells)
    return view


def _clock(moment: str) -> str:
    return moment[11:19]


def neighbour_registers(show: Show, sent: Sent) -> None:
    """The other agency of the node pulls the document, compares every byte, gives it a số đến."""
    office = show.neighbour
    item = await_it("chờ văn bản đến hộp thư của đơn vị cùng nút", lambda: office.mailbox("document"))[0]
    say(f"{office.name} lấy văn bản từ hộp thư: “{item['label']}”.")
    got = {file["name"]: _pulled(show, item["id"], file) for file in office.get(f"/v1/incoming/{item['id']}")["files"]}
    show.checks.equal("đơn vị cùng nút nhận đủ các tệp, đúng từng mã băm", got, {f.name: digest(f) for f in sent.files})
    entry = office.post(f"/v1/incoming/{item['id']}/registration", {"staff": "Trần Thị Bình"})
    say(f"Vào sổ văn bản đến: số đến {entry['number']} năm {entry['year']}; trạng thái 03 tự gửi về nơi phát hành.")
    show.travelling["Văn bản đến của đơn vị cùng nút"] = (office, item["id"])


def _pulled(show: Show, document: str, file: dict[str, Any]) -> str:
    target = show.stage.folder / "pulled"
    target.write_bytes(show.neighbour.download(f"/v1/incoming/{document}/files/{file['position']}"))
    return digest(target)


def statuses_return(show: Show, sent: Sent) -> None:
    """Chapter 3, second half: what every recipient answers."""
    expected = {NGHE_AN.code: "finished", FINANCE.code: "refused", NEIGHBOUR.code: "registered"}
    say("Các nơi nhận trả trạng thái về:")

    def settled() -> dict[str, Any] | None:
        view: dict[str, Any] = show.sender.get(f"/v1/documents/{sent.id}")
        return view if {one["code"]: one["state"] for one in view["recipients"]} == expected else None

    view = await_it("chờ trạng thái của ba nơi nhận", settled, seconds=TRAVEL_SECONDS)
    came: dict[str, list[str]] = {code: [] for code in expected}
    cells = []
    for item in show.sender.mailbox("status", document=sent.id):
        detail = item["detail"]
        came[detail["from_code"]].append(detail["status_code"])
        cells.append([detail["from_name"], detail["status_code"], detail["description"], _clock(item["created_at"])])
    rows(["Nơi nhận", "Mã", "Nội dung", "Lúc"], sorted(cells))
    checks = show.checks
    checks.equal(f"{NGHE_AN.name} trả 01, 03, 04, 05, 06, mỗi mã một lần", sorted(came[NGHE_AN.code]), _FULL)
    checks.equal(f"{FINANCE.name} trả 01 và từ chối 02, mỗi mã một lần", sorted(came[FINANCE.code]), ["01", "02"])
    reason = next(one["reason"] for one in view["recipients"] if one["code"] == FINANCE.code)
    checks.expect("từ chối có lý do", bool(reason and reason.strip()), reason)
    checks.equal(f"{NEIGHBOUR.name} trả 01, 03, mỗi mã một lần", sorted(came[NEIGHBOUR.code]), ["01", "03"])


_FULL = ["01", "03", "04", "05", "06"]


def axis_has_it_once(show: Show, sent: Sent) -> None:
    """Seen from the axis itself: one package, two recipients, the very same bytes."""
    found = [
        one for one in show.axis.packages(kind="edoc", sender=SENDER.code) if one["document_id"] == sent.document_id
    ]
    reached = sorted(row["receiver"] for one in found for row in one["deliveries"])
    show.checks.equal("trên trục, mỗi nơi nhận có đúng một gói tin", reached, sorted([NGHE_AN.code, FINANCE.code]))
    for one in found:
        contents = show.axis.contents(one["axis_doc_id"])
        show.checks.equal("tệp lấy từ trục đúng từng mã băm", contents, {f.name: digest(f) for f in sent.files})
