"""What the emulated axis knows, as a function of its journal: agencies, keys, packages, deliveries.

No I/O and no clock. Every change is an event; ``AxisState.apply`` is the only writer, at run time and at replay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from ..axis import MessageKind
from .settings import AgencySeed, agency_seed

Event = Mapping[str, Any]
INITIAL, PROCESSING, DONE, FAIL = "INITIAL", "PROCESSING", "DONE", "FAIL"


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One package for one recipient: the row with a receiverDocId."""

    receiver_doc_id: str
    axis_doc_id: str
    receiver: str
    status: str = INITIAL
    updated: datetime
    received_at: datetime | None = None
    fails: int = 0
    robot_step: int = 0  # steps of the script that were taken
    refusal: str = ""  # why the axis itself delivers it to nobody


@dataclass(slots=True, kw_only=True)
class StoredPackage:
    axis_doc_id: str
    kind: MessageKind
    sender: str
    document_id: str
    notation: str
    title: str
    sha256: str
    size: int
    sent_at: datetime
    business: int | None  # BussinessDocType of a document
    status_code: str | None  # of a status package
    deliveries: list[Delivery] = field(default_factory=list)


class AxisState:
    """Mutable, single-threaded; owned by the backend."""

    def __init__(self) -> None:
        self.counter = 0
        self._clear()

    def _clear(self) -> None:
        self.agencies: dict[str, AgencySeed] = {}
        self.keys: dict[str, tuple[str, ...]] = {}
        self.seeds: dict[str, Mapping[str, Any]] = {}
        self.packages: dict[str, StoredPackage] = {}
        self.deliveries: dict[str, Delivery] = {}
        self._aliases: dict[str, str] = {}
        self._open: dict[tuple[str, MessageKind], dict[str, Delivery]] = {}
        self._sent: dict[str, list[str]] = {}
        self._robot_open: dict[str, dict[str, Delivery]] = {}

    def apply(self, event: Event) -> None:
        """Take one event over; events come from this program only."""
        self.counter = max(self.counter, event.get("n", 0))
        APPLY[event["event"]](self, event)

    def agency(self, code: str) -> AgencySeed | None:
        """By its code in force, its 13-character code or its old code."""
        return self.agencies.get(self._aliases.get(code.upper(), ""))

    def codes_of(self, system_id: str) -> list[str]:
        """Its agencies, and itself: rows per center carry the system id."""
        own = [agency.code for agency in self.agencies.values() if system_id in {agency.center, agency.code}]
        return own if system_id in own else [*own, system_id]

    def waiting(self, code: str, kind: MessageKind) -> Iterator[Delivery]:
        """Not yet done, oldest first."""
        yield from self._open.get((code.upper(), kind), {}).values()

    def robot_items(self, agency: AgencySeed) -> list[Delivery]:
        """What a robot agency still has to take or to answer."""
        return [
            delivery
            for code in {agency.code, agency.code102, agency.old_code} - {""}
            for delivery in self._robot_open.get(code.upper(), {}).values()
        ]

    def robot_finished(self, delivery: Delivery) -> None:
        self._robot_open.get(delivery.receiver.upper(), {}).pop(delivery.receiver_doc_id, None)

    def sent_by(self, code: str) -> Iterator[StoredPackage]:
        for axis_doc_id in self._sent.get(code.upper(), ()):
            yield self.packages[axis_doc_id]

    def _seed(self, event: Event) -> None:
        self.seeds[event["key"]] = event["value"]

    def _key(self, event: Event) -> None:
        self.keys[event["system_id"]] = tuple(event["secrets"])

    def _agency(self, event: Event) -> None:
        agency = agency_seed(event["agency"])
        self.agencies[agency.code] = agency
        for alias in (agency.old_code, agency.code102):
            if alias:
                self._aliases.setdefault(alias.upper(), agency.code)
        self._aliases[agency.code.upper()] = agency.code

    def _agency_deleted(self, event: Event) -> None:
        self.agencies.pop(event["code"], None)

    def _accepted(self, event: Event) -> None:
        sent_at = datetime.fromisoformat(event["at"])
        package = StoredPackage(
            **{name: event[name] for name in PLAIN},
            kind=MessageKind(event["kind"]),
            sent_at=sent_at,
        )
        self.packages[package.axis_doc_id] = package
        self._sent.setdefault(package.sender.upper(), []).append(package.axis_doc_id)
        for receiver_doc_id, code in event["rows"]:
            self._add_delivery(package, receiver_doc_id, code, sent_at, event.get("refused", {}).get(code, ""))
        if event.get("robot"):
            self._robot(event["robot"])

    def _add_delivery(
        self, package: StoredPackage, receiver_doc_id: str, code: str, at: datetime, refusal: str = ""
    ) -> None:
        delivery = Delivery(receiver_doc_id=receiver_doc_id, axis_doc_id=package.axis_doc_id, receiver=code, updated=at)
        package.deliveries.append(delivery)
        if refusal:
            delivery.status, delivery.refusal = FAIL, refusal
            return
        self.deliveries[receiver_doc_id] = delivery
        self._robot_open.setdefault(code.upper(), {})[receiver_doc_id] = delivery
        self._reopen(package.kind, delivery)

    def _reopen(self, kind: MessageKind, delivery: Delivery) -> None:
        self._open.setdefault((delivery.receiver.upper(), kind), {})[delivery.receiver_doc_id] = delivery

    def _moved(self, event: Event) -> None:
        delivery = self.deliveries[event["receiver_doc_id"]]
        kind = self.packages[delivery.axis_doc_id].kind
        delivery.status = event["status"]
        delivery.updated = datetime.fromisoformat(event["at"])
        delivery.fails += event.get("fails", 0)
        if delivery.status == DONE:
            delivery.received_at = delivery.updated
        if delivery.status in (DONE, FAIL):
            self._open.get((delivery.receiver.upper(), kind), {}).pop(delivery.receiver_doc_id, None)
        else:
            self._reopen(kind, delivery)
            self._robot_open.setdefault(delivery.receiver.upper(), {})[delivery.receiver_doc_id] = delivery

    def _duplicated(self, event: Event) -> None:
        package = self.packages[event["axis_doc_id"]]
        at = datetime.fromisoformat(event["at"])
        self._add_delivery(package, event["receiver_doc_id"], event["receiver"], at)

    def _robot(self, event: Event) -> None:
        self.deliveries[event["receiver_doc_id"]].robot_step = event["step"]

    def _reset(self, event: Event) -> None:
        del event
        self._clear()


