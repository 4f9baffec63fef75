"""The queue's named SQL statements (four files of ``schemas/postgres/queries``), read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Final

import aiosql

from .driver import DRIVER

FILES: Final = ("queue.sql", "channels.sql", "relay.sql", "public.sql")


@cache
def statements() -> Any:
    """Every statement as a coroutine function ``name(connection, **parameters)``."""
    folder = files("lienthong") / "schemas" / "postgres" / "queries"
    text = "\n".join((folder / name).read_text(encoding="utf-8") for name in FILES)
    return aiosql.from_str(text, DRIVER, mandatory_parameters=False)
