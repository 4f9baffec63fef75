"""From the envelope's tree to the values of model.py: the header of document and status packages.

Walks by local name in any order; the decisions are those of the ambiguity table, each with its finding.
"""

from __future__ import annotations

from . import dialects as wire
from .business import read_business, read_staff, read_traces
from .codes import code_lists
from .fields import Notes, day, document_id, flag, integer, moment, only, organ, required, several, shown, text, texts
from .model import (
    DocumentPackage,
    DocumentType,
    Organization,
    OtherInfo,
    Package,
    Priority,
    ResponseFor,
    Signer,
    StatusPackage,
)
from .tree import Element


def read_header(root: Element, notes: Notes) -> Package:
    """The package without its attachments; raises EDXML_REQUIRED for what cannot be routed."""
    envelope = required(only(root, wire.ENVELOPE, notes), wire.ENVELOPE, root)
    if envelope.uri != wire.QCVN:
        notes.warn("EDXML_NAMESPACE_MIXED", "Phần tử edXMLEnvelope không thuộc namespace QCVN 102.", envelope)
    header = required(only(envelope, wire.HEADER, notes), wire.HEADER, envelope)
    message = required(only(header, wire.MESSAGE_HEADER, notes), wire.MESSAGE_HEADER, header)
    _note_signature(header, notes)
    # A status package has no element of its own; it is known by its StatusCode (edxml.md 4).
    if any(not child.empty for child in message.named(wire.STATUS_CODE)):
        return _status(message, notes)
    return _document(header, message, notes)


def _document(header: Element, message: Element, notes: Notes) -> DocumentPackage:
    code = only(message, wire.CODE, notes)
    promulgation = only(message, wire.PROMULGATION, notes)
    identity = required(document_id(message, notes), wire.DOCUMENT_ID.wire, message)
    return DocumentPackage(
        sender=_sender(message, notes),
        receivers=_receivers(message, notes),
        document_id=identity,
        code_number=text(code, wire.CODE_NUMBER, notes),
        code_notation=text(code, wire.CODE_NOTATION, notes),
        promulgation_date=day(promulgation, wire.PROMULGATION_DATE, notes),
        document_type=_document_type(message, notes),
        subject=text(message, wire.SUBJECT, notes),
        business=read_business(header, message, notes),
        signer=Signer(**texts(only(message, wire.SIGNER, notes), wire.SIGNER_TEXTS, notes)),
        place=text(promulgation, wire.PLACE, notes),
        content=text(message, wire.CONTENT, notes),
        due_date=day(message, wire.DUE_DATE, notes),
        other=_other(message, notes),
        responses=_responses(message, notes),
        steering=_steering(message, notes),
        to_places=several(message, wire.TO_PLACES, wire.TO_PLACE, notes),
        traces=read_traces(header, notes),
    )


def _status(message: Element, notes: Notes) -> StatusPackage:
    responses = _responses(message, notes)
    if len(responses) > 1:
        notes.error("EDXML_DUPLICATE_ELEMENT", "Gói tin trạng thái có nhiều ResponseFor.", message)
    response = required(responses[0] if responses else None, wire.RESPONSE_FOR, message)
    # ResponseFor/OrganId is the addressee of a status package.
    required(response.organ, "ResponseFor/OrganId", message)
    code = required(only(message, wire.STATUS_CODE, notes), wire.STATUS_CODE, message)
    return StatusPackage(
        sender=_sender(message, notes),
        response_for=response,
        status_code=_status_code(code, notes),
        timestamp=moment(message, wire.TIMESTAMP, notes),
        description=text(message, wire.DESCRIPTION, notes),
        staff=read_staff(message, notes),
    )


def _status_code(element: Element, notes: Notes) -> str:
    """Row 23: zero-padded; 14 of a .NET client means 15; unknown codes are kept."""
    raw = element.value or ""
    code = raw.zfill(2) if raw.isascii() and raw.isdigit() else raw
    if code == "14":
        notes.warn("EDXML_STATUS_14", "Mã trạng thái 14 được hiểu là 15 (đồng ý).", element, "edxml 10/23")
        return "15"
    if code != raw:
        message = f"Mã trạng thái {shown(raw)} được bổ sung số 0 thành {code}."
        notes.warn("EDXML_STATUS_PADDED", message, element, "edxml 10/23")
    if code not in code_lists().statuses:
        message = f"Mã trạng thái {shown(raw)} không có trong danh mục."
        notes.warn("EDXML_STATUS_UNKNOWN", message, element, "edxml 10/23")
    return code


