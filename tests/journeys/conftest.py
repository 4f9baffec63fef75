"""Fixtures of the journeys: papers once per session, a province per test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from lienthong.tests.journeys.papers import Papers, make_papers
from lienthong.tests.journeys.province import LONG, Province, knows_agencies, open_province
from lienthong.tests.journeys.signing_stage import Office, SigningAgency, open_office, open_signing
from lienthong.tests.signing.softhsm import MODULE
from lienthong.tests.waiting import until


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return make_papers(tmp_path_factory.mktemp("papers"), datetime.now(UTC))


@pytest_asyncio.fixture
async def province(addresses: tuple[str, str], tmp_path: Path, papers: Papers) -> AsyncIterator[Province]:
    async with open_province(tmp_path, addresses[1], papers) as opened:
        await until(lambda: knows_agencies(opened), LONG)
        yield opened


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An agency with its tokens, for the whole run."""
    if not (Path(MODULE).exists() and shutil.which("pkcs11-tool")):
        pytest.skip("softhsm2, opensc")
    with open_office(tmp_path_factory.mktemp("office")) as opened:
        yield opened


@pytest_asyncio.fixture
async def agency(addresses: tuple[str, str], tmp_path: Path, office: Office) -> AsyncIterator[SigningAgency]:
    async with open_signing(tmp_path, addresses[1], office) as opened:
        yield opened
