"""How named statements reach PostgreSQL: on the connection of a unit, and nothing is asked about it each time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final, cast

from aiosql.adapters.asyncpg import AsyncPGAdapter


class UnitDriver(AsyncPGAdapter):
    """aiosql's adapter also takes pools and looks at every call which it was given: a tenth of a short statement."""

    def _ordered(self, query_name: str, parameters: Any) -> list[Any]:
        return [parameters[name] for name in self.var_sorted[query_name]]

    async def select(
        self, conn: Any, query_name: str, sql: str, parameters: Any, record_class: Any = None
    ) -> AsyncIterator[Any]:
        del record_class  # no statement names one
        for row in await conn.fetch(sql, *self._ordered(query_name, parameters)):
            yield row

    async def select_one(
        self, conn: Any, query_name: str, sql: str, parameters: Any, record_class: Any = None
    ) -> Any | None:
        del record_class
        return await conn.fetchrow(sql, *self._ordered(query_name, parameters))

    async def select_value(self, conn: Any, query_name: str, sql: str, parameters: Any) -> Any | None:
        return await conn.fetchval(sql, *self._ordered(query_name, parameters))

    async def insert_update_delete(self, conn: Any, query_name: str, sql: str, parameters: Any) -> Any:
        return await conn.execute(sql, *self._ordered(query_name, parameters))


DRIVER: Final = cast("Any", UnitDriver)  # as aiosql's own types want it
