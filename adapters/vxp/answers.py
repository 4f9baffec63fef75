"""What the axis answers: the JSON shape, the ErrorCode table, the dates. Pure; no HTTP.

Strict where a mistake would lose a document: a missing or null mandatory field makes the answer unreadable,
never a success and never an empty list (axis.md 3, rows 7 and 8; decision D20).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..axis import OutcomeKind
from ..errors import AxisError
from .clocks import SAID, clock_refused
from .protocol import VIETNAM

MISSING_DOC_IDS = frozenset({"", "0", "null"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete JSON answer; ``fields`` holds what lies beyond the three mandatory ones."""

    status: str
    code: str
    text: str
    fields: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """Both must say so: ErrorCode 0 and status OK."""
        return self.code == "0" and self.status == "OK"

    @property
    def doc_id(self) -> str | None:
        value = self.fields.get("DocId")
        text = value.strip() if isinstance(value, str) else ""
        return None if text.lower() in MISSING_DOC_IDS or not text.isascii() or not text.isprintable() else text


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeMeaning:
    outcome: OutcomeKind
    message: str  # Vietnamese, for the clerk


def storable(text: str) -> str:
    """JSON can hold two things that no database column can: NUL and half a surrogate pair. U+FFFD stands for them."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _rejected(message: str) -> CodeMeaning:
    return CodeMeaning(outcome=OutcomeKind.REJECTED, message=message)


# axis.md 15.2; the national list is not published.
CODES: Mapping[str, CodeMeaning] = {
    "10": _rejected("Trục từ chối: tệp gói tin không hợp lệ."),
    "15": CodeMeaning(
        outcome=OutcomeKind.SUSPENDED,
        message="Trục báo sai mã hệ thống hoặc khóa bí mật. Đã dừng gửi qua kênh này cho đến khi khóa được sửa.",
    ),
    "18": _rejected("Trục từ chối: đơn vị nhận không tồn tại trên trục."),
    "19": _rejected("Trục từ chối: đơn vị gửi chưa đăng ký với trục hoặc không thuộc hệ thống này."),
    "20": CodeMeaning(outcome=OutcomeKind.RETRY, message="Trục báo lỗi hệ thống. Gói tin sẽ được gửi lại nguyên vẹn."),
    "21": _rejected("Trục từ chối: không xử lý được tệp gói tin."),
    "22": _rejected("Trục từ chối: gói tin sai định dạng edXML."),
    "23": _rejected("Trục từ chối: đơn vị nhận đã bị khóa trên trục."),
}


def unknown_code(code: str) -> CodeMeaning:
    return CodeMeaning(
        outcome=OutcomeKind.RETRY,
        message=f"Trục trả mã lỗi chưa biết ({code}). Gói tin sẽ được gửi lại một số lần, sau đó chờ người xử lý.",
    )


def parse_answer(body: bytes) -> Answer:
    """Read a JSON answer of any HTTP status; raise AxisError ``AXIS_UNREADABLE`` when it is not complete."""
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise unreadable("không phải JSON đầy đủ") from error
    if not isinstance(document, dict):
        raise unreadable("không phải đối tượng JSON")
    return answer_of(document)


def answer_of(document: dict[str, Any]) -> Answer:
    """The answer in a decoded JSON object, which is taken over. Raises AxisError ``AXIS_UNREADABLE``."""
    status, code, text = (document.pop(name, None) for name in ("status", "ErrorCode", "ErrorDesc"))
    if isinstance(code, int) and not isinstance(code, bool):
        code = str(code)
    if not isinstance(status, str) or not isinstance(code, str) or not isinstance(text, str):
        raise unreadable("thiếu status, ErrorCode hoặc ErrorDesc")
    return Answer(status=status, code=storable(code.strip()), text=storable(text), fields=document)


def rows_of(answer: Answer) -> list[dict[str, Any]]:
    """The ``data`` list of a successful answer; an absent list is an outage, not an empty mailbox."""
    data = answer.fields.get("data")
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise unreadable("thiếu danh sách data")
    return data


def usable_answer(http_status: int, body: bytes) -> Answer:
    """The successful answer of a read-only call; raises the AxisError that says why it is none."""
    if http_status == 401:
        raise key_refused()
    try:
        answer = parse_answer(body)
    except AxisError as error:
        if http_status == 200:
            raise
        raise AxisError("AXIS_HTTP", f"Trục trả lỗi HTTP {http_status}.", blame="peer") from error
    if not answer.ok:
        raise refused(answer)
    return answer


def key_refused() -> AxisError:
    return AxisError("AXIS_KEY", CODES["15"].message, blame="ours", transient=False)


def unreadable(why: str) -> AxisError:
    return AxisError("AXIS_UNREADABLE", f"Không đọc được trả lời của trục: {why}.", blame="peer")


def refused(answer: Answer) -> AxisError:
    """The error of a read-only call that was answered with FAIL."""
    meaning = CODES.get(answer.code) or unknown_code(answer.code)
    if meaning.outcome is OutcomeKind.SUSPENDED:
        return clock_refused(None) if SAID.search(answer.text) else key_refused()
    message = f"Trục trả lỗi {answer.code}: {answer.text[:200]}"
    return AxisError("AXIS_REFUSED", message, blame="peer", transient=answer.code == "20")


DATE_FORMATS = ("%d/%m/%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y")


def parse_date(value: object) -> datetime | None:
    """``dd/MM/yyyy HH:mm:ss``, ISO 8601 or epoch milliseconds; without a zone it is Vietnamese time."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int | float) or value.strip().isdecimal():
        return _from_epoch(value)
    text = value.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _from_formats(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)


def _from_epoch(value: float | str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(value) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _from_formats(text: str) -> datetime | None:
    for form in DATE_FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=VIETNAM)
        except ValueError:
            continue
    return None


def print_date(moment: datetime) -> str:
    return f"{moment.astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}"
