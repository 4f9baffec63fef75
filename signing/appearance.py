"""Do the visible signatures of a file look as the law wants them? Warnings only: no verdict depends on them (C7).

Cases A and B are pictures on an issued document, D and E words on annexes and copies (signatures.md 8.1). Source:
Nghị định 30/2020/NĐ-CP, Phụ lục I, Phần I, II.7.d, II.8, III.1.d, Phần II, I.3; requirements.md NA-7.4, NA-7.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pikepdf
import pypdfium2
from PIL import Image

from .appearance_request import AppearanceRequest, Profile, request_from_json
from .corner_words import corner_warnings, in_corner
from .ink import Hue, Ink, hidden_part, look_at
from .remarks import remark
from .rendered import RenderedFile
from .report import SignerRole
from .report import Warning as Remark
from .sign_steps import AGENCY_ALONE
from .signature_places import SignaturePlace, nowhere, places_of
from .signer_anchors import TITLE
from .stamps import POINTS_PER_MM, Box

MOST_LOOKED_AT: Final = 4  # signatures of one file
OVERLAP: Final = (0.25, 0.45)  # NA-7.5: "khoảng 1/3"
SIZE_TOLERANCE: Final = 0.05
COVERING: Final = 0.35  # of its box; a seal of lines covers about a seventh and can hide nothing
# Points from the signature's ink to the line of chức vụ; the picture may reach into the line.
TITLE_ASIDE, TITLE_BELOW, TITLE_ABOVE = 45 * POINTS_PER_MM, 5 * POINTS_PER_MM, 40 * POINTS_PER_MM
MOST_NEIGHBOURS: Final = 300  # annotations on a page; pdfium takes a time that grows with their square
HIDDEN: Final = 0.6  # of the signature's ink under the seal
WORDS: Final = 0.03  # of a seal's ink that is black


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One signature drawn alone, in the region of its page that all of them share."""

    place: SignaturePlace
    picture: Image.Image
    ink: Ink | None


def appearance_warnings(request: AppearanceRequest) -> tuple[Remark, ...]:
    """Look at the signatures as a reader shows them; what else a parser throws, the worker's guard settles."""
    try:
        places = {place.field: place for place in places_of(request.path)}
        if any(place.neighbours > MOST_NEIGHBOURS for place in places.values()):
            return (remark("SIG_WARN_APPEARANCE_NOT_CHECKED", "trang có quá nhiều ô"),)
        leaders = _placed(request, SignerRole.LEADER, places)
        agencies = _placed(request, SignerRole.AGENCY, places)
        with RenderedFile(request.path) as file:
            if request.policy == AGENCY_ALONE or (not leaders and any(in_corner(place) for place in agencies)):
                return tuple(w for place in agencies for w in corner_warnings(file, place, pictured=_pictured(request)))
            return tuple(_issued(file, leaders, agencies, request))
    except (pikepdf.PdfError, pypdfium2.PdfiumError, OSError, ValueError, TypeError, KeyError, AttributeError) as cause:
        return (remark("SIG_WARN_APPEARANCE_NOT_CHECKED", type(cause).__name__),)


def appearance_job(value: dict[str, Any]) -> dict[str, Any]:
    """The look as a job of the worker: the request's fields in, ``warnings`` out."""
    return {"warnings": [{"code": w.code, "message": w.message} for w in appearance_warnings(request_from_json(value))]}


def _pictured(request: AppearanceRequest) -> bool:
    return request.profile is Profile.TT01_2019


def _placed(request: AppearanceRequest, role: SignerRole, places: dict[str, SignaturePlace]) -> list[SignaturePlace]:
    """A signature that no page shows is there, at no place."""
    found = [places.get(field, nowhere(field)) for field, own in request.roles if own is role]
    return found[:MOST_LOOKED_AT]


def _issued(
    file: RenderedFile,
    leaders: Sequence[SignaturePlace],
    agencies: Sequence[SignaturePlace],
    request: AppearanceRequest,
) -> list[Remark]:
    """Cases A and B: each seal with the last leader's signature on its page."""
    regions = _regions([*leaders, *agencies])
    signed = [(place, _look(file, place, regions)) for place in leaders]
    warnings = [warning for place, seen in signed for warning in _leader(file, place, seen.ink if seen else None)]
    for place in agencies:
        seal = _look(file, place, regions)
        warnings += _seal(place, seal.ink if seal else None, request)
        beside = [seen for leader, seen in signed if seen and seen.ink and leader.page == place.page]
        if seal is not None and seal.ink is not None and beside:
            warnings += _together(file, beside[-1], seal, regions[place.page])
    return warnings


def _regions(places: Sequence[SignaturePlace]) -> dict[int, Box]:
    """For each page, the box around the signatures shown there, which is all that is drawn of it."""
    regions: dict[int, Box] = {}
    for place in places:
        if place.shown:
            regions[place.page] = _around(regions.get(place.page, place.box), place.box)
    return regions


