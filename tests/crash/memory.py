"""What the eOffice systems of the load were told, and what the agency outside sent: what must be there in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lienthong.tests.crash.letters import Meaning
from lienthong.tests.crash.scene import Cast


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An outgoing document that the node promised to deliver."""

    id: str  # vb_…
    sender: str
    recipients: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Memory:
    """What the outside was told and what it sent. Keys are document ids."""

    promised: dict[str, Letter] = field(default_factory=dict)
    brought: dict[str, tuple[str, ...]] = field(default_factory=dict)  # what the axis took for our agencies
    meanings: dict[str, Meaning] = field(default_factory=dict)  # of both
    recalled: set[str] = field(default_factory=set)
    asked_back: list[tuple[str, str]] = field(default_factory=list)  # agency and document, as its mailbox told
    received: dict[str, str] = field(default_factory=dict)  # vb_… of an incoming exchange to its document
    differing: list[str] = field(default_factory=list)  # answers to a repetition that were not the first answer
    pulled: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    numbers: dict[str, dict[str, int]] = field(default_factory=dict)
    refused: dict[str, set[str]] = field(default_factory=dict)
    moments: Counter[str] = field(default_factory=Counter)
    statuses_due: int = 0
    statuses_told: int = 0
    arrivals_due: int = 0
    arrivals: int = 0
    repeated: int = 0  # requests that had to be sent again
    longest: float = 0.0  # seconds that one request took over all its repetitions

    @property
    def documents(self) -> int:
        """Outgoing that were accepted and incoming that were delivered."""
        return len(self.promised) + self.arrivals

    def words(self, cast: Cast, document: str, recipient: str) -> tuple[str, ...]:
        """The statuses that the sender of this document hears of this recipient, in the end."""
        recalls, recalled = self.meanings[document].recalls, document in self.recalled
        return cast.words(document, recipient, recalls=recalls, recalled=recalled)

    def done_with(self, document: str, receivers: Iterable[str]) -> bool:
        """Whether the clerks of these agencies have registered the document, or sent it back."""
        return all(document in self.numbers[one] or document in self.refused[one] for one in receivers)

    def due_inside(self, cast: Cast) -> list[tuple[str, str]]:
        """Every document that each of our agencies must have, as (agency, document)."""
        inside = [(to, document) for document, one in self.promised.items() for to in one.recipients if to in cast.own]
        return inside + [(to, document) for document, receivers in self.brought.items() for to in receivers]
