"""Whatever JSON comes as metadata: it is clean and becomes Metadata, or every fault has a place and a sentence."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lienthong.edxml.errors import EdxmlError
from lienthong.gateway.api.contract import load_contract
from lienthong.gateway.api.faults import MAX_FAULTS, check, pointer
from lienthong.gateway.api.text import clean, parse_object
from lienthong.gateway.errors import GatewayError
from lienthong.gateway.idempotency import request_hash
from lienthong.gateway.metadata import metadata_from_json

from .conftest import document

SCHEMA = load_contract().metadata
FULL = document(
    business={"type": 2, "document_id": "x", "update": {"document_changed": True, "receivers_changed": False}},
    due_date="2026-04-01",
    priority=1,
    copies=3,
    appendixes=["Phụ lục 1"],
    responses=[{"organ": "A01", "code": "1/X", "promulgation_date": "2026-01-01"}],
    to_places=["Như trên"],
    file_descriptions={"a.pdf": "x"},
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30)
    | st.sampled_from(["2026-02-29", "0000-01-01", "0001-01-01", "9999-12-31", "20260101", " ", "A.B", "\u0300"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(sorted(SCHEMA.schema["properties"])) | st.text(max_size=10),
    inner=st.sampled_from(["", "type", "organ", "full_name", "update", "receivers"]),
    value=ANYTHING,
)
def test_one_field_of_anything(name: str, inner: str, value: Any) -> None:
    raw = dict(FULL)
    if inner and isinstance(raw.get(name), dict):
        raw[name] = raw[name] | {inner: value}
    else:
        raw[name] = value
    raw, faults = clean(parse_object(json.dumps(raw).encode(), what="x"))
    faults = faults or check(SCHEMA, raw)
    for fault in faults:
        assert fault.code.startswith("FIELD_")
        assert fault.message
    if faults:
        return
    try:
        metadata = metadata_from_json(raw)
    except EdxmlError:
        return
    assert metadata.subject
    assert len(request_hash(raw, [])) == 64


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_an_object_or_our_error(content: bytes) -> None:
    with suppress(GatewayError):
        assert isinstance(parse_object(content, what="x"), dict)


def test_full_metadata_has_no_fault() -> None:
    assert check(SCHEMA, FULL) == []


def test_the_list_of_faults_has_an_end() -> None:
    assert len(check(SCHEMA, {f"x{number}": 1 for number in range(1000)})) == MAX_FAULTS


def test_a_whole_number_may_be_written_as_a_fraction() -> None:
    assert parse_object(b'{"copies": 3.0, "pages": 3.5}', what="x") == {"copies": 3, "pages": 3.5}


@pytest.mark.parametrize(("steps", "expected"), [((), ""), (("a", 0), "/a/0"), (("a/b~c",), "/a~1b~0c")])
def test_pointers_are_of_rfc_6901(steps: tuple[object, ...], expected: str) -> None:
    assert pointer(*steps) == expected