def _look(file: RenderedFile, place: SignaturePlace, regions: dict[int, Box]) -> _Seen | None:
    if not place.shown:
        return None
    region = regions[place.page]
    picture = file.draw(place.page, {place.field}, region)
    return _Seen(place=place, picture=picture, ink=look_at(picture, region, place.box))


def _leader(file: RenderedFile, place: SignaturePlace, ink: Ink | None) -> list[Remark]:
    if ink is None:
        return [remark("SIG_WARN_APPEARANCE_LEADER_MISSING", place.field)]
    warnings = []
    if ink.hue is not Hue.BLUE:  # NA-7.4.a
        warnings.append(remark("SIG_WARN_APPEARANCE_LEADER_COLOUR", f"{ink.hue.value}: {place.field}"))
    if ink.opaque:
        warnings.append(remark("SIG_WARN_APPEARANCE_OPAQUE", place.field))
    if not _under_a_title(file, place, ink):
        warnings.append(remark("SIG_WARN_APPEARANCE_LEADER_PLACE", place.field))
    return warnings


def _under_a_title(file: RenderedFile, place: SignaturePlace, ink: Ink) -> bool:
    """Ô 7c: in the right half (signatures.md 8.4), and right under chức vụ where the page has one to be read."""
    middle = (ink.box[0] + ink.box[2]) / 2
    if middle < place.page_size[0] / 2:
        return False
    above = (middle - TITLE_ASIDE, ink.box[3] - TITLE_BELOW, middle + TITLE_ASIDE, ink.box[3] + TITLE_ABOVE)
    return bool(TITLE.search(file.words(place.page, above)) or not TITLE.search(file.words(place.page)))


def _seal(place: SignaturePlace, ink: Ink | None, request: AppearanceRequest) -> list[Remark]:
    name = place.field
    if ink is None:
        return [remark("SIG_WARN_APPEARANCE_SEAL_MISSING", name)]
    warnings = []
    if ink.hue is not Hue.RED:
        warnings.append(remark("SIG_WARN_APPEARANCE_SEAL_COLOUR", f"{ink.hue.value}: {name}"))
    if ink.opaque:
        warnings.append(remark("SIG_WARN_APPEARANCE_OPAQUE", name))
    if request.diameter_mm is not None and not _as_large(ink.box, request.diameter_mm):
        size = " × ".join(f"{side:.1f}" for side in _millimetres(ink.box))
        warnings.append(remark("SIG_WARN_APPEARANCE_SEAL_SIZE", f"{size} mm, dấu thật {request.diameter_mm:g} mm"))
    if request.profile is Profile.TT01_2019 and ink.black < WORDS:
        warnings.append(remark("SIG_WARN_APPEARANCE_SEAL_NO_WORDS", name))
    if request.profile is Profile.ND30 and ink.hue is Hue.RED and ink.black >= WORDS:
        warnings.append(remark("SIG_WARN_APPEARANCE_SEAL_WORDS", name))
    return warnings


def _together(file: RenderedFile, leader: _Seen, seal: _Seen, region: Box) -> list[Remark]:
    if leader.ink is None or seal.ink is None:
        return []
    warnings = []
    by_ink, by_box = _overlap(leader.ink.box, seal.ink.box), _overlap(leader.place.box, seal.place.box)
    if not any(OVERLAP[0] <= part <= OVERLAP[1] for part in (by_ink, by_box)):
        warnings.append(remark("SIG_WARN_APPEARANCE_SEAL_OVERLAP", f"đang trùm {max(0.0, by_ink):.0%}"))
    if seal.ink.cover < COVERING:
        return warnings
    both = file.draw(seal.place.page, {leader.place.field, seal.place.field}, region)
    hidden = hidden_part(leader.picture, seal.picture, both)
    if hidden > HIDDEN:
        warnings.append(remark("SIG_WARN_APPEARANCE_SEAL_HIDES", f"{hidden:.0%} nét chữ ký dưới dấu"))
    return warnings


def _overlap(leader: Box, seal: Box) -> float:
    """Part of the signature's width under the seal, counted from its left; 0 where the seal stands elsewhere."""
    beside = seal[1] >= leader[3] or seal[3] <= leader[1]
    if beside or seal[0] > leader[0]:
        return 0.0
    return (seal[2] - leader[0]) / (leader[2] - leader[0])


def _around(one: Box, other: Box) -> Box:
    return (min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3]))


def _millimetres(box: Box) -> tuple[float, float]:
    return ((box[2] - box[0]) / POINTS_PER_MM, (box[3] - box[1]) / POINTS_PER_MM)


def _as_large(box: Box, diameter: float) -> bool:
    return all(abs(side - diameter) <= diameter * SIZE_TOLERANCE for side in _millimetres(box))