PLAIN = (
    "axis_doc_id",
    "sender",
    "document_id",
    "notation",
    "title",
    "sha256",
    "size",
    "business",
    "status_code",
)

APPLY: Mapping[str, Callable[[AxisState, Event], None]] = {
    "seed": AxisState._seed,  # noqa: SLF001 - the table of this class's own events
    "key": AxisState._key,  # noqa: SLF001
    "agency": AxisState._agency,  # noqa: SLF001
    "agency_deleted": AxisState._agency_deleted,  # noqa: SLF001
    "accepted": AxisState._accepted,  # noqa: SLF001
    "moved": AxisState._moved,  # noqa: SLF001
    "duplicated": AxisState._duplicated,  # noqa: SLF001
    "robot": AxisState._robot,  # noqa: SLF001
    "reset": AxisState._reset,  # noqa: SLF001
}


def agency_event(agency: AgencySeed) -> dict[str, Any]:
    """As it reads back from the journal: lists, no tuples."""
    lists = {"script": list(agency.script), "on_recall": list(agency.on_recall)}
    return {"event": "agency", "agency": asdict(agency) | lists}


def axis_id(seed: str, number: int) -> str:
    """senderDocId: 24 hex digits."""
    return hashlib.sha256(f"{seed}:{number}:sender".encode()).hexdigest()[:24]


def receiver_id(seed: str, number: int, row: int) -> str:
    """receiverDocId: a UUID."""
    return str(UUID(hashlib.sha256(f"{seed}:{number}:{row}".encode()).hexdigest()[:32], version=4))
