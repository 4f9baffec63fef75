"""From values to the envelope's tree, in the order of the vendor's client (edxml.md 2). Absent values are left out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from . import dialects as wire
from .codes import ADMINISTRATIVE
from .dates import format_day, format_moment
from .identifiers import DocumentId, OrganCode
from .model import (
    Attachment,
    Business,
    DocumentPackage,
    DocumentType,
    Organization,
    OtherInfo,
    Package,
    Replacement,
    ResponseFor,
    Signer,
    StaffInfo,
    StatusPackage,
    TraceHeader,
    UpdateInfo,
)
from .tree import Element

Content = str | int | bool | date | OrganCode | DocumentId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """How an attachment is carried: its MIME type on the wire."""

    attachment: Attachment
    content_type: str


def compose(package: Package, labels: Iterable[Label] = ()) -> Element:
    """The tree of a complete package; contents of attachments are elements without text."""
    if isinstance(package, StatusPackage):
        header = _group(wire.HEADER, [_status(package)])
        return _group(wire.ROOT, [_group(wire.ENVELOPE, [header])])
    carried = list(labels)
    header = _group(wire.HEADER, [_message(package), _traces(package)])
    manifest = _group(wire.MANIFEST, [_reference(label) for label in carried])
    manifest.attributes["version"] = "1.0"
    manifest.always = True  # a document package without attachments has an empty manifest
    envelope = _group(wire.ENVELOPE, [header, _group(wire.BODY, [manifest])])
    attached = [_group(wire.ATTACHMENTS, [_attachment(label) for label in carried])] if carried else []
    return _group(wire.ROOT, [envelope, *attached])


def _message(package: DocumentPackage) -> Element:
    code = [_leaf(wire.CODE_NUMBER.wire, package.code_number)]
    code.append(_leaf(wire.CODE_NOTATION.wire, package.code_notation))
    issued = [_leaf(wire.PLACE.wire, package.place)]
    issued.append(_leaf(wire.PROMULGATION_DATE, package.promulgation_date))
    return _group(
        wire.MESSAGE_HEADER,
        [
            _organization(wire.FROM, package.sender),
            *(_organization(wire.TO, receiver) for receiver in package.receivers),
            _leaf(wire.DOCUMENT_ID.wire, package.document_id),
            _group(wire.CODE, code),
            _group(wire.PROMULGATION, issued),
            _document_type(package.document_type),
            _leaf(wire.SUBJECT.wire, package.subject),
            _leaf(wire.CONTENT.wire, package.content),
            _texts(wire.SIGNER, wire.SIGNER_TEXTS, package.signer),
            _leaf(wire.DUE_DATE, package.due_date),
            _other(package.other),
            *(_response(response) for response in package.responses),
            _leaf(wire.STEERING, package.steering),
            _list(wire.TO_PLACES, wire.TO_PLACE.wire, package.to_places),
        ],
    )


def _status(package: StatusPackage) -> Element:
    return _group(
        wire.MESSAGE_HEADER,
        [
            _organization(wire.FROM, package.sender),
            _response(package.response_for),
            _staff(package.staff),
            _leaf(wire.STATUS_CODE, package.status_code),
            _leaf(wire.DESCRIPTION.wire, package.description),
            _leaf(wire.TIMESTAMP, package.timestamp),
        ],
    )


def _traces(package: DocumentPackage) -> Element:
    traces = [trace_element(trace) for trace in package.traces]
    return _group(wire.TRACE_LIST, [_business(package.business), *traces])


def trace_element(trace: TraceHeader) -> Element:
    """One TraceHeader, as a system adds it."""
    return _group(wire.TRACE, [_leaf(wire.ORGAN_ID, trace.organ), _leaf(wire.TIMESTAMP, trace.timestamp)])


def _business(business: Business) -> Element:
    return _group(
        wire.BUSINESS,
        [
            _leaf(wire.DOCUMENT_ID.wire, business.document_id),
            _leaf(wire.BUSINESS_TYPE, int(business.type)),
            _leaf(wire.BUSINESS_REASON.wire, business.reason),
            _leaf(wire.PAPER, _digit(business.paper)),
            *([_update(business.update)] if business.update else []),
            _group(wire.REPLACEMENTS, [_replacement(one) for one in business.replacements]),
            _staff(business.staff),
        ],
    )


def _update(update: UpdateInfo) -> Element:
    receivers = [
        _group(
            wire.RECEIVER,
            [_leaf(wire.ORGAN_ID, change.organ), _leaf(wire.RECEIVER_TYPE, _digit(change.added))],
        )
        for change in update.receivers
    ]
    return _group(
        wire.UPDATE,
        [
            _leaf(wire.UPDATE_DOCUMENT, _digit(update.document_changed)),
            _leaf(wire.UPDATE_RECEIVERS, _digit(update.receivers_changed)),
            _group(wire.RECEIVER_LIST, receivers),
        ],
    )


def _replacement(replacement: Replacement) -> Element:
    organs = _list(wire.ORGAN_LIST, wire.ORGAN_ID, replacement.organs)
    return _group(wire.REPLACEMENT, [_leaf(wire.DOCUMENT_ID.wire, replacement.document_id), organs])


def _organization(name: str, organization: Organization) -> Element:
    texts = [_leaf(text.wire, getattr(organization, text.field)) for text in wire.ORGANIZATION]
    return _group(name, [_leaf(wire.ORGAN_ID, organization.code), *texts])


def _document_type(kind: DocumentType) -> Element:
    numbers = [_leaf(wire.TYPE, kind.type), _leaf(wire.TYPE_DETAIL, kind.detail)]
    return _group(wire.DOCUMENT_TYPE, [*numbers, _leaf(wire.TYPE_NAME.wire, kind.name)])


def list_number(kind: DocumentType) -> DocumentType:
    """Row 6, for .NET peers: ``Type`` is the number in list B, ``TypeDetail`` 0."""
    if kind.type != ADMINISTRATIVE or kind.detail is None:
        return kind
    return DocumentType(type=kind.detail, detail=0, name=kind.name)


def _other(other: OtherInfo) -> Element:
    priority = None if other.priority is None else int(other.priority)
    return _group(
        wire.OTHER,
        [
            _leaf(wire.PRIORITY, priority),
            *(_leaf(text.wire, getattr(other, text.field)) for text in wire.OTHER_TEXTS),
            _leaf(wire.COPIES, other.copies),
            _leaf(wire.PAGES, other.pages),
            _leaf(wire.DIRECTION, other.direction),
            _list(wire.APPENDIXES, wire.APPENDIX.wire, other.appendixes),
        ],
    )


def _response(response: ResponseFor) -> Element:
    return _group(
        wire.RESPONSE_FOR,
        [
            _leaf(wire.ORGAN_ID, response.organ),
            _leaf(wire.RESPONSE_CODE.wire, response.code),
            _leaf(wire.DOCUMENT_ID.wire, response.document_id),
            _leaf(wire.PROMULGATION_DATE, response.promulgation_date),
        ],
    )


def _staff(staff: StaffInfo | None) -> Element:
    return _texts(wire.STAFF, wire.STAFF_TEXTS, staff or StaffInfo())


def _reference(label: Label) -> Element:
    attachment = label.attachment
    return _group(
        wire.REFERENCE,
        [
            _leaf(wire.CONTENT_ID, wire.CID + attachment.content_id),
            _leaf(wire.CONTENT_TYPE, label.content_type),
            _leaf(wire.DESCRIPTION.wire, attachment.description),
            _leaf(wire.ATTACHMENT_NAME.wire, attachment.name),
        ],
    )


def _attachment(label: Label) -> Element:
    attachment = label.attachment
    return _group(
        wire.ATTACHMENT,
        [
            _leaf(wire.CONTENT_ID, wire.CID + attachment.content_id),
            _leaf(wire.ATTACHMENT_NAME.wire, attachment.name),
            _leaf(wire.DESCRIPTION.wire, attachment.description),
            _leaf(wire.CONTENT_TYPE, label.content_type),
            Element(name=wire.CONTENT_BYTES, uri=wire.QCVN, content=True),
        ],
    )


def _group(name: str, children: Iterable[Element]) -> Element:
    group = Element(name=name, uri=wire.QCVN)
    for child in children:
        if not child.empty:
            group.add(child)
    return group


def _texts(name: str, fields: Iterable[wire.Text], value: Signer | StaffInfo) -> Element:
    return _group(name, [_leaf(text.wire, getattr(value, text.field)) for text in fields])


def _list(name: str, item: str, values: Iterable[Content]) -> Element:
    return _group(name, [_leaf(item, value) for value in values])


def _leaf(name: str, value: Content) -> Element:
    return Element(name=name, uri=wire.QCVN, text="" if value is None else _text(value))


def _text(value: Content) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return format_moment(value)
    return format_day(value) if isinstance(value, date) else str(value)


def _digit(flag: bool | None) -> int | None:  # noqa: FBT001
    return None if flag is None else int(flag)
