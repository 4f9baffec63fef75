"""What a drawn signature consists of: where its ink is, its colour, whether it lets others show. Pixels only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from PIL import Image, ImageChops

from .rendered import PAPER, pixels_per_point
from .stamps import Box

CONTRAST: Final = 24  # of 255, to the paper
DEEP: Final = 60  # of 255, between the strongest and the weakest channel: a pixel with a colour
DARK: Final = 110  # value of 255 below which a pixel without colour is black ink
OPAQUE: Final = 0.9  # of its box: a picture without transparency
# Hues as Pillow has them, 0 to 255 for the circle.
BLUES: Final = range(132, 195)  # 186° to 275°
REDS: Final = (range(20), range(232, 256))


class Hue(StrEnum):
    BLUE = "xanh"
    RED = "đỏ"
    BLACK = "đen hoặc xám"
    OTHER = "màu khác"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink:
    """``box``: of the ink of its own colour, in points of the page. ``cover``: part of the field's box with ink."""

    box: Box
    hue: Hue
    cover: float
    black: float  # part of its ink that is black

    @property
    def opaque(self) -> bool:
        return self.cover > OPAQUE


def look_at(picture: Image.Image, region: Box, field: Box) -> Ink | None:
    """The ink inside ``region``, of which ``field`` is a part; None where nothing is drawn."""
    drawn = _drawn(picture)
    count = _count(drawn)
    if not count:
        return None
    hue_band, _, value = picture.convert("HSV").split()
    deep = ImageChops.subtract(value, _least(picture))
    coloured = ImageChops.darker(drawn, deep.point(lambda level: 255 * (level > DEEP)))
    black = ImageChops.darker(ImageChops.subtract(drawn, coloured), value.point(lambda level: 255 * (level < DARK)))
    inked = max(1, _count(coloured) + _count(black))  # white paper that came with the picture is no ink
    hue, own = _hue(hue_band, coloured, inked)
    scale = pixels_per_point(region)
    pixels = (field[2] - field[0]) * (field[3] - field[1]) * scale * scale
    return Ink(
        box=_points((own if own.getbbox() else drawn).getbbox() or (0, 0, 1, 1), region, scale),
        hue=hue,
        cover=count / max(1.0, pixels),
        black=_count(black) / inked,
    )


def hidden_part(below: Image.Image, above: Image.Image, both: Image.Image) -> float:
    """Of the ink of ``below`` inside the reach of ``above``: the part that cannot be seen once both are drawn."""
    reach = _drawn(above).getbbox()
    ink = _drawn(below)
    if reach is None:
        return 0.0
    ink = ink.crop(reach)
    total = _count(ink)
    if not total:
        return 0.0
    same = _levels(ImageChops.difference(both.crop(reach), above.crop(reach))).point(
        lambda level: 255 * (level < CONTRAST)
    )
    return _count(ImageChops.darker(ink, same)) / total


def _hue(hue: Image.Image, coloured: Image.Image, inked: int) -> tuple[Hue, Image.Image]:
    """The hue of most of the coloured ink, and where it is."""
    total = _count(coloured)
    if total < inked * 0.15:
        return Hue.BLACK, coloured
    blue = ImageChops.darker(coloured, hue.point(lambda level: 255 * (level in BLUES)))
    red = ImageChops.darker(coloured, hue.point(lambda level: 255 * any(level in part for part in REDS)))
    for name, where in ((Hue.BLUE, blue), (Hue.RED, red)):
        if _count(where) > total / 2:
            return name, where
    return Hue.OTHER, coloured


def _drawn(picture: Image.Image) -> Image.Image:
    paper = Image.new("RGB", picture.size, PAPER)
    return _levels(ImageChops.difference(picture, paper)).point(lambda level: 255 * (level > CONTRAST))


def _levels(difference: Image.Image) -> Image.Image:
    """The largest of the three channels."""
    red, green, blue = difference.split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue)


def _least(picture: Image.Image) -> Image.Image:
    red, green, blue = picture.split()
    return ImageChops.darker(ImageChops.darker(red, green), blue)


def _count(mask: Image.Image) -> int:
    return mask.histogram()[255]


def _points(box: tuple[int, int, int, int], region: Box, scale: float) -> Box:
    left, upper, right, lower = (side / scale for side in box)
    return (region[0] + left, region[3] - lower, region[0] + right, region[3] - upper)
