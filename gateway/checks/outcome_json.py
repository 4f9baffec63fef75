"""A ``CheckOutcome`` as the JSON report and back. The format's name stands in ``format``; fields are only ever added.

Described for other systems as ``CheckReport`` in ``schemas/api/openapi.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final

from ...edxml.findings import Finding, Severity
from ...signing.report import Answer, Overall
from ...signing.report_json import report_from_json, report_to_json
from .law import load_law
from .outcome import CheckedFile, CheckOutcome, FileKind, PackageFacts, Sender, SenderSource
from .plain import plain

FORMAT: Final = "lienthong.check.v1"


def outcome_to_json(outcome: CheckOutcome) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "kind": outcome.kind.value,
        "overall": outcome.overall.value,
        "overall_text": outcome.overall.label,
        "checked_at": outcome.checked_at.isoformat(),
        "trust_store": outcome.trust_store,
        "file": {"name": outcome.name, "size": outcome.size, "sha256": outcome.sha256},
        "sender": sender_to_json(outcome.sender),
        **_content(outcome),
        "law": list(_law(outcome)),
    }


def sender_to_json(sender: Sender) -> dict[str, str | None]:
    return {
        "code": sender.code,
        "name": sender.name,
        "date": sender.day.isoformat() if sender.day else None,
        "source": sender.source.value,
    }


def sender_from_json(value: dict[str, Any]) -> Sender:
    return Sender(
        code=value["code"],
        name=value["name"],
        day=date.fromisoformat(value["date"]) if value["date"] else None,
        source=SenderSource(value["source"]),
    )


def _content(outcome: CheckOutcome) -> dict[str, Any]:
    if outcome.package is None:
        return {"report": report_to_json(outcome.files[0].report)}
    files = [{"name": file.name, "report": report_to_json(file.report)} for file in outcome.files]
    return {**facts_to_json(outcome.package), "files": files}


def facts_to_json(facts: PackageFacts) -> dict[str, Any]:
    return {
        "encoding": facts.encoding,
        "content_digest": facts.content_digest,
        "findings": plain(facts.findings),
        "strict_findings": plain(facts.strict_findings),
        "package": dict(facts.fields),
        "summary": [{"label": label, "value": value} for label, value in facts.lines],
    }


def _law(outcome: CheckOutcome) -> Iterator[dict[str, str | None]]:
    """One entry for each code that was answered."""
    law, told = load_law(), set[str]()
    for one in _answers(outcome):
        if one.code not in told:
            told.add(one.code)
            article = law.behind(one)
            yield {"code": one.code, "citation": article.citation, "says": article.says}


def _answers(outcome: CheckOutcome) -> Iterator[Answer]:
    for file in outcome.files:
        yield from file.report.answers
        for signature in file.report.signatures:
            yield from signature.answers


def outcome_from_json(value: dict[str, Any]) -> CheckOutcome:
    """What ``outcome_to_json`` wrote; anything else raises KeyError, TypeError or ValueError."""
    kind = FileKind(value["kind"])
    package = kind is FileKind.EDXML
    files = value["files"] if package else [{"name": value["file"]["name"], "report": value["report"]}]
    return CheckOutcome(
        kind=kind,
        name=value["file"]["name"],
        size=value["file"]["size"],
        sha256=value["file"]["sha256"],
        checked_at=datetime.fromisoformat(value["checked_at"]),
        trust_store=value["trust_store"],
        sender=sender_from_json(value["sender"]),
        overall=Overall(value["overall"]),
        files=tuple(CheckedFile(name=file["name"], report=report_from_json(file["report"])) for file in files),
        package=facts_from_json(value) if package else None,
    )


def facts_from_json(value: dict[str, Any]) -> PackageFacts:
    return PackageFacts(
        fields=value["package"],
        lines=tuple((line["label"], line["value"]) for line in value["summary"]),
        findings=tuple(_finding(one) for one in value["findings"]),
        strict_findings=tuple(_finding(one) for one in value["strict_findings"]),
        encoding=value["encoding"],
        content_digest=value["content_digest"],
    )


def _finding(value: dict[str, Any]) -> Finding:
    return Finding(**{**value, "severity": Severity(value["severity"])})
