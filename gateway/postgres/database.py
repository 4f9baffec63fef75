"""The unit of work: one PostgreSQL transaction for one agency.

Everything the node changes, it changes inside ``async with database.unit(agency_id) as connection``: state, register
entry and outgoing message commit together or not at all. The pool survives a restart of the server: a connection that
died is thrown away at its next use, the unit that used it fails with a transient error and nothing of it is kept.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import UUID

import asyncpg
import structlog

from .errors import DatabaseError
from .pool import Pool
from .sockets import end_with_a_silent_server
from .statements import statements

_log = structlog.get_logger(__name__)
SLACK_SECONDS: Final = 2.0
UNDO_SECONDS: Final = 5.0  # for a rollback
HURRIED_SECONDS: Final = 0.5  # when whoever began the unit was told to end

# The connection is gone or was refused; what the transaction did is rolled back, or was committed unheard.
LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InternalClientError,  # the server's last word arrived on an idle connection
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """How the pool of one process behaves; every time in seconds."""

    connections_min: int = 2
    connections_max: int = 20  # the embedded server allows 60 in all
    statement_timeout: float = 30.0  # a statement that takes longer is cancelled and its unit rolled back
    idle_in_unit_timeout: float = 60.0  # a unit that forgets its transaction loses it
    connect_timeout: float = 10.0
    acquire_timeout: float = 10.0  # a unit that finds no free connection for so long fails (transient)
    application_name: str = "lienthong"
    public_source: str = ""  # who speaks to other systems (schemas/postgres/0006.sql); empty: nobody does

    @property
    def silence(self) -> float:
        """A server that has not even cancelled a statement by then stands still, and its connection is given up."""
        return self.statement_timeout + SLACK_SECONDS


if TYPE_CHECKING:
    _Connection = asyncpg.Connection[asyncpg.Record]
else:
    _Connection = asyncpg.Connection  # generic for type checkers only


class UnitConnection(_Connection):
    """A connection that remembers whom to wake (channel, subject) when its transaction is committed."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.wakes: set[tuple[str, str]] = set()


