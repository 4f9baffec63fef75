"""The named SQL statements of ``schemas/postgres/queries``, read once per process."""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from typing import Any

import aiosql

from ...queue.driver import DRIVER


@cache
def statements() -> Any:
    """Every statement as a coroutine function ``name(connection, **parameters)``."""
    with as_file(files("lienthong") / "schemas" / "postgres" / "queries") as folder:
        return aiosql.from_path(folder, DRIVER, mandatory_parameters=False)
