"""The one exception family of gateway/postgres: the database cannot be started, reached or used as it stands."""

from __future__ import annotations


class DatabaseError(Exception):
    """PostgreSQL cannot be used; ``code`` is stable, ``message`` (Vietnamese) says what to do."""

    def __init__(self, code: str, message: str, *, blame: str = "ours", transient: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.blame = blame
        self.transient = transient
