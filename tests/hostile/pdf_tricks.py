"""What an update may try after the signatures: pages, annotations, appearances, the form, the catalogue, shadows.

Each trick is one change by a well-formed incremental update; ``test_pdf_attacks.py`` applies it to every kind of
signed file. The shadow attacks (2021: hide, replace, hide and replace; and their relatives on certified files) need
a document that was prepared before it was signed.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from lienthong.signing.preparing import written

Change = Callable[[IncrementalPdfFileWriter], None]
NUMBERS = tuple[float, ...]


def dictionary(**entries: Any) -> generic.DictionaryObject:
    return generic.DictionaryObject({pdf_name(f"/{name}"): value for name, value in entries.items()})


def numbers(*values: float) -> generic.ArrayObject:
    return generic.ArrayObject([generic.FloatObject(value) for value in values])


def drawing(content: bytes = b"0 0 500 500 re f", **entries: Any) -> generic.StreamObject:
    return generic.StreamObject(
        dictionary(Type=pdf_name("/XObject"), Subtype=pdf_name("/Form"), BBox=numbers(0, 0, 595, 842), **entries),
        stream_data=content,
    )


def first_page(writer: IncrementalPdfFileWriter) -> Any:
    return writer.root["/Pages"]["/Kids"][0].get_object()


def fields(writer: IncrementalPdfFileWriter) -> list[Any]:
    return [reference.get_object() for reference in writer.root["/AcroForm"]["/Fields"]]


def signature_fields(writer: IncrementalPdfFileWriter) -> list[Any]:
    return [field for field in fields(writer) if field.get("/FT") == "/Sig"]


def put(owner: str, key: str, value: Callable[[IncrementalPdfFileWriter], Any]) -> Change:
    """``owner``: catalogue, page, form, pages, or signature (the first one's field)."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        place = {
            "catalogue": lambda: writer.root,
            "pages": lambda: writer.root["/Pages"],
            "page": lambda: first_page(writer),
            "form": lambda: writer.root["/AcroForm"],
            "signature": lambda: signature_fields(writer)[0],
        }[owner]()
        place[key] = value(writer)
        if owner == "catalogue":
            writer.update_root()
        else:
            writer.update_container(place)

    return change


def annotated(subtype: str, *, shared: bool = True, **entries: Any) -> Change:
    """An annotation over the text; ``shared``: added to the page's own list, else in a new list."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        page = first_page(writer)
        look = writer.add_object(drawing())
        note = dictionary(
            Type=pdf_name("/Annot"),
            Subtype=pdf_name(f"/{subtype}"),
            Rect=numbers(90, 690, 400, 720),
            F=generic.NumberObject(4),
            AP=dictionary(N=look),
            **entries,
        )
        known = page["/Annots"] if "/Annots" in page else generic.ArrayObject()
        if shared and "/Annots" in page:
            known.append(writer.add_object(note))
            writer.update_container(known)
        else:
            page["/Annots"] = generic.ArrayObject([*known, writer.add_object(note)])
            writer.update_container(page)

    return change


def script(_writer: IncrementalPdfFileWriter) -> Any:
    return dictionary(S=pdf_name("/JavaScript"), JS=pdf_string("app.alert(1)"))


def look_of_signature(*, in_place: bool) -> Change:
    """The picture of a signature is another one: by a new stream, or under the old number."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        field = signature_fields(writer)[0]
        old = field["/AP"].raw_get("/N").reference
        if in_place:
            writer.objects[(old.generation, old.idnum)] = drawing()
        else:
            field["/AP"] = dictionary(N=writer.add_object(drawing()))
            writer.update_container(field)

    return change


def resource_replaced(writer: IncrementalPdfFileWriter) -> None:
    page = first_page(writer)
    page["/Resources"] = dictionary(Font=generic.DictionaryObject())
    writer.update_container(page)


def font_replaced(writer: IncrementalPdfFileWriter) -> None:
    font = first_page(writer)["/Resources"]["/Font"]
    name = next(iter(font))
    reference = font.raw_get(name).reference
    other = dictionary(Type=pdf_name("/Font"), Subtype=pdf_name("/Type1"), BaseFont=pdf_name("/Symbol"))
    writer.objects[(reference.generation, reference.idnum)] = other


def content_replaced(writer: IncrementalPdfFileWriter) -> None:
    reference = first_page(writer).raw_get("/Contents").reference
    stream = generic.StreamObject(stream_data=b"BT /F1 12 Tf 100 700 Td (thay) Tj ET")
    writer.objects[(reference.generation, reference.idnum)] = stream


def content_added(writer: IncrementalPdfFileWriter) -> None:
    page = first_page(writer)
    line = writer.add_object(generic.StreamObject(stream_data=b"0 0 500 500 re f"))
    page["/Contents"] = generic.ArrayObject([page.raw_get("/Contents"), line])
    writer.update_container(page)


def pages_swapped(writer: IncrementalPdfFileWriter) -> None:
    kids = writer.root["/Pages"]["/Kids"]
    kids.reverse()
    writer.update_container(kids)


def page_removed(writer: IncrementalPdfFileWriter) -> None:
    pages = writer.root["/Pages"]
    del pages["/Kids"][-1]
    pages["/Count"] = generic.NumberObject(1)
    writer.update_container(pages)


