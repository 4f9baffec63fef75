"""Which signatures are asked of which file of a package, and what the whole is worth. Pure rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from ...edxml.findings import Finding, Severity
from ...signing.policies import NOT_APPLICABLE, default_policy
from ...signing.report import FileReport, Overall

PDF_MARK: Final = b"%PDF-"
_BOM: Final = b"\xef\xbb\xbf"
HEAD: Final = 1024  # bytes in which readers look for the header of a PDF


def looks_like_pdf(head: bytes) -> bool:
    """By the first ``HEAD`` bytes; an envelope that quotes the mark is none."""
    return PDF_MARK in head[:HEAD] and not head.removeprefix(_BOM).lstrip().startswith(b"<")


def annex_policy(day: date | None) -> str:
    """Of a separate PDF annex: Nghị định 30/2020/NĐ-CP Phụ lục I Phần I.II.8.b; before it nothing was asked."""
    return "AGENCY_ONLY" if default_policy(day) == "ND30" else NOT_APPLICABLE


def policies_of(are_pdf: Sequence[bool], *, main: str, annex: str) -> list[str]:
    """One policy for each attachment in order; the first is the main document."""
    return [main if number == 0 else annex if is_pdf else NOT_APPLICABLE for number, is_pdf in enumerate(are_pdf)]


def overall_of(findings: Iterable[Finding], reports: Iterable[FileReport]) -> Overall:
    """The worst: an error of the envelope weighs like an invalid signature; nothing signed is never "hợp lệ"."""
    seen = {report.overall for report in reports}
    if any(finding.severity is Severity.ERROR for finding in findings) or Overall.INVALID in seen:
        return Overall.INVALID
    return next((one for one in (Overall.UNDETERMINED, Overall.VALID) if one in seen), Overall.NOT_APPLICABLE)
