"""A province's working day as values: who writes to whom, when, how much; drawn from a seed, the same every time.

Pure. Shares and curves are assumptions (docs/scaling.md lists them with their reasons); whoever has figures of a real
province passes his own ``Habits``.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from random import Random

from lienthong.bench.scale.population import Agency, Province

DOCUMENTS = 40_000
HOUR = 3600
DAY = 24 * HOUR
QUARTER = 900.0  # seconds
SEED = 2026


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of the day, in hours of local time, with its share of the day's documents."""

    start: float
    end: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Few:
    """So many recipients, evenly between the two, in this share of the documents."""

    least: int
    most: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """A size class: bytes of all files of a document, log-evenly between the two."""

    least: int
    most: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a province works."""

    documents: int = DOCUMENTS  # sent by its agencies and received from outside, a day
    incoming: float = 0.15  # share that comes from outside
    curve: tuple[Span, ...] = (
        Span(start=0.0, end=7.5, share=0.01),
        Span(start=7.5, end=9.0, share=0.22),
        Span(start=9.0, end=11.5, share=0.23),
        Span(start=11.5, end=13.5, share=0.02),
        Span(start=13.5, end=14.5, share=0.15),
        Span(start=14.5, end=16.0, share=0.13),
        Span(start=16.0, end=17.0, share=0.22),
        Span(start=17.0, end=24.0, share=0.02),
    )
    recipients: tuple[Few, ...] = (
        Few(least=1, most=1, share=0.50),
        Few(least=2, most=3, share=0.27),
        Few(least=4, most=10, share=0.17),
        Few(least=11, most=40, share=0.055),
        Few(least=100, most=200, share=0.005),
    )
    broadcasts: int = 12  # a day, from the chair to everybody
    sizes: tuple[Weight, ...] = (
        Weight(least=24_000, most=100_000, share=0.30),
        Weight(least=100_000, most=400_000, share=0.42),
        Weight(least=400_000, most=2_000_000, share=0.20),
        Weight(least=2_000_000, most=8_000_000, share=0.07),
        Weight(least=8_000_000, most=20_000_000, share=0.01),
    )
    to_outside: float = 0.12  # of each recipient of a document that is no broadcast
    urgent: float = 0.06  # khẩn, thượng khẩn, hỏa tốc
    statuses: tuple[tuple[str, float], ...] = (("01", 1.0), ("03", 0.97), ("02", 0.02), ("04", 0.5), ("06", 0.4))
    replies: float = 0.25  # documents that answer an earlier one


class Direction(StrEnum):
    OUTWARD = "outward"
    INWARD = "inward"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """``second`` of the local day; ``size`` in bytes; ``answers``: the number of an earlier document of the day."""

    number: int
    second: float
    direction: Direction
    sender: str
    recipients: tuple[str, ...]
    size: int
    urgent: bool
    answers: int | None


def generate(province: Province, habits: Habits, *, seed: int) -> list[Document]:
    """All documents of one day in the order of time. The same arguments give the same day."""
    random = Random(seed)
    incoming = round(habits.documents * habits.incoming)
    count = habits.documents - incoming
    moments = sorted(_moments(habits, random))
    directions = [Direction.INWARD] * incoming + [Direction.OUTWARD] * count
    random.shuffle(directions)
    writers = _Wheel([one.weight for one in province.agencies])
    readers = _Wheel([math.sqrt(one.weight) for one in province.agencies])  # who writes much is written to much
    last = max((n for n, way in enumerate(directions) if way is Direction.OUTWARD), default=-1)
    every = max(1, last // max(1, habits.broadcasts))
    day: list[Document] = []
    said = 0
    for number, (second, way) in enumerate(zip(moments, directions, strict=True)):
        due = said < habits.broadcasts and number >= said * every and way is Direction.OUTWARD
        said += due
        if due:
            sender, to = province.chair, tuple(one.code for one in province.agencies[1:])
        else:
            sender = _sender(province, way, writers, random)
            to = _recipients(province, habits, sender, way, readers, random)
        day.append(
            Document(
                number=number,
                second=second,
                direction=way,
                sender=sender.code,
                recipients=to,
                size=_size(habits, random),
                urgent=random.random() < habits.urgent,
                answers=random.randrange(number) if number and random.random() < habits.replies else None,
            )
        )
    return day


def slice_of(day: Sequence[Document], start: float, seconds: float) -> list[Document]:
    """The documents of a part of the day; ``start`` in hours of local time."""
    begin = start * HOUR
    return [one for one in day if begin <= one.second < begin + seconds]


def busiest(day: Sequence[Document], seconds: float) -> tuple[float, int]:
    """The start (hours) and count of the window of so many seconds with the most documents."""
    moments = [one.second for one in day]
    best = max(range(len(moments)), key=lambda n: bisect(moments, moments[n] + seconds) - n)
    return moments[best] / HOUR, bisect(moments, moments[best] + seconds) - best


def _moments(habits: Habits, random: Random) -> Iterator[float]:
    """As many as there are documents; each span gets its share, the last one what rounding left."""
    left = habits.documents
    for place, span in enumerate(habits.curve):
        here = left if place == len(habits.curve) - 1 else min(left, round(habits.documents * span.share))
        left -= here
        for _ in range(here):
            yield random.uniform(span.start, span.end) * HOUR


def _sender(province: Province, way: Direction, writers: _Wheel, random: Random) -> Agency:
    if way is Direction.INWARD:
        return random.choice(province.outside)
    return province.agencies[writers.turn(random)]


def _recipients(
    province: Province, habits: Habits, sender: Agency, way: Direction, readers: _Wheel, random: Random
) -> tuple[str, ...]:
    """Never the sender itself; from outside only agencies inside."""
    few = random.choices(habits.recipients, [one.share for one in habits.recipients])[0]
    count = random.randint(few.least, few.most)
    chosen: dict[str, None] = {}
    if way is Direction.OUTWARD:
        beyond = sum(random.random() < habits.to_outside for _ in range(count))
        chosen |= dict.fromkeys(one.code for one in random.sample(province.outside, min(beyond, len(province.outside))))
    room = len(province.agencies) + len(chosen) - (way is Direction.OUTWARD)
    while len(chosen) < min(count, room):
        code = province.agencies[readers.turn(random)].code
        if code != sender.code:
            chosen[code] = None
    return tuple(chosen)


def _size(habits: Habits, random: Random) -> int:
    weight = random.choices(habits.sizes, [one.share for one in habits.sizes])[0]
    return round(math.exp(random.uniform(math.log(weight.least), math.log(weight.most))))


class _Wheel:
    """Draws places by their weight."""

    def __init__(self, weights: Sequence[float]) -> None:
        self._sums = list(accumulate(weights))

    def turn(self, random: Random) -> int:
        return min(bisect(self._sums, random.random() * self._sums[-1]), len(self._sums) - 1)
