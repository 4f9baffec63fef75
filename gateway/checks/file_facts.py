"""Facts about a file, its sender and its signatures as lines of label and value, alike on page and paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Final

from ...signing.policies import NOT_APPLICABLE, REQUIRED_SETS
from ...signing.report import FileReport, SignatureReport
from .outcome import CheckOutcome, FileKind, Sender, SenderSource
from .words import FOR_REFERENCE, LEGAL_VALUES, NEXT_STEPS, ROLES, TIME_SOURCES

VIETNAM: Final = timezone(timedelta(hours=7))
Lines = tuple[tuple[str, str], ...]

# Labels inside a distinguished name, which the certificate library writes in English.
_NAME_PARTS: Final = re.compile(
    r"(?<![^ ])(?:Common Name|Organization(?:al Unit)?|Country|Locality|State/Province|Email Address|Serial Number): "
)
_SOURCES: Final = {
    SenderSource.GIVEN: "do người kiểm tra khai",
    SenderSource.PACKAGE: "theo gói tin",
    SenderSource.REGISTER: "theo sổ đăng ký chứng thư của nút",
    SenderSource.NONE: "",
}


def outcome_lines(outcome: CheckOutcome) -> Lines:
    """The file as it was handed in, and under which assumptions it was judged."""
    return (
        ("Tên tệp", outcome.name),
        ("Kích thước", size_text(outcome.size)),
        ("SHA-256", outcome.sha256),
        ("Kiểm tra lúc", f"{moment(outcome.checked_at)} (giờ Việt Nam)"),
        ("Cơ quan gửi", sender_text(outcome.sender)),
        *((("Ngày văn bản", f"{outcome.sender.day:%d/%m/%Y}"),) if outcome.sender.day else ()),
        ("Kho tin cậy", outcome.trust_store),
        *(_pdf_lines(outcome.files[0].report) if outcome.kind is FileKind.PDF else ()),
    )


def next_step(outcome: CheckOutcome) -> str:
    """What the clerk does now."""
    return FOR_REFERENCE if outcome.only_signatures_missing else NEXT_STEPS[outcome.overall]


def file_lines(report: FileReport) -> Lines:
    """One attachment of a package."""
    return (
        ("Kích thước", size_text(report.size)),
        ("SHA-256", report.sha256),
        *_pdf_lines(report),
    )


def _pdf_lines(report: FileReport) -> Iterator[tuple[str, str]]:
    if report.pdf_version:
        yield "Phiên bản PDF", report.pdf_version
    if report.pages is not None:
        yield "Số trang", str(report.pages)
    if report.encrypted:
        yield "Mã hóa", "có"
    yield "Số chữ ký", str(len(report.signatures))
    yield "Chữ ký phải có", policy_text(report.policy)
    if report.legal_value is not None:
        yield "Giá trị pháp lý", LEGAL_VALUES[report.legal_value]


def signature_lines(signature: SignatureReport) -> Lines:
    at = moment(signature.signing_time) if signature.signing_time else "không ghi"
    source = TIME_SOURCES.get(signature.time_source, "")
    lines = (
        ("Người ký", signature.signer_name),
        ("Cơ quan trong chứng thư", signature.signer_organ or ""),
        ("Vai trò", ROLES[signature.role]),
        ("Ký lúc", f"{at} ({source})" if source else at),
        ("Tổ chức cấp chứng thư", _NAME_PARTS.sub("", signature.issuer)),
        ("Số hiệu chứng thư", signature.certificate_serial),
        ("SHA-256 của chứng thư", signature.certificate_sha256),
        ("Ô chữ ký, dạng", f"{signature.field_name}, {signature.subfilter}"),
    )
    return tuple((label, value) for label, value in lines if value)


def sender_text(sender: Sender) -> str:
    named = f"{sender.name} ({sender.code})" if sender.name and sender.code else sender.name or sender.code
    source = _SOURCES[sender.source]
    return f"{named}, {source}" if named and source else named or "chưa biết"


def policy_text(policy: str) -> str:
    if policy == NOT_APPLICABLE:
        return "không đòi chữ ký"
    required = REQUIRED_SETS.get(policy)
    return f"{required.title} ({required.legal_basis})" if required else policy


def moment(value: datetime) -> str:
    return f"{value.astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}"


def size_text(count: int) -> str:
    """Bytes as people read them, decimal comma, the exact number behind."""
    if count < 1000:
        return f"{count} byte"
    exact = f"{count:,}".replace(",", ".")
    short = f"{count / 1000:.1f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
    return f"{short.replace('.', ',')} ({exact} byte)"
