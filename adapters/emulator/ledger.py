"""The emulated axis's ledger: state, journal and files moved together. What a call acknowledges is on disk before."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ...edxml.errors import EdxmlError
from ...edxml.identifiers import OrganCode
from ...edxml.model import DocumentPackage, Package
from ...edxml.reader import read_header
from ..axis import AckWord, MessageKind
from ..vxp.backend import Refusal
from .journal import Journal
from .settings import AgencySeed, EmulatorSettings, FailSemantics, ReceiverCheck, RecipientRow
from .state import DONE, FAIL, INITIAL, PROCESSING, AxisState, Delivery, agency_event, axis_id, receiver_id
from .storage import Folders

_SEEDED_AT_ONCE = 1000

Clock = Callable[[], datetime]


class Ledger:
    """Borrows journal and folders from ``open_emulator``; used by the port, the robots and the control plane."""

    def __init__(
        self, settings: EmulatorSettings, *, folders: Folders, journal: Journal, state: AxisState, clock: Clock
    ) -> None:
        self.settings = settings
        self.folders = folders
        self.state = state
        self.clock = clock
        self.arrived = asyncio.Event()  # for the robots: something may be waiting
        self._journal = journal
        self._names = itertools.count(1)

    def incoming_name(self) -> str:
        """A file name for a body being received; unique in this run, the folder is emptied at start."""
        return f"body-{next(self._names)}"

    async def read(self, path: Path) -> Package | Refusal:
        """Envelope of a package file; a Refusal when it is none."""
        try:
            return (await asyncio.to_thread(read_header, path)).package
        except EdxmlError as error:
            return Refusal(code="22", text=f"Sai dinh dang edXML: {error.code}")

    async def store(
        self, path: Path, package: Package, *, sha256: str, size: int, robot: dict[str, Any] | None = None
    ) -> str | Refusal:
        """Route and keep a package, whoever brought it; the senderDocId. Takes the file over."""
        receivers = _receivers(package)
        refusals = {code: refusal for code in receivers if (refusal := self._refusal_of(code))}
        whole = self.settings.profile.receiver_check is ReceiverCheck.PACKAGE or len(refusals) == len(receivers)
        if refusals and whole:
            return next(iter(refusals.values()))
        self.state.counter += 1
        number = self.state.counter
        axis_doc_id = axis_id(self.settings.seed, number)
        await asyncio.to_thread(self.folders.keep, path, axis_doc_id)
        event = _accepted_event(package, sha256=sha256, size=size) | {
            "n": number,
            "axis_doc_id": axis_doc_id,
            "at": self.clock().isoformat(),
            "rows": [
                (receiver_id(self.settings.seed, number, row), code) for row, code in enumerate(self._rows(receivers))
            ],
            "refused": {code: f"{refusal.code} {refusal.text}" for code, refusal in refusals.items()},
            "robot": robot,
        }
        await self._record(event)
        self.arrived.set()
        return axis_doc_id

    async def move(self, delivery: Delivery, word: AckWord) -> None:
        """Transport state of one delivery; DONE is final."""
        if delivery.status == DONE:
            return
        terminal = self.settings.profile.fail_semantics is FailSemantics.TERMINAL
        status = {
            AckWord.DONE: DONE,
            AckWord.PROCESSING: PROCESSING,
            AckWord.FAIL: FAIL if terminal else INITIAL,
        }[word]
        await self._move(delivery, status, fails=int(word is AckWord.FAIL))

    async def redeliver(self, delivery: Delivery) -> None:
        """Back into the list under the same receiverDocId."""
        await self._move(delivery, INITIAL)

    async def duplicate(self, delivery: Delivery) -> str:
        """The same package once more for the same recipient, under another receiverDocId."""
        self.state.counter += 1
        twin = receiver_id(self.settings.seed, self.state.counter, 0)
        await self._record(
            {
                "event": "duplicated",
                "n": self.state.counter,
                "axis_doc_id": delivery.axis_doc_id,
                "receiver_doc_id": twin,
                "receiver": delivery.receiver,
                "at": self.clock().isoformat(),
            }
        )
        return twin

    async def _move(self, delivery: Delivery, status: str, *, fails: int = 0) -> None:
        await self._record(
            {
                "event": "moved",
                "receiver_doc_id": delivery.receiver_doc_id,
                "status": status,
                "fails": fails,
                "at": self.clock().isoformat(),
            }
        )

    async def robot_stepped(self, delivery: Delivery, step: int) -> None:
        await self._record({"event": "robot", "receiver_doc_id": delivery.receiver_doc_id, "step": step})

    async def register(self, agency: AgencySeed) -> None:
        await self._record(agency_event(agency))
        self.arrived.set()

    async def remove_agency(self, code: str) -> None:
        await self._record({"event": "agency_deleted", "code": code})

    async def set_keys(self, system_id: str, secrets: Sequence[str]) -> None:
        await self._record({"event": "key", "system_id": system_id, "secrets": list(secrets)})

    async def seed(self) -> None:
        """Take the agencies and keys of the settings over that are new or changed since the last start."""
        for system in self.settings.systems:
            key = {"event": "key", "system_id": system.id, "secrets": [system.secret]}
            await self._seed(f"system {system.id}", key)
        agencies = self.settings.agencies
        for start in range(0, len(agencies), _SEEDED_AT_ONCE):  # together: they share the journal's fsync
            async with asyncio.TaskGroup() as group:
                for agency in agencies[start : start + _SEEDED_AT_ONCE]:
                    group.create_task(self._seed(f"agency {agency.code}", agency_event(agency)))

    async def _seed(self, key: str, event: dict[str, Any]) -> None:
        if self.state.seeds.get(key) != event:
            await self._record(event)
            await self._record({"event": "seed", "key": key, "value": event})

    async def reset(self) -> None:
        await self._record({"event": "reset"})
        await asyncio.to_thread(self.folders.clear)

    async def delivered(self, axis_doc_id: str) -> Path:
        package = self.state.packages[axis_doc_id]
        code = self.settings.profile.trace_code
        return await asyncio.to_thread(
            self.folders.deliver,
            axis_doc_id,
            name=f"trace-{next(self._names)}",
            trace=OrganCode(code) if code else None,
            sent_at=package.sent_at,
        )

    async def _record(self, event: dict[str, Any]) -> None:
        """Durable first, visible after."""
        await self._journal.append(event)
        self.state.apply(event)

    def _rows(self, receivers: Sequence[str]) -> list[str]:
        """The code of each row: as addressed, or once the center of all its agencies."""
        if self.settings.profile.recipient_row is RecipientRow.AGENCY:
            return list(receivers)
        agencies = [(code, self.state.agency(code)) for code in receivers]
        return list(
            dict.fromkeys(
                agency.center if agency and agency.center and not agency.script else code for code, agency in agencies
            )
        )

    def _refusal_of(self, code: str) -> Refusal | None:
        agency = self.state.agency(code)
        if agency is None:
            return Refusal(code="18", text=f"Don vi nhan khong ton tai: {code}")
        return Refusal(code="23", text=f"Don vi nhan da khoa: {code}") if agency.locked else None


def _receivers(package: Package) -> tuple[str, ...]:
    """To of a document, each once; a status package is routed by ResponseFor."""
    if isinstance(package, DocumentPackage):
        return tuple({organ.code.key: organ.code.value for organ in package.receivers}.values())
    organ = package.response_for.organ
    return (organ.value,) if organ else ("",)


def _accepted_event(package: Package, *, sha256: str, size: int) -> dict[str, Any]:
    event = {"event": "accepted", "sender": package.sender.code.value, "sha256": sha256, "size": size}
    if isinstance(package, DocumentPackage):
        return event | {
            "kind": MessageKind.DOCUMENT.value,
            "document_id": package.document_id.value,
            "notation": "/".join(part for part in (package.code_number, package.code_notation) if part),
            "title": package.subject or "",
            "business": int(package.business.type),
            "status_code": None,
        }
    answered = package.response_for
    return event | {
        "kind": MessageKind.STATUS.value,
        "document_id": answered.document_id.value if answered.document_id else "",
        "notation": answered.code or "",
        "title": package.description or "",
        "business": None,
        "status_code": package.status_code,
    }
