"""Read-only eyes on the database of a scene; they open again after a restart of the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from lienthong.gateway.cli.database import attached
from lienthong.gateway.postgres.errors import DatabaseError
from lienthong.tests.crash.scene import Scene
from lienthong.tests.waiting import until

BACK_SECONDS = 60.0  # the server is down for at most so long
AWAY = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError, DatabaseError)


class Archive:
    """``base``: the folder of the scene's PostgreSQL. May be asked by many at once; they take turns."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._turn = asyncio.Lock()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def rows(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """What the statement answers, however often the server goes away meanwhile."""
        async with self._turn:
            found: list[list[asyncpg.Record]] = await until(lambda: self._asked(statement, arguments), BACK_SECONDS)
        return found[0]

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _asked(self, statement: str, arguments: tuple[object, ...]) -> list[list[asyncpg.Record]]:
        try:
            if self._connection is None:
                self._connection = await asyncpg.connect(attached(self._base, owner=True), timeout=5)
            return [list(await self._connection.fetch(statement, *arguments))]
        except (*AWAY, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.OperatorInterventionError):
            self.close()
            return []


@asynccontextmanager
async def open_archive(scene: Scene) -> AsyncIterator[Archive]:
    archive = Archive(scene.data / "postgres")
    try:
        yield archive
    finally:
        archive.close()
