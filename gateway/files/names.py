"""File names as people give them: normalised once, refused when they could mislead a reader or a file system."""

from __future__ import annotations

import unicodedata

from ...edxml.findings import Finding, Severity

MAX_BYTES = 255  # of a name in UTF-8, the limit of common file systems

# Control, format (bidi overrides, zero width), surrogate, line and paragraph separators.
_FORBIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def normal_name(name: str) -> str:
    """The name in NFC, as it is kept and shown (NA-11.1.b: TCVN 6909:2001)."""
    return unicodedata.normalize("NFC", name)


def check_name(name: str) -> tuple[Finding, ...]:
    """FILE_NAME, once for each fault of the name."""
    faults = []
    if not name.strip() or name.strip(". ") == "":
        faults.append("Tệp không có tên.")
    if any(mark in name for mark in "/\\"):
        faults.append("Tên tệp không được chứa đường dẫn (dấu / hoặc \\).")
    if any(unicodedata.category(letter) in _FORBIDDEN for letter in name):
        faults.append("Tên tệp chứa ký tự điều khiển hoặc ký tự đảo chiều không nhìn thấy được.")
    if len(normal_name(name).encode("utf-8", "surrogatepass")) > MAX_BYTES:
        faults.append(f"Tên tệp dài quá {MAX_BYTES} byte.")
    if name != name.strip() or name.endswith("."):
        faults.append("Tên tệp không được bắt đầu hoặc kết thúc bằng khoảng trắng hay dấu chấm.")
    return tuple(Finding(code="FILE_NAME", severity=Severity.ERROR, message=fault) for fault in dict.fromkeys(faults))
