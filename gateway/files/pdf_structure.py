"""The structural look at a PDF with pikepdf: encryption, pages, active content. Runs in a worker process.

Knows nothing of signatures (signing/verification does). Source: signatures.md 2.1 (unencrypted, no JavaScript,
no XFA), platform.md 13.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...edxml.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_OBJECTS = 500_000
MAX_DEPTH = 60  # of direct objects inside one another

# Value of /S (action), /Subtype (annotation) or /Type -> what a clerk reads.
_ACTIVE = {
    "/JavaScript": "mã JavaScript",
    "/Launch": "lệnh mở chương trình",
    "/ImportData": "lệnh nạp dữ liệu",
    "/SubmitForm": "lệnh gửi biểu mẫu ra ngoài",
    "/RichMedia": "nội dung đa phương tiện",
    "/Movie": "phim",
    "/Screen": "nội dung đa phương tiện",
    "/FileAttachment": "tệp đính kèm bên trong PDF",
    "/EmbeddedFile": "tệp đính kèm bên trong PDF",
}
_ACTIVE_KEYS = {"/JS": "mã JavaScript", "/XFA": "biểu mẫu XFA", "/EmbeddedFiles": "tệp đính kèm bên trong PDF"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfStructure:
    pages: int | None
    version: str | None
    findings: tuple[Finding, ...]


def look_at_pdf(path: Path) -> PdfStructure:
    """Open the file and say what is in it; unreadable and encrypted files are findings."""
    import pikepdf

    try:
        pdf = pikepdf.open(path)
    except pikepdf.PasswordError:
        return PdfStructure(pages=None, version=None, findings=(_ENCRYPTED,))
    except pikepdf.PdfError:
        return PdfStructure(pages=None, version=None, findings=(_broken("Tệp PDF hỏng, không mở được."),))
    with pdf:
        return PdfStructure(pages=len(pdf.pages), version=pdf.pdf_version, findings=tuple(_findings(pdf, pikepdf)))


def _findings(pdf: Any, pikepdf: Any) -> Iterator[Finding]:
    if pdf.is_encrypted:
        yield _ENCRYPTED
    if not len(pdf.pages):
        yield _broken("Tệp PDF không có trang nào.")
    if len(pdf.objects) > MAX_OBJECTS:
        yield _broken(f"Tệp PDF có quá {MAX_OBJECTS} đối tượng, không kiểm tra được.")
        return
    seen: set[str] = set()
    for found in pdf.objects:
        _collect_active(found, pikepdf, seen, MAX_DEPTH)
    for what in sorted(seen):
        yield Finding(
            code="FILE_ACTIVE_CONTENT",
            severity=Severity.WARNING,
            message=f"Tệp PDF chứa {what}; chỉ mở khi tin người gửi.",
            rule="signatures.md 2.1",
        )


def _collect_active(value: Any, pikepdf: Any, seen: set[str], depth: int) -> None:
    if isinstance(value, pikepdf.Array):
        children = list(value)
    elif isinstance(value, pikepdf.Dictionary | pikepdf.Stream):
        entries = dict(value.items())
        seen.update(text for key, text in _ACTIVE_KEYS.items() if key in entries)
        for key in ("/S", "/Subtype", "/Type"):
            if isinstance(entries.get(key), pikepdf.Name) and str(entries[key]) in _ACTIVE:
                seen.add(_ACTIVE[str(entries[key])])
        children = list(entries.values())
    else:
        return
    for child in children:
        # Indirect objects come by themselves; only what is written inside this one is followed.
        if depth and isinstance(child, pikepdf.Object) and not child.is_indirect:
            _collect_active(child, pikepdf, seen, depth - 1)


def _broken(message: str) -> Finding:
    return Finding(code="FILE_BROKEN", severity=Severity.ERROR, message=message)


_ENCRYPTED = Finding(
    code="FILE_ENCRYPTED",
    severity=Severity.ERROR,
    message="Tệp PDF bị mã hóa hoặc đặt mật khẩu nên bên nhận không kiểm tra, không lưu trữ được.",
    rule="signatures.md 2.1",
)
