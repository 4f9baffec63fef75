"""``lienthong check FILE``: a PDF or an edXML package, its findings and verdicts.

Needs no database, asks no network and keeps nothing.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ...edxml.findings import Finding, Severity
from ...edxml.limits import Limits
from ...edxml.model import Attachment, DocumentPackage, Package
from ...edxml.reader import Reading, read_package
from ...edxml.validation import validate
from ...signing.policies import NOT_APPLICABLE, REQUIRED_SETS, default_policy
from ...signing.report import FileReport, Overall
from ...signing.report_json import report_to_json
from ...signing.request import VerificationRequest
from ...signing.verifying import VerificationPool, VerificationSettings
from ..errors import GatewayError
from ..sections import SigningSettings
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
class Checker:
    """Verifies in a worker process, within the node's limits: what is checked here comes from strangers."""

    trust_folder: Path
    trust_store: str
    limits: SigningSettings

    def verify(self, questions: Sequence[tuple[Path, str, Sender]]) -> list[FileReport]:
        """One report for each file, policy and sender, in order."""
        return asyncio.run(self._verify([self._request(*question) for question in questions]))

    async def _verify(self, requests: Sequence[VerificationRequest]) -> list[FileReport]:
        wanted = VerificationSettings(
            workers=1,
            seconds_per_file=self.limits.time_limit_s,
            memory_bytes=self.limits.memory_limit_mb * 1_000_000,
        )
        async with VerificationPool(wanted) as pool:
            return [await pool.verify(request) for request in requests]

    def _request(self, path: Path, policy: str, sender: Sender) -> VerificationRequest:
        return VerificationRequest(
            path=str(path.absolute()),
            policy=policy,
            now=clock(),
            trust_folder=str(self.trust_folder),
            trust_store=self.trust_store,
            document_date=sender.day,
            sender_code=sender.code,
            sender_name=sender.name,
        )


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
    if policy is not None and policy not in REQUIRED_SETS:
        raise GatewayError("POLICY_VALUE", f"Không có bộ chữ ký {policy}; các bộ: {', '.join(REQUIRED_SETS)}.")
    settings = invocation(context).settings()
    checker = Checker(
        trust_folder=(trust_dir or settings.trust_dir).absolute(),
        trust_store=trust_store or settings.signing.trust_store,
        limits=settings.signing,
    )
    if _is_pdf(file):
        told = Sender(code=sender, name=sender_name, day=day.date() if day else None)
        return _check_pdf(file, policy, told, checker, as_json=as_json)
    return _check_package(file, policy, checker, settings.limits, as_json=as_json)


def _is_pdf(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEADER_WITHIN)
    except OSError as error:
        raise GatewayError("FILE_UNREADABLE", f"Không đọc được {file}: {reason_of(error)}.") from error
    return _PDF in head and not head.lstrip().startswith(b"<")


def _check_pdf(file: Path, policy: str | None, sender: Sender, checker: Checker, *, as_json: bool) -> int:
    (report,) = checker.verify([(file, policy or default_policy(sender.day), sender)])
    if as_json:
        say_json({"kind": "pdf", "overall": report.overall, "report": report_to_json(report)})
    else:
        reports.print_report(file.name, report)
    return BY_OVERALL[report.overall]


def _check_package(file: Path, policy: str | None, checker: Checker, limits: Limits, *, as_json: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="lienthong-check-") as folder:
        reading = read_package(file, Path(folder), limits=limits)
        strict = validate(file, limits=limits)
        found = _verify_attachments(reading.package, policy, checker)
    overall = _overall(reading.findings, [report for _attachment, report in found])
    if as_json:
        say_json(_package_json(reading, strict, found, overall))
    else:
        _print_package(reading, strict, found, overall)
    return BY_OVERALL[overall]


def _verify_attachments(package: Package, policy: str | None, checker: Checker) -> list[tuple[Attachment, FileReport]]:
    """The first reference is the main document; another PDF needs the agency's signature alone."""
    if not isinstance(package, DocumentPackage) or not package.attachments:
        return []
    day = package.promulgation_date
    sender = Sender(code=package.sender.code.value, name=package.sender.name, day=day)
    main = policy or default_policy(day)
    # Nghị định 30/2020/NĐ-CP Phụ lục I Phần I.II.8.b; before it nothing was asked of annexes.
    annex = "AGENCY_ONLY" if default_policy(day) == "ND30" else NOT_APPLICABLE
    asked = [main, *(annex if _is_pdf(one.path) else NOT_APPLICABLE for one in package.attachments[1:])]
    questions = [(one.path, rule, sender) for one, rule in zip(package.attachments, asked, strict=True)]
    return list(zip(package.attachments, checker.verify(questions), strict=True))


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
