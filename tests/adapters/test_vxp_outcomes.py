"""The table of outcomes: what an answer, or none, means for the document."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.adapters.axis import FindAnswer, MessageKind, OutcomeKind, OutgoingPackage, SentRow
from lienthong.adapters.vxp.sending import match_sent, outcome_of_answer, outcome_of_failure
from lienthong.adapters.vxp.transport import CallError, RawAnswer

SINCE = datetime(2026, 3, 2, 1, 0, 0, 500_000, tzinfo=UTC)
UNTIL = SINCE + timedelta(minutes=5)
JSON = re.compile(
    rb'\{"status":("OK"|"FAIL"|1),"ErrorCode":("0"|0|"15"|""|null),"ErrorDesc":"","DocId":("a"|"0"|null|1)\}'
)
PACKAGE = OutgoingPackage(
    kind=MessageKind.DOCUMENT,
    path=Path("unused"),
    size=1,
    sha256="00" * 32,
    sender_code="000.00.01.H99",
    receiver_codes=("000.00.00.H98", "000.00.00.G99"),
    document_id="000.00.01.H99,2026/03/02,12/STN-VP",
    notation="12/STN-VP",
)


def answer(code: str = "0", status: str = "OK", http: int = 200, **fields: object) -> RawAnswer:
    body = {"status": status, "ErrorCode": code, "ErrorDesc": "x", **fields}
    return RawAnswer(http_status=http, body=json.dumps(body).encode())


@pytest.mark.parametrize(
    ("given", "kind", "code"),
    [
        (answer(DocId="66b1"), OutcomeKind.ACCEPTED, "0"),
        (answer(DocId="66b1", http=500), OutcomeKind.ACCEPTED, "0"),
        (answer(DocId="0"), OutcomeKind.UNKNOWN, "NO_DOC_ID"),
        (answer(), OutcomeKind.UNKNOWN, "NO_DOC_ID"),
        (answer(status="FAIL", DocId="66b1"), OutcomeKind.UNKNOWN, "CONTRADICTORY"),
        *(
            (answer(code, "FAIL", DocId="0"), OutcomeKind.REJECTED, code)
            for code in ("10", "18", "19", "21", "22", "23")
        ),
        (answer("20", "FAIL", DocId="0"), OutcomeKind.RETRY, "20"),
        (answer("20", "FAIL"), OutcomeKind.RETRY, "20"),
        (answer("15", "FAIL", DocId="0"), OutcomeKind.SUSPENDED, "15"),
        (answer("77", "FAIL", DocId="0"), OutcomeKind.RETRY, "77"),
        (answer("7\0\ud800", "FAIL", DocId="0"), OutcomeKind.RETRY, "7\ufffd?"),
        (answer(DocId="66\0b1"), OutcomeKind.UNKNOWN, "NO_DOC_ID"),
        (answer(DocId="66đ1"), OutcomeKind.UNKNOWN, "NO_DOC_ID"),
        (RawAnswer(http_status=200, body=bytes(range(256))), OutcomeKind.UNKNOWN, "UNREADABLE"),
        (answer("18", "FAIL", http=400), OutcomeKind.REJECTED, "18"),
        (RawAnswer(http_status=401, body=b"Unauthorized"), OutcomeKind.SUSPENDED, "HTTP_401"),
        (RawAnswer(http_status=413, body=b""), OutcomeKind.REJECTED, "HTTP_413"),
        (RawAnswer(http_status=502, body=b"<html>"), OutcomeKind.RETRY, "HTTP_502"),
        (RawAnswer(http_status=503, body=b""), OutcomeKind.RETRY, "HTTP_503"),
        (RawAnswer(http_status=504, body=b"<html>"), OutcomeKind.UNKNOWN, "HTTP_504"),
        (RawAnswer(http_status=302, body=b""), OutcomeKind.RETRY, "HTTP_302"),
        (RawAnswer(http_status=431, body=b""), OutcomeKind.RETRY, "HTTP_431"),
        (RawAnswer(http_status=200, body=b""), OutcomeKind.UNKNOWN, "UNREADABLE"),
        (RawAnswer(http_status=200, body=b'{"status":"OK"'), OutcomeKind.UNKNOWN, "UNREADABLE"),
        (RawAnswer(http_status=204, body=b""), OutcomeKind.UNKNOWN, "UNREADABLE"),
    ],
)
def test_the_outcome_of_an_answer(given: RawAnswer, kind: OutcomeKind, code: str) -> None:
    outcome = outcome_of_answer(given)
    assert (outcome.kind, outcome.code) == (kind, code)
    assert (outcome.axis_doc_id is not None) == (kind is OutcomeKind.ACCEPTED)
    assert outcome.message.endswith(".")
    assert "\0" not in (outcome.code or "") + outcome.message + outcome.raw  # a text column holds everything but this


def test_of_a_long_answer_only_the_beginning_is_kept() -> None:
    outcome = outcome_of_answer(RawAnswer(http_status=502, body="ế".encode() * 100_000))
    assert outcome.raw == "ế" * 2000


@pytest.mark.parametrize(("started", "kind"), [(False, OutcomeKind.RETRY), (True, OutcomeKind.UNKNOWN)])
def test_without_an_answer_it_matters_whether_the_body_was_begun(*, started: bool, kind: OutcomeKind) -> None:
    outcome = outcome_of_failure(CallError("AXIS_TIMEOUT", "Hết giờ.", body_started=started))
    assert (outcome.kind, outcome.code) == (kind, "TIMEOUT")


@given(status=st.integers(100, 599), body=st.binary(max_size=80) | st.from_regex(JSON, fullmatch=True))
def test_any_answer_at_all_has_an_outcome(status: int, body: bytes) -> None:
    """Nothing that an axis answers raises, and only a complete success is one."""
    outcome = outcome_of_answer(RawAnswer(http_status=status, body=body))
    assert "\0" not in outcome.raw
    if outcome.kind is OutcomeKind.ACCEPTED:
        assert b'"OK"' in body
        assert outcome.axis_doc_id


def row(**changes: object) -> SentRow:
    values: dict[str, object] = {
        "axis_doc_id": "a",
        "receiver_doc_id": "r",
        "sender_code": "000.00.01.H99",
        "receiver_code": "000.00.00.H98",
        "notation": "12/STN-VP",
        "sent_at": SINCE.replace(microsecond=0),
        "send_status": "DONE",
        "receive_status": "INITIAL",
    }
    return SentRow(**(values | changes))


WHOLE = (row(), row(receiver_code="000.00.00.G99"))


@pytest.mark.parametrize(
    ("rows", "answer"),
    [
        ((), FindAnswer.NOT_FOUND),
        (WHOLE, FindAnswer.FOUND),
        ((row(notation="12/stn-vp "), row(receiver_code="000.00.00.g99")), FindAnswer.FOUND),
        ((row(sender_code="000.00.02.H99"),), FindAnswer.NOT_FOUND),
        ((row(notation="13/STN-VP"),), FindAnswer.NOT_FOUND),
        ((row(receiver_code="000.00.00.H41"),), FindAnswer.NOT_FOUND),
        ((row(receiver_code="00.98.W00"),), FindAnswer.CANNOT_TELL),
        ((row(receiver_code=None),), FindAnswer.NOT_FOUND),
        ((row(sent_at=SINCE - timedelta(seconds=2)),), FindAnswer.NOT_FOUND),
        ((row(sent_at=UNTIL + timedelta(seconds=1)),), FindAnswer.NOT_FOUND),
        ((*WHOLE, row(axis_doc_id="b")), FindAnswer.CANNOT_TELL),
        ((row(),), FindAnswer.CANNOT_TELL),
        ((row(sent_at=None), WHOLE[1]), FindAnswer.CANNOT_TELL),
        ((row(notation=None), WHOLE[1]), FindAnswer.CANNOT_TELL),
    ],
)
def test_looking_an_unknown_send_up(rows: tuple[SentRow, ...], answer: FindAnswer) -> None:
    result = match_sent(PACKAGE, rows, since=SINCE, until=UNTIL)
    assert result.answer is answer
    assert (result.axis_doc_id == "a") == (answer is FindAnswer.FOUND)
    assert result.reason
