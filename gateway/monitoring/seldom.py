"""What a library says hundreds of times a second while its server is away, seldom enough to be read."""

from __future__ import annotations

import logging


class Seldom(logging.Filter):
    """Lets each message of the library's loggers pass once in ``seconds``; what others say passes always.

    Messages are told apart as they stand in the library, before values are put in, so they are few.
    """

    def __init__(self, library: str, *, seconds: float) -> None:
        super().__init__(library)
        self._seconds = seconds
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written; time is the record's own."""
        if not super().filter(record):
            return True
        said = (record.name, str(record.msg))
        if record.created - self._said.get(said, -self._seconds) < self._seconds:
            return False
        self._said[said] = record.created
        return True
