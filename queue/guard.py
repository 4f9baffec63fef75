"""The guard of loops that must outlive an outage: what passes by itself is logged, everything else goes up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from .errors import is_transient

_log = structlog.get_logger(__name__)


@contextmanager
def surviving(event: str, *, passing: tuple[type[Exception], ...] = (), **said: object) -> Iterator[None]:
    """Leave the block at a transient fault, after one line in the log; the loop around it comes again.

    ``passing``: what else is one here.
    """
    try:
        yield
    except Exception as error:
        if not (is_transient(error) or isinstance(error, passing)):
            raise
        _log.warning(event, error=repr(error), **said)