def signature_moved(writer: IncrementalPdfFileWriter) -> None:
    field = signature_fields(writer)[0]
    field["/Rect"] = numbers(0, 0, 500, 700)
    writer.update_container(field)


def signature_renamed(writer: IncrementalPdfFileWriter) -> None:
    field = signature_fields(writer)[0]
    field["/T"] = pdf_string("ten khac")
    writer.update_container(field)


def signature_on_another_page(writer: IncrementalPdfFileWriter) -> None:
    field = signature_fields(writer)[0]
    kids = writer.root["/Pages"]["/Kids"]
    field["/P"] = next(kid for kid in (kids.raw_get(0), kids.raw_get(1)) if kid != field.raw_get("/P"))
    writer.update_container(field)


def text_field_added(writer: IncrementalPdfFileWriter) -> None:
    """A filled field nobody has seen, over the text."""
    page = first_page(writer)
    field = writer.add_object(
        dictionary(
            Type=pdf_name("/Annot"),
            Subtype=pdf_name("/Widget"),
            FT=pdf_name("/Tx"),
            T=pdf_string("moi"),
            V=pdf_string("gia mao"),
            Rect=numbers(90, 690, 400, 720),
            P=writer.root["/Pages"]["/Kids"].raw_get(0),
            AP=dictionary(N=writer.add_object(drawing())),
        )
    )
    writer.root["/AcroForm"]["/Fields"].append(field)
    writer.update_container(writer.root["/AcroForm"]["/Fields"])
    page["/Annots"].append(field)
    writer.update_container(page["/Annots"])


def layers(_writer: IncrementalPdfFileWriter) -> Any:
    return dictionary(OCGs=generic.ArrayObject(), D=dictionary(BaseState=pdf_name("/OFF")))


TRICKS: dict[str, Change] = {
    "open action": put("catalogue", "/OpenAction", script),
    "catalogue actions": put("catalogue", "/AA", lambda w: dictionary(WC=script(w))),
    "script names": put("catalogue", "/Names", lambda w: dictionary(JavaScript=dictionary(Names=script(w)))),
    "layers": put("catalogue", "/OCProperties", layers),
    "outlines": put("catalogue", "/Outlines", lambda _: dictionary(Count=generic.NumberObject(0))),
    "page mode": put("catalogue", "/PageMode", lambda _: pdf_name("/UseAttachments")),
    "viewer preferences": put(
        "catalogue", "/ViewerPreferences", lambda _: dictionary(HideToolbar=generic.BooleanObject(True))
    ),
    "permissions": put("catalogue", "/Perms", lambda _: generic.DictionaryObject()),
    "no form": put("catalogue", "/AcroForm", lambda _: dictionary(Fields=generic.ArrayObject())),
    "page actions": put("page", "/AA", lambda w: dictionary(O=script(w))),
    "page turned": put("page", "/Rotate", lambda _: generic.NumberObject(180)),
    "page cropped": put("page", "/CropBox", lambda _: numbers(0, 0, 10, 10)),
    "page unit": put("page", "/UserUnit", lambda _: generic.FloatObject(9)),
    "pages turned": put("pages", "/Rotate", lambda _: generic.NumberObject(90)),
    "pages box": put("pages", "/MediaBox", lambda _: numbers(0, 0, 10, 10)),
    "resources": resource_replaced,
    "font": font_replaced,
    "content": content_replaced,
    "content added": content_added,
    "pages swapped": pages_swapped,
    "page removed": page_removed,
    "free text": annotated("FreeText", Contents=pdf_string("12"), DA=pdf_string("/Helv 12 Tf")),
    "stamp": annotated("Stamp"),
    "redaction": annotated("Redact", OverlayText=pdf_string("x")),
    "square": annotated("Square", IC=numbers(1, 1, 1)),
    "link": annotated("Link", shared=False, A=dictionary(S=pdf_name("/URI"), URI=pdf_string("https://x.example"))),
    "widget nobody owns": annotated("Widget", FT=pdf_name("/Btn")),
    "file attachment": annotated("FileAttachment", shared=False),
    "signature look": look_of_signature(in_place=False),
    "signature look in place": look_of_signature(in_place=True),
    "signature moved": signature_moved,
    "signature hidden": put("signature", "/F", lambda _: generic.NumberObject(2)),
    "signature renamed": signature_renamed,
    "signature on another page": signature_on_another_page,
    "signature actions": put("signature", "/AA", lambda w: dictionary(E=script(w))),
    "signature emptied": put("signature", "/V", lambda w: w.add_object(generic.DictionaryObject())),
    "form redraws": put("form", "/NeedAppearances", lambda _: generic.BooleanObject(True)),
    "form default look": put("form", "/DA", lambda _: pdf_string("/Helv 99 Tf 1 0 0 rg")),
    "form resources": put("form", "/DR", lambda _: generic.DictionaryObject()),
    "form of XML": put("form", "/XFA", lambda w: w.add_object(generic.StreamObject(stream_data=b"<xdp/>"))),
    "form order": put("form", "/CO", lambda _: generic.ArrayObject()),
    "form empty": put("form", "/Fields", lambda _: generic.ArrayObject()),
    "text field added": text_field_added,
}


def tricked(document: bytes, change: Change) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    change(writer)
    return written(writer)
