"""The paper of the delivery certificate: fonts, texts, tables, and drawing them one under the other."""

from __future__ import annotations

import unicodedata
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import getRegisteredFontNames, registerFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, Table, TableStyle

from ...signing.stamps import FONTS

MARGIN: Final = 18 * mm
WIDTH: Final = A4[0] - 2 * MARGIN
ROOM: Final = A4[1] - 2 * MARGIN - 12 * mm  # less the foot
LONGEST: Final = 240  # letters of a text that strangers wrote

REGULAR: Final = "LiberationSerif"
BOLD: Final = "LiberationSerif-Bold"
ITALIC: Final = "LiberationSerif-Italic"
_FACES: Final = {REGULAR: "Regular", BOLD: "Bold", ITALIC: "Italic"}
_LINE: Final = colors.HexColor("#777777")
_SHADE: Final = colors.HexColor("#eeeeee")


def load_fonts() -> None:
    for name, face in _FACES.items():
        if name not in getRegisteredFontNames():
            registerFont(TTFont(name, FONTS / f"LiberationSerif-{face}.ttf"))


def clean(words: str, *, limit: int = LONGEST) -> str:
    """NFC, one line, of bounded length."""
    line = " ".join(unicodedata.normalize("NFC", words).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def text(
    words: str,
    *,
    font: str = REGULAR,
    size: float = 9.5,
    centred: bool = False,
    colour: str = "#000000",
    after: float = 0,
    limit: int = LONGEST,
) -> Paragraph:
    leading = size * 1.18
    style = ParagraphStyle("text", fontName=font, fontSize=size, leading=leading, textColor=colour, spaceAfter=after)
    style.splitLongWords = 1
    if centred:
        style.alignment = TA_CENTER
    return Paragraph(escape(clean(words, limit=limit)), style)


def heading(words: str) -> Paragraph:
    paragraph = text(words, font=BOLD, size=11, after=3)
    paragraph.style.spaceBefore = 9
    return paragraph


def head_cells(*names: str) -> list[Any]:
    return [text(name, font=BOLD, centred=True) for name in names]


def table(cells: list[list[Any]], *, widths: tuple[float, ...], head: bool = True, cut: bool = False) -> Table:
    rules: list[tuple[Any, ...]] = [
        ("FONTNAME", (0, 0), (-1, -1), REGULAR),
        ("GRID", (0, 0), (-1, -1), 0.4, _LINE),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
    if head:
        rules.append(("BACKGROUND", (0, 0), (-1, 0), _SHADE))
    if cut:
        rules.append(("SPAN", (0, -1), (-1, -1)))
    return Table(cells, colWidths=[WIDTH * part for part in widths], style=TableStyle(rules))


def height_of(parts: list[Any]) -> float:
    return float(sum(part.wrap(WIDTH, ROOM)[1] + part.getSpaceBefore() + part.getSpaceAfter() for part in parts))


def draw(canvas: Canvas, parts: list[Any]) -> None:
    y = A4[1] - MARGIN
    for part in parts:
        y -= part.getSpaceBefore() + part.wrap(WIDTH, ROOM)[1]
        part.drawOn(canvas, MARGIN, y)
        y -= part.getSpaceAfter()
