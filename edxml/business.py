"""TraceHeaderList: what the package does (new, recall, update, replace) and which systems it passed."""

from __future__ import annotations

from . import dialects as wire
from .errors import EdxmlError
from .fields import Notes, document_id, flag, moment, only, organ, organ_of, required, shown, text, texts
from .identifiers import DocumentId, OrganCode
from .model import (
    Business,
    BusinessType,
    ReceiverChange,
    Replacement,
    StaffInfo,
    TraceHeader,
    UpdateInfo,
)
from .tree import Element


def read_business(header: Element, message: Element, notes: Notes) -> Business:
    """The business group; a package without one is a new document, as before 2018."""
    traces = only(header, wire.TRACE_LIST, notes)
    group = only(traces, wire.BUSINESS, notes)
    if group is None:
        notes.warn("EDXML_BUSINESS_MISSING", "Gói tin không có thông tin nghiệp vụ; hiểu là văn bản mới.", header)
        return Business(type=BusinessType.NEW)
    kind = _type(group, notes)
    return Business(
        type=kind,
        reason=text(group, wire.BUSINESS_REASON, notes),
        document_id=_target(kind, group, message, notes),
        paper=flag(group if only(group, wire.PAPER, notes) else traces, wire.PAPER, notes),
        update=_update(group, notes) if kind is BusinessType.UPDATE else None,
        replacements=_replacements(group, message, notes) if kind is BusinessType.REPLACE else (),
        staff=read_staff(group, notes),
    )


def read_traces(header: Element, notes: Notes) -> tuple[TraceHeader, ...]:
    """One per system passed, sender first."""
    return tuple(
        TraceHeader(organ=organ(element, notes), timestamp=moment(element, wire.TIMESTAMP, notes))
        for traces in header.named(wire.TRACE_LIST)
        for element in traces.named(wire.TRACE)
        if not element.empty
    )


def read_staff(parent: Element, notes: Notes) -> StaffInfo | None:
    group = only(parent, wire.STAFF, notes)
    found = texts(group, wire.STAFF_TEXTS, notes)
    return StaffInfo(**found) if any(found.values()) else None


def _type(group: Element, notes: Notes) -> BusinessType:
    element = required(only(group, wire.BUSINESS_TYPE, notes), wire.BUSINESS_TYPE, group)
    raw = element.value or ""
    if raw.isascii() and raw.isdigit() and len(raw) < 4 and int(raw) in set(BusinessType):
        return BusinessType(int(raw))
    # A recall or an update must never be taken for a new document.
    message = f"Loại nghiệp vụ {shown(raw)} không có trong danh mục 0 đến 3."
    raise EdxmlError("EDXML_BUSINESS_TYPE", message, xpath=element.xpath, line=element.line)


def _target(kind: BusinessType, group: Element, message: Element, notes: Notes) -> DocumentId | None:
    """Row 10: what a recall or an update is about; noise in a new document is ignored."""
    if kind in {BusinessType.NEW, BusinessType.REPLACE}:
        return None
    named = document_id(group, notes)
    if named is not None:
        return named
    answered = _answered(message, notes)
    source = "ResponseFor" if answered else "MessageHeader"
    note = f"Gói tin không nêu văn bản được thu hồi hoặc cập nhật; lấy DocumentId của {source}."
    notes.warn("EDXML_TARGET_ELSEWHERE", note, group, "edxml 10/10")
    return answered or document_id(message, notes)


def _update(group: Element, notes: Notes) -> UpdateInfo | None:
    """Row 12; repeated groups and lists are merged (edxml.md 3.4)."""
    infos = [info for info in group.named(wire.UPDATE) if not info.empty]
    if not infos:
        notes.warn("EDXML_UPDATE_MISSING", "Gói tin cập nhật không nói rõ nội dung được cập nhật.", group)
        return None
    changes = (
        change
        for info in infos
        for receivers in info.named(wire.RECEIVER_LIST)
        for element in receivers.named(wire.RECEIVER)
        if (change := _change(element, notes))
    )
    names = (wire.UPDATE_DOCUMENT, wire.UPDATE_RECEIVERS)
    flags = {name: [flag(info, name, notes) for info in infos] for name in names}
    return UpdateInfo(
        document_changed=any(flags[wire.UPDATE_DOCUMENT]),
        receivers_changed=any(flags[wire.UPDATE_RECEIVERS]),
        receivers=tuple(changes),
    )


def _change(element: Element, notes: Notes) -> ReceiverChange | None:
    code = organ(element, notes)
    kind = only(element, wire.RECEIVER_TYPE, notes)
    raw = kind.value if kind else None
    if code is None or raw not in {"0", "1"}:
        message = "Thay đổi nơi nhận thiếu mã định danh hoặc loại thay đổi (0 bỏ, 1 thêm); bỏ qua."
        notes.error("EDXML_RECEIVER_CHANGE", message, element, "edxml 10/12")
        return None
    return ReceiverChange(organ=code, added=raw == "1")


def _replacements(group: Element, message: Element, notes: Notes) -> tuple[Replacement, ...]:
    """ReplacementInfoList, merged when repeated; without one the target is looked for elsewhere (row 10)."""
    found = [
        _replacement(element, notes)
        for replacements in group.named(wire.REPLACEMENTS)
        for element in replacements.named(wire.REPLACEMENT)
        if not element.empty
    ]
    kept = tuple(replacement for replacement in found if replacement is not None)
    if kept:
        return kept
    target = document_id(group, notes) or _answered(message, notes)
    if target is None:
        note = "Gói tin thay thế không nêu văn bản bị thay thế."
        notes.error("EDXML_REPLACEMENT_MISSING", note, group, "edxml 10/10")
        return ()
    notes.warn("EDXML_TARGET_ELSEWHERE", "Gói tin thay thế không có ReplacementInfoList.", group, "edxml 10/10")
    return (Replacement(document_id=target),)


def _answered(message: Element, notes: Notes) -> DocumentId | None:
    responses = (response for response in message.named(wire.RESPONSE_FOR) if not response.empty)
    return next((found for found in (document_id(one, notes) for one in responses) if found), None)


def _replacement(element: Element, notes: Notes) -> Replacement | None:
    target = document_id(element, notes)
    if target is None:
        notes.error("EDXML_REPLACEMENT_MISSING", "ReplacementInfo không có DocumentId; bỏ qua.", element)
        return None
    return Replacement(document_id=target, organs=tuple(_organs(element, notes)))


def _organs(element: Element, notes: Notes) -> list[OrganCode]:
    listed = [one for group in element.named(wire.ORGAN_LIST) for one in group.named(wire.ORGAN_ID)]
    codes = [organ_of(one, notes) for one in listed if one.value is not None]
    if None in codes:
        # Left out silently, the replacement would seem to be meant for fewer agencies, or for all.
        message = "Nơi nhận áp dụng thay thế có mã định danh không dùng được."
        notes.error("EDXML_RECEIVER_CODE", message, element, "edxml 10/25")
    return [code for code in codes if code is not None]
