"""The one exception family of queue/: a message or a piece of work that cannot go on as asked."""

from __future__ import annotations

import asyncpg


class QueueError(Exception):
    """``code`` is stable, ``message`` is Vietnamese; blame is always ours: a queue knows no peer."""

    blame = "ours"

    def __init__(self, code: str, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.transient = transient


class LeaseLost(QueueError):  # noqa: N818 - the event, as the glossary names it
    """The work was given to somebody else meanwhile: whatever this unit did must be rolled back."""

    def __init__(self, message: str) -> None:
        super().__init__("LEASE_LOST", message)


PASSING = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,  # statement_timeout: the server is too busy now
    asyncpg.InsufficientResourcesError,  # its disk or its memory is full, or too many are connected
    asyncpg.PostgresIOError,
)
# What a connection that is used for nothing else says when its server goes: its last word met no question of ours.
ENDED = (*PASSING, asyncpg.InterfaceError, asyncpg.InternalClientError)


def is_transient(error: BaseException) -> bool:
    """Whether the same thing may succeed later without anybody changing anything."""
    if isinstance(error, PASSING):
        return True
    if isinstance(error, asyncpg.InterfaceError):  # a closed connection; but never a wrong argument
        return not isinstance(error, ValueError)
    return bool(getattr(error, "transient", False))
