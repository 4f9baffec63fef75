"""Packages, findings and verdicts as a person reads them on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ...edxml.codes import code_lists, kind_name
from ...edxml.findings import Finding
from ...edxml.model import DocumentPackage, Package, StatusPackage
from ...signing.report import Answer, FileReport, SignatureReport
from ..checks.words import LEGAL_VALUES, QUESTIONS, ROLES, SEVERITIES, VERDICTS
from .printing import VIETNAM, moment, say, size


def print_report(name: str, report: FileReport) -> None:
    say(f"{name} ({size(report.size)}, SHA-256 {report.sha256})")
    say(f"  Kết luận: {report.overall.label}" + (f": {report.reason}" if report.reason else ""))
    if report.legal_value is not None:
        say(f"  Giá trị: {LEGAL_VALUES[report.legal_value]} (bộ chữ ký {report.policy})")
    if len({answer.code for answer in report.answers}) > 1:  # one code for all: the conclusion said it
        _print_answers("  ", report.answers)
    for number, signature in enumerate(report.signatures, 1):
        _print_signature(number, signature)
    for warning in report.warnings:
        say(f"  Lưu ý: {warning.message} [{warning.code}]")


def _print_signature(number: int, signature: SignatureReport) -> None:
    organ = f", {signature.signer_organ}" if signature.signer_organ else ""
    say(f"  Chữ ký {number} ({ROLES[signature.role]}): {signature.signer_name}{organ}")
    say(f"    ký lúc {moment(signature.signing_time) or 'không rõ'}, chứng thư do {signature.issuer} cấp")
    _print_answers("    ", signature.answers)


def _print_answers(indent: str, answers: Sequence[Answer]) -> None:
    for answer in answers:
        basis = f" ({answer.legal_basis})" if answer.legal_basis else ""
        verdict = VERDICTS[answer.verdict]
        say(f"{indent}{QUESTIONS[answer.question]:<18} {verdict:<10} {answer.message}{basis} [{answer.code}]")


def print_findings(title: str, findings: Sequence[Finding]) -> None:
    if not findings:
        return
    say()
    say(f"{title}:")
    for finding in findings:
        place = f" dòng {finding.line}" if finding.line else ""
        say(f"  {SEVERITIES[finding.severity]}{place}: {finding.message} [{finding.code}]")
        if finding.xpath:
            say(f"    {finding.xpath}" + (f" ({finding.rule})" if finding.rule else ""))


def print_package(package: Package) -> None:
    if isinstance(package, DocumentPackage):
        _print_document(package)
    else:
        _print_status(package)


def _print_document(package: DocumentPackage) -> None:
    lists = code_lists()
    day = f"{package.promulgation_date:%d/%m/%Y}" if package.promulgation_date else "(không có ngày)"
    say(f"Gói tin văn bản, nghiệp vụ: {lists.business_types[package.business.type]}")
    say(f"  Bên gửi     {package.sender.code} {package.sender.name or ''}".rstrip())
    for receiver in package.receivers:
        say(f"  Bên nhận    {receiver.code} {receiver.name or ''}".rstrip())
    say(f"  Văn bản     {kind_name(package.document_type)} {package.code_number}/{package.code_notation} {day}")
    say(f"  Trích yếu   {package.subject or ''}")
    say(f"  Mã định danh {package.document_id}")
    if package.other.priority is not None:
        say(f"  Độ khẩn     {lists.priorities[package.other.priority]}")
    for attachment in package.attachments:
        say(f"  Tệp         {attachment.name} ({size(attachment.size)}, SHA-256 {attachment.sha256})")


def _print_status(package: StatusPackage) -> None:
    known = code_lists().statuses.get(package.status_code)
    when = package.timestamp.astimezone(VIETNAM) if package.timestamp else None
    say(f"Gói tin trạng thái {package.status_code}: {known.name if known else 'không có trong danh mục'}")
    say(f"  Bên báo     {package.sender.code} {package.sender.name or ''}".rstrip())
    say(f"  Văn bản     {package.response_for.code or ''} {package.response_for.document_id or ''}".rstrip())
    say(f"  Lúc         {moment(when)}")
    if package.description:
        say(f"  Mô tả       {package.description}")
