"""Pictures of signatures: blue handwriting, red seal, both transparent PNG; and lines of text as PDF.

Source: Nghị định 30/2020/NĐ-CP, Phụ lục I, Phần I, II.7.d, II.8.a, II.8.b (signatures.md 8).
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

FONTS: Final = Path(__file__).parent / "fonts"
UPRIGHT: Final = "LiberationSerif-Regular"  # the metrics of Times New Roman
SLANTED: Final = "LiberationSerif-Italic"
LEADING: Final = 1.2
HEADROOM: Final = 0.92  # of the type size over the line: Ẵ
BASELINE: Final = 4.0  # of a single line, above the lower edge of its box
WORDS_SIZE: Final = 8.0
WORDS_LEADING: Final = 1.25
WORDS_LEFT: Final = 25 * 72 / 25.4  # points that words reach out to the left of their seal
WORDS_UNDER: Final = 0.45  # of the seal's width that they may stand under
POINTS_PER_MM: Final = 72 / 25.4
SEAL_PIXELS: Final = 472  # 40 mm at 300 dpi
BLUE: Final = (20, 50, 170, 255)
RED: Final = (215, 25, 30, 235)
CLEAR: Final = (255, 255, 255, 0)

Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in PDF points


def seal_box(leader: Box, diameter_mm: float) -> Box:
    """Where the seal goes: over the left third of the leader's signature, centres on one line (II.8.a)."""
    size = diameter_mm * POINTS_PER_MM
    right = leader[0] + (leader[2] - leader[0]) / 3
    middle = (leader[1] + leader[3]) / 2
    return (right - size, middle - size / 2, right, middle + size / 2)


def box_with_words(seal: Box, lines: int) -> Box:
    """Profile TT01_2019: the seal stays where and as large as it is, at the upper right of a larger box (ST-4.2.đ).

    Words go to the lower left of it, because họ tên stands at the right under the seal.
    """
    return (seal[0] - WORDS_LEFT, seal[1] - lines * WORDS_SIZE * WORDS_LEADING, seal[2], seal[3])


def handwriting_png(name: str, *, width: int = 600, height: int = 260) -> bytes:
    """Draw a blue scribble that depends on ``name`` only."""
    picture = Image.new("RGBA", (width, height), CLEAR)
    pen = ImageDraw.Draw(picture)
    letters = [ord(c) for c in name] or [1]
    points = []
    for step in range(240):
        along = step / 239
        letter = letters[int(along * (len(letters) - 1))]
        swing = math.sin(along * (9 + letter % 5) * math.pi) * (0.34 - 0.2 * along)
        points.append(
            (
                width * (0.06 + 0.84 * along + 0.04 * math.sin(step * 0.37 + letter % 7)),
                height * (0.48 + swing * (0.6 + (letter % 11) / 20)),
            )
        )
    pen.line(points, fill=BLUE, width=6, joint="curve")
    pen.line([(width * 0.1, height * 0.86), (width * 0.9, height * 0.74)], fill=BLUE, width=5)
    return _png(picture)


def seal_png(agency: str, *, motto: str = "TEST") -> bytes:
    """Draw a round red seal with the agency's name around a star; it says TEST, and is no real seal."""
    size = SEAL_PIXELS
    picture = Image.new("RGBA", (size, size), CLEAR)
    pen = ImageDraw.Draw(picture)
    pen.ellipse((1, 1, size - 2, size - 2), outline=RED, width=10)
    pen.ellipse((96, 96, size - 96, size - 96), outline=RED, width=5)
    pen.polygon(_star(size / 2, size * 0.46, size * 0.12), fill=RED)
    small = ImageFont.truetype(str(FONTS / "LiberationSerif-Bold.ttf"), 36)
    pen.text((size / 2, size * 0.66), motto, font=small, fill=RED, anchor="mm")
    _around(picture, agency.upper(), size)
    return _png(picture)


def text_pdf(lines: Sequence[str], box: Box, *, size: float, font: str = UPRIGHT, right: bool = False) -> bytes:
    """Return a one-page PDF of the box's size with black text, the font embedded.

    At the right (cases D and E) a long line goes on below at its size; elsewhere, and when the box is full, it shrinks.
    """
    load_font(font)
    width, height = box[2] - box[0], box[3] - box[1]
    shown = wrapped(lines, width, size, font=font) if right else tuple(lines)
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(width, height), invariant=1)
    size = (
        fitting_size(shown, (width, height), size, font=font) if len(shown) > 1 else _narrowed(shown, width, size, font)
    )
    top = height - HEADROOM * size
    baseline = top if len(shown) > 1 else min(BASELINE, top)
    canvas.setFont(font, size)
    for line in shown:
        canvas.drawString(width - stringWidth(line, font, size) if right else 0, baseline, line)
        baseline -= size * LEADING
    canvas.save()
    return buffer.getvalue()


def load_font(font: str) -> None:
    """Make a face of ``fonts/`` known to reportlab, which embeds what is used of it."""
    registerFont(TTFont(font, str(FONTS / f"{font}.ttf")))


def wrapped(lines: Sequence[str], width: float, size: float, *, font: str = UPRIGHT) -> tuple[str, ...]:
    """Break lines that are wider than ``width`` points: after a semicolon where that is enough, else between words."""
    load_font(font)
    return tuple(part for line in lines for part in _broken(line, width, size, font))


def fitting_size(lines: Sequence[str], room: tuple[float, float], size: float, *, font: str = UPRIGHT) -> float:
    """``size``, or the largest below it at which all lines fit into ``room`` (width, height) points."""
    size = _narrowed(lines, room[0], size, font)
    high = len(lines) * size * LEADING
    return size * min(1.0, room[1] / high) if high else size


def _narrowed(lines: Sequence[str], width: float, size: float, font: str) -> float:
    longest = max((stringWidth(line, font, size) for line in lines), default=0.0)
    return size * min(1.0, width / longest) if longest else size


def _broken(line: str, width: float, size: float, font: str) -> list[str]:
    if stringWidth(line, font, size) <= width:
        return [line]
    pieces = [piece.strip() for piece in re.split(r"(?<=;)\s", line)]
    if any(stringWidth(piece, font, size) > width for piece in pieces):
        pieces = line.split()
    shown = [pieces[0]]
    for piece in pieces[1:]:
        longer = f"{shown[-1]} {piece}"
        if stringWidth(longer, font, size) <= width:
            shown[-1] = longer
        else:
            shown.append(piece)
    return shown


def _star(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    points = []
    for corner in range(10):
        reach = radius if corner % 2 == 0 else radius * 0.38
        angle = -math.pi / 2 + corner * math.pi / 5
        points.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    return points


def _around(picture: Image.Image, text: str, size: int) -> None:
    font = ImageFont.truetype(str(FONTS / "LiberationSerif-Bold.ttf"), 40)
    shown = text[:40]
    arc = min(300.0, 11.0 * len(shown))
    for index, letter in enumerate(shown):
        turn = -arc / 2 + arc * (index + 0.5) / len(shown)
        layer = Image.new("RGBA", (size, size), CLEAR)
        ImageDraw.Draw(layer).text((size / 2, 50), letter, font=font, fill=RED, anchor="mm")
        picture.alpha_composite(layer.rotate(-turn, center=(size / 2, size / 2), resample=Image.Resampling.BICUBIC))


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
