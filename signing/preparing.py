"""The form that a document gets before its first signature: number, date, and an empty field per signer.

Adapter of pyHanko's writer. What exists before the leader signs may be filled afterwards; what is drawn or added
later breaks the leader's signature (signatures.md 4, #3, #5 to #7). Field names are flat: pyHanko's difference
analysis declares signatures under a common parent broken (platform.md 7.1).
"""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import (
    FieldMDPAction,
    FieldMDPSpec,
    SigFieldSpec,
    append_signature_field,
)

from .field_text import drawn, layout_entries
from .sign_job import AGENCY_FIELD, DATE_FIELD, LEADER_FIELD, NUMBER_FIELD, Flow, PlacedField
from .sign_steps import Lock
from .stamps import Box

FILLED: Final = (NUMBER_FIELD, DATE_FIELD)
LOCKS: Final = {LEADER_FIELD: Lock.OPEN, AGENCY_FIELD: Lock.ALL}
PRINTED: Final = 4  # annotation flag: appears on paper
READ_ONLY: Final = 1  # field flag


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureBoxes:
    """Places in PDF points from the lower left corner. ``page``: of the signatures, -1 is the last one."""

    leader: Box
    seal: Box
    number: Box | None = None
    date: Box | None = None
    page: int = -1
    text_size: float = 13.0

    @property
    def fields(self) -> tuple[PlacedField, ...]:
        places = (
            (NUMBER_FIELD, 0, self.number),
            (DATE_FIELD, 0, self.date),
            (LEADER_FIELD, self.page, self.leader),
            (AGENCY_FIELD, self.page, self.seal),
        )
        return tuple(PlacedField(name=name, page=page, box=box) for name, page, box in places if box is not None)


def prepare(unsigned: Path, boxes: SignatureBoxes) -> bytes:
    """Return the document with its form; the first revision stays as it came."""
    reader = PdfFileReader(io.BytesIO(unsigned.read_bytes()))
    return prepare_form(reader, boxes.fields, Flow.LEADER_NUMBER_AGENCY)


def prepare_form(
    reader: PdfFileReader, fields: Sequence[PlacedField], flow: Flow, *, filled: Collection[str] = ()
) -> bytes:
    """The same from what is open already; ``fields`` in the order in which they enter the form.

    ``filled``: names of number and date fields that the document brings itself.
    """
    writer = IncrementalPdfFileWriter.from_reader(reader)
    form = _form(writer)
    present = {*filled, *(f.name for f in fields)}
    open_fields = [name for name in FILLED if name in present] if flow is Flow.LEADER_NUMBER_AGENCY else []
    for field in fields:
        if field.name in FILLED:
            _add_text_field(writer, form, field)
            continue
        lock = LOCKS.get(field.name, Lock.NONE)
        spec = SigFieldSpec(
            field.name, on_page=field.page, box=whole(field.box), field_mdp_spec=lock_of(lock, open_fields)
        )
        append_signature_field(writer, spec)
    return written(writer)


def lock_of(lock: Lock, open_fields: Sequence[str]) -> FieldMDPSpec | None:
    """What the signature in a field forbids to change afterwards (signatures.md 2, "Leader lock", "Agency lock")."""
    if lock is Lock.NONE:
        return None
    if lock is Lock.ALL:
        return FieldMDPSpec(FieldMDPAction.ALL)
    return FieldMDPSpec(FieldMDPAction.EXCLUDE, fields=[*open_fields, AGENCY_FIELD])


def fill(document: bytes, values: dict[str, str], *, text_size: float) -> bytes:
    """Fill text fields as a new revision, with a new appearance each."""
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    for reference in writer.root["/AcroForm"]["/Fields"]:
        field = reference.get_object()
        value = values.get(str(field.get("/T", "")))
        if value is None:
            continue
        field["/V"] = pdf_string(value)
        field["/AP"] = generic.DictionaryObject({pdf_name("/N"): drawn(writer, field, value, box_of(field), text_size)})
        writer.mark_update(reference.reference)
    return written(writer)


def _form(writer: IncrementalPdfFileWriter) -> Any:
    if "/AcroForm" in writer.root:
        form = writer.root["/AcroForm"]
        form.pop(pdf_name("/NeedAppearances"), None)  # viewers would draw number and date anew, in a face of theirs
        writer.update_container(form)
        return form
    helvetica = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Font"),
            pdf_name("/Subtype"): pdf_name("/Type1"),
            pdf_name("/BaseFont"): pdf_name("/Helvetica"),
        }
    )
    fonts = generic.DictionaryObject({pdf_name("/Helv"): writer.add_object(helvetica)})
    form = generic.DictionaryObject(
        {
            pdf_name("/Fields"): generic.ArrayObject(),
            pdf_name("/DR"): generic.DictionaryObject({pdf_name("/Font"): fonts}),
            pdf_name("/DA"): pdf_string("/Helv 0 Tf 0 g"),
        }
    )
    writer.root["/AcroForm"] = writer.add_object(form)
    writer.update_root()
    return form


def _add_text_field(writer: IncrementalPdfFileWriter, form: Any, place: PlacedField) -> None:
    page_reference = writer.find_page_for_modification(place.page)[0]
    page = page_reference.get_object()
    field = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/Widget"),
            pdf_name("/FT"): pdf_name("/Tx"),
            pdf_name("/T"): pdf_string(place.name),
            pdf_name("/V"): pdf_string(""),
            pdf_name("/DA"): pdf_string("/Helv 0 Tf 0 g"),
            pdf_name("/F"): generic.NumberObject(PRINTED),
            pdf_name("/Ff"): generic.NumberObject(READ_ONLY),
            pdf_name("/Rect"): generic.ArrayObject([generic.FloatObject(n) for n in place.box]),
            pdf_name("/P"): page_reference,
            **layout_entries(place),
        }
    )
    field[pdf_name("/AP")] = generic.DictionaryObject({pdf_name("/N"): drawn(writer, field, "", place.box, 13.0)})
    reference = writer.add_object(field)
    form["/Fields"].append(reference)
    annotations = page.setdefault(pdf_name("/Annots"), generic.ArrayObject()).get_object()
    annotations.append(reference)
    writer.update_container(annotations)
    writer.mark_update(page_reference.reference)


def box_of(field: generic.DictionaryObject) -> Box:
    """The rectangle of a field that is its own widget."""
    left, bottom, right, top = (float(n.get_object()) for n in field["/Rect"])
    return (left, bottom, right, top)


def page_size(reader: PdfFileReader, page: int) -> tuple[float, float]:
    """Width and height in points, as the page's media box says."""
    node = reader.find_page_for_modification(page)[0].get_object()
    while "/MediaBox" not in node:  # inherited from the page tree
        node = node["/Parent"]
    left, bottom, right, top = (float(n.get_object()) for n in node["/MediaBox"])
    return right - left, top - bottom


def whole(box: Box) -> tuple[int, int, int, int]:
    """PyHanko's boxes are whole points: 0.35 mm."""
    return (round(box[0]), round(box[1]), round(box[2]), round(box[3]))


def written(writer: IncrementalPdfFileWriter) -> bytes:
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()
