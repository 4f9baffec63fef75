"""Validates a package against the strict schema, for what we write and for ``lienthong check``.

The schema sees the envelope without attachment contents; these are checked as base64 while they stream. Never used
to refuse an incoming package: real ones fail it on order and empty elements (edxml.md 1.3).
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from lxml import etree

from . import dialects as wire
from .content_types import ZIP, ZIP_MAGIC
from .contents import Decoded, DecodedContents
from .findings import Finding, Severity
from .limits import DEFAULT_LIMITS, Limits
from .manifest import attachment_elements, reference_elements
from .stream import parse
from .tree import Element

# Compiling takes twenty times as long as validating; a compiled schema keeps the log of one validation.
_ONE_AT_A_TIME = threading.Lock()
_RULE = "schemas/edxml/edxml-strict.xsd"
_HEAD = 4096

# libxml2's error types -> what a person reads; {name} is the element, {detail} what libxml2 names in brackets.
_MESSAGES = {
    "SCHEMAV_ELEMENT_CONTENT": "Phần tử {name} không được ở vị trí này{detail}.",
    "SCHEMAV_CVC_MAXLENGTH_VALID": "Giá trị của {name} dài quá giới hạn.",
    "SCHEMAV_CVC_MINLENGTH_VALID": "Phần tử {name} để trống.",
    "SCHEMAV_CVC_PATTERN_VALID": "Giá trị của {name} sai mẫu quy định.",
    "SCHEMAV_CVC_ENUMERATION_VALID": "Giá trị của {name} không có trong danh mục.",
    "SCHEMAV_CVC_MININCLUSIVE_VALID": "Giá trị của {name} nhỏ hơn mức cho phép.",
    "SCHEMAV_CVC_MAXINCLUSIVE_VALID": "Giá trị của {name} lớn hơn mức cho phép.",
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_1": "Giá trị của {name} sai kiểu dữ liệu.",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_3": "Phần tử {name} có chữ nằm giữa các phần tử con.",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "Phần tử {name} có thuộc tính không được phép.",
    "SCHEMAV_CVC_COMPLEX_TYPE_4": "Phần tử {name} thiếu thuộc tính bắt buộc.",
    "SCHEMAV_CVC_ELT_1": "Phần tử gốc {name} không có trong lược đồ.",
}
_MISSING = "Phần tử {name} thiếu phần tử con{detail}."
_OTHER = "Phần tử {name} không đúng lược đồ."
_STEP = re.compile(r"\*(?:\[(\d+)\])?")
_EXPECTED = re.compile(r"Expected is (?:one of )?\((.*)\)", re.DOTALL)
_NAMES = re.compile(r"\{http[^}]*\}")


def validate(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> tuple[Finding, ...]:
    """All findings against the strict profile; raises EdxmlError for what is no package at all."""
    contents = DecodedContents(None, limits, _HEAD)
    parsed = parse(path, limits, contents)
    found = [*parsed.findings, *validate_tree(parsed.root), *_joined(parsed.root)]
    for element in attachment_elements(parsed.root):
        found.extend(_content(element, contents))
    return tuple(found)


def validate_tree(root: Element) -> tuple[Finding, ...]:
    """Findings of the schema on an envelope whose contents are left out."""
    try:
        tree = _lxml(root, None)
    except ValueError:  # expat lets a name through that libxml2 knows to be none
        message = "Gói tin có tên hoặc không gian tên XML không hợp lệ."
        return (Finding(code="EDXML_SCHEMA", severity=Severity.ERROR, message=message, rule=_RULE),)
    with _ONE_AT_A_TIME:
        schema = _schema()
        if schema.validate(tree):
            return ()
        log: Any = schema.error_log  # iterable, though its stub does not say so
        return tuple(_finding(entry, root) for entry in log)


@functools.cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring((files("lienthong") / "schemas/edxml/edxml-strict.xsd").read_bytes()))


def _lxml(element: Element, parent: etree._Element | None) -> etree._Element:
    tag = f"{{{element.uri}}}{element.name}" if element.uri else element.name
    if parent is None:
        default: Any = {None: wire.QCVN}
        made = etree.Element(tag, element.attributes, nsmap=default)
    else:
        made = etree.SubElement(parent, tag, element.attributes)
    made.text = element.text if element.value or not element.children else None
    for child in element.children:
        _lxml(child, made)
    return made


def _finding(entry: Any, root: Element) -> Finding:
    at = _located(entry.path, root)
    name = at.name if at else "?"
    pattern = _MISSING if "Missing child" in entry.message else _MESSAGES.get(entry.type_name, _OTHER)
    message = pattern.format(name=name, detail=_detail(entry.message))
    return Finding(
        code="EDXML_SCHEMA",
        severity=Severity.ERROR,
        message=message,
        xpath=at.xpath if at else None,
        line=at.line if at else None,
        rule=_RULE,
    )


def _located(path: str | None, root: Element) -> Element | None:
    """libxml2 names places as ``/*/*[2]/*``: every element counts, whatever its name."""
    at = root
    for step in (path or "").split("/")[2:]:
        number = _STEP.fullmatch(step)
        index = int(number[1] or 1) - 1 if number else len(at.children)
        if index >= len(at.children):
            return None
        at = at.children[index]
    return at if path else None


def _detail(message: str) -> str:
    """The elements that the schema would have in this place."""
    found = _EXPECTED.search(_NAMES.sub("", message))
    return f" (cần {found[1].strip()})" if found else ""


def _content(element: Element, contents: DecodedContents) -> Iterator[Finding]:
    """Rules 11 and 12 and the base64 itself."""
    found = next(element.named(wire.CONTENT_BYTES), None)
    decoded = contents.of(found) if found else None
    if decoded is None or decoded.size == 0:
        yield _error("EDXML_ATTACHMENT_EMPTY", "Tệp đính kèm rỗng hoặc không đọc được.", element, "edxml 3.3")
    if decoded is None:
        return
    if not decoded.intact:
        yield _error("EDXML_ATTACHMENT_BASE64", "Nội dung không phải base64 đúng chuẩn.", element, "edxml 2.5")
    if not decoded.one_line:
        yield _error("EDXML_BASE64_LINES", "Nội dung base64 phải nằm trên một dòng.", element, "edxml 9.2/12")
    if _zip_label_wrong(element, decoded):
        message = "Nhãn application/zip chỉ dùng cho tệp ZIP, không dùng cho tệp Office để nguyên."
        yield _error("EDXML_ZIP_LABEL", message, element, "edxml 9.2/11")


def _zip_label_wrong(element: Element, decoded: Decoded) -> bool:
    if _value(element, wire.CONTENT_TYPE) != ZIP or not decoded.size:
        return False
    # A raw OOXML file is a ZIP whose first entry is its table of contents.
    return not decoded.head.startswith(ZIP_MAGIC) or b"[Content_Types].xml" in decoded.head[:64]


def _joined(root: Element) -> Iterator[Finding]:
    """Rule 10: each reference has exactly one attachment with the same type and name, and no one is left over."""
    keys = (wire.CONTENT_ID, wire.CONTENT_TYPE, wire.ATTACHMENT_NAME.wire)
    references = {tuple(_value(one, key) for key in keys): one for one in reference_elements(root)}
    attachments = {tuple(_value(one, key) for key in keys): one for one in attachment_elements(root)}
    for key in references.keys() ^ attachments.keys():
        element = references.get(key) or attachments.get(key)
        message = f"Tệp {key[2]!r} không khớp giữa danh mục (Manifest) và phần đính kèm."
        yield _error("EDXML_MANIFEST_MISMATCH", message, element, "edxml 9.2/10")
    if len(references) != len(reference_elements(root)):
        yield _error("EDXML_MANIFEST_MISMATCH", "Danh mục (Manifest) nêu một tệp hai lần.", root, "edxml 9.2/10")


def _value(element: Element, name: str) -> str | None:
    return next((child.value for child in element.named(name)), None)


def _error(code: str, message: str, at: Element | None, rule: str) -> Finding:
    xpath, line = (at.xpath, at.line) if at else (None, None)
    return Finding(code=code, severity=Severity.ERROR, message=message, xpath=xpath, line=line, rule=rule)
