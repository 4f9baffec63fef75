"""MIME types of attachments, decided by magic bytes and extension and never by the label (edxml.md row 20)."""

from __future__ import annotations

from pathlib import PurePosixPath

HEAD = 512  # bytes that are looked at
UNKNOWN = "application/octet-stream"
ZIP = "application/zip"
PDF = "application/pdf"
ZIP_MAGIC = b"PK\x03\x04"
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_OOXML = "application/vnd.openxmlformats-officedocument."
_ZIPPED = {
    "docx": _OOXML + "wordprocessingml.document",
    "xlsx": _OOXML + "spreadsheetml.sheet",
    "pptx": _OOXML + "presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
}
_OLE = {
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
}
_TEXT = {"txt": "text/plain", "csv": "text/csv", "xml": "application/xml", "html": "text/html"}
_MAGIC = (
    (b"%PDF-", PDF),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"{\\rtf", "application/rtf"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
)


def extension(name: str) -> str:
    """Lower-case extension without the dot; empty when there is none."""
    return PurePosixPath(name).suffix.removeprefix(".").lower()


def content_type(name: str, head: bytes) -> str:
    """``head`` holds the first HEAD bytes, or all of a smaller file."""
    ending = extension(name)
    if head.startswith(ZIP_MAGIC):
        return _ZIPPED.get(ending, ZIP)
    if head.startswith(_OLE_MAGIC):
        return _OLE.get(ending, UNKNOWN)
    for magic, mime in _MAGIC:
        if head.startswith(magic):
            return mime
    if ending in _TEXT and b"\0" not in head:
        return _TEXT[ending]
    return UNKNOWN
