"""The queue's named SQL statements (three files of ``schemas/postgres/queries``), read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import aiosql

from .driver import DRIVER


@cache
def statements() -> Any:
    """Every statement as a coroutine function ``name(connection, **parameters)``."""
    folder = files("lienthong") / "schemas" / "postgres" / "queries"
    text = "\n".join((folder / name).read_text(encoding="utf-8") for name in ("queue.sql", "relay.sql", "public.sql"))
    return aiosql.from_str(text, DRIVER, mandatory_parameters=False)
