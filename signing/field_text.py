"""How the text of a number or date field is drawn: upright or slanted, centred in a gap, or in several gaps.

Adapter of pyHanko's writer. Source: Nghị định 30/2020/NĐ-CP, Phụ lục I, Phần I, II.3 (number upright), II.4.b (place
and date slanted, day below 10 and months 1 and 2 with a zero).
"""

from __future__ import annotations

import io
import re
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from reportlab.pdfbase.pdfmetrics import stringWidth

from .document import entry
from .errors import SigningError
from .sign_job import DATE_FIELD, Box, PlacedField
from .stamps import SLANTED, UPRIGHT, load_font, text_pdf

GAPS: Final = "/LTH_Gaps"  # ours: part, left, right, part, …
CENTRED: Final = 1  # of /Q (ISO 32000-1, 12.7.3.3)
_DATE: Final = re.compile(r"(?P<day>\d{1,2})\D+(?P<month>\d{1,2})\D+(?P<year>\d{4})")


def layout_entries(place: PlacedField) -> dict[Any, Any]:
    """What the field itself says about how it is filled."""
    entries: dict[Any, Any] = {}
    if place.centred:
        entries[pdf_name("/Q")] = generic.NumberObject(CENTRED)
    if place.gaps:
        flat = [part for gap in place.gaps for part in (pdf_string(gap[0]), _number(gap[1]), _number(gap[2]))]
        entries[pdf_name(GAPS)] = generic.ArrayObject(flat)
    return entries


def drawn(writer: IncrementalPdfFileWriter, field: generic.DictionaryObject, value: str, box: Box, size: float) -> Any:
    """Add the appearance of ``value``, which may be empty. Raises SigningError SIG_FIELD_TEXT for what is no date."""
    width, height = box[2] - box[0], box[3] - box[1]
    font = SLANTED if field["/T"] == DATE_FIELD else UPRIGHT
    load_font(font)
    gaps = entry(field, GAPS)
    centred = entry(field, "/Q") == CENTRED
    pieces = _pieces(gaps, value, width) if value else []
    drawings, content = generic.DictionaryObject(), []
    for index, (text, left, right) in enumerate(pieces):
        room = right - left
        shift = max(0.0, (room - stringWidth(text, font, size)) / 2) if centred or gaps is not None else 0.0
        page = text_pdf([text], (0, 0, room - shift, height), size=size, font=font)
        drawings[pdf_name(f"/T{index}")] = writer.import_page_as_xobject(PdfFileReader(io.BytesIO(page)))
        content.append(b"q 1 0 0 1 %.3f 0 cm /T%d Do Q" % (left + shift, index))
    return writer.add_object(_form(width, height, drawings, b"\n".join(content)))


def _pieces(gaps: generic.ArrayObject | None, value: str, width: float) -> list[tuple[str, float, float]]:
    """Parts of the text with their left and right in the box."""
    if gaps is None:
        return [(value, 0.0, width)]
    found = _DATE.search(value)
    if found is None:
        raise SigningError("SIG_FIELD_TEXT", f"Không đọc được ngày, tháng, năm trong “{value}”", blame="peer")
    flat = [gaps[i] for i in range(len(gaps))]
    return [(found[str(flat[i])], float(flat[i + 1]), float(flat[i + 2])) for i in range(0, len(flat) - 2, 3)]


def _form(width: float, height: float, drawings: generic.DictionaryObject, content: bytes) -> generic.StreamObject:
    return generic.StreamObject(
        generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/XObject"),
                pdf_name("/Subtype"): pdf_name("/Form"),
                pdf_name("/BBox"): generic.ArrayObject([_number(n) for n in (0, 0, width, height)]),
                pdf_name("/Resources"): generic.DictionaryObject({pdf_name("/XObject"): drawings}),
            }
        ),
        stream_data=content,
    )


def _number(value: float) -> generic.FloatObject:
    return generic.FloatObject(f"{value:.3f}")
