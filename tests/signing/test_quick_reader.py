"""The reader with a memory gives what pyHanko's gives, object by object, revision by revision, way by way."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from lienthong.signing.quick_objects import QuickObjects
from lienthong.signing.quick_reader import QuickReader
from lienthong.signing.refused import DocumentRefused

from ..hostile.pdf_parts import PAGES, pdf
from ..hostile.pdf_shadows import prepared
from ..hostile.pdf_structures import diamonds
from .desk import Desk
from .test_good_files import hybrid_pdf

Told = tuple[Any, ...]


def told(value: Any) -> Told:
    """Everything of an object that may matter: type, content, where it says it stands."""
    kind, place = type(value), getattr(value, "container_ref", None)
    where = (place.idnum, place.generation) if isinstance(place, generic.Reference) else None
    if isinstance(value, generic.DictionaryObject):
        parts: Told = tuple((str(key), type(key), told(entry)) for key, entry in value.items())
        data = value.encoded_data if isinstance(value, generic.StreamObject) else None
        return (kind, where, parts, data)
    if isinstance(value, generic.ArrayObject):
        return (kind, where, tuple(told(item) for item in value))
    if isinstance(value, generic.IndirectObject):
        return (kind, where, value.idnum, value.generation)
    if isinstance(value, generic.NullObject):
        return (kind, where)
    encoding = getattr(value, "autodetected_encoding", None)
    return (kind, where, repr(value), getattr(value, "value", None), encoding)


def compare(document: bytes, *, strict: bool = True) -> int:
    """Every object of every revision, and every way to it. Returns how many objects were compared."""
    plain, quick = PdfFileReader(io.BytesIO(document), strict=strict), QuickReader(io.BytesIO(document), strict=strict)
    compared = 0
    for revision in range(plain.xrefs.total_revisions):
        old, new = plain.get_historical_resolver(revision), quick.get_historical_resolver(revision)
        old._load_reverse_xref_cache()
        new._load_reverse_xref_cache()
        for number in range(int(plain.trailer["/Size"])):
            reference = generic.Reference(number, 0)
            if plain.xrefs.get_historical_ref(reference, revision) is None:
                continue
            assert told(new(reference)) == told(old(reference)), (revision, number)
            assert told(quick.get_object(reference)) == told(plain.get_object(reference)), number
            assert new._get_usages_of_ref(reference) == old._get_usages_of_ref(reference), (revision, number)
            compared += 1
    return compared


def test_signed_files(desk: Desk) -> None:
    for document in (desk.profile, desk.both(), desk.form(), prepared()):
        assert compare(document) > 5


def test_hybrid_file() -> None:
    assert compare(hybrid_pdf(), strict=False) > 5


def test_most_objects_of_a_letter_are_read_the_short_way(desk: Desk) -> None:
    reader = QuickReader(io.BytesIO(desk.profile), strict=True)
    quick = QuickObjects(reader)
    places = [(number, reader.xrefs[generic.Reference(number, 0)]) for number in range(1, int(reader.trailer["/Size"]))]
    read = [quick.read(reader.stream, number, 0, place) for number, place in places if isinstance(place, int)]
    assert sum(value is not None for value in read) > 0.9 * len(read)


NASTY = [
    b"<< /A 1 /A 2 >>",
    b"<< /A >>",
    b"<< /A#20B 1 >>",
    b"<< /A (b\\(c\\)) /B (\\101\\12x) /C (a(b)c) /D (x\\\ny) >>",
    b"[1 2.5 -3 +4 .5 5. -.5 1 0 R 1  0 R 10 0 R2 0 0 R 1 0 RX]",
    b"[true false null trueish]",
    b"[<> <4> <41 42> <4142> <zz>]",
    b"<< /A 1 % comment\n >>",
    b"<< /Length 3 >>\nstream\nabc\nendstream",
    b"<< /Length 3 >>\r\nstream\r\nabc endstream",
    b"<< /Length 3 >>\nstream\rabc\nendstream",
    b"<< /Length 9 >>\nstream\nabc\nendstream",
    b"<< /Length 4 >>\nstream\nabc\nendstream",
    b"<< /Length 5 0 R >>\nstream\nabc\nendstream",
    b"<< /Length -1 >>\nstream\nabc\nendstream",
    b"<< /A << /B 1 >> stream >>",
    b"(\xfe\xff\x00A) ",
    b"(\\376\\377\\000A)",
    b"12",
    b"1 0 R",
    b"/Name",
    b"/Na\xc3\xaeme",
    b"<</A/B/C[/D/E]/F<</G(h)>>>>",
    b"<< /A 99999999999999999999 /B 1.5.5 /C --1 /D 1-1 >>",
    b"[" * 60 + b"]" * 60,
]


def outcome(content: bytes, *, quick: bool) -> Told:
    """What an object of a file is, or which exception says that it is none."""
    reader = PdfFileReader(io.BytesIO(pdf({1: b"<< /Type /Catalog /Pages 2 0 R >>", **PAGES, 4: b"null"})))
    stream = io.BytesIO(b"4 0 obj\n" + content + b"\nendobj\nxref\n")
    reader.stream = stream
    try:
        if quick:
            value = QuickObjects(reader).read(stream, 4, 0, 0)
            if value is None:
                return ()
        else:
            value = reader._read_object(generic.Reference(4, 0, reader), 0)
    except Exception as cause:  # noqa: BLE001 - whatever pyHanko raises on broken syntax
        return (type(cause),)
    return told(value)


@pytest.mark.parametrize("content", NASTY)
def test_nasty_objects(content: bytes) -> None:
    assert outcome(content, quick=True) in ((), outcome(content, quick=False))


PLAIN_WORDS = b"<< >> [ ] /A /B /Type 1 0 R -2 1.5 (a) (\\101) <41> <4> true null stream /L#41 ( ) \\ endobj".split(
    b" "
)
WORDS = st.sampled_from([*PLAIN_WORDS, b"%x\n", b"\x00", b"\n", b" ", b"5 0 R"])


@given(st.lists(WORDS, max_size=14), st.sampled_from([b" ", b"", b"\n"]))
@settings(max_examples=300, deadline=None)
def test_any_object(words: list[bytes], between: bytes) -> None:
    content = between.join(words)
    assert outcome(content, quick=True) in ((), outcome(content, quick=False))


def test_ways_are_bounded() -> None:
    """Sixty levels of two references each: more ways than there is time."""
    reader = QuickReader(io.BytesIO(pdf({1: b"<< /Pages 2 0 R /X 10 0 R >>", **PAGES, **diamonds(60)})), strict=True)
    with pytest.raises(DocumentRefused) as refused:
        reader.get_historical_resolver(0)._load_reverse_xref_cache()
    assert refused.value.code == "SIG_TOO_COMPLEX"
