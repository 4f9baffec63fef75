"""The bytes of a package without its attachment contents, exactly as they stand in the file."""

from __future__ import annotations

import mmap
from pathlib import Path

from .limits import Limits
from .source import too_much
from .tree import Element


def skeleton(path: Path, contents: list[Element], limits: Limits) -> bytes:
    """``contents``: the parsed elements that hold attachments, in the order of the file. Raises EDXML_LIMIT."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        kept, at = [], 0
        for content in contents:
            if content.span is None:
                continue
            start = _tag_end(view, content.span[0], limits)
            if content.span[1] > start:
                kept.append(view[at:start])
                at = content.span[1]
        kept.append(view[at:])
    result = b"".join(kept)
    if len(result) > limits.header_bytes:
        raise too_much("phần đầu gói tin", limits.header_bytes)
    return result


def _tag_end(view: mmap.mmap, start: int, limits: Limits) -> int:
    """Where the text behind a start tag begins; a ``>`` may stand in an attribute's value."""
    quote = b""
    for at in range(start, min(len(view), start + limits.token_bytes)):
        here = view[at : at + 1]
        if quote:
            quote = b"" if here == quote else quote
        elif here in {b'"', b"'"}:
            quote = here
        elif here == b">":
            return at + 1
    raise too_much("độ dài một thẻ", limits.token_bytes)
