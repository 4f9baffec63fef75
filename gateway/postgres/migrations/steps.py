"""Run one numbered file of ``schemas/postgres`` inside an Alembic revision."""

from __future__ import annotations

from importlib.resources import files

from alembic import context, op
from sqlalchemy import select
from sqlalchemy.util import await_only

from lienthong.gateway.postgres.errors import DatabaseError


def run_step(number: str) -> None:
    """Execute ``schemas/postgres/<number>.sql``; offline it is only written out.

    Alembic on asyncpg would prepare the text, and a prepared text holds one statement only: so the driver's own
    connection gets the whole file. SQLAlchemy begins a transaction at the first statement it sees itself, so it is
    shown one before.
    """
    text = (files("lienthong") / "schemas" / "postgres" / f"{number}.sql").read_text(encoding="utf-8")
    if context.is_offline_mode():
        op.execute(text)
        return
    connection = op.get_bind()
    connection.execute(select(1))
    driver = connection.connection.driver_connection
    if driver is None or not driver.is_in_transaction():
        raise DatabaseError("SCHEMA_MISSING", f"Bước {number} không chạy được ngoài một giao dịch.")
    await_only(driver.execute(text))
