"""Signature fields drawn as a reader shows them, one by one or together, over grey paper. Adapter of pdfium.

The page's own content is not drawn: only what signatures show is looked at, which costs little. Grey paper tells an
opaque white picture from a transparent one. Runs in a worker process: pdfium is a large C++ library.
"""

from __future__ import annotations

import ctypes
import math
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pypdfium2
from PIL import Image
from pypdfium2 import raw

from .stamps import Box

PAPER: Final = (190, 190, 190)
DPI: Final = 96.0  # a quarter of a millimetre
MOST_PIXELS: Final = 2_000_000
LONGEST: Final = 4000  # pixels of a side
MOST_LETTERS: Final = 20_000
SIGNATURE: Final = raw.FPDF_FORMFIELD_SIGNATURE
WIDGET: Final = raw.FPDF_ANNOT_WIDGET


@dataclass(frozen=True, slots=True, kw_only=True)
class Letters:
    """Text that a box shows. ``sizes`` in points as shown, rounded to tenths; ``inks`` as (red, green, blue)."""

    text: str
    sizes: frozenset[float]
    inks: frozenset[tuple[int, int, int]]


class RenderedFile:
    """Use as ``with``. Raises pypdfium2.PdfiumError for what pdfium cannot read."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = pypdfium2.PdfDocument(Path(path))
        self._file.init_forms()
        self._pages: dict[int, Any] = {}
        self._texts: dict[int, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def draw(self, page: int, fields: Collection[str], region: Box) -> Image.Image:
        """Only these signature fields, as far as they are inside ``region`` (points)."""
        shown = self._page(page)
        self._hide_all_but(shown, fields)
        scale = pixels_per_point(region)
        width, height = (max(1, round(side * scale)) for side in (region[2] - region[0], region[3] - region[1]))
        # With an alpha channel: without one pdfium smooths letters in colours, for screens.
        bitmap = pypdfium2.PdfBitmap.new_native(width, height, raw.FPDFBitmap_BGRA, rev_byteorder=True)
        bitmap.fill_rect((*PAPER, 255), 0, 0, width, height)
        left, _, _, top = shown.get_cropbox()
        whole = (round(shown.get_width() * scale), round(shown.get_height() * scale))
        start = (round((left - region[0]) * scale), round((region[3] - top) * scale))
        raw.FPDF_FFLDraw(
            self._file.formenv, bitmap, shown, *start, *whole, 0, raw.FPDF_ANNOT | raw.FPDF_REVERSE_BYTE_ORDER
        )
        picture: Image.Image = bitmap.to_pil().convert("RGB")
        return picture

    def letters(self, page: int, box: Box) -> Letters:
        """What is written inside the box, signatures included."""
        with_fields = pypdfium2.PdfDocument(Path(self._path))
        try:
            shown = with_fields[page]
            raw.FPDFPage_Flatten(shown, raw.FLAT_NORMALDISPLAY)
            return _letters(with_fields[page].get_textpage(), box)
        finally:
            with_fields.close()

    def words(self, page: int, box: Box | None = None) -> str:
        """What the page itself says, in the box or everywhere; fields not included. In NFC, lines parted."""
        if page not in self._texts:
            self._texts[page] = self._page(page).get_textpage()
        text = self._texts[page]
        said = text.get_text_bounded(*box) if box else text.get_text_range(0, min(text.count_chars(), MOST_LETTERS))
        return unicodedata.normalize("NFC", said).replace("\r\n", "\n")

    def _page(self, number: int) -> Any:
        if number not in self._pages:
            self._pages[number] = self._file[number]
            self._pages[number].set_rotation(0)  # boxes are those of the page as it is written
        return self._pages[number]

    def _hide_all_but(self, page: Any, fields: Collection[str]) -> None:
        for index in range(raw.FPDFPage_GetAnnotCount(page)):
            annotation = raw.FPDFPage_GetAnnot(page, index)
            if not annotation:
                continue
            flags = raw.FPDFAnnot_GetFlags(annotation) & ~raw.FPDF_ANNOT_FLAG_HIDDEN
            wanted = raw.FPDFAnnot_GetSubtype(annotation) == WIDGET and self._name(annotation) in fields
            raw.FPDFAnnot_SetFlags(annotation, flags if wanted else flags | raw.FPDF_ANNOT_FLAG_HIDDEN)
            raw.FPDFPage_CloseAnnot(annotation)

    def _name(self, annotation: Any) -> str:
        form = self._file.formenv
        if raw.FPDFAnnot_GetFormFieldType(form, annotation) != SIGNATURE:
            return ""
        size = raw.FPDFAnnot_GetFormFieldName(form, annotation, None, 0)
        buffer = ctypes.create_string_buffer(size)
        raw.FPDFAnnot_GetFormFieldName(form, annotation, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), size)
        return buffer.raw.decode("utf-16-le", "replace").rstrip("\0")


def pixels_per_point(region: Box) -> float:
    """96 dpi, less for a region of many pixels."""
    width, height = (max(1.0, side) for side in (region[2] - region[0], region[3] - region[1]))
    return min(DPI / 72, math.sqrt(MOST_PIXELS / (width * height)), LONGEST / max(width, height))


def _letters(page: Any, box: Box) -> Letters:
    sizes, inks = set(), set()
    for index in range(min(page.count_chars(), MOST_LETTERS)):
        left, bottom, right, top = page.get_charbox(index)
        if not (box[0] <= (left + right) / 2 <= box[2] and box[1] <= (bottom + top) / 2 <= box[3]) or right <= left:
            continue
        matrix = raw.FS_MATRIX()
        raw.FPDFText_GetMatrix(page, index, matrix)
        sizes.add(round(raw.FPDFText_GetFontSize(page, index) * math.hypot(matrix.c, matrix.d), 1))
        inks.add(_ink(page, index))
    return Letters(text=page.get_text_bounded(*box), sizes=frozenset(sizes), inks=frozenset(inks))


def _ink(page: Any, index: int) -> tuple[int, int, int]:
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    raw.FPDFText_GetFillColor(page, index, red, green, blue, alpha)
    return red.value, green.value, blue.value