class Database:
    """``async with Database(dsn) as database``: a pool on the application's role and every named statement."""

    def __init__(self, dsn: str, settings: DatabaseSettings | None = None) -> None:
        self._dsn = dsn
        self._settings = settings or DatabaseSettings()
        self._pool: Pool[UnitConnection] | None = None
        self._tell: list[Callable[[frozenset[tuple[str, str]]], None]] = []
        self.queries: Any = statements()
        self._begin: str = self.queries.unit_begin.sql
        self._begin_for_agency: str = self.queries.unit_begin_for_agency.sql
        self._commit: str = self.queries.unit_commit.sql
        self._rollback: str = self.queries.unit_rollback.sql

    async def __aenter__(self) -> Self:
        settings = self._settings
        pool = Pool(self._connected, most=settings.connections_max, patience=settings.acquire_timeout)
        try:
            first = [await pool.take() for _ in range(settings.connections_min)]
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise _unreachable(error) from error
        for connection in first:
            pool.give(connection)
        self._pool = pool
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    @asynccontextmanager
    async def unit(self, agency_id: UUID | None) -> AsyncIterator[UnitConnection]:
        """One transaction: committed when the block ends well, rolled back when it raises.

        ``agency_id`` is set for the transaction as ``lienthong.agency_id`` (row security can rely on it); None is
        for work of the node itself.
        """
        async with self._lent(self._beginning(agency_id)) as connection:
            try:
                yield connection
            except Exception:
                await self._undo(connection, within=UNDO_SECONDS)
                raise
            except BaseException:  # a cancellation stays one, even where the connection is gone
                with suppress(asyncpg.InterfaceError, DatabaseError, *LOST):
                    await self._undo(connection, within=HURRIED_SECONDS)
                raise
            await connection.execute(self._commit)

    async def _undo(self, connection: UnitConnection, *, within: float) -> None:
        """Roll back; a server that stands still does it when it finds the connection gone."""
        try:
            async with asyncio.timeout(within):
                await connection.execute(self._rollback)
        except TimeoutError as error:
            connection.terminate()
            _log.warning("database-silent", while_doing="rolling back", seconds=within)
            raise _unreachable(error) from error

    def single(self) -> AbstractAsyncContextManager[UnitConnection]:
        """For work of the node itself whose every statement is a transaction of its own, committed when it answers.

        For reading (READ COMMITTED gives each statement its own snapshot in a unit too), and for changes that one
        statement makes whole. No agency is set: what works for one agency takes a ``unit``.
        """
        return self._lent(None)

    @asynccontextmanager
    async def _lent(self, beginning: str | None) -> AsyncIterator[UnitConnection]:
        """A connection until the block ends; its wakes are told when it ends well."""
        pool = self._open_pool()
        connection = await (self._taken(pool) if beginning is None else self._begun(pool, beginning))
        connection.wakes.clear()
        spoilt = False
        try:
            yield connection
            self._told(connection.wakes)
        except (asyncpg.InterfaceError, *LOST) as error:
            if isinstance(error, LOST) or connection.is_closed():
                raise _unreachable(error) from error
            raise
        except BaseException as error:  # cut off or out of patience: nobody knows what the connection still does
            spoilt = not isinstance(error, Exception) or isinstance(error, TimeoutError)
            raise
        finally:
            pool.give(connection, spoilt=spoilt)

    def when_committed(self, tell: Callable[[frozenset[tuple[str, str]]], None]) -> None:
        """Have ``tell`` called with the wakes of every unit that was committed."""
        self._tell.append(tell)

    def _told(self, wakes: set[tuple[str, str]]) -> None:
        if wakes:
            for tell in self._tell:
                tell(frozenset(wakes))

    def _open_pool(self) -> Pool[UnitConnection]:
        if self._pool is None:
            raise DatabaseError("DATABASE_CLOSED", "Cơ sở dữ liệu đã đóng.", transient=True)
        return self._pool

    def _beginning(self, agency_id: UUID | None) -> str:
        """One round trip for both: the transaction and whom it works for. Nothing but a UUID is filled in."""
        if agency_id is None:
            return self._begin
        return self._begin_for_agency.replace("<agency_id>", str(UUID(bytes=agency_id.bytes)))

    async def _taken(self, pool: Pool[UnitConnection]) -> UnitConnection:
        try:
            return await pool.take()
        except (OSError, TimeoutError, *LOST) as error:
            raise _unreachable(error) from error

    async def _begun(self, pool: Pool[UnitConnection], beginning: str) -> UnitConnection:
        """A connection with a transaction begun. Those that died in the pool (the server was restarted) are thrown
        away: nothing was done on them yet, so trying the next is safe.
        """
        last: BaseException | None = None
        for _ in range(self._settings.connections_max + 1):
            connection = await self._taken(pool)
            try:
                await connection.execute(beginning)
            except (asyncpg.InterfaceError, *LOST) as error:
                last = error
                pool.give(connection, spoilt=True)
            except TimeoutError as error:
                pool.give(connection, spoilt=True)
                raise _unreachable(error) from error
            except BaseException:
                pool.give(connection, spoilt=True)
                raise
            else:
                return connection
        raise _unreachable(last or ConnectionError()) from last

    async def _connected(self) -> UnitConnection:
        connection = await asyncpg.connect(
            self._dsn,
            timeout=self._settings.connect_timeout,
            command_timeout=self._settings.silence,
            server_settings=self._server_settings(),
            connection_class=UnitConnection,
        )
        end_with_a_silent_server(connection)
        try:
            await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_encode, decoder=json.loads)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def connect(self) -> asyncpg.Connection[asyncpg.Record]:
        """A connection of its own, outside the pool, for LISTEN; the caller closes it."""
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            self._dsn,
            timeout=self._settings.connect_timeout,
            command_timeout=self._settings.silence,
            server_settings=self._server_settings() | {"application_name": f"{self._settings.application_name}-listen"},
        )
        end_with_a_silent_server(connection)
        return connection

    def _server_settings(self) -> dict[str, str]:
        return {
            "application_name": self._settings.application_name,
            "statement_timeout": f"{self._settings.statement_timeout * 1000:.0f}",
            "idle_in_transaction_session_timeout": f"{self._settings.idle_in_unit_timeout * 1000:.0f}",
            "timezone": "UTC",
            # Statements here take less than compiling them; the driver's look at types alone would take 0.1 s.
            "jit": "off",
            # They find rows by key: planning each anew costs as much as running it.
            "plan_cache_mode": "force_generic_plan",
            # And keep that plan from being "read it all" because the table happened to be empty when it was made.
            "enable_seqscan": "off",
            # A small table without an index then looks so dear that helpers would be started for it: 8 ms, not 0.1.
            "max_parallel_workers_per_gather": "0",
            "lienthong.public_source": self._settings.public_source,
        }


def _encode(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _unreachable(error: BaseException) -> DatabaseError:
    said = str(error) or type(error).__name__
    return DatabaseError("DATABASE_UNREACHABLE", f"Không dùng được cơ sở dữ liệu lúc này: {said}", transient=True)
