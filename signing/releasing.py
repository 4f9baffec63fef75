"""The last look at a signed file before it leaves: our own verifier, not one answer against it.

Source: signatures.md 2.9.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

from asn1crypto import x509

from .errors import SigningError
from .report import FileReport, Overall, Question, SignatureReport, Verdict
from .request import TimestampRule, VerificationRequest
from .sign_job import Level, SignJob, SignResult, SignStep
from .sign_steps import AGENCY_ALONE, STEPS, StepRule
from .verification import verify_file

GOOD: Final = (Verdict.VALID, Verdict.NOT_APPLICABLE)


def release(job: SignJob, rule: StepRule, field: str, content: bytes, certificate: x509.Certificate) -> SignResult:
    """Write ``content`` under the target's name if it is in order. Raises SigningError SIG_RELEASE_REFUSED."""
    target = Path(job.target)
    beside = target.with_name(f"{target.name}.part")
    beside.write_bytes(content)
    try:
        report = verify_file(_request(job, rule, beside))
        _refuse(job, rule, report)
        signature = _newest(report, field, certificate.sha256.hex())
        settle(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    return SignResult(
        sha256=report.sha256,
        size=report.size,
        field=field,
        signing_time=signature.signing_time or job.now,
        level=level_reached(job),
        certificate_sha256=signature.certificate_sha256,
        overall=report.overall.value,
        warnings=report.warnings,
    )


def level_reached(job: SignJob) -> Level:
    """The archive timestamp comes once, with the signature that closes the document."""
    return Level.B_LT if job.level is Level.B_LTA and not STEPS[job.step].closes else job.level


def write_result(target: Path, content: bytes) -> str:
    """Write a file that is not signed in this step; its SHA-256."""
    beside = target.with_name(f"{target.name}.part")
    try:
        beside.write_bytes(content)
        settle(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    return hashlib.sha256(content).hexdigest()


def settle(beside: Path, target: Path) -> None:
    """Durable first, then under its name."""
    with beside.open("rb") as handle:
        os.fsync(handle.fileno())
    beside.replace(target)


def _request(job: SignJob, rule: StepRule, path: Path) -> VerificationRequest:
    alone = rule.closes and job.step is not SignStep.AGENCY
    return VerificationRequest(
        path=str(path),
        policy=AGENCY_ALONE if alone else job.policy,
        now=job.now,
        trust_folder=job.trust_folder,
        trust_store=job.trust_store,
        document_date=job.document_date,
        sender_code=job.sender_code,
        sender_name=job.sender_name,
        registry=job.registry,
        timestamp=TimestampRule.RECOMMENDED if job.level is Level.B_B else job.timestamp,
    )


def _refuse(job: SignJob, rule: StepRule, report: FileReport) -> None:
    # 1. each signature by itself
    unasked = {Question.ORDER} if job.registry else {Question.ORDER, Question.IDENTITY}
    for answer in (a for signature in report.signatures for a in signature.answers):
        if answer.question not in unasked and answer.verdict not in GOOD:
            raise _refused(answer.code, answer.message)
    # 2. all of them together, where the register tells who they are
    unfinished = not rule.closes and report.missing_signatures_only
    if job.registry and report.overall is not Overall.VALID and not unfinished:
        raise _refused(report.reason_code or "", report.reason or "")


def _newest(report: FileReport, field: str, certificate: str) -> SignatureReport:
    for signature in report.signatures:
        if signature.field_name == field and signature.certificate_sha256 == certificate:
            return signature
    raise _refused("SIG_NO_SIGNATURE", "không thấy chữ ký vừa đặt")


def _refused(code: str, detail: str) -> SigningError:
    return SigningError(
        "SIG_RELEASE_REFUSED", f"Tệp vừa ký không qua được bộ kiểm tra của nút ({code}: {detail})", blame="ours"
    )
