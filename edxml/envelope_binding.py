"""Ties what was signed to what the reader hands on: the same tree, and attachments equal to the signed manifest."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, Final

from . import dialects as wire
from .envelope_form import Broken
from .manifest import attachment_elements, reference_elements
from .tree import Element

NAMED: Final = (wire.CONTENT_ID, wire.ATTACHMENT_NAME.wire, wire.CONTENT_TYPE, wire.DESCRIPTION.wire)


def same_tree(canonical: Any, read: Element) -> bool:
    """Whether two parsers saw the same names, attributes and texts."""
    tag = f"{{{read.uri}}}{read.name}" if read.uri else read.name
    if canonical.tag != tag or dict(canonical.attrib) != read.attributes or len(canonical) != len(read.children):
        return False
    if not read.content and _text(canonical) != read.text.strip():
        return False
    if len(canonical) and _text(canonical):  # text between elements belongs nowhere
        return False
    return all(same_tree(one, other) for one, other in zip(canonical, read.children, strict=True))


def bound_attachments(root: Element, files: dict[str, bytes], carried: Callable[[Element], str | None]) -> None:
    """Each attachment stands once in the manifest of digests and once in the signed body, under equal names.

    Raises Broken.
    """
    references = {_child(one, wire.CONTENT_ID): one for one in reference_elements(root)}
    attachments = attachment_elements(root)
    held = [one for group in root.named(wire.ATTACHMENTS) for one in group.children]
    if len(held) != len(attachments) or len(references) != len(reference_elements(root)):
        raise Broken("danh mục tệp được ký lặp hoặc thừa")
    if sorted(references) != sorted(wire.CID + name for name in files) or len(attachments) != len(files):
        raise Broken("danh mục tệp, chữ ký và các tệp mang theo không khớp nhau")
    for attachment in attachments:
        _bound(attachment, references.pop(_child(attachment, wire.CONTENT_ID), None), files, carried)


def _bound(
    attachment: Element,
    reference: Element | None,
    files: dict[str, bytes],
    carried: Callable[[Element], str | None],
) -> None:
    names = [child.name for child in attachment.children]
    contents = list(attachment.named(wire.CONTENT_BYTES))
    if reference is None or len(set(names)) != len(names) or not set(names) <= {*NAMED, wire.CONTENT_BYTES}:
        raise Broken("một tệp đính kèm không được ký hoặc có phần tử lạ")
    if any(_child(attachment, name) != _child(reference, name) for name in NAMED):
        raise Broken("tên hoặc loại của một tệp đính kèm khác với danh mục được ký")
    digest = carried(contents[0]) if contents else None
    signed = files[_child(attachment, wire.CONTENT_ID).removeprefix(wire.CID)]
    if digest is None or not hmac.compare_digest(bytes.fromhex(digest), signed):
        raise Broken("nội dung một tệp đính kèm khác với tệp được ký")


def _child(element: Element, name: str) -> str:
    found = [child.value or "" for child in element.named(name)]
    return found[0] if found else ""


def _text(element: Any) -> str:
    return "".join([element.text or "", *(child.tail or "" for child in element)]).strip()
