"""At which step a database stands and which one this program needs: asked at every start, so without Alembic.

Alembic and SQLAlchemy cost a third of the start of a process; only a database that is behind needs them.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import asyncpg

from ..errors import DatabaseError
from ..statements import statements


@cache
def known_steps() -> tuple[str, ...]:
    """The steps this version of the program knows, oldest first: the numbered files of ``schemas/postgres``."""
    names = (file.name for file in (files("lienthong") / "schemas" / "postgres").iterdir())
    return tuple(sorted(name.removesuffix(".sql") for name in names if name.endswith(".sql")))


def newest_step() -> str:
    """The step this version of the program needs."""
    if not known_steps():
        raise DatabaseError("SCHEMA_MISSING", "Bản cài đặt thiếu các bước dựng cơ sở dữ liệu.")
    return known_steps()[-1]


async def current_step(dsn: str) -> str | None:
    """The step at which the database stands; None when it was never migrated. Raise DATABASE_UNREACHABLE."""
    try:
        connection = await asyncpg.connect(dsn, server_settings={"application_name": "lienthong-migrate"})
        try:
            found: str | None = await statements().schema_step(connection)
        finally:
            await connection.close()
    except asyncpg.UndefinedTableError:
        return None
    except (OSError, asyncpg.PostgresError) as error:
        raise DatabaseError(
            "DATABASE_UNREACHABLE", f"Không kết nối được cơ sở dữ liệu: {error}", transient=True
        ) from error
    return found


async def bring_to_newest(dsn: str) -> None:
    """Run the missing steps, if any, connected as the owner of the tables."""
    if await current_step(dsn) != newest_step():
        from .runner import migrate

        await migrate(dsn)


async def check_at_newest(dsn: str) -> None:
    """Raise DatabaseError ``SCHEMA_BEHIND`` unless the database stands at the newest step; as ``current_step``."""
    found = await current_step(dsn)
    wanted = newest_step()
    if found != wanted:
        raise DatabaseError(
            "SCHEMA_BEHIND",
            f"Cơ sở dữ liệu đang ở bước {found or 'chưa có'}, chương trình cần bước {wanted}: "
            "hãy chạy lệnh «lienthong migrate» bằng tài khoản chủ cơ sở dữ liệu rồi khởi động lại.",
        )
