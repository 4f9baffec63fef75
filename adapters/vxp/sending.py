"""What an answer to sendEdoc, or its absence, means for the document. Pure functions over values.

This is the table of axis.md 13: nothing else decides whether a document is sent again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from ..axis import FindAnswer, FindResult, OutcomeKind, OutgoingPackage, SendOutcome, SentRow
from ..errors import AxisError
from .answers import CODES, Answer, parse_answer, storable, unknown_code
from .transport import CallError, RawAnswer

MAX_RAW = 2000
RECIPIENT_CODES = ("18", "23")  # đơn vị nhận không tồn tại, đã khóa
CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")
CENTER = re.compile(r"[0-9]{2}\.[0-9A-Z]{2}\.W[0-9]{2}")


def outcome_of_answer(answer: RawAnswer, receivers: Sequence[str] = ()) -> SendOutcome:
    """The outcome of an HTTP answer of any status. ``receivers``: whom the package was for."""
    raw = storable(answer.body[: MAX_RAW * 4].decode("utf-8", "replace")[:MAX_RAW])
    if answer.http_status in BY_HTTP_STATUS:
        kind, message = BY_HTTP_STATUS[answer.http_status]
        return SendOutcome(kind=kind, code=f"HTTP_{answer.http_status}", message=message, raw=raw)
    try:
        parsed = parse_answer(answer.body)
    except AxisError:
        return _without_json(answer.http_status, raw)
    return _of_json(parsed, raw, receivers)


# Whatever the body says: these are answered in front of the axis's own program.
BY_HTTP_STATUS = {
    401: (OutcomeKind.SUSPENDED, CODES["15"].message),
    413: (
        OutcomeKind.REJECTED,
        "Trục từ chối: gói tin quá lớn. Hãy giảm dung lượng tệp đính kèm rồi phát hành lại.",
    ),
    # A proxy that gave up waiting: the axis behind it may have stored the package, as with our own time limit.
    504: (OutcomeKind.UNKNOWN, "Trục không trả lời kịp. Sẽ tra danh sách đã gửi trước khi gửi lại."),
}


def _without_json(status: int, raw: str) -> SendOutcome:
    if status < 300:  # 200 with nothing readable: it may have been stored
        return SendOutcome(
            kind=OutcomeKind.UNKNOWN,
            code="UNREADABLE",
            message="Không đọc được trả lời của trục. Sẽ tra danh sách đã gửi trước khi gửi lại.",
            raw=raw,
        )
    return SendOutcome(
        kind=OutcomeKind.RETRY,
        code=f"HTTP_{status}",
        message=f"Trục trả lỗi HTTP {status}. Gói tin sẽ được gửi lại nguyên vẹn.",
        raw=raw,
    )


def _of_json(answer: Answer, raw: str, receivers: Sequence[str]) -> SendOutcome:
    if answer.ok and answer.doc_id:
        return SendOutcome(
            kind=OutcomeKind.ACCEPTED,
            axis_doc_id=answer.doc_id,
            code="0",
            message="Trục đã nhận gói tin.",
            raw=raw,
        )
    if answer.code == "0":  # accepted without an id, or "FAIL" with code 0: contradictory
        return SendOutcome(
            kind=OutcomeKind.UNKNOWN,
            code="NO_DOC_ID" if answer.ok else "CONTRADICTORY",
            message="Trục báo thành công nhưng không trả mã văn bản. Sẽ tra danh sách đã gửi.",
            raw=raw,
        )
    meaning = CODES.get(answer.code) or unknown_code(answer.code)
    refused = refused_in(answer, receivers)
    message = f"{meaning.message.removesuffix('.')}: {', '.join(refused)}." if refused else meaning.message
    return SendOutcome(kind=meaning.outcome, code=answer.code, message=message, raw=raw, refused=refused)


def refused_in(answer: Answer, receivers: Sequence[str]) -> tuple[str, ...]:
    """Which recipients a refusal names (axis.md F10); of a single recipient it need not be said."""
    if answer.code not in RECIPIENT_CODES:
        return ()
    if len(receivers) == 1:
        return tuple(receivers)
    named = {word.rstrip(".").casefold() for word in CODE.findall(answer.text)}
    return tuple(code for code in receivers if code.casefold() in named)


def outcome_of_failure(error: CallError) -> SendOutcome:
    """The outcome of a call without an answer: before the body nothing can have been stored."""
    if error.body_started:
        return SendOutcome(
            kind=OutcomeKind.UNKNOWN,
            code=error.code.removeprefix("AXIS_"),
            message=f"{error.message} Gói tin có thể đã tới trục; sẽ tra danh sách đã gửi trước khi gửi lại.",
        )
    return SendOutcome(
        kind=OutcomeKind.RETRY,
        code=error.code.removeprefix("AXIS_"),
        message=f"{error.message} Gói tin chưa được gửi và sẽ được gửi lại.",
    )


def outcome_before_sending(error: AxisError) -> SendOutcome:
    """Our own file cannot be read now (try again), or a value can never stand in a header (never again)."""
    kind = OutcomeKind.REJECTED if error.code == "AXIS_HEADER_TEXT" else OutcomeKind.RETRY
    return SendOutcome(kind=kind, code=error.code.removeprefix("AXIS_"), message=error.message)


def match_sent(package: OutgoingPackage, rows: Iterable[SentRow], *, since: datetime, until: datetime) -> FindResult:
    """Find an UNKNOWN send among the rows of getSentEdocList, which carry no DocumentId."""
    candidates = [row for row in rows if _could_be(package, row, since, until)]
    ids = {row.axis_doc_id for row in candidates}
    if not ids:
        return FindResult(answer=FindAnswer.NOT_FOUND, reason="Danh sách đã gửi của trục không có gói tin này.")
    if len(ids) > 1:
        return _cannot_tell("Danh sách đã gửi của trục có nhiều gói tin giống nhau.")
    return _single(package, candidates)


def _could_be(package: OutgoingPackage, row: SentRow, since: datetime, until: datetime) -> bool:
    """An absent notation or time speaks neither for nor against a row."""
    return (
        _same(row.sender_code, package.sender_code)
        and _may_be_for(row.receiver_code, package.receiver_codes)
        and (row.notation is None or package.notation is None or _same(row.notation, package.notation))
        and (row.sent_at is None or since.replace(microsecond=0) <= row.sent_at <= until)
    )


def _may_be_for(code: str | None, receivers: Sequence[str]) -> bool:
    """One of the recipients; or a center (00.NN.W00), which may stand for any of them where rows are per center."""
    return any(_same(code, receiver) for receiver in receivers) or CENTER.fullmatch(code or "") is not None


def _single(package: OutgoingPackage, rows: Sequence[SentRow]) -> FindResult:
    if package.notation is None or any(row.notation is None or row.sent_at is None for row in rows):
        return _cannot_tell("Dòng tìm thấy trên trục thiếu số/ký hiệu hoặc thời gian gửi.")
    listed = {(row.receiver_code or "").casefold() for row in rows}
    if any(code.casefold() not in listed for code in package.receiver_codes):
        return _cannot_tell("Gói tin tìm thấy trên trục không có đủ nơi nhận.")
    return FindResult(
        answer=FindAnswer.FOUND,
        axis_doc_id=rows[0].axis_doc_id,
        reason="Tìm thấy trong danh sách đã gửi của trục.",
    )


def _same(left: str | None, right: str | None) -> bool:
    return left is not None and right is not None and left.strip().casefold() == right.strip().casefold()


def _cannot_tell(reason: str) -> FindResult:
    return FindResult(answer=FindAnswer.CANNOT_TELL, reason=reason)
