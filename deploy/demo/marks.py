"""Marks in a single frame: how urgent a document is, and who may read it on.

Source: Nghị định 30/2020/NĐ-CP Phụ lục I Phần I mục III.2.
"""

from __future__ import annotations

from reportlab.lib.units import mm

from .paper import BOLD, Sheet, text_width

FRAME_HEIGHT = 8 * mm
URGENCY_WIDTHS = {"HỎA TỐC": 30 * mm, "HOẢ TỐC": 30 * mm, "THƯỢNG KHẨN": 40 * mm, "KHẨN": 20 * mm}  # mục III.2.b
BRIGHT_RED = (0.85, 0.0, 0.0)
BLACK = (0.0, 0.0, 0.0)
_CAPITALS = 0.66  # height of a capital, of the type size


def draw_urgency(sheet: Sheet, text: str, *, centre: float, top: float) -> float:
    """Ô 10b, bright red; answer its lower edge. Raises KeyError for a word that is no độ khẩn."""
    return draw_frame(sheet, text, centre=centre, top=top, width=URGENCY_WIDTHS[text], ink=BRIGHT_RED)


def draw_frame(
    sheet: Sheet,
    text: str,
    *,
    centre: float,
    top: float,
    width: float | None = None,
    ink: tuple[float, float, float] = BLACK,
) -> float:
    """Capitals, Times 13 bold, balanced in a rectangle of one line; answer its lower edge."""
    wide = width or text_width(text, BOLD, 13) + 6 * mm
    sheet.canvas.saveState()
    sheet.canvas.setStrokeColorRGB(*ink)
    sheet.canvas.setFillColorRGB(*ink)
    sheet.canvas.setLineWidth(0.7)
    sheet.canvas.rect(centre - wide / 2, top - FRAME_HEIGHT, wide, FRAME_HEIGHT)
    sheet.set_font(BOLD, 13)
    sheet.canvas.drawCentredString(centre, top - (FRAME_HEIGHT + 13 * _CAPITALS) / 2, text)
    sheet.canvas.restoreState()
    return float(top - FRAME_HEIGHT)
