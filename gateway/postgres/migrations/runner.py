"""Bring a database to the schema of this version.

Alembic keeps the history; the steps themselves are the numbered files of ``schemas/postgres``. A step runs in one
transaction and gives up after ten seconds of waiting for a lock, so that a migration never stops a running node.
"""

from __future__ import annotations

from importlib.resources import files
from io import StringIO

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

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
