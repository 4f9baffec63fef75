"""The structural look at text, XML, RTF and images. Runs in a worker process."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING
from xml.parsers import expat

from ...edxml.findings import Finding, Severity
from .durable import WINDOW

if TYPE_CHECKING:
    from pathlib import Path

    from .formats import Format

_IMAGE_PARSERS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/tiff": "TIFF"}


class _Doctype(Exception):  # noqa: N818 - a signal out of expat's callback, seen in this file only
    """The document declares a DOCTYPE."""


def look_at_text(path: Path, form: Format) -> tuple[Finding, ...]:
    """Text is UTF-8 or UTF-16 without NUL; other encodings are told, never converted (platform.md 13)."""
    decoder = codecs.getincrementaldecoder(_encoding(path))()
    readable = True
    with path.open("rb") as file:
        while window := file.read(WINDOW):
            if readable:
                try:
                    if "\0" in decoder.decode(window):
                        return (_mismatch(form),)
                except UnicodeDecodeError:
                    readable = False
            if not readable and b"\0" in window:
                return (_mismatch(form),)
    return () if readable else (_UNKNOWN_ENCODING,)


def look_at_xml(path: Path, _form: Format) -> tuple[Finding, ...]:
    """Well-formed, without DOCTYPE; an entity is never expanded because its declaration ends the reading."""
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except _Doctype:
        return (_DOCTYPE,)
    except (expat.ExpatError, ValueError, LookupError):
        return (Finding(code="FILE_BROKEN", severity=Severity.ERROR, message="Tệp XML không đúng cú pháp."),)
    return ()


def look_at_rtf(path: Path, _form: Format) -> tuple[Finding, ...]:
    """Embedded objects of RTF carry programs; they are told to the clerk."""
    kept = b""
    with path.open("rb") as file:
        while window := file.read(WINDOW):
            if b"\\objdata" in kept + window:
                return (_EMBEDDED,)
            kept = window[-16:]
    return ()


def look_at_image(path: Path, form: Format) -> tuple[Finding, ...]:
    """The picture's header and, where the format has them, checksums; no pixel is decoded."""
    from PIL import Image

    try:
        with Image.open(path, formats=(_IMAGE_PARSERS[form.content_type],)) as picture:
            picture.verify()
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return (Finding(code="FILE_BROKEN", severity=Severity.ERROR, message="Tệp ảnh hỏng, không mở được."),)
    return ()


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        mark = file.read(2)
    return "utf-16" if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8"


def _refuse_doctype(*_args: object) -> None:
    raise _Doctype


def _mismatch(form: Format) -> Finding:
    return Finding(
        code="FILE_TYPE_MISMATCH",
        severity=Severity.ERROR,
        message=f"Nội dung là dữ liệu nhị phân, không phải văn bản .{form.extension} như tên tệp.",
    )


_UNKNOWN_ENCODING = Finding(
    code="FILE_TEXT_ENCODING",
    severity=Severity.WARNING,
    message="Tệp văn bản không dùng bảng mã Unicode (UTF-8); có thể là bảng mã cũ như TCVN3, VNI.",
    rule="NA-11.1.b",
)
_DOCTYPE = Finding(
    code="FILE_ACTIVE_CONTENT",
    severity=Severity.WARNING,
    message="Tệp XML có khai báo DOCTYPE; chỉ mở khi tin người gửi.",
)
_EMBEDDED = Finding(
    code="FILE_ACTIVE_CONTENT",
    severity=Severity.WARNING,
    message="Tệp RTF có đối tượng nhúng bên trong; chỉ mở khi tin người gửi.",
)
