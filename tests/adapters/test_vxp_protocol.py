"""Signing, verification and hash-file against the known vectors; answers and dates as they come in the field."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from lienthong.adapters.errors import AxisError
from lienthong.adapters.vxp.answers import parse_answer, parse_date, print_date, rows_of
from lienthong.adapters.vxp.protocol import (
    VIETNAM,
    Distrust,
    HashForm,
    hash_file,
    read_timestamp,
    sign,
    signed_headers,
    verify,
)

SECRET = "TEST-SECRET"
NOW = datetime(2026, 11, 20, 4, 58, 32, 189_000, tzinfo=UTC)
ROOT = b'<?xml version="1.0" encoding="utf-8"?><edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"/>'
UNPADDED = "fea596587d34f93852e3b0e6a62a4d8080a53739a5615aa8130367698745bc"


def headers(**params: str) -> dict[str, str]:
    return signed_headers(params, content_type="application/json", system_id="000.00.00.H99", secret=SECRET, now=NOW)


def test_vector_1_a_call_without_parameters() -> None:
    made = headers()
    assert made["XroadVnpt-sign-header"] == (
        '{"XroadVnpt-systemid":"000.00.00.H99","XroadVnpt-timestamp":"20112026T115832+0189",'
        '"XroadVnpt-Content-Type":"application/json"}'
    )
    assert made["XroadVnpt-hash-header"] == "682b03e3c4acb146d17cfe7c2749889f6588af5b401ea9fcdc3b1aa44fbaf0d2"
    assert made["XroadVnpt-sign-header-key"] == "systemid;timestamp;Content-Type"
    assert made["XroadVnpt-version"] == "3.0.201608"


def test_vector_2_send() -> None:
    made = signed_headers(
        {
            "servicetype": "eDoc",
            "messagetype": "edoc",
            "hash-file": UNPADDED,
            "from": "000.00.00.H99",
            "to": '["000.00.00.G22","000.00.00.H41"]',
        },
        content_type="application/octet-stream",
        system_id="000.00.00.H99",
        secret=SECRET,
        now=NOW.replace(microsecond=513_999),
    )
    assert made["XroadVnpt-hash-header"] == "5a180afffdd8d3958f15457a576476c2a94b65232a54a1f8a848524c42cac6c2"


def test_hash_of_a_file_in_both_forms(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(ROOT)
    assert hash_file(file) == UNPADDED
    assert hash_file(file, HashForm.PADDED) == "fea596587d34f93852e3b0e6a62a4d8080a53739a5615a0a81303607698745bc"


@pytest.mark.parametrize("value", ["Sở", "a\r\nXroadVnpt-from: x", "tab\t", "\x7f"])
def test_values_that_would_not_arrive_as_they_were_signed_are_refused(value: str) -> None:
    with pytest.raises(AxisError) as error:
        headers(description=value)
    assert error.value.code == "AXIS_HEADER_TEXT"


def test_what_we_sign_is_verified_with_any_live_key() -> None:
    received = CIMultiDict(headers(docId="1"))
    for secrets in ([SECRET], ["OTHER", SECRET]):
        signed = verify(received, secrets)
        assert not isinstance(signed, Distrust)
        assert (signed["docId"], signed["systemid"]) == ("1", "000.00.00.H99")


@pytest.mark.parametrize("secrets", [[], ["OTHER"]])
def test_a_wrong_or_missing_key_is_code_15(secrets: list[str]) -> None:
    distrust = verify(CIMultiDict(headers()), secrets)
    assert isinstance(distrust, Distrust)
    assert distrust.code == "15"


@pytest.mark.parametrize("name", ["XroadVnpt-systemid", "XroadVnpt-docId", "XroadVnpt-timestamp"])
def test_a_changed_header_is_not_believed(name: str) -> None:
    received = CIMultiDict(headers(docId="1"))
    received[name] = "another"
    assert isinstance(verify(received, [SECRET]), Distrust)


@pytest.mark.parametrize("name", ["XroadVnpt-sign-header", "XroadVnpt-hash-header", "XroadVnpt-sign-header-key"])
def test_an_incomplete_signature_is_not_believed(name: str) -> None:
    received = CIMultiDict(headers())
    del received[name]
    assert isinstance(verify(received, [SECRET]), Distrust)


def test_left_over_headers_beside_the_signed_one_do_no_harm() -> None:
    received = CIMultiDict(headers(docId="mine"))
    received.add("xroadvnpt-docid", "left over")
    received.add("XroadVnpt-filePath", "C:/x")
    signed = verify(received, [SECRET])
    assert not isinstance(signed, Distrust)
    assert signed["docId"] == "mine"
    assert "filePath" not in signed


def test_a_signature_without_time_or_system_is_not_believed() -> None:
    text = json.dumps({"XroadVnpt-systemid": "000.00.00.H99"})
    received = CIMultiDict(
        {
            "XroadVnpt-systemid": "000.00.00.H99",
            "XroadVnpt-sign-header": text,
            "XroadVnpt-sign-header-key": "systemid",
            "XroadVnpt-hash-header": sign(text, SECRET),
        }
    )
    assert isinstance(verify(received, [SECRET]), Distrust)


@pytest.mark.parametrize("text", ["[]", "1", "{", '{"XroadVnpt-systemid":["a"]}', "Sở"])
def test_a_sign_header_of_another_shape_is_not_believed(text: str) -> None:
    received = CIMultiDict(headers())
    received["XroadVnpt-sign-header"] = text
    received["XroadVnpt-hash-header"] = sign(text, SECRET)
    assert isinstance(verify(received, [SECRET]), Distrust)


def test_the_timestamp_carries_milliseconds_in_vietnamese_time() -> None:
    assert headers()["XroadVnpt-timestamp"] == "20112026T115832+0189"
    assert read_timestamp("20112026T115832+0189") == NOW
    assert read_timestamp("yesterday") is None


def test_an_answer_needs_both_signs_of_success() -> None:
    assert parse_answer(b'{"status":"OK","ErrorCode":"0","ErrorDesc":""}').ok
    assert parse_answer(b'\xef\xbb\xbf{"status":"OK","ErrorCode":0,"ErrorDesc":""}').ok
    assert not parse_answer(b'{"status":"ok","ErrorCode":"0","ErrorDesc":""}').ok
    assert not parse_answer(b'{"status":"OK","ErrorCode":"20","ErrorDesc":""}').ok


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Unauthorized",
        b"[]",
        b"null",
        b"\xff",
        b'{"status":"OK","ErrorCode":"0"}',
        b'{"status":"OK","ErrorCode":null,"ErrorDesc":""}',
        b'{"status":"OK","ErrorCode":true,"ErrorDesc":""}',
        b"[" * 100_000,
    ],
)
def test_an_incomplete_answer_is_unreadable(body: bytes) -> None:
    with pytest.raises(AxisError) as error:
        parse_answer(body)
    assert error.value.code == "AXIS_UNREADABLE"


@pytest.mark.parametrize("data", ["", ',"data":null', ',"data":{}', ',"data":[1]', ',"data":"[]"'])
def test_a_missing_list_is_no_empty_list(data: str) -> None:
    answer = parse_answer(f'{{"status":"OK","ErrorCode":"0","ErrorDesc":""{data}}}'.encode())
    with pytest.raises(AxisError):
        rows_of(answer)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ('"66b1"', "66b1"),
        ('""', None),
        ('"0"', None),
        ('"null"', None),
        ("null", None),
        ("0", None),
        ("{}", None),
    ],
)
def test_only_a_real_text_is_a_doc_id(text: str, seen: str | None) -> None:
    body = f'{{"status":"OK","ErrorCode":"0","ErrorDesc":"","DocId":{text}}}'
    assert parse_answer(body.encode()).doc_id == seen


@pytest.mark.parametrize(
    "value",
    ["20/11/2026 11:58:32", "2026-11-20T11:58:32+07:00", "2026-11-20T04:58:32Z", "2026/11/20 11:58:32", 1795150712000],
)
def test_dates_of_the_field(value: object) -> None:
    assert parse_date(value) == NOW.replace(microsecond=0)


@pytest.mark.parametrize("value", [None, True, "", "hôm qua", "99/99/2026 00:00:00", [], "9" * 40, float("nan")])
def test_what_is_no_date_is_absent(value: object) -> None:
    assert parse_date(value) is None


@given(st.integers(min_value=86_400, max_value=7_000_000_000))
def test_a_printed_date_reads_back(seconds: int) -> None:
    aware = datetime.fromtimestamp(seconds, VIETNAM)
    assert parse_date(print_date(aware)) == aware


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_our_own_error(body: bytes) -> None:
    with contextlib.suppress(AxisError):
        parse_answer(body)
