"""The ``local`` axis: documents between two agencies of the same node take the same road as all others.

A folder of small files, no database and no process of its own; several processes may use one folder. Strategy:
- one package = one record file, written to a temporary name, fsynced and renamed: with that rename it is accepted;
- the ids are digests of (kind, bytes, sender, receivers), so sending the same package again after a crash of unknown
  outcome finds the record and gives the same id: nothing is doubled, and ``find`` can always tell;
- a record whose recipients have all said ``done`` moves to ``closed/``; lists read ``open/`` only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path

from .axis import (
    AckWord,
    AxisAgency,
    FindAnswer,
    FindResult,
    MessageKind,
    OutcomeKind,
    OutgoingPackage,
    ReceivedItem,
    SendOutcome,
    SentRow,
)
from .spool import DONE, Record, Row, Spool, record_id

Clock = Callable[[], datetime]
Agencies = Callable[[], Awaitable[Sequence[AxisAgency]]]


class LocalAxis:
    """``agencies`` names those of this node now; ``clock`` gives aware datetimes. Nothing has to be closed."""

    def __init__(self, folder: Path, *, agencies: Agencies, clock: Clock, name: str = "local") -> None:
        self.name = name
        self._spool = Spool(folder)
        self._agencies = agencies
        self._clock = clock

    async def send(self, package: OutgoingPackage) -> SendOutcome:
        known = await self._codes()
        missing = [code for code in package.receiver_codes if code.upper() not in known]
        if missing or not package.receiver_codes:
            return SendOutcome(
                kind=OutcomeKind.REJECTED,
                code="18",
                message=f"Không có đơn vị nhận trong nút này: {', '.join(missing) or '(trống)'}.",
                refused=tuple(missing),
            )
        record = _record(package, self._clock())
        try:
            await asyncio.to_thread(self._spool.keep, record, package.path)
        except OSError as error:
            # The record is renamed into place last and is found again by its id: sending again is always safe.
            return SendOutcome(
                kind=OutcomeKind.RETRY, code="DISK", message=f"Không ghi được gói tin: {error.strerror}."
            )
        return SendOutcome(kind=OutcomeKind.ACCEPTED, axis_doc_id=record.id, code="0", message="Đã chuyển trong nút.")

    async def find(self, package: OutgoingPackage, *, since: datetime, until: datetime) -> FindResult:
        """Exact, whatever the window: the id is a digest of the package."""
        del since, until
        wanted = record_id(package)
        record = await asyncio.to_thread(self._spool.read, wanted)
        if record is None:
            return FindResult(answer=FindAnswer.NOT_FOUND, reason="Gói tin chưa có trong nút.")
        return FindResult(answer=FindAnswer.FOUND, axis_doc_id=record.id, reason="Gói tin đã có trong nút.")

    async def list_received(self, kind: MessageKind) -> Sequence[ReceivedItem]:
        records = await asyncio.to_thread(self._spool.open_records, kind)
        return [
            ReceivedItem(
                receiver_doc_id=row.receiver_doc_id,
                kind=kind,
                sender_code=record.sender,
                receiver_code=row.receiver,
                status=row.status,
                created=record.sent_at,
            )
            for record in sorted(records, key=lambda record: record.sent_at)
            for row in record.rows
            if row.status != DONE
        ]

    async def fetch(self, receiver_doc_id: str, into: Path) -> int:
        return await asyncio.to_thread(self._spool.copy_package, receiver_doc_id, into)

    async def ack(self, receiver_doc_id: str, word: AckWord) -> None:
        """``done`` is final; ``fail`` leaves the item in the list."""
        await asyncio.to_thread(self._spool.mark, receiver_doc_id, word.value.upper(), self._clock())

    async def list_sent(self, *, axis_doc_id: str, kind: MessageKind) -> Sequence[SentRow]:
        record = await asyncio.to_thread(self._spool.read, axis_doc_id)
        if record is None or record.kind is not kind:
            return []
        return [_sent_row(record, row) for row in record.rows]

    async def directory(self) -> AsyncIterator[AxisAgency]:
        for agency in await self._agencies():
            yield agency

    def clock_ahead(self) -> float | None:
        """It has the node's own clock."""
        return None

    async def aclose(self) -> None:
        """Nothing is held open between calls."""

    async def _codes(self) -> set[str]:
        return {
            code.upper()
            for agency in await self._agencies()
            for code in (agency.code, agency.code102, agency.old_code)
            if code
        }


def _record(package: OutgoingPackage, now: datetime) -> Record:
    wanted = record_id(package)
    return Record(
        id=wanted,
        kind=package.kind,
        sender=package.sender_code,
        document_id=package.document_id,
        notation=package.notation,
        sha256=package.sha256,
        size=package.size,
        sent_at=now,
        rows=tuple(
            Row(receiver_doc_id=f"{wanted}-{place}", receiver=code) for place, code in enumerate(package.receiver_codes)
        ),
    )


def _sent_row(record: Record, row: Row) -> SentRow:
    return SentRow(
        axis_doc_id=record.id,
        receiver_doc_id=row.receiver_doc_id,
        sender_code=record.sender,
        receiver_code=row.receiver,
        notation=record.notation,
        sent_at=record.sent_at,
        send_status=DONE,
        receive_status=row.status,
    )
