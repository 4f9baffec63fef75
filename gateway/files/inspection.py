"""Is a file what its name says, and may it travel? A quick answer from its first bytes, a full one from the file.

``quick_check`` runs during intake, before more than a few KB are stored. ``inspect_file`` runs in a worker
process with limits of time and memory, takes a path and gives JSON-able values (DESIGN decision 9). Source:
Nghệ An 08/2018/QĐ-UBND Điều 11, 20 (NA-11.2, NA-20.2); Nghị định 30/2020/NĐ-CP Phụ lục VI.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...edxml.findings import Finding, Severity
from .archive_structure import look_at_archive
from .formats import FORMATS, OLE_MAGIC, Family, Format, extension_of, format_of
from .names import check_name, normal_name
from .ole_structure import look_at_ole
from .pdf_structure import look_at_pdf
from .text_structure import look_at_image, look_at_rtf, look_at_text, look_at_xml

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = 4096  # first bytes that decide the quick check


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What the full inspection says about one file."""

    name: str  # NFC
    size: int  # bytes
    content_type: str  # MIME by extension, once the bytes agree; else application/octet-stream
    pages: int | None  # PDF only
    pdf_version: str | None
    findings: tuple[Finding, ...]

    @property
    def acceptable(self) -> bool:
        """No finding is an error; warnings are for the clerk to read."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Inspection:
        findings = tuple(
            Finding(code=row["code"], severity=Severity(row["severity"]), message=row["message"], rule=row["rule"])
            for row in values["findings"]
        )
        return cls(**{**values, "findings": findings})

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "size": self.size,
            "content_type": self.content_type,
            "pages": self.pages,
            "pdf_version": self.pdf_version,
            "findings": [
                {"code": row.code, "severity": row.severity.value, "message": row.message, "rule": row.rule}
                for row in self.findings
            ],
        }


def quick_check(
    name: str, first_bytes: bytes, *, main: bool = False, allowed: frozenset[str] | None = None
) -> tuple[Finding, ...]:
    """Judge name and first bytes (4 KB are plenty); no disk, no heavy library.

    ``main`` says that it is the main document, which must be a PDF; ``allowed`` narrows the extensions by the
    agency's policy.
    """
    faults = check_name(name)
    if faults:
        return faults
    form = format_of(name)
    if main and (form is None or form.family is not Family.PDF):
        return (_error("FILE_NOT_PDF", "Văn bản chính phải là tệp PDF.", "NĐ 30/2020/NĐ-CP Phụ lục I"),)
    if form is None or (allowed is not None and form.extension not in allowed):
        return (_not_allowed(name, allowed),)
    if not first_bytes:
        return (_error("FILE_EMPTY", "Tệp rỗng, không có nội dung."),)
    if _looks_like(form, first_bytes):
        return ()
    return (_error("FILE_TYPE_MISMATCH", f"Nội dung không phải tệp .{form.extension} như tên tệp."),)


def inspect_file(request: dict[str, Any]) -> dict[str, Any]:
    """Inspect the file at ``path`` under ``name``; ``main`` (bool) and ``allowed`` (list) as in quick_check.

    Answers ``Inspection.to_dict()``. A parser that fails on the file makes it FILE_BROKEN, never acceptable.
    """
    path, name = Path(request["path"]), normal_name(request["name"])
    allowed = request.get("allowed")
    with path.open("rb") as file:
        head = file.read(HEAD)
    findings = quick_check(
        name,
        head,
        main=bool(request.get("main")),
        allowed=None if allowed is None else frozenset(allowed),
    )
    form = format_of(name)
    pages, version = None, None
    if not findings and form is not None:
        findings, pages, version = _look_inside(path, form)
    known = form is not None and not any(row.code == "FILE_TYPE_MISMATCH" for row in findings)
    return Inspection(
        name=name,
        size=path.stat().st_size,
        content_type=form.content_type if form is not None and known else "application/octet-stream",
        pages=pages,
        pdf_version=version,
        findings=tuple(_with_likeness(row, path) for row in findings),
    ).to_dict()


def _look_inside(path: Path, form: Format) -> tuple[tuple[Finding, ...], int | None, str | None]:
    try:
        if form.family is Family.PDF:
            structure = look_at_pdf(path)
            return structure.findings, structure.pages, structure.version
        return _LOOKS[form.family](path, form), None, None
    except Exception as error:  # noqa: BLE001 - the guard around third-party parsers (STYLE.md habit 18)
        text = f"Không đọc được cấu trúc của tệp ({type(error).__name__})."
        return (_error("FILE_BROKEN", text),), None, None


def _looks_like(form: Format, head: bytes) -> bool:
    if form.family in (Family.TEXT, Family.XML):
        return not head.startswith(_NEVER_TEXT)
    if form.family is Family.OOXML and head.startswith(OLE_MAGIC):
        return True  # perhaps with a password: the full inspection tells which
    if form.family is Family.PDF:
        return head.lstrip(_BEFORE_PDF).startswith(form.magics)
    return head.startswith(form.magics)


def _with_likeness(finding: Finding, path: Path) -> Finding:
    """Say in a mismatch what the bytes are instead, where puremagic knows."""
    if finding.code != "FILE_TYPE_MISMATCH":
        return finding
    import puremagic

    try:
        with path.open("rb") as file:
            guesses = puremagic.magic_string(file.read(HEAD))
    except (puremagic.PureError, ValueError):
        return finding
    likely = next((guess.name for guess in guesses if guess.name), "")
    message = f"{finding.message} Nội dung giống: {likely}." if likely else finding.message
    return Finding(code=finding.code, severity=finding.severity, message=message, rule=finding.rule)


def _not_allowed(name: str, allowed: frozenset[str] | None) -> Finding:
    shown = extension_of(name) or "không có đuôi"
    taken = ", ".join(sorted(FORMATS if allowed is None else allowed))
    return _error("FILE_FORMAT_NOT_ALLOWED", f"Loại tệp “{shown}” không được nhận. Các loại được nhận: {taken}.")


def _error(code: str, message: str, rule: str | None = None) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, message=message, rule=rule)


_BEFORE_PDF = b"\xef\xbb\xbf\r\n\t \x00"  # written before the header by some scanners; readers accept it
_NEVER_TEXT = (b"MZ", b"\x7fELF", b"PK\x03\x04", b"%PDF-", OLE_MAGIC, b"#!", b"\x89PNG", b"\xff\xd8\xff", b"Rar!")

_LOOKS: dict[Family, Callable[[Path, Format], tuple[Finding, ...]]] = {
    Family.OOXML: look_at_archive,
    Family.OPENDOCUMENT: look_at_archive,
    Family.ZIP: look_at_archive,
    Family.OLE: lambda path, _form: look_at_ole(path),
    Family.IMAGE: look_at_image,
    Family.TEXT: look_at_text,
    Family.XML: look_at_xml,
    Family.RTF: look_at_rtf,
}
