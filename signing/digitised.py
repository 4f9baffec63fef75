"""Is a PDF what the law calls a digitised document? Version, colour, resolution, scale, paper: a code for each fault.

Adapter of pikepdf; reads where images are drawn and decodes none of them. Files of strangers are read in a worker
process (``digitised_job``). Source: Nghị định 30/2020/NĐ-CP, Phụ lục I, Phần II, I.2; requirements.md ST-8.2.b (1).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pikepdf

from .drawn_images import DrawnImage, images_of, page_size_mm
from .errors import SigningError
from .remarks import remark
from .report import Warning  # noqa: A004 - the report's own word

A4: Final = (210.0, 297.0)
PAPERS: Final = (A4,)  # Phần I, I.1: the paper of administrative documents
LEAST_VERSION: Final = (1, 4)
LEAST_DPI: Final = 200
ROUNDING: Final = 0.99  # a scanner's pixels and points are whole numbers
SIZE_TOLERANCE: Final = 5.0  # mm a scanner may crop
COVERED: Final = 0.97  # of the page's width and height by the image, at 100 %
MAX_PAGES: Final = 2000
SIGNED_MARK: Final = b"/ByteRange"


def check_digitised(path: str | Path, *, papers: Sequence[tuple[float, float]] = PAPERS) -> tuple[Warning, ...]:
    """What keeps the file from being a digitised document; empty when nothing does. Pages count from 1.

    Codes: SIG_SCAN_PDF_VERSION, SIG_SCAN_NOT_COLOUR, SIG_SCAN_RESOLUTION, SIG_SCAN_SCALE, SIG_SCAN_PAGE_SIZE,
    SIG_SCAN_NO_IMAGE, SIG_SCAN_TOO_LONG, SIG_SCAN_UNREADABLE.
    """
    try:
        with pikepdf.open(path) as pdf:
            return (*_version(pdf), *_pages(pdf, papers))
    except (pikepdf.PdfError, pikepdf.PasswordError, OSError, ValueError, TypeError, KeyError) as cause:
        return (remark("SIG_SCAN_UNREADABLE", type(cause).__name__),)


def written_anew(content: bytes) -> bytes:
    """The same pages in plain syntax, whatever the scanner made of it. Raises SigningError SIG_SCAN_UNREADABLE."""
    written = io.BytesIO()
    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            pdf.save(written, deterministic_id=True)
    except (pikepdf.PdfError, pikepdf.PasswordError, ValueError) as cause:
        detail = type(cause).__name__
        raise SigningError("SIG_SCAN_UNREADABLE", remark("SIG_SCAN_UNREADABLE", detail).message) from cause
    return written.getvalue()


def digitised_job(value: dict[str, Any]) -> dict[str, Any]:
    """The check as a job of the worker: ``path`` in, ``faults`` out."""
    faults = check_digitised(value["path"])
    return {"faults": [{"code": fault.code, "message": fault.message} for fault in faults]}


def _version(pdf: pikepdf.Pdf) -> tuple[Warning, ...]:
    """The catalogue's version counts when it is later than the header's (ISO 32000-1, 7.2.2)."""
    written = [pdf.pdf_version, str(pdf.Root.get("/Version", "/0.0")).removeprefix("/")]
    version = max(tuple(int(part) for part in text.split(".")) for text in written)
    return () if version >= LEAST_VERSION else (remark("SIG_SCAN_PDF_VERSION", pdf.pdf_version),)


def _pages(pdf: pikepdf.Pdf, papers: Sequence[tuple[float, float]]) -> tuple[Warning, ...]:
    if len(pdf.pages) > MAX_PAGES:
        return (remark("SIG_SCAN_TOO_LONG", str(len(pdf.pages))),)
    found: dict[str, list[str]] = {}
    for number, page in enumerate(pdf.pages, start=1):
        for code, detail in _page_faults(page, papers):
            found.setdefault(code, []).append(f"trang {number}{detail}")
    return tuple(remark(code, _listed(places)) for code, places in found.items())


def _page_faults(page: pikepdf.Page, papers: Sequence[tuple[float, float]]) -> list[tuple[str, str]]:
    faults = []
    width, height = page_size_mm(page)
    if not any(_same_paper((width, height), paper) for paper in papers):
        faults.append(("SIG_SCAN_PAGE_SIZE", f": {width:.0f} × {height:.0f} mm"))
    images = images_of(page)
    if not images:
        return [*faults, ("SIG_SCAN_NO_IMAGE", "")]
    if not any(image.coloured for image in images):
        faults.append(("SIG_SCAN_NOT_COLOUR", ""))
    dpi = max(image.dpi for image in images if image.area >= max(one.area for one in images) / 2)
    if dpi < LEAST_DPI * ROUNDING:
        faults.append(("SIG_SCAN_RESOLUTION", f": {dpi:.0f} dpi"))
    across, along = _coverage(images, page)
    if min(across, along) < COVERED:
        faults.append(("SIG_SCAN_SCALE", f": {min(across, along):.0%} khổ giấy"))
    return faults


def _same_paper(size: tuple[float, float], paper: tuple[float, float]) -> bool:
    """Upright or lying."""
    return any(
        abs(size[0] - w) <= SIZE_TOLERANCE and abs(size[1] - h) <= SIZE_TOLERANCE for w, h in (paper, paper[::-1])
    )


def _coverage(images: Sequence[DrawnImage], page: pikepdf.Page) -> tuple[float, float]:
    """Parts of the page's width and height that the images together reach over; a scanner may cut into strips."""
    left, bottom, right, top = (float(n) for n in page.cropbox)
    x0 = max(left, min(image.box[0] for image in images))
    y0 = max(bottom, min(image.box[1] for image in images))
    x1 = min(right, max(image.box[2] for image in images))
    y1 = min(top, max(image.box[3] for image in images))
    return (x1 - x0) / (right - left), (y1 - y0) / (top - bottom)


def _listed(places: list[str]) -> str:
    shown = "; ".join(places[:5])
    return f"{shown} và {len(places) - 5} trang khác" if len(places) > 5 else shown
