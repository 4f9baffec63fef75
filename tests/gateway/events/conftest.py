"""Public events are on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from lienthong.gateway.postgres.database import Database, DatabaseSettings
from lienthong.tests.conftest import Addresses

SOURCE = "nut.thu"


@pytest_asyncio.fixture
async def database(addresses: Addresses) -> AsyncIterator[Database]:
    """As ``[kafka] public_events = true`` opens it."""
    async with Database(addresses.app_dsn, DatabaseSettings(public_source=SOURCE)) as opened:
        yield opened
