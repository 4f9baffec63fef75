"""Cases D and E on the rendered page: words at the top right of the first page, 10 pt, black, no picture.

Source: Nghị định 30/2020/NĐ-CP, Phụ lục I, Phần I, II.8.b, III.1.d and Phần II, I.3 (ô 14).
"""

from __future__ import annotations

from typing import Final

from .ink import Hue, look_at
from .remarks import remark
from .rendered import Letters, RenderedFile
from .report import Warning as Remark
from .signature_places import SignaturePlace
from .stamp_texts import StampKind, read_stamp_text
from .stamps import POINTS_PER_MM

SIZE: Final = 10.0
SIZE_TOLERANCE: Final = 0.3
TOP: Final = 50 * POINTS_PER_MM  # the text begins at 20 to 25 mm; a seal beside it has 36
INKS: Final = 60  # of 255, still black


def in_corner(place: SignaturePlace) -> bool:
    """At the top right of the first page."""
    middle = (place.box[0] + place.box[2]) / 2
    return place.page == 0 and middle > place.page_size[0] / 2 and place.box[1] > place.page_size[1] - TOP


def corner_warnings(file: RenderedFile, place: SignaturePlace, *, pictured: bool) -> list[Remark]:
    """``pictured``: profile TT01_2019, where the seal's picture stands beside the words."""
    name = place.field
    ink = look_at(file.draw(place.page, {name}, place.box), place.box, place.box) if place.shown else None
    if ink is None:
        return [remark("SIG_WARN_APPEARANCE_TEXT_MISSING", name)]
    warnings = []
    if not in_corner(place):
        warnings.append(remark("SIG_WARN_APPEARANCE_TEXT_PLACE", f"{name}: trang {place.page + 1}"))
    if not pictured and (ink.hue is not Hue.BLACK or ink.opaque):
        warnings.append(remark("SIG_WARN_APPEARANCE_PICTURE", name))
    letters = file.letters(place.page, place.box)
    return [*warnings, *_about(letters, name, pictured=pictured)]


def _about(letters: Letters, name: str, *, pictured: bool) -> list[Remark]:
    if not letters.sizes:
        return [remark("SIG_WARN_APPEARANCE_TEXT_MISSING", name)]
    warnings = []
    if not pictured and any(abs(size - SIZE) > SIZE_TOLERANCE for size in letters.sizes):
        warnings.append(
            remark("SIG_WARN_APPEARANCE_TEXT_SIZE", ", ".join(f"{size:g}" for size in sorted(letters.sizes)))
        )
    if any(max(ink) > INKS for ink in letters.inks):
        warnings.append(remark("SIG_WARN_APPEARANCE_TEXT_COLOUR", name))
    read = read_stamp_text(letters.text)
    expected = (StampKind.ISSUED, StampKind.COPY) if pictured else (StampKind.ANNEX, StampKind.COPY)
    if read is None or read.kind not in expected:
        warnings.append(remark("SIG_WARN_APPEARANCE_TEXT_WORDS", f"“{' '.join(letters.text.split())[:80]}”"))
    return warnings