def _sender(message: Element, notes: Notes) -> Organization:
    sender = required(only(message, wire.FROM, notes), wire.FROM, message)
    return required(_organization(sender, notes), "From/OrganId", sender)


def _receivers(message: Element, notes: Notes) -> tuple[Organization, ...]:
    """Every To with a usable code, each agency once."""
    found: dict[str, Organization] = {}
    for element in message.named(wire.TO):
        if element.empty:
            continue
        receiver = _organization(element, notes)
        if receiver is None:
            notes.error("EDXML_RECEIVER_CODE", "Nơi nhận không có mã định danh dùng được; bỏ qua.", element)
        elif receiver.code.key in found:
            note = f"Nơi nhận {receiver.code} lặp lại; chỉ tính một lần."
            notes.warn("EDXML_RECEIVER_TWICE", note, element, "edxml 10/30")
        else:
            found[receiver.code.key] = receiver
    required(next(iter(found), None), "To/OrganId", message)
    return tuple(found.values())


def _organization(element: Element, notes: Notes) -> Organization | None:
    code = organ(element, notes)
    return Organization(code=code, **texts(element, wire.ORGANIZATION, notes)) if code else None


def _document_type(message: Element, notes: Notes) -> DocumentType:
    group = only(message, wire.DOCUMENT_TYPE, notes)
    return DocumentType(
        type=integer(group, wire.TYPE, notes, low=0, high=255),
        detail=integer(group, wire.TYPE_DETAIL, notes, low=0, high=255),
        name=text(group, wire.TYPE_NAME, notes),
    )


def _other(message: Element, notes: Notes) -> OtherInfo:
    group = only(message, wire.OTHER, notes)
    priority = integer(group, wire.PRIORITY, notes, low=0, high=4)
    return OtherInfo(
        priority=None if priority is None else Priority(priority),
        copies=integer(group, wire.COPIES, notes, low=0, high=65535),
        pages=integer(group, wire.PAGES, notes, low=0, high=65535),
        direction=flag(group, wire.DIRECTION, notes),
        appendixes=several(group, wire.APPENDIXES, wire.APPENDIX, notes),
        sphere=text(group, wire.OTHER_TEXTS[0], notes),
        typist_notation=text(group, wire.OTHER_TEXTS[1], notes),
    )


def _responses(message: Element, notes: Notes) -> tuple[ResponseFor, ...]:
    # An axis leaves <ResponseFor/> behind when it drops empty elements.
    return tuple(
        ResponseFor(
            organ=organ(element, notes),
            code=text(element, wire.RESPONSE_CODE, notes),
            document_id=document_id(element, notes),
            promulgation_date=day(element, wire.PROMULGATION_DATE, notes),
        )
        for element in message.named(wire.RESPONSE_FOR)
        if not element.empty
    )


def _steering(message: Element, notes: Notes) -> int | None:
    """Rows 4 and 5: the raw number; 3 belongs to a school that counts from 1."""
    steering = integer(message, wire.STEERING, notes, low=0, high=3)
    if steering == 3:
        note = "SteeringType 3 được hiểu là báo cáo chỉ đạo (cách đánh số từ 1)."
        notes.warn("EDXML_STEERING_3", note, only(message, wire.STEERING, notes), "edxml 10/5")
    return steering


def _note_signature(header: Element, notes: Notes) -> None:
    for element in header.named(*wire.SIGNATURES):
        if element.children and element.uri == wire.XMLDSIG:
            note = "Gói tin có chữ ký XML; phần mềm không dựa vào chữ ký này."
            notes.note("EDXML_SIGNATURE_PRESENT", note, element, "edxml 10/21")
        elif element.children:
            note = "Phần tử Signature không thuộc namespace XMLDSig, không phải chữ ký thật."
            notes.note("EDXML_SIGNATURE_DUMMY", note, element, "edxml 10/21")
