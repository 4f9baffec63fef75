"""Measures a finished PDF as it is shown: words with their place, size, face and ink, and ruled lines. In mm."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path

import pypdfium2
from pypdfium2 import raw

MM = 72 / 25.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One run of text on one line. ``top`` and ``base`` are distances from the upper edge of the page."""

    page: int
    left: float
    right: float
    top: float  # of its ink
    base: float  # of the line it stands on
    size: float  # points
    face: str
    ink: tuple[int, int, int]

    @property
    def centre(self) -> float:
        return (self.left + self.right) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """A ruled line or a frame."""

    page: int
    left: float
    right: float
    top: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def centre(self) -> float:
        return (self.left + self.right) / 2


class Measured:
    """A PDF that was drawn; every length is mm from the left or the upper edge."""

    def __init__(self, path: Path) -> None:
        self._document = pypdfium2.PdfDocument(path)
        self._pages = [self._document[number] for number in range(len(self._document))]
        self._texts = [page.get_textpage() for page in self._pages]
        self._flat: set[int] = set()

    @property
    def sizes(self) -> list[tuple[float, float]]:
        return [(page.get_width() / MM, page.get_height() / MM) for page in self._pages]

    def text(self, page: int) -> str:
        return str(self._texts[page].get_text_range())

    def find(self, words: str, *, page: int = 0, nth: int = 0, flat: bool = False) -> Words:
        """Where these words stand, the ``nth`` time; they stand on one line. ``flat``: filled fields are read too."""
        if flat and page not in self._flat:
            raw.FPDFPage_Flatten(self._pages[page], raw.FLAT_NORMALDISPLAY)
            self._pages[page] = self._document[page]
            self._texts[page] = self._pages[page].get_textpage()
            self._flat.add(page)
        searcher = self._texts[page].search(words, match_case=True)
        found = [searcher.get_next() for _ in range(nth + 1)][-1]
        assert found is not None, f"“{words}” is not on page {page + 1}"
        start, count = found
        return self._run(page, start, start + count - 1)

    def lines(self, page: int = 0) -> list[Words]:
        """All lines of text from the top down."""
        lines, start, count = [], 0, self._texts[page].count_chars()
        whole = self._texts[page].get_text_range()
        for index in range(count + 1):
            if index == count or whole[index] in "\r\n":
                if whole[start:index].strip():
                    lines.append(self._run(page, start, index - 1))
                start = index + 1
        return sorted(lines, key=lambda line: line.base)

    def strokes(self, page: int = 0) -> list[Stroke]:
        height = self._pages[page].get_height()
        found = []
        for drawn in self._pages[page].get_objects(filter=[raw.FPDF_PAGEOBJ_PATH]):
            left, bottom, right, top = drawn.get_bounds()
            found.append(
                Stroke(
                    page=page, left=left / MM, right=right / MM, top=(height - top) / MM, bottom=(height - bottom) / MM
                )
            )
        return found

    def rule_below(self, words: Words, *, within: float = 4.0) -> Stroke:
        """The nearest line under these words, at most ``within`` mm below."""
        under = [
            stroke
            for stroke in self.strokes(words.page)
            if 0 < stroke.top - words.base < within and stroke.height < 1 and stroke.left < words.centre < stroke.right
        ]
        assert under, "there is no line under it"
        return min(under, key=lambda stroke: stroke.top)

    def frame_around(self, words: Words) -> Stroke:
        around = [
            stroke
            for stroke in self.strokes(words.page)
            if stroke.left < words.left < words.right < stroke.right and stroke.top < words.base < stroke.bottom
        ]
        assert len(around) == 1, "there is no single frame around it"
        return around[0]

    def _run(self, page: int, first: int, last: int) -> Words:
        text = self._texts[page]
        shown = [i for i in range(first, last + 1) if text.get_text_range(i, 1).strip()]
        boxes = [text.get_charbox(i) for i in shown]
        height = self._pages[page].get_height()
        return Words(
            page=page,
            left=min(box[0] for box in boxes) / MM,
            right=max(box[2] for box in boxes) / MM,
            top=(height - max(box[3] for box in boxes)) / MM,
            base=(height - _origin(text, shown[0])) / MM,
            size=round(raw.FPDFText_GetFontSize(text, shown[0]), 2),
            face=_face(text, shown[0]),
            ink=_ink(text, shown[0]),
        )


def _origin(text: pypdfium2.PdfTextPage, index: int) -> float:
    x, y = ctypes.c_double(), ctypes.c_double()
    assert raw.FPDFText_GetCharOrigin(text, index, x, y)
    return y.value


def _face(text: pypdfium2.PdfTextPage, index: int) -> str:
    buffer, flags = ctypes.create_string_buffer(200), ctypes.c_int()
    assert raw.FPDFText_GetFontInfo(text, index, buffer, 200, flags)
    return buffer.value.decode().partition("+")[2] or buffer.value.decode()


def _ink(text: pypdfium2.PdfTextPage, index: int) -> tuple[int, int, int]:
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    assert raw.FPDFText_GetFillColor(text, index, red, green, blue, alpha)
    return red.value, green.value, blue.value
