"""Bring a database to the schema of this version, or say which command does.

Alembic keeps the history; the steps themselves are the numbered files of ``schemas/postgres``. A step runs in one
transaction and gives up after ten seconds of waiting for a lock, so that a migration never stops a running node.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from io import StringIO

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from ..errors import DatabaseError

LOCK_TIMEOUT = "10s"


async def migrate(dsn: str) -> None:
    """Run every missing step, connected as the owner of the tables."""
    engine = _engine(dsn)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade)
            await connection.commit()
    finally:
        await engine.dispose()


async def current_head(dsn: str) -> str | None:
    """The step at which the database stands; None when it was never migrated."""
    engine = _engine(dsn)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    finally:
        await engine.dispose()


@cache
def known_steps() -> tuple[str, ...]:
    """The steps this version of the program knows, oldest first."""
    revisions = ScriptDirectory.from_config(_config()).walk_revisions()
    return tuple(revision.revision for revision in revisions)[::-1]


def newest_step() -> str:
    """The step this version of the program needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise DatabaseError("SCHEMA_MISSING", "Bản cài đặt thiếu các bước dựng cơ sở dữ liệu.")
    return head


async def check_at_head(dsn: str) -> None:
    """Raise DatabaseError ``SCHEMA_BEHIND`` unless the database stands at the newest step."""
    try:
        found = await current_head(dsn)
    except (OSError, asyncpg.PostgresError) as error:
        raise DatabaseError(
            "DATABASE_UNREACHABLE", f"Không kết nối được cơ sở dữ liệu: {error}", transient=True
        ) from error
    wanted = newest_step()
    if found != wanted:
        raise DatabaseError(
            "SCHEMA_BEHIND",
            f"Cơ sở dữ liệu đang ở bước {found or 'chưa có'}, chương trình cần bước {wanted}: "
            "hãy chạy lệnh «lienthong migrate» bằng tài khoản chủ cơ sở dữ liệu rồi khởi động lại.",
        )


def script() -> str:
    """All steps as one SQL script, for an administrator who runs them by hand."""
    out = StringIO()
    config = _config(out)
    command.upgrade(config, "head", sql=True)
    return out.getvalue()


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config(out: StringIO | None = None) -> Config:
    config = Config(output_buffer=out) if out is not None else Config()
    config.set_main_option("script_location", str(files("lienthong.gateway.postgres.migrations")))
    config.set_main_option("path_separator", "os")
    return config


def _engine(dsn: str) -> AsyncEngine:
    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(
            dsn, server_settings={"lock_timeout": LOCK_TIMEOUT, "application_name": "lienthong-migrate"}
        )

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
