"""What a check of one file by hand says: values only. ``outcome_json.py`` writes and reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from ...edxml.findings import Finding, Severity
from ...signing.report import FileReport, Overall


class FileKind(StrEnum):
    PDF = "pdf"
    EDXML = "edxml"


class SenderSource(StrEnum):
    """Where the name of the sending agency comes from: the answer on identity is worth no more than that."""

    GIVEN = "given"  # told by whoever asked
    PACKAGE = "package"  # the From of the edXML envelope
    REGISTER = "register"  # the signer's certificate stands in the node's register
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who is said to have signed, and when the document is from."""

    code: str | None
    name: str | None
    day: date | None
    source: SenderSource = SenderSource.GIVEN


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """A PDF, or one attachment of a package, with the report on its signatures."""

    name: str
    report: FileReport


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFacts:
    """What an edXML package says. ``fields``: all that was read, as JSON; ``lines``: the header as label and value."""

    fields: Mapping[str, Any]
    lines: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]
    strict_findings: tuple[Finding, ...]  # differences from the strict schema: no reason to refuse
    encoding: str
    content_digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOutcome:
    """``sha256``: of the file as it was handed in. ``files``: the PDF itself, or the attachments in order."""

    kind: FileKind
    name: str
    size: int  # bytes
    sha256: str  # lower-case hex
    checked_at: datetime  # aware
    trust_store: str
    sender: Sender
    overall: Overall
    files: tuple[CheckedFile, ...]
    package: PackageFacts | None = None

    @property
    def only_signatures_missing(self) -> bool:
        """Nothing is wrong but that signatures are missing: worth reading for reference (registers.md C1)."""
        bad = [file.report for file in self.files if file.report.overall not in _GOOD]
        refused = self.package is not None and any(f.severity is Severity.ERROR for f in self.package.findings)
        return bool(bad) and not refused and all(r.missing_signatures_only or r.reason_code == _UNSIGNED for r in bad)


_GOOD: Final = (Overall.VALID, Overall.NOT_APPLICABLE)
_UNSIGNED: Final = "SIG_NOT_SIGNED"
