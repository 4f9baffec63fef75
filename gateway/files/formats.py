"""The formats the node takes: extension, content type, family and first bytes, as one table; no I/O.

Source: Nghệ An 08/2018/QĐ-UBND Điều 11 (NA-11.2), widened by what the agencies' own rules name; an agency
narrows the list by policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """Which structural check a format gets."""

    PDF = "pdf"
    OOXML = "ooxml"
    OPENDOCUMENT = "opendocument"
    OLE = "ole"
    ZIP = "zip"
    IMAGE = "image"
    TEXT = "text"
    XML = "xml"
    RTF = "rtf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    extension: str
    content_type: str
    family: Family
    magics: tuple[bytes, ...] = ()  # any of these must stand first; none: judged as text
    marker: str = ""  # OOXML: the folder of the main part; OpenDocument: the content of "mimetype"


ZIP_MAGIC = b"PK\x03\x04"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."

_TABLE = (
    Format(extension="pdf", content_type="application/pdf", family=Family.PDF, magics=(b"%PDF-",)),
    Format(
        extension="docx",
        content_type=_OFFICE + "wordprocessingml.document",
        family=Family.OOXML,
        magics=(ZIP_MAGIC,),
        marker="word/",
    ),
    Format(
        extension="xlsx",
        content_type=_OFFICE + "spreadsheetml.sheet",
        family=Family.OOXML,
        magics=(ZIP_MAGIC,),
        marker="xl/",
    ),
    Format(
        extension="pptx",
        content_type=_OFFICE + "presentationml.presentation",
        family=Family.OOXML,
        magics=(ZIP_MAGIC,),
        marker="ppt/",
    ),
    Format(extension="doc", content_type="application/msword", family=Family.OLE, magics=(OLE_MAGIC,)),
    Format(extension="xls", content_type="application/vnd.ms-excel", family=Family.OLE, magics=(OLE_MAGIC,)),
    Format(extension="ppt", content_type="application/vnd.ms-powerpoint", family=Family.OLE, magics=(OLE_MAGIC,)),
    Format(
        extension="odt",
        content_type=_OPEN + "text",
        family=Family.OPENDOCUMENT,
        magics=(ZIP_MAGIC,),
        marker=_OPEN + "text",
    ),
    Format(
        extension="ods",
        content_type=_OPEN + "spreadsheet",
        family=Family.OPENDOCUMENT,
        magics=(ZIP_MAGIC,),
        marker=_OPEN + "spreadsheet",
    ),
    Format(extension="txt", content_type="text/plain", family=Family.TEXT),
    Format(extension="csv", content_type="text/csv", family=Family.TEXT),
    Format(extension="xml", content_type="application/xml", family=Family.XML),
    Format(extension="rtf", content_type="application/rtf", family=Family.RTF, magics=(b"{\\rtf",)),
    Format(extension="jpg", content_type="image/jpeg", family=Family.IMAGE, magics=(b"\xff\xd8\xff",)),
    Format(extension="jpeg", content_type="image/jpeg", family=Family.IMAGE, magics=(b"\xff\xd8\xff",)),
    Format(extension="png", content_type="image/png", family=Family.IMAGE, magics=(b"\x89PNG\r\n\x1a\n",)),
    Format(extension="tif", content_type="image/tiff", family=Family.IMAGE, magics=(b"II*\x00", b"MM\x00*")),
    Format(extension="tiff", content_type="image/tiff", family=Family.IMAGE, magics=(b"II*\x00", b"MM\x00*")),
    Format(extension="zip", content_type="application/zip", family=Family.ZIP, magics=(ZIP_MAGIC,)),
)

FORMATS = {row.extension: row for row in _TABLE}


def extension_of(name: str) -> str:
    """The part after the last full stop, lower case; empty when there is none."""
    stem, dot, extension = name.rpartition(".")
    return extension.lower() if dot and stem else ""


def format_of(name: str) -> Format | None:
    """The format that the name claims; None when the node does not take it."""
    return FORMATS.get(extension_of(name))
