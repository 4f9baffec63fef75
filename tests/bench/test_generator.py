"""The generated day of a province: it adds up, has its peaks, names nobody who is not there, and comes out the same."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lienthong.bench.scale.generator import HOUR, Direction, Document, Habits, busiest, generate, slice_of
from lienthong.bench.scale.population import Level, Province, make_province
from lienthong.edxml.identifiers import OrganCode

PROVINCE = make_province()
HABITS = Habits()


@pytest.fixture(scope="module", name="day")
def _day() -> list[Document]:
    return generate(PROVINCE, HABITS, seed=1)


def test_a_province_has_700_agencies_each_with_its_own_code() -> None:
    codes = {OrganCode.parse(one.code).key for one in (*PROVINCE.agencies, *PROVINCE.outside)}
    assert len(PROVINCE.agencies) == 700
    assert len(codes) == 700 + len(PROVINCE.outside)
    assert {one.level for one in PROVINCE.agencies} == set(Level) - {Level.OUTSIDE}


def test_a_day_has_40_000_documents_in_the_order_of_time(day: list[Document]) -> None:
    assert len(day) == pytest.approx(40_000, rel=0.01)
    assert [one.number for one in day] == list(range(len(day)))
    assert all(0 <= before.second <= after.second < 24 * HOUR for before, after in pairwise(day))


def test_the_peaks_are_where_the_working_day_has_them(day: list[Document]) -> None:
    for span in HABITS.curve:
        share = len(slice_of(day, span.start, (span.end - span.start) * HOUR)) / len(day)
        assert share == pytest.approx(span.share, abs=0.001)
    start, count = busiest(day, 900)
    assert 15.9 < start < 17.0
    assert count / 900 > 5 * len(day) / (24 * HOUR)


def test_everybody_who_writes_or_is_written_to_exists(day: list[Document]) -> None:
    inside = {one.code for one in PROVINCE.agencies}
    beyond = {one.code for one in PROVINCE.outside}
    for one in day:
        assert one.sender in (inside if one.direction is Direction.OUTWARD else beyond)
        assert one.recipients
        assert len(set(one.recipients)) == len(one.recipients)
        assert one.sender not in one.recipients
        assert set(one.recipients) <= (inside | beyond if one.direction is Direction.OUTWARD else inside)
        assert one.answers is None or one.answers < one.number


def test_broadcasts_go_from_the_chair_to_all_the_others(day: list[Document]) -> None:
    everybody = [one for one in day if len(one.recipients) == 699]
    assert len(everybody) == HABITS.broadcasts
    assert {one.sender for one in everybody} == {PROVINCE.chair.code}


def test_shares_come_out_as_they_were_put_in(day: list[Document]) -> None:
    def share(what: object) -> float:
        return sum(1 for _ in filter(what, day)) / len(day)  # type: ignore[call-overload]

    assert share(lambda one: one.direction is Direction.INWARD) == pytest.approx(HABITS.incoming, abs=0.001)
    assert share(lambda one: one.urgent) == pytest.approx(HABITS.urgent, abs=0.01)
    for weight in HABITS.sizes:
        here = share(lambda one, weight=weight: weight.least <= one.size < weight.most)
        assert here == pytest.approx(weight.share, abs=0.01)
    assert 24_000 <= min(one.size for one in day) < max(one.size for one in day) <= 20_000_000


def test_few_agencies_write_most(day: list[Document]) -> None:
    written: dict[str, int] = {}
    for one in day:
        if one.direction is Direction.OUTWARD:
            written[one.sender] = written.get(one.sender, 0) + 1
    most = sorted(written.values(), reverse=True)
    assert sum(most[:70]) / sum(most) > 0.4


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32), agencies=st.integers(8, 60), documents=st.integers(0, 400), broadcasts=st.integers(0, 3)
)
def test_any_day_adds_up_and_is_drawn_again_alike(seed: int, agencies: int, documents: int, broadcasts: int) -> None:
    province: Province = make_province(agencies, outside=5)
    habits = replace(HABITS, documents=documents, broadcasts=broadcasts)
    day = generate(province, habits, seed=seed)
    assert len(day) == documents
    assert day == generate(province, habits, seed=seed)
    known = {one.code for one in (*province.agencies, *province.outside)}
    assert all({one.sender, *one.recipients} <= known and one.sender not in one.recipients for one in day)
