"""Where a page draws its images, how many pixels each has there, and whether it is in colour. Adapter of pikepdf.

Follows the transformation matrix through the content and nested forms (ISO 32000-1, 8.3, 8.10); decodes no image.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pikepdf

from .stamps import POINTS_PER_MM, Box

DEEPEST: Final = 6  # forms inside forms
MOST_INSTRUCTIONS: Final = 200_000  # of one page
GREY: Final = frozenset({"/DeviceGray", "/CalGray", "/G"})
COLOURED: Final = frozenset({"/DeviceRGB", "/CalRGB", "/DeviceCMYK", "/Lab", "/RGB", "/CMYK", "/DeviceN"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnImage:
    """``dpi``: the smaller of both directions, as printed at 100 %."""

    box: Box
    pixels: tuple[int, int]
    dpi: float
    coloured: bool

    @property
    def area(self) -> float:
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


@dataclass(slots=True, kw_only=True)
class _Walk:
    unit: float  # points per user space unit
    left: int = MOST_INSTRUCTIONS


def page_size_mm(page: pikepdf.Page) -> tuple[float, float]:
    """Width and height as a reader shows the page: crop box, /UserUnit and /Rotate respected."""
    left, bottom, right, top = (float(n) for n in page.cropbox)
    scale = _unit(page) / POINTS_PER_MM
    size = ((right - left) * scale, (top - bottom) * scale)
    return size[::-1] if page.rotation % 180 else size


def images_of(page: pikepdf.Page) -> list[DrawnImage]:
    """Images that the page draws, in the order of drawing; boxes in user space."""
    walk = _Walk(unit=_unit(page))
    return list(_drawn(page.obj, page.resources, pikepdf.Matrix(), walk, depth=0))


def _unit(page: pikepdf.Page) -> float:
    return float(page.obj.get("/UserUnit", 1))


def _drawn(content: Any, resources: Any, matrix: pikepdf.Matrix, walk: _Walk, *, depth: int) -> Iterator[DrawnImage]:
    stack: list[pikepdf.Matrix] = []
    for instruction in pikepdf.parse_content_stream(content, operators="q Q cm Do INLINE IMAGE"):
        walk.left -= 1
        if walk.left < 0 or depth > DEEPEST:
            return
        if isinstance(instruction, pikepdf.ContentStreamInlineImage):
            yield _image(instruction.iimage.obj, matrix, walk, short=True)
            continue
        operator = str(instruction.operator)
        if operator == "q" and len(stack) < MOST_INSTRUCTIONS:
            stack.append(matrix)
        elif operator == "Q" and stack:
            matrix = stack.pop()
        elif operator == "cm":
            matrix = _matrix(instruction.operands) @ matrix
        elif operator == "Do":
            yield from _done(instruction.operands[0], resources, matrix, walk, depth=depth)


def _done(name: Any, resources: Any, matrix: pikepdf.Matrix, walk: _Walk, *, depth: int) -> Iterator[DrawnImage]:
    drawn = resources.get("/XObject", pikepdf.Dictionary()).get(str(name))
    if drawn is None:
        return
    if drawn.get("/Subtype") == "/Image":
        yield _image(drawn, matrix, walk)
    elif drawn.get("/Subtype") == "/Form":
        inner = _matrix(drawn.get("/Matrix", [1, 0, 0, 1, 0, 0])) @ matrix
        yield from _drawn(drawn, drawn.get("/Resources", resources), inner, walk, depth=depth + 1)


def _matrix(numbers: Any) -> pikepdf.Matrix:
    return pikepdf.Matrix(*(float(n) for n in numbers))


def _image(image: Any, matrix: pikepdf.Matrix, walk: _Walk, *, short: bool = False) -> DrawnImage:
    """An image fills the unit square of its matrix."""
    wide, high, space = ("/W", "/H", "/CS") if short else ("/Width", "/Height", "/ColorSpace")
    pixels = (int(image.get(wide, 0)), int(image.get(high, 0)))
    corners = [matrix.transform((x, y)) for x in (0, 1) for y in (0, 1)]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    across = math.hypot(matrix.a, matrix.b) * walk.unit / 72
    along = math.hypot(matrix.c, matrix.d) * walk.unit / 72
    dpi = min(pixels[0] / across, pixels[1] / along) if across and along else 0.0
    mask = bool(image.get("/ImageMask", image.get("/IM", False)))
    return DrawnImage(
        box=(min(xs), min(ys), max(xs), max(ys)),
        pixels=pixels,
        dpi=dpi,
        coloured=not mask and _coloured(image.get(space), image),
    )


def _coloured(space: Any, image: Any) -> bool:
    if space is None:  # JPEG 2000 may carry its own; its components tell, and nobody scans grey into it knowingly
        return str(image.get("/Filter", "")) == "/JPXDecode"
    if isinstance(space, pikepdf.Name):
        return str(space) in COLOURED
    family = str(space[0]) if isinstance(space, pikepdf.Array) and len(space) else ""
    if family == "/ICCBased":
        return int(space[1].get("/N", 1)) >= 3
    if family in ("/Indexed", "/I"):
        return _coloured(space[1], image)
    return family in COLOURED
