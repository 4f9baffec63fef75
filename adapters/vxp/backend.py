"""AxisBackend: what stands behind the VXP server side (server.py). Implemented by the emulator and by the
node's facade.

Values carry our names; their wire spelling is server.py's affair. An unfavourable answer is a ``Refusal``, a value
with the axis's ErrorCode and an unaccented text, because vendors' clients decode answers as US-ASCII.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ..axis import AckWord, AxisAgency, MessageKind, SentRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """FAIL: an ErrorCode of axis.md 15.2 and its unaccented text."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """fromDate and toDate of a list; an absent end is open."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A sendEdoc whose body was read completely into ``path`` (CRLF of the transport taken off).

    The backend takes the file over: it may move it; what is still there after the call is removed.
    """

    system_id: str
    sender_code: str  # header ``from``, already found to belong to system_id
    kind: MessageKind
    header_receivers: tuple[str, ...]  # header ``to``; never overrides the envelope's To
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPackage:
    """A row of getReceivedEdocList."""

    receiver_doc_id: str
    kind: MessageKind
    sender_code: str
    receiver_code: str
    status: str  # INITIAL, PROCESSING, DONE, FAIL
    created: datetime
    updated: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TitledSentRow:
    """A row of getSentEdocList with the two columns the port's SentRow does not carry."""

    row: SentRow
    title: str
    received_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyForm:
    """Body of registerAgency; creates and updates."""

    id: str
    parent_code: str
    code: str
    name: str
    mail: str


class AxisBackend(Protocol):
    """Everything is asked on behalf of one authenticated system id."""

    async def secrets(self, system_id: str) -> Sequence[str]:
        """The live keys of a system id (two while one is being rotated); none: unknown system id."""
        ...

    async def owns(self, system_id: str, code: str) -> bool:
        """Whether an agency may send under this system id."""
        ...

    async def accept(self, arrival: Arrival) -> str | Refusal:
        """Store durably, then give the senderDocId."""
        ...

    async def received(self, system_id: str, kind: MessageKind, window: Window) -> Sequence[ListedPackage]: ...

    async def package(self, system_id: str, receiver_doc_id: str) -> Path | None:
        """The file as delivered; None when this system id has no such package."""
        ...

    async def update(self, system_id: str, receiver_doc_id: str, word: AckWord) -> Refusal | None: ...

    async def sent(
        self, system_id: str, kind: MessageKind, axis_doc_id: str | None, window: Window
    ) -> Sequence[TitledSentRow]: ...

    def agencies(self) -> AsyncIterator[AxisAgency]: ...

    async def register_agency(self, system_id: str, form: AgencyForm) -> Refusal | None: ...

    async def delete_agency(self, system_id: str, code: str) -> Refusal | None: ...
