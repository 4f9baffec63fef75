"""Registers under concurrency: numbers without gap or double, and reported gaps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.gateway.errors import GatewayError
from lienthong.gateway.postgres.database import Database
from lienthong.gateway.registers.outgoing import gaps, missing_ranges, reserve_number

BOOK = "van-ban-di"


@pytest.fixture
async def node(database: Database, ids: Callable[[], UUID], clock: Callable[[], Any]) -> Any:
    return SimpleNamespace(db=database, new_id=ids, clock=clock)


@pytest.fixture
async def agency(node: Any) -> UUID:
    agency_id: UUID = node.new_id()
    async with node.db.unit(None) as conn:
        await node.db.queries.insert_agency(
            conn, id=agency_id, code="000.00.01.H99", name="Sở Mẫu", in_charge=None, address=None, email=None
        )
    return agency_id


async def test_a_hundred_at_once_get_a_hundred_numbers_without_gap_or_double(node: Any, agency: UUID) -> None:
    reserved = await asyncio.gather(
        *(reserve_number(node, agency, book=BOOK, year=2026, notation="SM-VP", subject=None) for _ in range(100))
    )
    assert sorted(one.number for one in reserved) == list(range(1, 101))
    assert await gaps(node, agency, book=BOOK, year=2026) == []


async def test_a_number_of_a_unit_that_failed_is_given_again(node: Any, agency: UUID) -> None:
    with pytest.raises(GatewayError):
        async with node.db.unit(agency) as conn:
            await node.db.queries.next_number(conn, agency_id=agency, direction="outgoing", book=BOOK, year=2026)
            raise GatewayError("STATE_CONFLICT", "thử")
    first = await reserve_number(node, agency, book=BOOK, year=2026, notation="SM-VP", subject=None)
    assert first.number == 1


async def test_each_year_begins_at_one(node: Any, agency: UUID) -> None:
    for year in (2026, 2027):
        one = await reserve_number(node, agency, book=BOOK, year=year, notation="SM-VP", subject=None)
        assert one.number == 1


@given(st.sets(st.integers(1, 300)))
def test_missing_ranges_and_numbers_together_are_everything_up_to_the_highest(numbers: set[int]) -> None:
    missing = {n for first, last in missing_ranges(sorted(numbers)) for n in range(first, last + 1)}
    assert missing | numbers == set(range(1, max(numbers, default=0) + 1))
    assert not missing & numbers
