"""A ``FileReport`` as JSON and back. What is stored as evidence must read back to the same value."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from .materials import material_from_json, material_to_json
from .report import (
    Answer,
    FileReport,
    LegalValue,
    Overall,
    Question,
    SignatureReport,
    SignerRole,
    Verdict,
    Warning,  # noqa: A004 - the report's own word
)


def report_to_json(report: FileReport, *, materials: bool = False) -> dict[str, Any]:
    """``materials``: with what the verdict stands on, for the way from the worker to its parent."""
    value = asdict(replace(report, materials=()))
    del value["materials"]
    if materials:
        value["materials"] = [material_to_json(one) for one in report.materials]
    for signature in value["signatures"]:
        moment = signature["signing_time"]
        signature["signing_time"] = moment.isoformat() if moment else None
    return value


def report_from_json(value: dict[str, Any]) -> FileReport:
    legal = value["legal_value"]
    return FileReport(
        **{
            **value,
            "overall": Overall(value["overall"]),
            "legal_value": LegalValue(legal) if legal else None,
            "answers": tuple(_answer(a) for a in value["answers"]),
            "signatures": tuple(_signature(s) for s in value["signatures"]),
            "warnings": tuple(Warning(**w) for w in value["warnings"]),
            "materials": tuple(material_from_json(m) for m in value.get("materials", ())),
        },
    )


def _answer(value: dict[str, Any]) -> Answer:
    return Answer(
        **{**value, "question": Question(value["question"]), "verdict": Verdict(value["verdict"])},
    )


def _signature(value: dict[str, Any]) -> SignatureReport:
    moment = value["signing_time"]
    return SignatureReport(
        **{
            **value,
            "role": SignerRole(value["role"]),
            "signing_time": datetime.fromisoformat(moment) if moment else None,
            "answers": tuple(_answer(a) for a in value["answers"]),
        },
    )
