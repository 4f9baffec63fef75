"""The pure rules of the signing desk: its table of states, words of number and date, requests, pictures, tickets."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest

from lienthong.gateway.api.contract import load_contract
from lienthong.gateway.api.faults import check
from lienthong.gateway.desk.numbering import date_text, number_text
from lienthong.gateway.desk.opening import quick_check
from lienthong.gateway.desk.pictures import set_picture
from lienthong.gateway.desk.states import (
    AFTER,
    LABELS,
    ROLE_OF,
    SUBJECT,
    TRANSITIONS,
    Case,
    Role,
    first,
    require,
    require_turn,
    rows,
)
from lienthong.gateway.desk.values import request_from_json
from lienthong.gateway.errors import GatewayError
from lienthong.gateway.node import Node
from lienthong.signing.sign_job import Capacity, Flow
from lienthong.signing.stamps import handwriting_png

TODAY = date(2026, 11, 21)
CONTRACT = load_contract()
LETTER = {
    "notation": "STC-VP",
    "type_name": "Công văn",
    "subject": "V/v giao ký",
    "signer": {"full_name": "Nguyễn Văn An", "position": "GIÁM ĐỐC"},
}


def code_of(work: object, *args: object, **changes: object) -> str:
    with pytest.raises(GatewayError) as caught:
        work(*args, **changes)  # type: ignore[operator]
    return caught.value.code


@pytest.mark.parametrize("flow", list(Flow))
def test_every_flow_is_a_way_through_the_table(flow: Flow) -> None:
    for initials in (0, 1):
        state, seen = first(flow, initials=initials), []
        assert state in TRANSITIONS[""]
        while state is not Case.SIGNED:
            seen.append(state)
            after = AFTER[flow][state]
            require(state, after)
            state = after
        assert seen[-1] is Case.AGENCY
        assert (Case.LEADER in seen) == (flow is not Flow.PAPER_SCAN)
        assert len(seen) == len(set(seen))


def test_the_table_has_ends_and_words() -> None:
    assert set(LABELS) == set(Case)
    assert {before for _, before, _ in rows()} & {Case.RELEASED, Case.RETURNED, Case.CANCELLED} == set()
    assert {subject for subject, _, _ in rows()} == {SUBJECT}
    assert code_of(require, Case.RELEASED, Case.CANCELLED) == "STATE_CONFLICT"
    assert code_of(require, Case.LEADER, Case.SIGNED) == "STATE_CONFLICT"


def test_each_role_has_its_turn_and_no_other() -> None:
    for state, role in product(Case, Role):
        if ROLE_OF.get(state) is role:
            require_turn(state, role)
            continue
        code = code_of(require_turn, state, role)
        early = role is Role.CLERK and state in (Case.INITIALS, Case.LEADER)
        assert (code == "SIGNING_LEADER_FIRST") == early  # L-13


def test_number_and_date_as_the_decree_writes_them() -> None:  # Phụ lục I, Phần I, II.3 and II.4.b
    assert [number_text(number) for number in (1, 9, 10, 123)] == ["01", "09", "10", "123"]
    assert date_text("Hà Nội", date(2020, 1, 5)) == "Hà Nội, ngày 05 tháng 01 năm 2020"
    assert date_text(None, date(2020, 6, 29)) == "ngày 29 tháng 6 năm 2020"
    assert date_text(None, date(2020, 12, 2)) == "ngày 02 tháng 12 năm 2020"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"capacity": "KT."}, "/signer/delegation"),
        ({"delegation": {"principal": "GIÁM ĐỐC"}}, "/signer/capacity"),
        ({"capacity": "TUQ.", "delegation": {"principal": "GIÁM ĐỐC"}}, "/signer/delegation"),
        ({"capacity": "TL.", "delegation": {"principal": "GIÁM ĐỐC", "to": "2026-11-20"}}, "/signer/delegation"),
        ({"capacity": "TL.", "delegation": {"principal": "GIÁM ĐỐC", "from": "2026-11-22"}}, "/signer/delegation"),
    ],
)
def test_authority_is_handed_over_in_words(changes: dict[str, object], place: str) -> None:  # Điều 13, C22
    raw = {**LETTER, "signer": {**LETTER["signer"], **changes}}  # type: ignore[dict-item]
    assert check(CONTRACT.signing, raw) == []
    with pytest.raises(GatewayError) as caught:
        quick_check(request_from_json(raw), today=TODAY)
    assert [fault.place for fault in caught.value.faults] == [place]


def test_a_written_delegation_in_its_time_is_enough() -> None:
    given = {"principal": "GIÁM ĐỐC", "document": "Giấy uỷ quyền số 05/GUQ-STC", "to": "2026-11-21"}
    raw = {**LETTER, "signer": {**LETTER["signer"], "capacity": "TUQ.", "delegation": given}}  # type: ignore[dict-item]
    request = request_from_json(raw)
    quick_check(request, today=TODAY)
    assert request.signer.capacity is Capacity.TUQ
    assert request.signer.block.text == "TUQ. GIÁM ĐỐC – GIÁM ĐỐC"


def test_a_scan_brings_its_number_and_its_day() -> None:
    scan = request_from_json({**LETTER, "flow": "PAPER_SCAN"})
    assert code_of(quick_check, scan, today=TODAY) == "SIGNING_REQUEST_INVALID"
    early = request_from_json({**LETTER, "document_date": "2026-11-22"})
    assert code_of(quick_check, early, today=TODAY) == "SIGNING_REQUEST_INVALID"


async def test_only_a_transparent_png_becomes_a_picture(node: Node, room: object) -> None:
    del room
    for content in (b"GIF89a" * 20, b"\x89PNG\r\n\x1a\n" + bytes(40), handwriting_png("x") + bytes(200_000)):
        with pytest.raises(GatewayError) as caught:
            await set_picture(node, node.new_id(), "0" * 64, content, actor="x")
        assert caught.value.code == "SIGNING_PICTURE"
