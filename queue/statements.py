"""The queue's named SQL statements (``schemas/postgres/queries/queue.sql``), read once per process."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import aiosql

from .driver import DRIVER


@cache
def statements() -> Any:
    """Every statement as a coroutine function ``name(connection, **parameters)``."""
    text = (files("lienthong") / "schemas" / "postgres" / "queries" / "queue.sql").read_text(encoding="utf-8")
    return aiosql.from_str(text, DRIVER, mandatory_parameters=False)
