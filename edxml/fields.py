"""Reads single fields of the envelope tolerantly and notes what had to be tolerated.

Absent stays ``None``; what cannot be understood is ``None`` with a finding that shows the raw text.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TypeVar

from . import dialects as wire
from .dates import read_day, read_moment
from .errors import EdxmlError
from .findings import Finding, Severity
from .identifiers import DocumentId, OrganCode
from .tree import Element

MAX_FINDINGS = 200
Value = TypeVar("Value")
_SHOWN = 80  # characters of a raw text in a message


class Notes:
    """Collects the findings of one package, at most MAX_FINDINGS."""

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        self._findings = list(findings)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(self._findings)

    def add(self, severity: Severity, code: str, message: str, at: Element | None, rule: str | None = None) -> None:
        if len(self._findings) >= MAX_FINDINGS:
            self._overflow(severity)
            return
        xpath, line = (at.xpath, at.line) if at else (None, None)
        finding = Finding(code=code, severity=severity, message=message, xpath=xpath, line=line, rule=rule)
        self._findings.append(finding)

    def note(self, code: str, message: str, at: Element | None, rule: str | None = None) -> None:
        self.add(Severity.INFO, code, message, at, rule)

    def warn(self, code: str, message: str, at: Element | None, rule: str | None = None) -> None:
        self.add(Severity.WARNING, code, message, at, rule)

    def error(self, code: str, message: str, at: Element | None, rule: str | None = None) -> None:
        self.add(Severity.ERROR, code, message, at, rule)

    def _overflow(self, severity: Severity) -> None:
        """The last line says that there are more; it weighs as much as the gravest one left out."""
        last = self._findings[-1]
        if last.code == "EDXML_MORE_FINDINGS" and (last.severity is Severity.ERROR or severity is not Severity.ERROR):
            return
        message = f"Còn nhiều lỗi khác; chỉ liệt kê {MAX_FINDINGS} lỗi đầu tiên."
        self._findings[MAX_FINDINGS:] = [Finding(code="EDXML_MORE_FINDINGS", severity=severity, message=message)]


def shown(text: str) -> str:
    """A raw text for a message, shortened."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def only(parent: Element | None, name: str, notes: Notes) -> Element | None:
    """The element of this name that says something; of several the first, with a finding."""
    if parent is None:
        return None
    found = [child for child in parent.named(name) if not child.empty]
    if len(found) > 1:
        severity = Severity.ERROR if name in wire.DECIDING else Severity.WARNING
        message = f"Phần tử {name} xuất hiện {len(found)} lần; dùng phần tử đầu tiên."
        notes.add(severity, "EDXML_DUPLICATE_ELEMENT", message, found[1])
    return found[0] if found else None


def text(parent: Element | None, field: wire.Text, notes: Notes) -> str | None:
    """Row 29: longer than the receivers' limit is noted, never cut."""
    found = only(parent, field.wire, notes)
    return limited(found, field, notes) if found else None


def limited(element: Element, field: wire.Text, notes: Notes) -> str | None:
    value = element.value
    if value is not None and len(value) > field.limit:
        message = f"{field.wire} dài {len(value)} ký tự, quá {field.limit}; một số hệ thống nhận sẽ từ chối."
        notes.warn("EDXML_LENGTH", message, element, "edxml 10/29")
    return value


def texts(parent: Element | None, fields: Iterable[wire.Text], notes: Notes) -> dict[str, str | None]:
    return {field.field: text(parent, field, notes) for field in fields}


def several(parent: Element | None, group: str, field: wire.Text, notes: Notes) -> tuple[str, ...]:
    """All texts of a list, merged when the list itself is repeated (edxml.md 3.4)."""
    groups = parent.named(group) if parent else ()
    found = (limited(item, field, notes) for one in groups for item in one.named(field.wire))
    return tuple(value for value in found if value is not None)


def integer(parent: Element | None, name: str, notes: Notes, *, low: int, high: int) -> int | None:
    found = only(parent, name, notes)
    if found is None or found.value is None:
        return None
    raw = found.value
    if raw.isascii() and raw.removeprefix("-").isdigit() and len(raw) < 10 and low <= int(raw) <= high:
        return int(raw)
    message = f"{name} có giá trị {shown(raw)}, ngoài khoảng {low} đến {high}; bỏ qua."
    notes.warn("EDXML_NUMBER", message, found)
    return None


def flag(parent: Element | None, name: str, notes: Notes) -> bool | None:
    """Row 14: 1 is true, 0 is false, anything else true with a warning."""
    found = only(parent, name, notes)
    if found is None or found.value is None:
        return None
    raw = found.value.lower()
    if raw in {"0", "1", "true", "false"}:
        return raw in {"1", "true"}
    message = f"{name} có giá trị {shown(raw)}, không phải 0 hoặc 1; hiểu là 1."
    notes.warn("EDXML_FLAG", message, found, "edxml 10/14")
    return True


def day(parent: Element | None, name: str, notes: Notes) -> date | None:
    found = only(parent, name, notes)
    if found is None or found.value is None:
        return None
    read = read_day(found.value)
    _note_date(found, known=read.value is not None, exact=read.exact, notes=notes)
    return read.value


def moment(parent: Element | None, name: str, notes: Notes) -> datetime | None:
    found = only(parent, name, notes)
    if found is None or found.value is None:
        return None
    read = read_moment(found.value)
    _note_date(found, known=read.value is not None, exact=read.exact, notes=notes)
    return read.value


def _note_date(found: Element, *, known: bool, exact: bool, notes: Notes) -> None:
    raw = shown(found.value or "")
    if not known:
        message = f"{found.name} có giá trị {raw}, không phải ngày có thật; coi như không có."
        notes.warn("EDXML_DATE_IMPOSSIBLE", message, found, "edxml 10/7")
    elif not exact:
        message = f"{found.name} có giá trị {raw}, không đúng định dạng yyyy/MM/dd."
        notes.warn("EDXML_DATE_FORMAT", message, found, "edxml 10/7")


def organ(parent: Element | None, notes: Notes) -> OrganCode | None:
    """A code that is there but unusable is noted; whoever routes by it makes it an error."""
    found = only(parent, wire.ORGAN_ID, notes)
    return organ_of(found, notes) if found else None


def organ_of(element: Element, notes: Notes) -> OrganCode | None:
    if element.value is None:
        return None
    try:
        return OrganCode.parse(element.value)
    except EdxmlError as error:
        notes.warn(error.code, error.message, element, "edxml 10/25")
        return None


def document_id(parent: Element | None, notes: Notes) -> DocumentId | None:
    value = text(parent, wire.DOCUMENT_ID, notes)
    return DocumentId(value) if value else None


def required(value: Value | None, name: str, parent: Element | None) -> Value:
    """Refuse what cannot be routed or answered."""
    if value is None:
        where = parent.xpath if parent else None
        message = f"Gói tin thiếu {name} hoặc giá trị không dùng được; không thể định tuyến."
        raise EdxmlError("EDXML_REQUIRED", message, xpath=where, line=parent.line if parent else None)
    return value
