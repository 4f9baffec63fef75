"""The rules that the strict schema cannot express, checked on values before writing (edxml.md 9.2).

Rule 6 (the code exists in the directory) and the comparison of rule 14 need data that edxml/ does not have; they
are the caller's. Rule 9 (which parts a package has) and 12 (base64 on one line) hold by construction.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from .codes import ADMINISTRATIVE, LEGAL, code_lists
from .content_types import ZIP_MAGIC, extension
from .findings import Finding, Severity
from .identifiers import DocumentId, OrganCode
from .manifest import safe_name
from .model import Attachment, BusinessType, DocumentPackage, Package, StatusPackage

_CONTENT_ID = re.compile(r"[0-9A-Za-z._-]+")
_NOT_XML = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def check_writable(package: Package, *, today: date | None, document_id_limit: int = 200) -> tuple[Finding, ...]:
    """Findings of a complete package (profile.complete); an ERROR means that it may not be written.

    ``today`` is the date in Viet Nam; None leaves future dates unjudged.
    """
    rules = _status_rules(package) if isinstance(package, StatusPackage) else _document_rules(package, today)
    return (*_value_rules(package, document_id_limit), *rules)


def _error(code: str, message: str, rule: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, message=message, rule=rule)


def _document_rules(package: DocumentPackage, today: date | None) -> Iterator[Finding]:
    yield from _required_fields(package)
    yield from _receivers(package)
    yield from _date(package, today)
    yield from _document_type(package)
    yield from _business(package)
    yield from _attachments(package)


def _required_fields(package: DocumentPackage) -> Iterator[Finding]:
    """Rule 1, and what the schema would name less kindly."""
    fields = {
        "trích yếu (Subject)": package.subject,
        "nội dung tóm tắt (Content)": package.content,
        "số (CodeNumber)": package.code_number,
        "ký hiệu (CodeNotation)": package.code_notation,
        "ngày ban hành (PromulgationDate)": package.promulgation_date,
        "tên loại văn bản (TypeName)": package.document_type.name,
        "tên cơ quan gửi (From/OrganName)": package.sender.name,
        "họ tên người ký (FullName)": package.signer.full_name,
        "nơi nhận (To)": package.receivers or None,
        "vết chuyển của nơi gửi (TraceHeader)": package.traces or None,
    }
    for name, value in fields.items():
        if value is None:
            yield _error("EDXML_FIELD_MISSING", f"Thiếu {name}.", "edxml 9.2/1")
    for receiver in package.receivers:
        if receiver.address is None:
            message = f"Thiếu địa chỉ của nơi nhận {receiver.code} (To/OrganAdd)."
            yield _error("EDXML_FIELD_MISSING", message, "edxml 9.2/1")


def _receivers(package: DocumentPackage) -> Iterator[Finding]:
    """Rule 3."""
    seen: set[str] = set()
    for receiver in package.receivers:
        if receiver.code.key in seen:
            message = f"Nơi nhận {receiver.code} lặp lại."
            yield _error("EDXML_RECEIVER_TWICE", message, "edxml 9.2/3")
        seen.add(receiver.code.key)


def _date(package: DocumentPackage, today: date | None) -> Iterator[Finding]:
    """Rule 4; that the date exists is given by its type."""
    if today and package.promulgation_date and package.promulgation_date > today:
        message = f"Ngày ban hành {package.promulgation_date:%d/%m/%Y} ở tương lai."
        yield _error("EDXML_DATE_FUTURE", message, "edxml 9.2/4")


def _document_type(package: DocumentPackage) -> Iterator[Finding]:
    """Rule 7."""
    kind = package.document_type
    if kind.type not in {LEGAL, ADMINISTRATIVE} or code_lists().kind(kind.type, kind.detail) is None:
        message = f"Loại văn bản (Type {kind.type}, TypeDetail {kind.detail}) không có trong danh mục."
        yield _error("EDXML_DOCUMENT_TYPE", message, "edxml 9.2/7")


def _business(package: DocumentPackage) -> Iterator[Finding]:
    """Rule 8: each type has its own parts and no other's."""
    business = package.business
    parts = {
        "văn bản đích (DocumentId)": (
            business.document_id is not None,
            business.type in {BusinessType.RECALL, BusinessType.UPDATE},
        ),
        "nội dung cập nhật": (business.update is not None, business.type is BusinessType.UPDATE),
        "văn bản bị thay thế": (bool(business.replacements), business.type is BusinessType.REPLACE),
    }
    name = code_lists().business_types[business.type].lower()
    for part, (present, wanted) in parts.items():
        if present != wanted:
            verb = "thiếu" if wanted else "không được có"
            yield _error("EDXML_BUSINESS_PARTS", f"Gói tin {name} {verb} {part}.", "edxml 9.2/8")


