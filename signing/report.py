"""The verification report: seven verdicts per signature, one overall result. Values only, JSON in and out.

Source: Quyết định 28/2018/QĐ-TTg Điều 9.1, Nghị định 30/2020/NĐ-CP Điều 5.1 and 21.2.a; signatures.md 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from .materials import Material

SET_MISSING: Final = "SIG_REQUIRED_SET_MISSING"


class Verdict(StrEnum):
    VALID = "VALID"
    INVALID = "INVALID"
    UNKNOWN = "UNKNOWN"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class Overall(StrEnum):
    VALID = "VALID"  # HỢP LỆ
    INVALID = "INVALID"  # KHÔNG HỢP LỆ
    UNDETERMINED = "UNDETERMINED"  # CHƯA XÁC ĐỊNH
    NOT_APPLICABLE = "NOT_APPLICABLE"  # a file that no signature is asked of

    @property
    def label(self) -> str:
        return {
            Overall.VALID: "HỢP LỆ",
            Overall.INVALID: "KHÔNG HỢP LỆ",
            Overall.UNDETERMINED: "CHƯA XÁC ĐỊNH",
            Overall.NOT_APPLICABLE: "KHÔNG ÁP DỤNG",
        }[self]


class Question(StrEnum):
    """The seven questions (signatures.md 3.2)."""

    INTEGRITY = "integrity"  # toàn vẹn
    IDENTITY = "identity"  # nhận dạng
    TRUST_PATH = "trust_path"  # chuỗi tin cậy
    VALIDITY = "validity"  # hiệu lực và thu hồi tại thời điểm ký
    TIME = "time"  # thời điểm ký
    ORDER = "order"  # thứ tự và đủ chữ ký
    LATER_CHANGES = "later_changes"  # thay đổi sau khi ký


class SignerRole(StrEnum):
    LEADER = "leader"  # người có thẩm quyền
    AGENCY = "agency"  # cơ quan
    INITIALS = "initials"  # ký nháy
    OTHER = "other"


class LegalValue(StrEnum):
    """Three levels (registers.md C1)."""

    ORIGINAL = "original"  # đủ giá trị bản gốc (NĐ 30/2020 Điều 5.1)
    BY_SENDER_RULES = "by_sender_rules"  # đủ theo quy chế của bên gửi
    REFERENCE = "reference"  # chỉ tham khảo (QĐ 28/2018 Điều 4.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    question: Question
    verdict: Verdict
    code: str  # stable, e.g. "SIG_INTEGRITY_OK", "SIG_ALTERED"
    message: str  # Vietnamese
    legal_basis: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureReport:
    field_name: str
    signed_revision: int
    role: SignerRole
    signer_name: str  # CN of the certificate
    signer_organ: str | None  # O / OU
    certificate_sha256: str
    certificate_serial: str
    issuer: str
    signing_time: datetime | None  # aware; timestamp first, else self-reported
    time_source: str  # "timestamp" | "self_reported" | "none"
    subfilter: str
    certifies: bool
    answers: tuple[Answer, ...]  # exactly seven, in the order of Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning:  # noqa: A001 - the report's own word
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What one file's signatures say. ``answers`` are the seven of the whole file (worst of its signatures)."""

    sha256: str
    size: int
    pages: int | None
    pdf_version: str | None
    encrypted: bool
    overall: Overall
    legal_value: LegalValue | None
    policy: str  # required set used, e.g. "ND30"
    answers: tuple[Answer, ...]
    signatures: tuple[SignatureReport, ...] = ()
    warnings: tuple[Warning, ...] = ()
    reason_code: str | None = None  # why it is not VALID; stable
    reason: str | None = None  # Vietnamese
    materials: tuple[Material, ...] = ()  # what the verdict stands on: for evidence, shown to nobody

    @property
    def missing_signatures_only(self) -> bool:
        """Nothing is wrong but the required set: may be delivered as reference (registers.md C1)."""
        invalid = {a.question: a.code for a in self.answers if a.verdict is Verdict.INVALID}
        unknown = {a.question for a in self.answers if a.verdict is Verdict.UNKNOWN}
        return bool(self.signatures) and invalid == {Question.ORDER: SET_MISSING} and unknown <= {Question.TIME}
