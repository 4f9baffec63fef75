"""The two roles of the database: the owner runs migrations, the application has only what was granted to it."""

from __future__ import annotations

import asyncpg

from .statements import statements

OWNER_ROLE = "lienthong"
APP_ROLE = "lienthong_app"


async def prepare_roles(connection: asyncpg.Connection[asyncpg.Record], database: str, app_password: str) -> None:
    """Make the application's role and the node's database when they are missing (connected as the owner)."""
    queries = statements()
    if not await queries.role_can_log_in(connection, role=APP_ROLE):
        await queries.role_password_offer(connection, password=app_password)
        await queries.role_let_in(connection)
        await queries.role_password_forget(connection)
    if not await queries.database_exists(connection, database=database):
        await queries.database_create_default(connection)
