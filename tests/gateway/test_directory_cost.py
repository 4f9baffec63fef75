"""What a search in the directory looks at, counted and not timed: the page that was asked for, however big it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import asyncpg
import pytest

from lienthong.gateway.postgres.statements import statements
from lienthong.tests.conftest import Addresses

AGENCIES = 5000
LIMIT = 101
FILL = """
insert into directory (axis, axis_id, code, code102, old_code, name)
select 'national', lpad(n::text, 6, '0'), 'C' || n, '102.' || n, 'OLD' || n, 'Đơn vị số ' || n
from generate_series(1, $1) as n
"""
SEARCHES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "the first page": ("agency_page", {}),
    "a page in the middle": ("agency_page", {"after_axis": "national", "after_id": "002500"}),
    "the last page": ("agency_page", {"after_axis": "national", "after_id": "004990"}),
    "a name that many have": ("agency_page", {"name_part": "đơn vị"}),
    "a code": ("agency_page_of_code", {"code": "c1234"}),
    "a code of QCVN 102": ("agency_page_of_code", {"code": "102.1234"}),
    "an old code": ("agency_page_of_code", {"code": "old1234"}),
    "nobody's code": ("agency_page_of_code", {"code": "x"}),
}


@pytest.mark.parametrize("search", SEARCHES)
async def test_a_search_looks_at_the_page_and_not_at_the_directory(addresses: Addresses, search: str) -> None:
    name, asked = SEARCHES[search]
    values: dict[str, Any] = {"name_part": None, "after_axis": None, "after_id": None, "code": None} | {
        "on_date": date(2026, 11, 22),
        "limit": LIMIT,
    }
    connection = await asyncpg.connect(addresses.dsn, server_settings={"plan_cache_mode": "force_generic_plan"})
    try:
        await connection.execute(FILL, AGENCIES)
        await connection.execute("vacuum analyze directory")
        order = statements().driver_adapter.var_sorted[name]
        given = [(values | dict(asked))[one] for one in order]
        query = f"explain (analyze, format json) {getattr(statements(), name).sql.strip()}"
        plan = json.loads(await connection.fetchval(query, *given))[0]["Plan"]
    finally:
        await connection.close()
    assert _rows(plan) < 6 * LIMIT


def _rows(plan: Mapping[str, Any]) -> float:
    """Rows that the parts of the plan went through."""
    seen = sum(plan.get(part, 0) for part in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"))
    return seen * plan["Actual Loops"] + sum(_rows(part) for part in plan.get("Plans", ()))
