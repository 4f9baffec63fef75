"""Reports on files whose signatures were not asked: no signature needed, or the file could not be judged.

Imports no PDF library, because the parent of the workers writes such reports too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .answers import FILE_REASONS
from .policies import NOT_APPLICABLE
from .report import Answer, FileReport, Overall, Question, Verdict, Warning  # noqa: A004 - the report's own word
from .request import VerificationRequest

NOT_ASKED: Final = "Tệp này không cần chữ ký số."
# A file that cannot be a signed document at all; every other refusal waits for a person.
WRONG_BY_ITSELF: Final = frozenset(("SIG_NOT_PDF",))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    sha256: str = ""
    size: int = 0
    pages: int | None = None
    pdf_version: str | None = None
    unsupported: tuple[str, ...] = ()
    warnings: tuple[Warning, ...] = ()


def not_applicable(facts: FileFacts) -> FileReport:
    return FileReport(
        sha256=facts.sha256,
        size=facts.size,
        pages=facts.pages,
        pdf_version=facts.pdf_version,
        encrypted=False,
        overall=Overall.NOT_APPLICABLE,
        legal_value=None,
        policy=NOT_APPLICABLE,
        answers=tuple(
            Answer(question=q, verdict=Verdict.NOT_APPLICABLE, code="SIG_NOT_ASKED", message=NOT_ASKED)
            for q in Question
        ),
    )


def file_refused(request: VerificationRequest, facts: FileFacts, code: str, detail: str = "") -> FileReport:
    """The file could not be judged (or is no PDF): all seven answers say why."""
    wrong = code in WRONG_BY_ITSELF
    reason = FILE_REASONS[code].format(detail=detail)
    verdict = Verdict.INVALID if wrong else Verdict.UNKNOWN
    return FileReport(
        sha256=facts.sha256,
        size=facts.size,
        pages=facts.pages,
        pdf_version=facts.pdf_version,
        encrypted=code == "SIG_ENCRYPTED",
        overall=Overall.INVALID if wrong else Overall.UNDETERMINED,
        legal_value=None,
        policy=request.policy,
        answers=tuple(Answer(question=q, verdict=verdict, code=code, message=reason) for q in Question),
        warnings=facts.warnings,
        reason_code=code,
        reason=reason,
    )
