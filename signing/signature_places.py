"""On which page and where the signature fields of a file are shown. Adapter of pikepdf; reads no page content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pikepdf

from .stamps import Box

MOST_FIELDS: Final = 4000
MOST_PAGES: Final = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class SignaturePlace:
    """``page`` counts from 0; ``box`` as far as it is on the page, in points; width and height of the page."""

    field: str
    page: int
    box: Box
    page_size: tuple[float, float]
    neighbours: int = 0  # annotations on its page

    @property
    def shown(self) -> bool:
        return self.box[2] - self.box[0] > 1 and self.box[3] - self.box[1] > 1


def nowhere(field: str) -> SignaturePlace:
    """Of a field that no page shows."""
    return SignaturePlace(field=field, page=0, box=(0.0, 0.0, 0.0, 0.0), page_size=(0.0, 0.0))


def places_of(path: str) -> tuple[SignaturePlace, ...]:
    """All signature fields that stand on a page. Raises what pikepdf raises on a broken file."""
    with pikepdf.open(path) as pdf:
        fields = list(_signature_fields(pdf))
        pages = _pages_of(pdf, {widget.objgen for _, widget in fields})
        return tuple(
            _place(pdf, name, widget, pages[widget.objgen]) for name, widget in fields if widget.objgen in pages
        )


def _signature_fields(pdf: pikepdf.Pdf) -> Iterator[tuple[str, Any]]:
    """Full name and widget; a tree whose nodes come twice, or has too many, is cut off."""
    form = pdf.Root.get("/AcroForm", pikepdf.Dictionary())
    pending: list[tuple[Any, str, Any]] = [(field, "", None) for field in form.get("/Fields", [])]
    seen: set[tuple[int, int]] = set()
    while pending and len(seen) < MOST_FIELDS:
        node, parent, kind = pending.pop()
        if not isinstance(node, pikepdf.Dictionary) or node.objgen in seen or node.objgen == (0, 0):
            continue
        seen.add(node.objgen)
        own = node.get("/T")
        name = ".".join(part for part in (parent, "" if own is None else str(own)) if part)
        kind = node.get("/FT", kind)
        if kind == "/Sig" and "/Rect" in node:
            yield name, node
        pending.extend((kid, name, kind) for kid in node.get("/Kids", []))


def _pages_of(pdf: pikepdf.Pdf, wanted: set[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """The page that lists the widget is the page that shows it, whatever its /P says."""
    found: dict[tuple[int, int], int] = {}
    for number, page in enumerate(pdf.pages):
        if number >= MOST_PAGES or len(found) == len(wanted):
            break
        for annotation in page.obj.get("/Annots", []):
            if isinstance(annotation, pikepdf.Object) and annotation.objgen in wanted:
                found.setdefault(annotation.objgen, number)
    return found


def _place(pdf: pikepdf.Pdf, name: str, widget: Any, number: int) -> SignaturePlace:
    x0, y0, x1, y1 = (float(n) for n in widget.Rect)
    left, bottom, right, top = (float(n) for n in pdf.pages[number].cropbox)
    box = (max(left, min(x0, x1)), max(bottom, min(y0, y1)), min(right, max(x0, x1)), min(top, max(y0, y1)))
    return SignaturePlace(
        field=name,
        page=number,
        box=box,
        page_size=(right - left, top - bottom),
        neighbours=len(pdf.pages[number].obj.Annots),
    )
