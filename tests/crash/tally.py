"""Multisets of what must be there against what is there, and what is wrong in between."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Tally:
    counted: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # with somebody for whom it was not
    skipped: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # neither over nor shown to a person, or forgotten on the disk

    def compare(self, what: str, *, expected: Iterable[Hashable], found: Iterable[Hashable]) -> None:
        wanted, there = Counter(iter(expected)), Counter(iter(found))
        self.counted[what] = there.total()
        self.lost += [f"{what}: {one}" for one in (wanted - there).elements()]
        more = (there - wanted).elements()
        for one in more:  # what nobody expected at all of this place is misled; what was expected once is doubled
            (self.doubled if wanted[one] else self.wrong).append(f"{what}: {one}")

    def in_a_row(self, what: str, numbers: Iterable[int]) -> None:
        row = sorted(numbers)
        self.counted[what] = self.counted.get(what, 0) + len(row)
        self.skipped += [f"{what}: {a} rồi {b}" for a, b in itertools.pairwise([0, *row]) if b != a + 1]

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.wrong or self.skipped or self.left)

    def printed(self) -> str:
        lines = [f"  {count:6d}  {what}" for what, count in self.counted.items()]
        found = {
            "mất": self.lost,
            "trùng": self.doubled,
            "sai nơi nhận": self.wrong,
            "nhảy số": self.skipped,
            "bỏ dở": self.left,
        }
        lines.append(", ".join(f"{len(those)} {name}" for name, those in found.items()))
        lines += [f"  {name.upper()} {one}" for name, those in found.items() for one in those[:20]]
        return "\n".join(lines)
