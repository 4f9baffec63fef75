"""Findings: what the reader, the writer's checks and the validation say about a package.

A finding is a value, never an exception: an unfavourable package is data for a clerk. Only what cannot be
read at all raises ``EdxmlError`` (errors.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"  # the strict writer refuses; the reader could not route by it
    WARNING = "warning"  # read with a tolerant decision of the ambiguity table
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One observation, with its place in the input and the rule behind it."""

    code: str  # stable, e.g. "EDXML_DATE_FORMAT"
    severity: Severity
    message: str  # Vietnamese, complete sentence
    xpath: str | None = None  # e.g. "/edXML/edXMLEnvelope/edXMLHeader/MessageHeader/Subject"
    line: int | None = None  # 1-based line of the input, where known
    rule: str | None = None  # article of law or section of the standard, or row of the ambiguity table
