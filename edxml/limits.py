"""Bounds of the reader: how much a package may ask of the machine before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Each bound with its unit; a package above one raises EDXML_LIMIT, a ZIP above one stays packed."""

    total_bytes: int = 400 * MIB  # the whole file
    header_bytes: int = 8 * MIB  # everything except attachment contents
    token_bytes: int = MIB  # one tag, comment or attribute
    depth: int = 40  # nested elements; real packages have 9
    elements: int = 100_000
    attributes: int = 32  # of one element, namespace declarations included
    text_characters: int = 100_000  # text of one element
    attachments: int = 200
    attachment_bytes: int = 300 * MIB  # one attachment, decoded
    zip_bytes: int = 300 * MIB  # what one wrapped attachment may expand to
    zip_ratio: int = 250  # expanded / packed, judged above 10 MiB expanded


DEFAULT_LIMITS = Limits()
