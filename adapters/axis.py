"""The axis port: what the node asks of any axis (national VXP, provincial, local), and its values.

Knows nothing of registers, queue or PostgreSQL. Implementations: vxp/client.py, local.py.
One contract suite (tests/contracts/) runs over every implementation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class MessageKind(StrEnum):
    """messagetype on the axis."""

    DOCUMENT = "edoc"
    STATUS = "status"


class AckWord(StrEnum):
    """Words of updateStatus. DONE means safely stored, not accepted; FAIL is never used for stored items."""

    PROCESSING = "processing"
    DONE = "done"
    FAIL = "fail"


class OutcomeKind(StrEnum):
    ACCEPTED = "accepted"  # the axis has it; axis_doc_id is set
    REJECTED = "rejected"  # permanent: 10, 18, 19, 21, 22, 23, 413
    RETRY = "retry"  # certainly not stored: 20, HTTP 5xx, connect error before the body
    SUSPENDED = "suspended"  # 15, 401: the whole channel stops until a person resumes it
    UNKNOWN = "unknown"  # may have been stored: ask ``find`` first


class FindAnswer(StrEnum):
    FOUND = "found"
    NOT_FOUND = "not_found"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingPackage:
    """Frozen bytes for one axis. The same bytes go again at every attempt."""

    kind: MessageKind
    path: Path
    size: int
    sha256: str
    sender_code: str  # From, as on the wire
    receiver_codes: tuple[str, ...]  # To (document) or the addressee (status)
    document_id: str  # DocumentId of the envelope (status: of the document it answers)
    notation: str | None = None  # số/ký hiệu, what list_sent shows
    subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOutcome:
    """The only thing that decides whether a document is sent again (DESIGN decision 18)."""

    kind: OutcomeKind
    axis_doc_id: str | None = None  # senderDocId
    code: str | None = None  # the axis's ErrorCode, or ours (TIMEOUT, CONNECT, HTTP_502, UNREADABLE, NO_DOC_ID …)
    message: str = ""  # Vietnamese, for the clerk
    raw: str = ""  # at most 2,000 characters of the answer, for the attempt's record
    refused: tuple[str, ...] = ()  # the recipients because of whom the axis refused the whole package (18, 23)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindResult:
    answer: FindAnswer
    axis_doc_id: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedItem:
    """A row of getReceivedEdocList."""

    receiver_doc_id: str
    kind: MessageKind
    sender_code: str | None
    receiver_code: str | None
    status: str | None  # upper-case transport state
    created: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRow:
    """A row of getSentEdocList: one per recipient."""

    axis_doc_id: str
    receiver_doc_id: str | None
    sender_code: str | None
    receiver_code: str | None
    notation: str | None
    sent_at: datetime | None
    send_status: str | None  # upper-case
    receive_status: str | None  # upper-case: INITIAL, PROCESSING, DONE, FAIL
    receive_status_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisAgency:
    """A row of the axis's directory."""

    id: str
    code: str  # the code in force
    name: str
    parent_id: str | None = None
    code102: str | None = None
    old_code: str | None = None
    email: str | None = None


class Axis(Protocol):
    """One axis under one system id. Every method has a time limit of its own; none retries by itself."""

    name: str

    async def send(self, package: OutgoingPackage) -> SendOutcome:
        """Send once. Never raises for an answer or its absence: the outcome says what is known."""
        ...

    async def find(self, package: OutgoingPackage, *, since: datetime, until: datetime) -> FindResult:
        """Whether a send of UNKNOWN outcome arrived, looked up in the list of sent documents."""
        ...

    async def list_received(self, kind: MessageKind) -> Sequence[ReceivedItem]:
        """Everything not yet acknowledged. Raises AxisError: an outage is never an empty list."""
        ...

    async def fetch(self, receiver_doc_id: str, into: Path) -> int:
        """Stream the package's bytes into the new file ``into``; its size in bytes. Raises AxisError."""
        ...

    async def ack(self, receiver_doc_id: str, word: AckWord) -> None:
        """Tell the axis. Idempotent. Raises AxisError."""
        ...

    async def list_sent(self, *, axis_doc_id: str, kind: MessageKind) -> Sequence[SentRow]:
        """Transport states of one sent package, one row per recipient. Raises AxisError."""
        ...

    def directory(self) -> AsyncIterator[AxisAgency]:
        """Stream the axis's agencies (111,000 nationwide). Raises AxisError."""
        ...

    def clock_ahead(self) -> float | None:
        """Seconds by which the axis's clock was ahead of ours in its last answer; None when it does not say."""
        ...

    async def aclose(self) -> None: ...
