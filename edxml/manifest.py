"""Joins the manifest's references, the attachments and their decoded contents (edxml.md rows 16, 17, 19, 20)."""

from __future__ import annotations

import dataclasses
import re

from . import dialects as wire
from .content_types import content_type
from .contents import DecodedContents, StoredFile
from .fields import Notes, text
from .limits import Limits
from .model import Attachment
from .tree import Element
from .unwrapping import Refusal, unwrap

_HREF = f"{{{wire.XLINK}}}href"
# Separators, control characters and the marks that turn the direction of writing ("gpj.exe").
_UNSAFE = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def safe_name(name: str) -> str:
    """The name as one path segment; ``1520/STC.pdf`` becomes ``1520_STC.pdf``."""
    cleaned = _UNSAFE.sub("_", name).strip()
    return "_" + cleaned if cleaned in {".", ".."} else cleaned


def attachment_elements(root: Element) -> list[Element]:
    return [
        element
        for group in root.named(wire.ATTACHMENTS)
        for element in group.named(wire.ATTACHMENT)
        if element.children
    ]


def reference_elements(root: Element) -> list[Element]:
    return [
        reference
        for envelope in root.named(wire.ENVELOPE)
        for body in envelope.named(wire.BODY)
        for manifest in body.named(wire.MANIFEST, wire.MANIFEST_OTHER)
        for reference in manifest.named(wire.REFERENCE)
    ]


def read_attachments(root: Element, contents: DecodedContents, limits: Limits, notes: Notes) -> tuple[Attachment, ...]:
    """In the order of the manifest (its first reference is the main document), then what it does not name."""
    attachments = attachment_elements(root)
    references = reference_elements(root)
    joined = _join(references, attachments, notes)
    ordered = [(reference, joined[id(reference)]) for reference in references if id(reference) in joined]
    taken = {id(attachment) for _reference, attachment in ordered}
    for attachment in attachments:
        if id(attachment) not in taken:
            message = "Tệp đính kèm không được nêu trong danh mục (Manifest)."
            notes.warn("EDXML_NOT_IN_MANIFEST", message, attachment, "edxml 10/17")
    pairs = [*ordered, *((None, one) for one in attachments if id(one) not in taken)]
    read = (_attachment(n, pair, contents, limits, notes) for n, pair in enumerate(pairs, 1))
    return _distinct([one for one in read if one is not None])


def _join(references: list[Element], attachments: list[Element], notes: Notes) -> dict[int, Element]:
    """Row 17: by ContentId, else by xlink:href, else by name, else by position."""
    joined: dict[int, Element] = {}
    free = {id(attachment): attachment for attachment in attachments}
    for key_of, other in ((_content_id, _content_id), (_href, _content_id), (_name, _name)):
        by_key: dict[str, list[Element]] = {}
        for attachment in free.values():
            by_key.setdefault(other(attachment), []).append(attachment)
        for reference in references:
            found = by_key.get(key_of(reference)) if id(reference) not in joined else None
            if found and key_of(reference):
                joined[id(reference)] = found.pop(0)
                del free[id(joined[id(reference)])]
    for reference, position in ((one, n) for n, one in enumerate(references) if id(one) not in joined):
        if position < len(attachments) and id(attachments[position]) in free:
            joined[id(reference)] = free.pop(id(attachments[position]))
        else:
            message = "Danh mục (Manifest) nêu một tệp không có trong gói tin."
            notes.error("EDXML_ATTACHMENT_MISSING", message, reference, "edxml 10/17")
    return joined


def _distinct(attachments: list[Attachment]) -> tuple[Attachment, ...]:
    """Two attachments under one ContentId are told apart by a suffix."""
    seen: dict[str, int] = {}
    told = []
    for one in attachments:
        count = seen[one.content_id] = seen.get(one.content_id, 0) + 1
        told.append(one if count == 1 else dataclasses.replace(one, content_id=f"{one.content_id}-{count}"))
    return tuple(told)


def strip_cid(value: str) -> str:
    """Without one or more leading ``cid:``."""
    while value[: len(wire.CID)].lower() == wire.CID:
        value = value[len(wire.CID) :]
    return value


def _child(element: Element, name: str) -> str:
    return next((child.value for child in element.named(name) if child.value), "")


def _content_id(element: Element) -> str:
    return strip_cid(_child(element, wire.CONTENT_ID))


def _href(element: Element) -> str:
    return strip_cid(element.attributes.get(_HREF, "").strip())


def _name(element: Element) -> str:
    return _child(element, wire.ATTACHMENT_NAME.wire)


def _attachment(
    number: int,
    pair: tuple[Element | None, Element],
    contents: DecodedContents,
    limits: Limits,
    notes: Notes,
) -> Attachment | None:
    reference, element = pair
    carried = _carried(element, contents, notes)
    if carried is None:
        return None
    name = _safe_name(number, reference, element, notes)
    file = _unwrapped(element, name, carried, limits, notes)
    contents.adopt(file)
    return Attachment(
        content_id=_content_id(element) or (_href(reference) if reference else "") or f"attachment-{number}",
        name=name,
        content_type=content_type(name, file.head),
        path=file.path,
        size=file.size,
        sha256=file.sha256,
        description=text(element, wire.DESCRIPTION, notes) or text(reference, wire.DESCRIPTION, notes),
    )


def _carried(element: Element, contents: DecodedContents, notes: Notes) -> StoredFile | None:
    """An empty or damaged attachment is an error for a person; the others are read all the same."""
    found = list(element.named(wire.CONTENT_BYTES))
    if len(found) > 1:
        notes.error("EDXML_DUPLICATE_ELEMENT", "Tệp đính kèm có nhiều nội dung; dùng phần đầu tiên.", found[1])
    decoded = contents.of(found[0]) if found else None
    if decoded is not None and not decoded.intact:
        message = "Nội dung tệp đính kèm không phải base64 đúng chuẩn."
        notes.error("EDXML_ATTACHMENT_BASE64", message, element, "edxml 2.5")
        return None
    if decoded is None or decoded.size == 0:
        notes.error("EDXML_ATTACHMENT_EMPTY", "Tệp đính kèm rỗng.", element, "edxml 3.3")
        return None
    return decoded.file


def _safe_name(number: int, reference: Element | None, element: Element, notes: Notes) -> str:
    raw = text(element, wire.ATTACHMENT_NAME, notes) or text(reference, wire.ATTACHMENT_NAME, notes)
    if raw is None:
        notes.warn("EDXML_ATTACHMENT_NAME", "Tệp đính kèm không có tên.", element)
        return f"tep-dinh-kem-{number}"
    name = safe_name(raw)
    if name != raw:
        notes.warn("EDXML_ATTACHMENT_NAME", f"Tên tệp đính kèm được làm sạch thành {name!r}.", element)
    return name


def _unwrapped(element: Element, name: str, carried: StoredFile, limits: Limits, notes: Notes) -> StoredFile:
    found = unwrap(carried, name, limits)
    if found is Refusal.TOO_BIG:
        message = "Tệp nén của tệp đính kèm bung ra quá lớn; giữ nguyên dạng nén."
        notes.error("EDXML_ZIP_EXPANSION", message, element, "edxml 10/19")
    elif found is Refusal.DAMAGED:
        message = "Tệp nén bọc tệp đính kèm bị hỏng hoặc có mật khẩu; giữ nguyên dạng nén."
        notes.error("EDXML_ZIP_DAMAGED", message, element, "edxml 10/19")
    return found if isinstance(found, StoredFile) else carried
