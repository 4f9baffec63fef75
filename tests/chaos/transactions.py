"""What passes between a process and PostgreSQL, with what each transaction did when its end passes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from lienthong.tests.chaos.watching import PgWatch, Sight, Towards

SHOWN: Final = 4000  # characters of each statement that its transaction's end repeats


@dataclass(slots=True)
class TransactionWatch(PgWatch):
    """As ``PgWatch``, but ``READY I AFTER commit;`` goes on: ``WITHIN`` and the statements since the last such line."""

    _within: list[bytes] = field(default_factory=list)

    def feed(self, towards: Towards, piece: bytes) -> list[Sight]:
        return [self._noted(sight) for sight in PgWatch.feed(self, towards, piece)]

    def _noted(self, sight: Sight) -> Sight:
        if sight.text.startswith((b"EXECUTE ", b"QUERY ")):
            self._within.append(sight.text[:SHOWN])
        if not sight.text.startswith(b"READY I "):
            return sight
        within, self._within = self._within, []
        return Sight(sight.text + b" WITHIN " + b" THEN ".join(within), sight.old)
