"""``lienthong check FILE``: a PDF or an edXML package, its findings and verdicts.

Needs no database, asks no network and keeps nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from ...edxml.model import DocumentPackage, Package
from ...edxml.reader import Reading
from ...signing.evidence_bundle import FINAL, collect
from ...signing.evidence_files import write_folder
from ...signing.policies import REQUIRED_SETS, default_policy
from ...signing.report import FileReport
from ...signing.request import VerificationRequest
from ...signing.verifying import VerificationPool, VerificationSettings
from ..checks.outcome import CheckedFile, CheckOutcome, FileKind, Sender
from ..checks.outcome_json import outcome_to_json
from ..checks.package_facts import facts_of, sender_of
from ..checks.paper import draw_paper
from ..checks.reading import read_for_check
from ..checks.rules import HEAD, annex_policy, looks_like_pdf, overall_of, policies_of
from ..errors import GatewayError
from ..evidence import PROGRAM
from ..sections import SigningSettings
from ..settings import Settings
from . import reports
from .context import Json, clock, invocation
from .exits import BY_OVERALL, reason_of
from .printing import say, say_json

_NODE: Final = "Nút liên thông văn bản"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """Verifies in a worker process, within the node's limits: what is checked here comes from strangers."""

    trust_folder: Path
    trust_store: str
    limits: SigningSettings
    keep: Path | None = None  # where evidence of final verdicts goes

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
            return [self._kept(request, await pool.verify(request)) for request in requests]

    def _kept(self, request: VerificationRequest, report: FileReport) -> FileReport:
        if self.keep is not None and report.overall in FINAL:
            write_folder(collect(request, report, made_at=request.now, program=PROGRAM), self.keep)
        return report

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
            appearance=True,
        )


def check(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Tệp PDF hoặc gói tin edXML.")],
    as_json: Json = False,
    pdf: Annotated[Path | None, typer.Option("--pdf", help="Ghi thêm phiếu kết quả để in (PDF) vào tệp này.")] = None,
    policy: Annotated[str | None, typer.Option(help=f"Bộ chữ ký phải có: {', '.join(REQUIRED_SETS)}.")] = None,
    sender: Annotated[str | None, typer.Option(help="PDF: mã định danh bên gửi.")] = None,
    sender_name: Annotated[str | None, typer.Option(help="PDF: tên bên gửi, như trong chứng thư.")] = None,
    day: Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="PDF: ngày văn bản.")] = None,
    trust_dir: Annotated[Path | None, typer.Option(help="Thư mục kho tin cậy.")] = None,
    trust_store: Annotated[str | None, typer.Option(help="Tên kho tin cậy.")] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep-evidence", help="Lưu chứng cứ vào thư mục này, để lệnh verify dựng lại.")
    ] = None,
) -> int:
    """Kiểm tra một tệp. Mã thoát: 0 hợp lệ, 1 không hợp lệ, 2 chưa xác định, 3 không đọc được."""
    if policy is not None and policy not in REQUIRED_SETS:
        raise GatewayError("POLICY_VALUE", f"Không có bộ chữ ký {policy}; các bộ: {', '.join(REQUIRED_SETS)}.")
    settings = invocation(context).settings()
    checker = Checker(
        trust_folder=(trust_dir or settings.trust_dir).absolute(),
        trust_store=trust_store or settings.signing.trust_store,
        limits=settings.signing,
        keep=keep,
    )
    if _is_pdf(file):
        told = Sender(code=sender, name=sender_name, day=day.date() if day else None)
        outcome, reading = _check_pdf(file, policy, told, checker), None
    else:
        outcome, reading = _check_package(file, policy, checker, settings)
    if pdf is not None:
        pdf.write_bytes(draw_paper(outcome, node=f"{_NODE} {settings.province_name}".strip()))
    if as_json:
        say_json(outcome_to_json(outcome))
    elif reading is None:
        reports.print_report(file.name, outcome.files[0].report)
    else:
        _print_package(reading.package, outcome)
    return BY_OVERALL[outcome.overall]


def _is_pdf(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            head = stream.read(HEAD)
    except OSError as error:
        raise GatewayError("FILE_UNREADABLE", f"Không đọc được {file}: {reason_of(error)}.") from error
    return looks_like_pdf(head)


def _check_pdf(file: Path, policy: str | None, sender: Sender, checker: Checker) -> CheckOutcome:
    (report,) = checker.verify([(file, policy or default_policy(sender.day), sender)])
    return CheckOutcome(
        kind=FileKind.PDF,
        name=file.name,
        size=file.stat().st_size,
        sha256=_digest(file),
        checked_at=clock(),
        trust_store=checker.trust_store,
        sender=sender,
        overall=report.overall,
        files=(CheckedFile(name=file.name, report=report),),
    )


def _check_package(
    file: Path, policy: str | None, checker: Checker, settings: Settings
) -> tuple[CheckOutcome, Reading]:
    with tempfile.TemporaryDirectory(prefix="lienthong-check-") as folder:
        reading, strict = read_for_check(file, Path(folder), limits=settings.limits, peers=settings.envelope_peers)
        facts = facts_of(reading, strict)
        sender = sender_of(reading.package)
        files = _verify_attachments(reading.package, policy, sender, checker)
    return CheckOutcome(
        kind=FileKind.EDXML,
        name=file.name,
        size=file.stat().st_size,
        sha256=_digest(file),
        checked_at=clock(),
        trust_store=checker.trust_store,
        sender=sender,
        overall=overall_of(reading.findings, [checked.report for checked in files]),
        files=files,
        package=facts,
    ), reading


def _verify_attachments(
    package: Package, policy: str | None, sender: Sender, checker: Checker
) -> tuple[CheckedFile, ...]:
    """The first reference is the main document; another PDF needs the agency's signature alone."""
    if not isinstance(package, DocumentPackage) or not package.attachments:
        return ()
    main, annex = policy or default_policy(sender.day), annex_policy(sender.day)
    asked = policies_of([_is_pdf(one.path) for one in package.attachments], main=main, annex=annex)
    questions = [(one.path, rule, sender) for one, rule in zip(package.attachments, asked, strict=True)]
    checked = zip(package.attachments, checker.verify(questions), strict=True)
    return tuple(CheckedFile(name=one.name, report=report) for one, report in checked)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _print_package(package: Package, outcome: CheckOutcome) -> None:
    reports.print_package(package)
    if outcome.package is not None:
        reports.print_findings("Phát hiện khi đọc", outcome.package.findings)
        reports.print_findings("Khác với lược đồ chặt (không phải lý do từ chối)", outcome.package.strict_findings)
    for file in outcome.files:
        say()
        reports.print_report(file.name, file.report)
    say()
    say(f"Kết luận chung: {outcome.overall.label}")
