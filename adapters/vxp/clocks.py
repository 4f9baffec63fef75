"""The axis's clock against ours: the signed timestamp of a call must lie in the axis's window (axis.md F08).

The distance is read from the Date header of any answer. It is nobody's proof: it words an alarm, and tells a wrong
clock from a wrong key when a call is refused. A wrong clock needs no person at the channel: once it is set right, the
next probe goes through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from ..axis import OutcomeKind, SendOutcome
from ..clocks import beyond, words
from ..errors import AxisError

SAID = re.compile(r"lech gio|timestamp", re.IGNORECASE)


class Answering(Protocol):
    """What gets answers with dates."""

    ahead: float | None  # seconds by which the axis's clock was ahead of ours in its last answer


def seconds_ahead(date: str | None, now: datetime) -> float | None:
    """By how much a Date header is ahead of ``now``; None when there is none that can be read."""
    try:
        moment = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()


def clock_refused(ahead: float | None) -> AxisError:
    return AxisError("AXIS_CLOCK", words(ahead), blame="ours")


@contextmanager
def blaming_the_clock(answering: Answering) -> Iterator[None]:
    """A key that is refused while the clocks differ is no matter of the key until they agree. Raises AxisError."""
    try:
        yield
    except AxisError as error:
        if error.code in {"AXIS_KEY", "AXIS_CLOCK"} and beyond(answering.ahead):
            raise clock_refused(answering.ahead) from error
        raise


def judged(outcome: SendOutcome, ahead: float | None) -> SendOutcome:
    """The same for a send: certainly not stored, it goes again when the clock is right."""
    if outcome.kind is not OutcomeKind.SUSPENDED or not (beyond(ahead) or SAID.search(outcome.raw)):
        return outcome
    message = f"{words(ahead)} Gói tin chưa được gửi và sẽ được gửi lại nguyên vẹn."
    return SendOutcome(kind=OutcomeKind.RETRY, code="CLOCK", message=message, raw=outcome.raw)
