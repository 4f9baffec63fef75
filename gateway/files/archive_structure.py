"""The structural look at ZIP based files: bounds, macros, passwords. Runs in a worker process.

Reads the directory of an archive and the first bytes of its entries; nothing is unpacked to disk.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ...edxml.findings import Finding, Severity
from .formats import OLE_MAGIC, Family, Format, extension_of, format_of
from .ole_structure import ENCRYPTED, MACRO, look_at_ole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_ENTRIES = 10_000
MAX_UNPACKED = 2 << 30  # bytes over all entries
MAX_RATIO = 200  # unpacked to packed, looked at from FREE_UNPACKED on
FREE_UNPACKED = 16 << 20
MAX_PART = 4 << 20  # bytes read of a directory part such as [Content_Types].xml
HEAD = 512  # bytes read of each entry of a .zip

_PARSER_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, KeyError)


def look_at_archive(path: Path, form: Format) -> tuple[Finding, ...]:
    """Bounds first, then what the family forbids; unreadable archives are findings."""
    with path.open("rb") as file:
        if file.read(len(OLE_MAGIC)) == OLE_MAGIC:
            # A .docx with a password is an OLE file around the encrypted package ([MS-OFFCRYPTO] 2.3.4).
            return look_at_ole(path) or (_error("FILE_TYPE_MISMATCH", _OLD_OFFICE),)
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(_bounds(archive)) or tuple(_FAMILIES[form.family](archive, form))
    except _PARSER_ERRORS:
        return (_error("FILE_BROKEN", "Tệp nén hoặc tệp văn phòng hỏng, không mở được."),)


def _bounds(archive: zipfile.ZipFile) -> Iterator[Finding]:
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if any(entry.flag_bits & 0x1 for entry in entries):
        yield ENCRYPTED
    if len(entries) > MAX_ENTRIES:
        yield _error("FILE_ARCHIVE_LIMITS", f"Tệp nén có quá {MAX_ENTRIES} mục.")
    if unpacked > MAX_UNPACKED or (unpacked > FREE_UNPACKED and unpacked > MAX_RATIO * max(packed, 1)):
        yield _error("FILE_ARCHIVE_LIMITS", "Tệp nén bung ra quá lớn so với kích thước của nó (nghi bom nén).")
    if any(_escapes(entry.filename) for entry in entries):
        yield _error("FILE_NAME", "Tệp nén chứa đường dẫn trỏ ra ngoài thư mục của nó.")


def _escapes(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or (len(name) > 1 and name[1] == ":")


def _look_at_office(archive: zipfile.ZipFile, form: Format) -> Iterator[Finding]:
    names = archive.namelist()
    if "[Content_Types].xml" not in names or not any(name.startswith(form.marker) for name in names):
        yield _error("FILE_TYPE_MISMATCH", f"Nội dung không phải tệp .{form.extension} như tên tệp.")
        return
    types = _read_part(archive, "[Content_Types].xml").lower()
    if any(word in types for word in (b"macroenabled", b"vbaproject", b"macrosheet")) or any(
        "vbaproject" in name.lower() or "/macrosheets/" in name.lower() for name in names
    ):
        yield MACRO
    if any("/activex/" in name.lower() or "/embeddings/" in name.lower() for name in names):
        yield _warning("Tệp văn phòng có đối tượng nhúng bên trong; chỉ mở khi tin người gửi.")


def _look_at_opendocument(archive: zipfile.ZipFile, form: Format) -> Iterator[Finding]:
    names = archive.namelist()
    if "mimetype" not in names or _read_part(archive, "mimetype").strip() != form.marker.encode():
        yield _error("FILE_TYPE_MISMATCH", f"Nội dung không phải tệp .{form.extension} như tên tệp.")
        return
    if "META-INF/manifest.xml" in names and b"encryption-data" in _read_part(archive, "META-INF/manifest.xml"):
        yield ENCRYPTED
    # "Basic/script-lc.xml" lists libraries even when they are empty; a module is a further file.
    if any(name.startswith("Scripts/") or _is_basic_module(name) for name in names):
        yield MACRO


def _is_basic_module(name: str) -> bool:
    return name.startswith("Basic/") and not name.endswith(("/", "-lc.xml", "-lb.xml"))


def _look_at_zip(archive: zipfile.ZipFile, _form: Format) -> Iterator[Finding]:
    """Every entry obeys the allow-list by name and first bytes; archives inside archives are refused."""
    for entry in archive.infolist():
        if entry.is_dir():
            continue
        form = format_of(entry.filename)
        if form is None or form.family is Family.ZIP:
            shown = extension_of(entry.filename) or "không có đuôi"
            yield _error("FILE_FORMAT_NOT_ALLOWED", f"Tệp nén chứa loại tệp không được nhận: {shown}.")
            return
        with archive.open(entry) as file:
            head = file.read(HEAD)
        if form.magics and not head.startswith(form.magics):
            yield _error("FILE_TYPE_MISMATCH", f"Trong tệp nén, một tệp không phải .{form.extension} như tên nó.")
            return


def _read_part(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as part:
        return part.read(MAX_PART)


def _error(code: str, message: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, message=message)


def _warning(message: str) -> Finding:
    return Finding(code="FILE_ACTIVE_CONTENT", severity=Severity.WARNING, message=message)


_OLD_OFFICE = "Nội dung là tệp Office kiểu cũ, không phải kiểu mà tên tệp nói."

_FAMILIES = {
    Family.OOXML: _look_at_office,
    Family.OPENDOCUMENT: _look_at_opendocument,
    Family.ZIP: _look_at_zip,
}
