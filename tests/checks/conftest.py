"""One checking node and one browser for all tests of this folder, in the session's event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from lienthong.gateway.node import Node
from lienthong.gateway.postgres.supervisor import EmbeddedServer
from lienthong.tests.checks.stage import CHROMIUM, Material, make_material, open_checking_node, serving
from lienthong.tests.conftest import TEMPLATE
from lienthong.tests.signing.desk import Desk, open_desk

NAME = "test_checks"


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return open_desk(tmp_path_factory.mktemp("checks"), datetime.now(UTC).replace(microsecond=0))


@pytest.fixture(scope="session")
def material(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Material:
    return make_material(desk, tmp_path_factory.mktemp("material"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def node(server: EmbeddedServer, desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    owner = await asyncpg.connect(server.address("postgres", owner=True))
    await owner.execute(f"create database {NAME} template {TEMPLATE}")
    try:
        folder = tmp_path_factory.mktemp("checking") / "data"
        async with open_checking_node(server.address(NAME, owner=False), folder, desk) as opened:
            yield opened
    finally:
        await owner.execute(f"drop database {NAME} with (force)")
        await owner.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def address(node: Node) -> AsyncIterator[str]:
    async with serving(node) as served:
        yield served


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium; root, as in a container, needs it without its sandbox."""
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's chromium (make tools)")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        await opened.close()


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    return tmp_path
