"""The database of the node, for one command: the given server, or the embedded one whether it runs or not.

When the node runs, its embedded server is used through the socket it listens on; when it does not, the server is
started for the length of the command.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, cast
from urllib.parse import quote

from ...adapters.axis import Axis
from ..directory import LOCAL
from ..files.opening import open_files
from ..node import FileExaminer, Node
from ..postgres.database import Database, DatabaseSettings
from ..postgres.errors import DatabaseError
from ..postgres.migrations.standing import bring_to_newest, check_at_newest
from ..postgres.roles import APP_ROLE, OWNER_ROLE
from ..postgres.supervisor import DATABASE, EmbeddedServer
from ..settings import Settings
from .context import clock, new_id

_FEW: Final = DatabaseSettings(connections_min=1, connections_max=2, application_name="lienthong-cli")
# Lines of postmaster.pid (PostgreSQL, "src/include/utils/pidfile.h"), counted from 0.
_PORT, _SOCKET = 3, 4


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The database at the newest step. Raises DatabaseError."""
    async with AsyncExitStack() as stack:
        dsn = settings.database.dsn or await embedded_dsn(settings, stack)
        await _check(dsn, settings)
        yield await stack.enter_async_context(Database(dsn, _FEW))


async def _check(dsn: str, settings: Settings) -> None:
    """The embedded database migrates itself: one that is not there yet belongs to a node that is starting."""
    try:
        await check_at_newest(dsn)
    except DatabaseError as error:
        if error.code == "SCHEMA_BEHIND" and settings.database.embedded:
            raise _starting(settings.postgres_dir) from error
        raise


@asynccontextmanager
async def opened_node(settings: Settings) -> AsyncIterator[Node]:
    """A node that decides and records for a command. It sends and examines nothing: the running node does that."""
    names = (*(axis.name for axis in settings.axes), LOCAL)
    async with opened(settings) as database:
        yield Node(
            db=database,
            files=open_files(settings, token=lambda: new_id().hex),
            verifier=cast("FileExaminer", None),
            axes=cast("dict[str, Axis]", dict.fromkeys(names)),
            settings=settings,
            clock=clock,
            new_id=new_id,
            random=lambda: 0.5,
            scratch=settings.data_dir / "scratch",
            trust_folder=settings.trust_dir,
        )


async def embedded_dsn(settings: Settings, stack: AsyncExitStack) -> str:
    """The application's address on the embedded server, brought to the newest step when it is started here."""
    base = settings.postgres_dir
    try:
        server = await stack.enter_async_context(EmbeddedServer(base, randbytes=os.urandom))
    except DatabaseError as error:
        if error.code != "POSTGRES_LOCKED":
            raise
        return attached(base, owner=False)
    await bring_to_newest(server.dsn)
    return server.app_dsn


def attached(base: Path, *, owner: bool) -> str:
    """The address of the embedded server that a running node owns. Raises DatabaseError ``POSTGRES_STARTING``."""
    role, secret = (OWNER_ROLE, "owner.password") if owner else (APP_ROLE, "app.password")
    try:
        lines = (base / "cluster" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        password = (base / secret).read_text(encoding="utf-8").strip()
        port, socket = lines[_PORT], lines[_SOCKET]
    except (OSError, IndexError) as error:
        raise _starting(base) from error
    return f"postgresql://{role}:{password}@/{DATABASE}?host={quote(socket, safe='')}&port={port}"


def _starting(base: Path) -> DatabaseError:
    return DatabaseError(
        "POSTGRES_STARTING", f"Nút đang khởi động hoặc đang dừng ({base}); hãy thử lại.", transient=True
    )
