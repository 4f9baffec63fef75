"""The bulk hex reader equals pyHanko's own on every input (platform.md D6)."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic, misc

from lienthong.signing.pyhanko_speed import CHUNK, FIRST_CHUNK, bulk_reader, install

ORIGINAL = getattr(generic.read_hex_string_from_stream, "replaced", generic.read_hex_string_from_stream)
BULK = bulk_reader(ORIGINAL)
NASTY = [
    b"<>",
    b"<41>",
    b"<4>",
    b"<4 1>rest",
    b"<41",
    b"<",
    b"<zz>",
    b"<41<42>>",
    b"<FEFF0053>tail",
    b"<\n41\t42\r>",
    b"<" + b"a0" * FIRST_CHUNK + b">x",
    b"<" + b"0" * (FIRST_CHUNK - 1) + b">x",
    b"<" + b"0" * FIRST_CHUNK + b">x",
    b"<" + b"0" * (CHUNK + FIRST_CHUNK) + b">" + b"7" * 9,
    b"<" + b"0" * (CHUNK + FIRST_CHUNK + 1) + b">",
]


def outcome(read: Any, content: bytes) -> tuple[Any, ...]:
    stream = io.BytesIO(content)
    try:
        value = read(stream)
    except (misc.PdfError, ValueError) as cause:
        return (type(cause),)
    return (type(value), value.original_bytes, stream.tell())


@pytest.mark.parametrize("content", NASTY)
def test_nasty_strings(content: bytes) -> None:
    assert outcome(BULK, content) == outcome(ORIGINAL, content)


@given(st.lists(st.sampled_from(["0", "a", "F", " ", "\n", ">", "<", "z", "9"]), max_size=40))
def test_any_string(parts: list[str]) -> None:
    content = b"<" + "".join(parts).encode()
    assert outcome(BULK, content) == outcome(ORIGINAL, content)


def test_install_twice_is_once() -> None:
    install()
    first = generic.read_hex_string_from_stream
    install()
    assert generic.read_hex_string_from_stream is first
