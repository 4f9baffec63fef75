"""What a check shows of a package: its sender, its findings, and its header as lines in a clerk's order of reading."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta, timezone
from typing import Final

from ...edxml.codes import code_lists, kind_name
from ...edxml.findings import Finding
from ...edxml.model import DocumentPackage, Organization, Package, StatusPackage
from ...edxml.reader import Reading
from .outcome import PackageFacts, Sender, SenderSource
from .plain import package_json

VIETNAM: Final = timezone(timedelta(hours=7))
_LONGEST: Final = 500  # letters of a value
_MOST_RECEIVERS: Final = 20  # shown by name; the JSON report has all


def facts_of(reading: Reading, strict: tuple[Finding, ...]) -> PackageFacts:
    return PackageFacts(
        fields=package_json(reading.package),
        lines=package_lines(reading.package),
        findings=reading.findings,
        strict_findings=strict,
        encoding=reading.encoding,
        content_digest=reading.content_digest,
    )


def sender_of(package: Package) -> Sender:
    """The From of the envelope; a status package has no document date."""
    day = package.promulgation_date if isinstance(package, DocumentPackage) else None
    return Sender(code=package.sender.code.value, name=package.sender.name, day=day, source=SenderSource.PACKAGE)


def package_lines(package: Package) -> tuple[tuple[str, str], ...]:
    found = _document(package) if isinstance(package, DocumentPackage) else _status(package)
    return tuple(
        (label, value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…") for label, value in found if value
    )


def _document(package: DocumentPackage) -> Iterator[tuple[str, str]]:
    lists = code_lists()
    yield "Loại gói tin", f"Văn bản, nghiệp vụ: {lists.business_types[package.business.type]}"
    yield "Bên gửi", _named(package.sender)
    for number, receiver in enumerate(package.receivers[:_MOST_RECEIVERS], 1):
        yield (f"Bên nhận {number}" if len(package.receivers) > 1 else "Bên nhận"), _named(receiver)
    if len(package.receivers) > _MOST_RECEIVERS:
        yield "Bên nhận khác", f"và {len(package.receivers) - _MOST_RECEIVERS} nơi nữa"
    yield "Loại văn bản", kind_name(package.document_type) or ""
    yield "Số, ký hiệu", "/".join(part for part in (package.code_number, package.code_notation) if part)
    yield "Ngày văn bản", f"{package.promulgation_date:%d/%m/%Y}" if package.promulgation_date else ""
    yield "Trích yếu", package.subject or ""
    signer = package.signer
    yield "Người ký (theo gói tin)", ", ".join(p for p in (signer.full_name, signer.competence, signer.position) if p)
    yield "Độ khẩn", lists.priorities[package.other.priority] if package.other.priority is not None else ""
    yield "Mã định danh văn bản", str(package.document_id)
    yield "Số tệp kèm theo", str(len(package.attachments))


def _status(package: StatusPackage) -> Iterator[tuple[str, str]]:
    known = code_lists().statuses.get(package.status_code)
    yield "Loại gói tin", f"Trạng thái {package.status_code}: {known.name if known else 'không có trong danh mục'}"
    yield "Bên báo", _named(package.sender)
    yield "Về văn bản", package.response_for.code or ""
    yield "Mã định danh văn bản", str(package.response_for.document_id or "")
    yield "Lúc", f"{package.timestamp.astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}" if package.timestamp else ""
    yield "Mô tả", package.description or ""


def _named(organization: Organization) -> str:
    return f"{organization.name} ({organization.code})" if organization.name else str(organization.code)
