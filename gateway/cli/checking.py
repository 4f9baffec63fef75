"""``lienthong check FILE``: a PDF or an edXML package, its findings and verdicts.

Needs no database, asks no network and keeps nothing.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ...edxml.findings import Finding, Severity
from ...edxml.model import Attachment, DocumentPackage, Package
from ...edxml.reader import Reading, read_package
from ...edxml.validation import validate
from ...signing.policies import NOT_APPLICABLE, REQUIRED_SETS, default_policy
from ...signing.report import FileReport, Overall
from ...signing.report_json import report_to_json
from ...signing.request import VerificationRequest
from ...signing.verification import verify_file
from ..errors import GatewayError
from ..settings import Settings
from . import reports
from .context import Json, clock, invocation
from .exits import BY_OVERALL, reason_of
from .printing import plain, say, say_json

_PDF: Final = b"%PDF-"
_HEADER_WITHIN: Final = 1024  # bytes in which readers look for the header of a PDF


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who is said to have signed, and when the document is from."""

    code: str | None
    name: str | None
    day: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    folder: Path
    store: str


def check(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Tệp PDF hoặc gói tin edXML.")],
    as_json: Json = False,
    policy: Annotated[str | None, typer.Option(help=f"Bộ chữ ký phải có: {', '.join(REQUIRED_SETS)}.")] = None,
    sender: Annotated[str | None, typer.Option(help="PDF: mã định danh bên gửi.")] = None,
    sender_name: Annotated[str | None, typer.Option(help="PDF: tên bên gửi, như trong chứng thư.")] = None,
    day: Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="PDF: ngày văn bản.")] = None,
    trust_dir: Annotated[Path | None, typer.Option(help="Thư mục kho tin cậy.")] = None,
    trust_store: Annotated[str | None, typer.Option(help="Tên kho tin cậy.")] = None,
) -> int:
    """Kiểm tra một tệp. Mã thoát: 0 hợp lệ, 1 không hợp lệ, 2 chưa xác định, 3 không đọc được."""
    settings = invocation(context).settings()
    trust = Trust(
        folder=(trust_dir or settings.trust_dir).absolute(), store=trust_store or settings.signing.trust_store
    )
    if _is_pdf(file):
        told = Sender(code=sender, name=sender_name, day=day.date() if day else None)
        return _check_pdf(file, policy, told, trust, as_json=as_json)
    return _check_package(file, policy, trust, settings, as_json=as_json)


def _is_pdf(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEADER_WITHIN)
    except OSError as error:
        raise GatewayError("FILE_UNREADABLE", f"Không đọc được {file}: {reason_of(error)}.") from error
    return _PDF in head and not head.lstrip().startswith(b"<")


def _check_pdf(file: Path, policy: str | None, sender: Sender, trust: Trust, *, as_json: bool) -> int:
    report = _verify(file, policy or default_policy(sender.day), sender, trust)
    if as_json:
        say_json({"kind": "pdf", "overall": report.overall, "report": report_to_json(report)})
    else:
        reports.print_report(file.name, report)
    return BY_OVERALL[report.overall]


def _verify(path: Path, policy: str, sender: Sender, trust: Trust) -> FileReport:
    request = VerificationRequest(
        path=str(path.absolute()),
        policy=policy,
        now=clock(),
        trust_folder=str(trust.folder),
        trust_store=trust.store,
        document_date=sender.day,
        sender_code=sender.code,
        sender_name=sender.name,
    )
    return verify_file(request)


def _check_package(file: Path, policy: str | None, trust: Trust, settings: Settings, *, as_json: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="lienthong-check-") as folder:
        reading = read_package(file, Path(folder), limits=settings.limits)
        strict = validate(file, limits=settings.limits)
        found = _verify_attachments(reading.package, policy, trust)
    overall = _overall(reading.findings, [report for _attachment, report in found])
    if as_json:
        say_json(_package_json(reading, strict, found, overall))
    else:
        _print_package(reading, strict, found, overall)
    return BY_OVERALL[overall]


def _verify_attachments(package: Package, policy: str | None, trust: Trust) -> list[tuple[Attachment, FileReport]]:
    """The first reference is the main document; another PDF needs the agency's signature alone."""
    if not isinstance(package, DocumentPackage):
        return []
    day = package.promulgation_date
    sender = Sender(code=package.sender.code.value, name=package.sender.name, day=day)
    main = policy or default_policy(day)
    # Nghị định 30/2020/NĐ-CP Phụ lục I Phần I.II.8.b; before it nothing was asked of annexes.
    annex = "AGENCY_ONLY" if default_policy(day) == "ND30" else NOT_APPLICABLE
    return [
        (
            one,
            _verify(one.path, (annex if n else main) if _is_pdf(one.path) or not n else NOT_APPLICABLE, sender, trust),
        )
        for n, one in enumerate(package.attachments)
    ]


def _overall(findings: tuple[Finding, ...], found: list[FileReport]) -> Overall:
    """The worst: an error of the envelope weighs like an invalid signature."""
    seen = {report.overall for report in found}
    if any(finding.severity is Severity.ERROR for finding in findings) or Overall.INVALID in seen:
        return Overall.INVALID
    return Overall.UNDETERMINED if Overall.UNDETERMINED in seen else Overall.VALID


def _package_json(
    reading: Reading, strict: tuple[Finding, ...], found: list[tuple[Attachment, FileReport]], overall: Overall
) -> dict[str, Any]:
    return {
        "kind": "edxml",
        "overall": overall,
        "encoding": reading.encoding,
        "content_digest": reading.content_digest,
        "findings": plain(reading.findings),
        "strict_findings": plain(strict),
        "package": reports.package_json(reading.package),
        "files": [{"name": one.name, "report": report_to_json(report)} for one, report in found],
    }


def _print_package(
    reading: Reading, strict: tuple[Finding, ...], found: list[tuple[Attachment, FileReport]], overall: Overall
) -> None:
    reports.print_package(reading.package)
    reports.print_findings("Phát hiện khi đọc", reading.findings)
    reports.print_findings("Khác với lược đồ chặt (không phải lý do từ chối)", strict)
    for one, report in found:
        say()
        reports.print_report(one.name, report)
    say()
    say(f"Kết luận chung: {overall.label}")
