"""What a delivery certificate says: values only, in the words that stand on the paper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from ...signing.report import Overall


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFact:
    """One attachment as it was sent."""

    name: str
    size: int  # bytes
    sha256: str  # lower-case hex
    overall: Overall
    signers: tuple[str, ...] = ()  # "Nguyễn Văn A (người có thẩm quyền), 14:05:09 21/11/2026"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientFact:
    """One recipient and what is known of the document there. Absent times are not known."""

    code: str
    name: str
    state: str  # Vietnamese label, e.g. "Đã vào sổ văn bản đến"
    problem: bool = False  # refused, undeliverable or held: stands first when the list is cut
    sent_at: datetime | None = None
    arrived_at: datetime | None = None
    changed_at: datetime | None = None  # of the state
    number: str | None = None  # số đến at the receiver, when he told it
    reason: str | None = None  # of a refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFact:
    """One line of the timeline."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """One outgoing document. All times are aware."""

    id: str  # of the exchange, as shown: "vb_…"
    node: str  # name of the node that issues the certificate
    issued_at: datetime
    sender_code: str
    sender_name: str
    code: str  # số và ký hiệu
    day: date | None  # ngày ban hành
    subject: str  # trích yếu
    document_id: str  # mã định danh văn bản
    files: tuple[FileFact, ...]
    recipients: tuple[RecipientFact, ...]
    steps: tuple[StepFact, ...]
    list_at: str  # where the whole list is: an address or a command
