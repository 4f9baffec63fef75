"""From checked signatures to the report of the file: order, required set, legal value, overall. Pure rules.

Source: signatures.md 3.3, registers.md C1; Nghị định 30/2020/NĐ-CP Điều 5.1, 21.2.a, 32.2.d.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .answers import answer
from .checked import Checked, names_of, not_checked
from .policies import REQUIRED_SETS, RequiredSet, complete, in_order, legal_value
from .refusals import FileFacts
from .report import (
    Answer,
    FileReport,
    LegalValue,
    Overall,
    Question,
    SignatureReport,
    Verdict,
)
from .request import VerificationRequest

SEVERITY: Final = (Verdict.INVALID, Verdict.UNKNOWN, Verdict.VALID, Verdict.NOT_APPLICABLE)
# Mandatory questions: the signing time alone may stay without a proof (registers.md C17).
MANDATORY: Final = frozenset(Question) - {Question.TIME}


def summarise(request: VerificationRequest, facts: FileFacts, checked: Sequence[Checked]) -> FileReport:
    required = REQUIRED_SETS[request.policy]
    order = _order(required, facts, checked)
    signatures = tuple(_signature_report(c, order) for c in checked)
    answers = tuple(_worst(question, signatures, facts, order) for question in Question)
    overall = overall_of(answers)
    reason = _reason(answers) if overall is not Overall.VALID else None
    return FileReport(
        sha256=facts.sha256,
        size=facts.size,
        pages=facts.pages,
        pdf_version=facts.pdf_version,
        encrypted=False,
        overall=overall,
        legal_value=_legal_value(request, required, checked, answers),
        policy=request.policy,
        answers=answers,
        signatures=signatures,
        warnings=(*facts.warnings, *(w for c in checked for w in c.warnings)),
        reason_code=reason.code if reason else None,
        reason=reason.message if reason else None,
    )


def overall_of(answers: Sequence[Answer]) -> Overall:
    if any(a.verdict is Verdict.INVALID for a in answers):
        return Overall.INVALID
    if any(a.verdict is Verdict.UNKNOWN for a in answers):
        return Overall.UNDETERMINED
    proven = {a.question for a in answers if a.verdict is Verdict.VALID}
    return Overall.VALID if proven >= MANDATORY else Overall.UNDETERMINED


def _reason(answers: Sequence[Answer]) -> Answer | None:
    return next((a for v in (Verdict.INVALID, Verdict.UNKNOWN) for a in answers if a.verdict is v), None)


def _order(required: RequiredSet, facts: FileFacts, checked: Sequence[Checked]) -> Answer:
    if not checked and not facts.unsupported:
        return answer("SIG_NOT_SIGNED", required.title)
    roles = [c.role for c in checked if c.counts]
    if not in_order(required, roles):
        return answer("SIG_ORDER_WRONG")
    if complete(required, roles):
        return answer("SIG_ORDER_OK", required.title)
    unread = facts.unsupported or any(c.certificate is None and not c.denied for c in checked)
    if unread or complete(required, [c.role for c in checked if not c.denied]):
        return answer("SIG_ORDER_UNKNOWN")
    return answer("SIG_REQUIRED_SET_MISSING", required.title)


def _signature_report(checked: Checked, order: Answer) -> SignatureReport:
    certificate, moment = checked.certificate, checked.moment
    names = names_of(certificate) if certificate else None
    return SignatureReport(
        field_name=checked.embedded.field_name,
        signed_revision=checked.embedded.signed_revision,
        role=checked.role,
        signer_name=names.common_name if names else "",
        signer_organ=", ".join(names.organizations) or None if names else None,
        certificate_sha256=certificate.sha256.hex() if certificate else "",
        certificate_serial=f"{certificate.serial_number:X}" if certificate else "",
        issuer=certificate.issuer.human_friendly if certificate else "",
        signing_time=moment.time if moment else None,
        time_source=moment.source if moment else "none",
        subfilter=checked.subfilter,
        certifies=checked.certifies,
        answers=(*checked.answers[:5], order, checked.answers[5]),
    )


def _worst(question: Question, signatures: Sequence[SignatureReport], facts: FileFacts, order: Answer) -> Answer:
    """The worst answer to one question over all signatures."""
    if question is Question.ORDER:
        return order
    candidates = [a for s in signatures for a in s.answers if a.question is question]
    if facts.unsupported:
        unsupported = not_checked(answer("SIG_UNSUPPORTED_SUBFILTER", facts.unsupported[0]))
        candidates += [a for a in unsupported if a.question is question]
    if not candidates:
        return Answer(question=question, verdict=Verdict.NOT_APPLICABLE, code="SIG_NO_SIGNATURE", message=NO_SIGNATURE)
    return min(candidates, key=lambda a: SEVERITY.index(a.verdict))


NO_SIGNATURE: Final = "Tệp không có chữ ký số để kiểm tra."


def _legal_value(
    request: VerificationRequest, required: RequiredSet, checked: Sequence[Checked], answers: Sequence[Answer]
) -> LegalValue | None:
    """None when anything but the required set stands against the file."""
    against = {a.question for a in answers if a.verdict in (Verdict.INVALID, Verdict.UNKNOWN)}
    codes = {a.code for a in answers}
    if against - {Question.ORDER} or codes & {"SIG_ORDER_WRONG", "SIG_ORDER_UNKNOWN"}:
        return None
    return legal_value(required, [c.role for c in checked if c.counts], document_date=request.document_date)
