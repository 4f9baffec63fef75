"""A long list read while it arrives says the same as the whole list read at once, or is no list."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.adapters.errors import AxisError
from lienthong.adapters.vxp.rowstream import MAX_ROW, RowStream

VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=10)
ROWS = st.lists(st.dictionaries(st.text(max_size=6), VALUES | st.lists(VALUES, max_size=3), max_size=4), max_size=6)
SUCCESS = {"status": "OK", "ErrorCode": "0", "ErrorDesc": "Thành công"}


def read(body: bytes, step: int) -> list[dict[str, Any]]:
    stream = RowStream()
    rows = [row for start in range(0, len(body), step) for row in stream.feed(body[start : start + step])]
    stream.finish()
    return rows


@given(
    rows=ROWS,
    step=st.integers(1, 40),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1]),
    order=st.permutations([*SUCCESS, "data", "count"]),
)
def test_in_any_pieces_order_and_layout(
    rows: list[dict[str, Any]],
    step: int,
    ascii_only: bool,
    indent: int | None,
    order: list[str],
) -> None:
    fields = {**SUCCESS, "data": rows, "count": 12345}
    text = json.dumps({name: fields[name] for name in order}, ensure_ascii=ascii_only, indent=indent)
    assert read(text.encode(), step) == rows


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "AXIS_UNREADABLE"),
        (b"<html>", "AXIS_UNREADABLE"),
        (b"[]", "AXIS_UNREADABLE"),
        (b'{"data":[{}]', "AXIS_UNREADABLE"),
        (b'{"data":[{},', "AXIS_UNREADABLE"),
        (b'{"data":[1]}', "AXIS_UNREADABLE"),
        (b'{"data":[{}]}', "AXIS_UNREADABLE"),
        (b'{"data":[],"status":"OK","ErrorCode":"0"}', "AXIS_UNREADABLE"),
        (b'{"status":"OK","ErrorCode":"0","ErrorDesc":""}', "AXIS_UNREADABLE"),
        (b'{"status":"OK","ErrorCode":"0","ErrorDesc":"","data":null}', "AXIS_UNREADABLE"),
        (b'{"data":[{}],"status":"FAIL","ErrorCode":"20","ErrorDesc":""}', "AXIS_REFUSED"),
        (b'{"status":"FAIL","ErrorCode":"15","ErrorDesc":"","data":[]}', "AXIS_KEY"),
        (b'{"a" 1}', "AXIS_UNREADABLE"),
        (b"\xff", "AXIS_UNREADABLE"),
        (b'{"data":[{"a":"' + b"x" * (MAX_ROW + 100), "AXIS_UNREADABLE"),
        (b'{"a":' + b"[" * 50_000, "AXIS_UNREADABLE"),
    ],
)
@pytest.mark.parametrize("step", [1000, 100_000])
def test_what_is_no_complete_successful_list(body: bytes, code: str, step: int) -> None:
    with pytest.raises(AxisError) as error:
        read(body, step)
    assert error.value.code == code


@given(st.binary(max_size=60), st.integers(1, 7))
def test_any_bytes_are_a_list_or_our_own_error(body: bytes, step: int) -> None:
    with pytest.raises(AxisError):
        read(body, step)
