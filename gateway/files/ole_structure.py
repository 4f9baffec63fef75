"""The structural look at OLE compound files (.doc, .xls, .ppt): macro storages and encrypted packages.

Reads no stream: the directory's entries are 128 bytes, aligned, with the name in UTF-16 at the front and its
length at byte 64 ([MS-CFB] 2.6.1), so that names are found without following a possibly damaged FAT.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...edxml.findings import Finding, Severity
from .durable import WINDOW

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = 128  # bytes
_NAME_LENGTH_AT = 64

MACRO = Finding(
    code="FILE_MACRO",
    severity=Severity.ERROR,
    message="Tệp chứa macro; hãy lưu lại thành tệp không có macro rồi gửi.",
    rule="NA-20.2",
)
ENCRYPTED = Finding(
    code="FILE_ENCRYPTED",
    severity=Severity.ERROR,
    message="Tệp bị đặt mật khẩu nên bên nhận không kiểm tra, không lưu trữ được.",
)

_TELLING = {
    "Macros": MACRO,
    "_VBA_PROJECT_CUR": MACRO,
    "_VBA_PROJECT": MACRO,
    "EncryptedPackage": ENCRYPTED,
    "EncryptionInfo": ENCRYPTED,
}
_ENTRY_NAMES = {(name + "\0").encode("utf-16-le"): finding for name, finding in _TELLING.items()}


def look_at_ole(path: Path) -> tuple[Finding, ...]:
    """FILE_MACRO and FILE_ENCRYPTED, each at most once."""
    found: dict[Finding, None] = {}
    with path.open("rb") as file:
        while window := file.read(WINDOW):  # a multiple of an entry: no entry is cut
            for name, finding in _ENTRY_NAMES.items():
                if _has_entry(window, name):
                    found[finding] = None
    return tuple(found)


def _has_entry(window: bytes, name: bytes) -> bool:
    at = window.find(name)
    while at != -1:
        length = window[at + _NAME_LENGTH_AT : at + _NAME_LENGTH_AT + 2]
        if at % ENTRY == 0 and int.from_bytes(length, "little") == len(name):
            return True
        at = window.find(name, at + 1)
    return False
