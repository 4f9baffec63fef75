"""Fixtures of the journeys: papers once per session, a province per test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from lienthong.tests.journeys.papers import Papers, make_papers
from lienthong.tests.journeys.province import LONG, Province, open_province
from lienthong.tests.waiting import until


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return make_papers(tmp_path_factory.mktemp("papers"), datetime.now(UTC))


@pytest_asyncio.fixture
async def province(addresses: tuple[str, str], tmp_path: Path, papers: Papers) -> AsyncIterator[Province]:
    async with open_province(tmp_path, addresses[1], papers) as opened:
        await until(lambda: knows_agencies(opened), LONG)
        yield opened


async def knows_agencies(province: Province) -> bool:
    async with province.node.db.unit(None) as conn:
        return bool(await province.node.db.queries.directory_size(conn, axis="quoc-gia"))
