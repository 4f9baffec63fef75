"""EmulatorBackend: the AxisBackend port over the emulated axis's ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from ...edxml.model import DocumentPackage
from ..axis import AckWord, AxisAgency, MessageKind, SentRow
from ..vxp.backend import AgencyForm, Arrival, ListedPackage, Refusal, TitledSentRow, Window
from .ledger import Ledger
from .settings import AgencySeed, StatusCase
from .state import DONE, Delivery, StoredPackage


class EmulatorBackend:
    """Answers on behalf of one system id; the rules of who owns what live here."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def secrets(self, system_id: str) -> Sequence[str]:
        return self._ledger.state.keys.get(system_id, ())

    async def owns(self, system_id: str, code: str) -> bool:
        agency = self._ledger.state.agency(code)
        return agency is not None and system_id in (agency.center, agency.code)

    async def accept(self, arrival: Arrival) -> str | Refusal:
        package = await self._ledger.read(arrival.path)
        if isinstance(package, Refusal):
            return package
        if isinstance(package, DocumentPackage) != (arrival.kind is MessageKind.DOCUMENT):
            return Refusal(code="22", text="Goi tin khong dung messagetype")
        if package.sender.code.key != arrival.sender_code.upper():
            return Refusal(code="19", text=f"From cua goi tin khac from da khai bao: {arrival.sender_code}")
        return await self._ledger.store(arrival.path, package, sha256=arrival.sha256, size=arrival.size)

    async def received(self, system_id: str, kind: MessageKind, window: Window) -> Sequence[ListedPackage]:
        found = [
            self._listed(delivery)
            for code in self._ledger.state.codes_of(system_id)
            for delivery in self._ledger.state.waiting(code, kind)
            if _inside(self._ledger.state.packages[delivery.axis_doc_id].sent_at, window)
        ]
        return found[: self._ledger.settings.profile.list_limit]

    async def package(self, system_id: str, receiver_doc_id: str) -> Path | None:
        delivery = self._ledger.state.deliveries.get(receiver_doc_id)
        if delivery is None or not await self._receives(system_id, delivery):
            return None
        return await self._ledger.delivered(delivery.axis_doc_id)

    async def update(self, system_id: str, receiver_doc_id: str, word: AckWord) -> Refusal | None:
        delivery = self._ledger.state.deliveries.get(receiver_doc_id)
        if delivery is None or not await self._receives(system_id, delivery):
            return Refusal(code="20", text="Khong tim thay van ban")
        await self._ledger.move(delivery, word)
        return None

    async def sent(
        self, system_id: str, kind: MessageKind, axis_doc_id: str | None, window: Window
    ) -> Sequence[TitledSentRow]:
        return [
            self._sent_row(package, delivery)
            for package in self._sent_packages(system_id, axis_doc_id)
            if package.kind is kind and _inside(package.sent_at, window)
            for delivery in package.deliveries
        ]

    def _sent_packages(self, system_id: str, axis_doc_id: str | None) -> Iterator[StoredPackage]:
        state = self._ledger.state
        codes = state.codes_of(system_id)
        if not axis_doc_id:
            for code in codes:
                yield from state.sent_by(code)
        elif (package := state.packages.get(axis_doc_id)) and package.sender.upper() in map(str.upper, codes):
            yield package

    async def agencies(self) -> AsyncIterator[AxisAgency]:
        for agency in list(self._ledger.state.agencies.values()):
            yield AxisAgency(
                id=agency.code,
                code=agency.code,
                name=agency.name,
                parent_id=agency.parent or None,
                code102=agency.code102 or None,
                old_code=agency.old_code or None,
                email=agency.mail or None,
            )

    async def register_agency(self, system_id: str, form: AgencyForm) -> Refusal | None:
        known = self._ledger.state.agency(form.code)
        if known and known.center not in {system_id, ""}:
            return Refusal(code="19", text="Don vi thuoc he thong khac")
        parent = "" if form.parent_code == system_id else form.parent_code
        await self._ledger.register(
            AgencySeed(code=form.code, name=form.name, mail=form.mail, center=system_id, parent=parent)
        )
        return None

    async def delete_agency(self, system_id: str, code: str) -> Refusal | None:
        if not await self.owns(system_id, code):
            return Refusal(code="19", text="Don vi khong thuoc he thong nay")
        await self._ledger.remove_agency(code)
        return None

    async def _receives(self, system_id: str, delivery: Delivery) -> bool:
        return delivery.receiver == system_id or await self.owns(system_id, delivery.receiver)

    def _listed(self, delivery: Delivery) -> ListedPackage:
        package = self._ledger.state.packages[delivery.axis_doc_id]
        return ListedPackage(
            receiver_doc_id=delivery.receiver_doc_id,
            kind=package.kind,
            sender_code=package.sender,
            receiver_code=delivery.receiver,
            status=self._word(delivery.status),
            created=package.sent_at,
            updated=delivery.updated,
        )

    def _sent_row(self, package: StoredPackage, delivery: Delivery) -> TitledSentRow:
        row = SentRow(
            axis_doc_id=package.axis_doc_id,
            receiver_doc_id=None if delivery.refusal else delivery.receiver_doc_id,
            sender_code=package.sender,
            receiver_code=delivery.receiver,
            notation=package.notation,
            sent_at=package.sent_at,
            send_status=self._word(DONE),
            receive_status=self._word(delivery.status),
            receive_status_text=delivery.refusal,
        )
        return TitledSentRow(row=row, title=package.title, received_at=delivery.received_at)

    def _word(self, status: str) -> str:
        lower = self._ledger.settings.profile.status_case is StatusCase.LOWER
        return status.lower() if lower else status


def _inside(moment: datetime, window: Window) -> bool:
    """Times on the wire have whole seconds, so a window's end includes its second."""
    second = moment.replace(microsecond=0)
    return (window.since is None or window.since <= second) and (window.until is None or second <= window.until)