def _attachments(package: DocumentPackage) -> Iterator[Finding]:
    """Rules 10 and 11, empty files (3.3) and names that are no single path segment."""
    seen: set[str] = set()
    for one in package.attachments:
        if one.content_id in seen or not _CONTENT_ID.fullmatch(one.content_id):
            message = f"ContentId {one.content_id!r} của tệp {one.name!r} trùng hoặc sai mẫu."
            yield _error("EDXML_CONTENT_ID", message, "edxml 9.2/10")
        seen.add(one.content_id)
        if not one.name or safe_name(one.name) != one.name:
            message = f"Tên tệp đính kèm {one.name!r} trống hoặc có ký tự không được phép."
            yield _error("EDXML_ATTACHMENT_NAME", message, "edxml 2.5")
        if one.size == 0:
            yield _error("EDXML_ATTACHMENT_EMPTY", f"Tệp đính kèm {one.name!r} rỗng.", "edxml 3.3")
        elif _mislabelled(one):
            message = f"Tệp {one.name!r} không phải tệp ZIP như phần mở rộng nêu."
            yield _error("EDXML_ZIP_LABEL", message, "edxml 9.2/11")


def _mislabelled(attachment: Attachment) -> bool:
    if extension(attachment.name) != "zip":
        return False
    with attachment.path.open("rb") as file:
        return file.read(len(ZIP_MAGIC)) != ZIP_MAGIC


def _status_rules(package: StatusPackage) -> Iterator[Finding]:
    """Rules 2 and 14."""
    fields = {
        "người thao tác (StaffInfo)": package.staff,
        "lý do hoặc lời nhắn (Description)": package.description,
        "thời gian (Timestamp)": package.timestamp,
        "tên cơ quan gửi (From/OrganName)": package.sender.name,
    }
    for name, value in fields.items():
        if value is None:
            yield _error("EDXML_FIELD_MISSING", f"Gói tin trạng thái thiếu {name}.", "edxml 9.2/2")
    answered = package.response_for
    if None in {answered.organ, answered.code, answered.document_id, answered.promulgation_date}:
        message = "Gói tin trạng thái phải nêu đủ bốn trường của ResponseFor."
        yield _error("EDXML_RESPONSE_INCOMPLETE", message, "edxml 9.2/14")
    if package.status_code not in code_lists().statuses:
        message = f"Mã trạng thái {package.status_code!r} không có trong danh mục."
        yield _error("EDXML_STATUS_UNKNOWN", message, "edxml 7.5")


def _value_rules(value: Any, document_id_limit: int) -> Iterator[Finding]:
    """Rules 5 and 13, and row 31, on every value wherever it stands."""
    if isinstance(value, OrganCode):
        if not value.writable:
            message = f"Mã định danh {value.value!r} không đúng mẫu được phép gửi."
            yield _error("EDXML_ORGAN_CODE", message, "edxml 9.2/5")
    elif isinstance(value, DocumentId):
        yield from _document_id(value, document_id_limit)
    elif isinstance(value, str):
        if found := _NOT_XML.search(value):
            message = f"Văn bản chứa ký tự điều khiển {found[0]!r} không được phép."
            yield _error("EDXML_TEXT_CONTROL", message, "edxml 10/31")
    elif isinstance(value, tuple):
        for item in value:
            yield from _value_rules(item, document_id_limit)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _value_rules(getattr(value, field.name), document_id_limit)


def _document_id(identity: DocumentId, limit: int) -> Iterator[Finding]:
    if not 0 < len(identity.value) <= limit or identity.value != identity.value.strip():
        message = f"Mã định danh văn bản {identity.value!r} trống, có khoảng trắng hoặc dài quá {limit} ký tự."
        yield _error("EDXML_DOCUMENT_ID", message, "edxml 9.2/13")
    elif _NOT_XML.search(identity.value):
        yield _error("EDXML_TEXT_CONTROL", "Mã định danh văn bản chứa ký tự điều khiển.", "edxml 10/31")
