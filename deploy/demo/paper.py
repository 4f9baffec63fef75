"""Paper of a Vietnamese administrative document: fonts, margins, columns, boxes.

Source: Nghị định 30/2020/NĐ-CP Phụ lục I Phần I (A4; margins 20-25, 30-35, 15-20 mm; Times New Roman, for
which Liberation Serif stands with the same widths). Lengths are PDF points, origin at the lower left corner.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.enums import TA_CENTER, TA_JUSTIFY, TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

FONTS = Path(__file__).resolve().parents[2] / "signing" / "fonts"
REGULAR, BOLD, ITALIC, BOLD_ITALIC = "Serif", "Serif-Bold", "Serif-Italic", "Serif-BoldItalic"

WIDTH, HEIGHT = A4
_ARTICLE = re.compile(r"Điều \d+\.")
LEFT, RIGHT, TOP, BOTTOM = 30 * mm, 15 * mm, 20 * mm, 20 * mm
FRAME = WIDTH - LEFT - RIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle on one page; ``page`` counts from 0."""

    page: int
    x1: float
    y1: float
    x2: float
    y2: float


def body_style(size: float = 14, *, face: str = REGULAR) -> ParagraphStyle:
    """Justified, first line 1.27 cm in, 6 pt between paragraphs, single lines (Phần I mục II.6.e)."""
    return ParagraphStyle(
        "body",
        fontName=face,
        fontSize=size,
        leading=size * 1.2,
        alignment=TA_JUSTIFY,
        firstLineIndent=12.7 * mm,
        spaceAfter=6,
    )


def paragraph(text: str, style: ParagraphStyle) -> Any:
    """Text, never markup, in NFC; a line feed breaks the line."""
    return Paragraph(_marked(text), style)


def article(text: str, style: ParagraphStyle, *, bold: str = BOLD) -> Any:
    """A paragraph of the text; "Điều 1." at its beginning is bold (Phần I mục II.6.đ)."""
    head = _ARTICLE.match(text)
    if head is None:
        return paragraph(text, style)
    return Paragraph(f'<font name="{bold}">{_marked(head.group())}</font>{_marked(text[head.end() :])}', style)


def _marked(text: str) -> str:
    return escape(unicodedata.normalize("NFC", text)).replace("\n", "<br/>")


class Sheet:
    """Pages being drawn from the top down; ``y`` is where the next thing goes."""

    def __init__(self, target: Path, *, title: str, author: str, plain: bool) -> None:
        load_fonts()
        self.plain = plain
        self.canvas = Canvas(
            str(target), pagesize=A4, pdfVersion=(1, 7), invariant=1, initialFontName=REGULAR, initialFontSize=13
        )
        self.canvas.setTitle(unicodedata.normalize("NFC", title))
        self.canvas.setAuthor(unicodedata.normalize("NFC", author))
        self.page = 0
        self.y = HEIGHT - TOP

    def face(self, font: str) -> str:
        """The font, or the regular one on a plain sheet."""
        return REGULAR if self.plain else font

    def text(self, text: str, font: str, size: float, *, centred: bool = True) -> Any:
        """A paragraph of one style, to be drawn in a column."""
        style = ParagraphStyle(
            "line",
            fontName=self.face(font),
            fontSize=size,
            leading=size * 1.2,
            alignment=TA_CENTER if centred else TA_LEFT,
        )
        return paragraph(text, style)

    def set_font(self, font: str, size: float) -> None:
        self.canvas.setFont(self.face(font), size)

    def room(self) -> float:
        return float(self.y - BOTTOM)

    def next_page(self) -> None:
        """The number stands in the middle of the top margin, not on page 1 (Phần I mục I.7)."""
        self.canvas.showPage()
        self.page += 1
        self.y = HEIGHT - TOP
        self.set_font(REGULAR, 13)
        self.canvas.drawCentredString(WIDTH / 2, HEIGHT - 13 * mm, str(self.page + 1))

    def draw(self, item: Any, *, x: float, y: float, width: float) -> float:
        """Draw a flowable with its top at ``y``; answer where it ends."""
        _, height = item.wrap(width, HEIGHT)
        item.drawOn(self.canvas, x, y - height)
        return float(y - height)

    def flow(self, item: Any, *, keep_below: float = 0) -> None:
        """Draw over the full width, breaking pages; ``keep_below`` points must stay free under it."""
        _, height = item.wrap(FRAME, HEIGHT)
        if height + keep_below <= self.room():
            self.y = self.draw(item, x=LEFT, y=self.y, width=FRAME)
        else:
            parts = [] if keep_below else item.split(FRAME, self.room())
            if len(parts) > 1:
                self.y = self.draw(parts[0], x=LEFT, y=self.y, width=FRAME)
            self.next_page()
            for part in parts[1:] or [item]:
                self.flow(part)
            return
        self.y -= item.getSpaceAfter()

    def rule(self, *, centre: float, y: float, length: float) -> None:
        self.canvas.setLineWidth(0.7)
        self.canvas.line(centre - length / 2, y, centre + length / 2, y)

    def finish(self) -> int:
        """Write the file; answer how many pages it has."""
        self.canvas.showPage()
        self.canvas.save()
        return self.page + 1


def load_fonts() -> None:
    """Make the four faces known to reportlab; doing it again changes nothing."""
    faces = {REGULAR: "Regular", BOLD: "Bold", ITALIC: "Italic", BOLD_ITALIC: "BoldItalic"}
    for name, face in faces.items():
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, FONTS / f"LiberationSerif-{face}.ttf"))


def text_width(text: str, font: str, size: float) -> float:
    return float(pdfmetrics.stringWidth(unicodedata.normalize("NFC", text), font, size))
