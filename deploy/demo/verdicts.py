"""The seven verdicts of every signature as one table a file, with words where a verdict is not favourable."""

from __future__ import annotations

from typing import Any

from ...gateway.checks.words import LEGAL_VALUES, QUESTIONS, ROLES, VERDICTS
from ...gateway.cli.printing import moment, size
from ...signing.report import FileReport, Question, SignatureReport, Verdict
from ...signing.report_json import report_from_json
from .screen import rows, say

_WELL = frozenset({Verdict.VALID, Verdict.NOT_APPLICABLE})


def show_file(file: dict[str, Any]) -> None:
    """One file of a document as the API shows it."""
    if not file["report"]:
        say(f"{file['name']} ({size(file['size'])}): không phải PDF, không xét chữ ký.")
        return
    report = report_from_json(file["report"])
    legal = f", {LEGAL_VALUES[report.legal_value]}" if report.legal_value else ""
    say(f"{file['name']} ({size(report.size)}): {report.overall.label}{legal} (bộ chữ ký phải có: {report.policy})")
    if report.reason:
        say(f"Vì: {report.reason}", indent=2)
    if report.signatures:
        _table(report)
    for one in _unfavourable(report):
        say(f"- {one}", indent=2)


def _table(report: FileReport) -> None:
    titles = ["Câu hỏi", *(ROLES[one.role].capitalize() for one in report.signatures)]
    cells = [["Người ký", *(one.signer_name for one in report.signatures)]]
    cells.append(["Ký lúc", *(moment(one.signing_time) or "không rõ" for one in report.signatures)])
    cells += [[QUESTIONS[q], *(_word(one, q) for one in report.signatures)] for q in Question]
    rows(titles, cells)


def _word(signature: SignatureReport, question: Question) -> str:
    return next(VERDICTS[answer.verdict] for answer in signature.answers if answer.question is question)


def _unfavourable(report: FileReport) -> list[str]:
    """What is not as it should be, once each."""
    answers = [answer for one in report.signatures for answer in one.answers] or list(report.answers)
    said = [
        f"{QUESTIONS[answer.question]}: {answer.message} [{answer.code}]"
        for answer in answers
        if answer.verdict not in _WELL
    ]
    said += [f"Lưu ý: {warning.message} [{warning.code}]" for warning in report.warnings]
    return list(dict.fromkeys(said))
