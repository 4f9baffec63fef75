"""Values of the verification: what all signatures of a file share, and what is known of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asn1crypto import x509
from pyhanko.sign.diff_analysis import StandardDiffPolicy
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from .answers import answer
from .document import Document, entry
from .identity import CertificateNames
from .listing import BrokenSignature
from .moments import SigningMoment
from .paths import Evidence
from .report import Answer, Question, SignerRole, Verdict, Warning  # noqa: A004 - the report's own word
from .request import VerificationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all signatures of one file share."""

    document: Document
    request: VerificationRequest
    evidence: Evidence
    policy: StandardDiffPolicy
    trailing: int
    last_revision: int
    shared_values: frozenset[str]  # names of fields whose signature value another field uses too


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Six answers, and what the report shows beside them."""

    embedded: EmbeddedPdfSignature | BrokenSignature
    certificate: x509.Certificate | None
    role: SignerRole
    moment: SigningMoment | None
    answers: tuple[Answer, ...]
    warnings: tuple[Warning, ...] = ()
    certifies: bool = False
    subfilter: str = ""

    @property
    def counts(self) -> bool:
        """Integrity and identity stand: its author, known to us, did sign this document."""
        return all(self._verdict(q) is Verdict.VALID for q in (Question.INTEGRITY, Question.IDENTITY))

    @property
    def denied(self) -> bool:
        """It can never come to count, whatever is still found out."""
        return any(self._verdict(q) is Verdict.INVALID for q in (Question.INTEGRITY, Question.IDENTITY))

    def _verdict(self, question: Question) -> Verdict:
        return next(a.verdict for a in self.answers if a.question is question)


def unreadable(embedded: EmbeddedPdfSignature, cause: Exception) -> Checked:
    wrong = "FORMAT_FAILURE" in str(getattr(cause, "ades_subindication", ""))
    return Checked(
        embedded=embedded,
        certificate=None,
        role=SignerRole.OTHER,
        moment=None,
        subfilter=subfilter_of(embedded),
        answers=not_checked(answer("SIG_FORMAT" if wrong else "SIG_UNREADABLE_SIGNATURE", type(cause).__name__)),
    )


def broken(signature: BrokenSignature) -> Checked:
    """A dictionary that cannot be a signature's is wrong; a CMS that we cannot read is not known to be."""
    fault = signature.fault
    return Checked(
        embedded=signature,
        certificate=None,
        role=SignerRole.OTHER,
        moment=None,
        subfilter=subfilter_of(signature),
        answers=not_checked(
            answer("SIG_UNREADABLE_SIGNATURE", signature.cause) if fault is None else answer("SIG_FORMAT", fault)
        ),
    )


def not_checked(integrity: Answer) -> tuple[Answer, ...]:
    return (
        integrity,
        answer("SIG_IDENTITY_UNKNOWN", "chữ ký chưa đọc được"),
        answer("SIG_TRUST_NOT_CHECKED"),
        answer("SIG_VALIDITY_NOT_CHECKED"),
        answer("SIG_TIME_NOT_CHECKED"),
        answer("SIG_CHANGES_NOT_CHECKED", "chữ ký chưa đọc được"),
    )


def subfilter_of(embedded: EmbeddedPdfSignature | BrokenSignature) -> str:
    return str(entry(embedded.sig_object, "/SubFilter") or "").removeprefix("/")


def certifies(embedded: EmbeddedPdfSignature) -> bool:
    references = entry(embedded.sig_object, "/Reference") or ()
    return any(entry(r.get_object(), "/TransformMethod") == "/DocMDP" for r in references)


def names_of(certificate: x509.Certificate) -> CertificateNames:
    native = certificate.subject.native
    return CertificateNames(
        common_name=_text(native.get("common_name")),
        organizations=tuple(
            part for key in ("organizational_unit_name", "organization_name") for part in _texts(native.get(key))
        ),
    )


def _texts(value: Any) -> Sequence[str]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(str(v) for v in value)


def _text(value: Any) -> str:
    return ", ".join(_texts(value))
