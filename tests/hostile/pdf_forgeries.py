"""Forged signatures: universal forgery, wrapping, incremental saving, and tricks with the signed byte range.

The classes of the published attacks on PDF signatures (2019), built on files that we signed ourselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from lienthong.signing.preparing import AGENCY_FIELD, LEADER_FIELD

from ..signing.desk import AGENCY_BOX, Desk
from ..signing.test_bad_files import fields_of, updated
from .pdf_parts import Attack, appended, last_startxref, range_text, ranged, room, root_of

EVIL_PAGE = b"<< /Type /Page /Parent 99 0 R /MediaBox [0 0 595 842] /Contents 97 0 R >>"
EVIL = {
    97: b"<< /Length 40 >>\nstream\nBT /F1 24 Tf 100 700 Td (gia mao) Tj ET \nendstream",
    98: EVIL_PAGE,
    99: b"<< /Type /Pages /Kids [98 0 R] /Count 1 >>",
}


def single(desk: Desk) -> bytes:
    """A certified letter of one page tree, signed by the leader alone; kept, because signing costs time."""
    if "single" not in desk.kept:
        desk.kept["single"] = desk.sign(desk.blank, desk.leader, "A", certify=True)
    return desk.kept["single"]


def catalog(document: bytes, pages: int) -> bytes:
    """The last catalogue of the file with another page tree."""
    number = int(root_of(document).split()[0])
    text = re.findall(rb"\n%d 0 obj\s*(<<.*?>>)\s*endobj" % number, document, re.DOTALL)[-1]
    return re.sub(rb"/Pages \d+ 0 R", b"/Pages %d 0 R" % pages, text)


def evil(document: bytes) -> dict[int, bytes]:
    """Objects that show another page under the same catalogue and form."""
    return {**EVIL, int(root_of(document).split()[0]): catalog(document, 99)}


# --- universal signature forgery: the entries that say what is signed, and by whom


def entry_replaced(name: bytes, text: bytes) -> Callable[[Desk], bytes]:
    """The value of ``/Contents`` or ``/ByteRange`` becomes ``text``, padded so that no offset moves."""

    def build(desk: Desk) -> bytes:
        document = single(desk)
        if name == b"/ByteRange":
            found = range_text(document)
            return document[: found.start()] + text.ljust(found.end() - found.start()) + document[found.end() :]
        place = room(document)
        start, end = place.open - len(b"/Contents "), place.close + 1
        return document[:start] + text.ljust(end - start) + document[end:]

    return build


def forged(text: bytes) -> Callable[[Desk], bytes]:
    """A new page, and the field's value is a dictionary that names the true one's kind but not what is signed."""

    def build(desk: Desk) -> bytes:
        document = single(desk)
        value = re.findall(rb"/V (\d+) 0 R", document)[-1]
        return appended(document, {**evil(document), int(value): text})

    return build


SIG = b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached %s >>"


# --- signature wrapping: the second signed stretch moves, another body stands in between


MADE = b" /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached >>\nendobj\n"


def wrapped(*, true_range: bytes = b"") -> Callable[[Desk], bytes]:
    """``true_range``: stands beside the new one as well (readers differ in which of two entries counts)."""

    def build(desk: Desk) -> bytes:
        document = single(desk)
        place, found = room(document), range_text(document)
        behind = last_startxref(document) + 3000
        entry = b" /ByteRange [0 %d %d %s] " % (place.open, behind, found[4])
        twice = {b"first": found[0] + entry, b"last": entry + found[0], b"": entry}[true_range]
        return _around(document, document[: place.close + 1] + twice + MADE, behind)

    return build


def wrapped_by_a_literal(desk: Desk) -> bytes:
    """A literal string of half the gap's length: counted as hex digits it would fill the gap exactly."""
    document = single(desk)
    place, found = room(document), range_text(document)
    value = bytes.fromhex(document[place.value].decode()).rstrip(b"\0").ljust(20_000, b"\0")
    text = re.sub(rb"([\\()\r\n])", lambda one: b"\\%03o" % one[1][0], value)
    behind = place.open + 2 * len(value) + 2
    entry = b"(%s) /ByteRange [0 %d %d %s]" % (text, place.open, behind, found[4])
    return _around(document, document[: place.open] + entry + MADE, behind)


def _around(document: bytes, head: bytes, behind: int) -> bytes:
    """``head``, another table at the place that the signed end names, evil objects, and the signed rest."""
    table, objects = last_startxref(document), evil(document)
    start, places, body = table + 600, {}, bytearray()
    for number, text in objects.items():
        places[number] = start + len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    lines = b"".join(b"%d 1\n%010d 00000 n \n" % line for line in sorted(places.items()))
    previous = int(re.findall(rb"/Prev (\d+)", document)[-1])
    trailer = b"trailer\n<< /Size 120 /Root %s /Prev %d >>\n" % (root_of(document), previous)
    old = re.search(rb"\nxref\n(.*?)trailer", document[int(range_text(document)[3]) :], re.DOTALL)
    assert old is not None
    section = b"xref\n" + old[1] + lines + trailer
    assert len(head) <= table
    assert len(section) < 600
    whole = head.ljust(table) + section.ljust(600) + bytes(body)
    return (whole + b"\n999 0 obj\n<<").ljust(behind) + document[int(range_text(document)[3]) :]


# --- incremental saving


def saved(*, copy_signature: bool) -> Callable[[Desk], bytes]:
    def build(desk: Desk) -> bytes:
        document = single(desk)
        objects = evil(document)
        if copy_signature:  # some verifiers looked only at whether the last revision held a signature object
            number = int(re.findall(rb"/V (\d+) 0 R", document)[-1])
            text = re.findall(rb"\n%d 0 obj\s*(<<.*?>>)\s*endobj" % number, document, re.DOTALL)[-1]
            objects[number] = text
        return appended(document, objects)

    return build


def saved_without(what: bytes) -> Callable[[Desk], bytes]:
    """The update lacks its table, its trailer or its end: some readers repair that and show it."""

    def build(desk: Desk) -> bytes:
        document = single(desk)
        update = appended(document, evil(document))[len(document) :]
        cuts = {
            b"table": re.sub(rb"xref.*?(?=trailer)", b"", update, count=1, flags=re.DOTALL),
            b"trailer": re.sub(rb"trailer.*?(?=startxref)", b"", update, count=1, flags=re.DOTALL),
            b"end": update[: update.rindex(b"startxref")],
            b"all": update[: update.index(b"xref")],
        }
        return document + cuts[what]

    return build


def revision_skipped(desk: Desk) -> bytes:
    """The newest revision continues the leader's and leaves the agency's out, which stays in the file unseen."""
    document = desk.both()
    leader = int(re.findall(rb"/Prev (\d+)", document)[-1])
    return appended(document, {}, prev=leader)


def revision_before_its_past(desk: Desk) -> bytes:
    """The update's bytes stand in the room of the signature value, its table behind the end."""
    document = single(desk)
    place = room(document)
    hidden = b">\n97 0 obj\n<< /Length 0 >>\nstream\n\nendstream\nendobj\n"
    at = place.close - len(hidden)
    inside = document[:at] + hidden + document[place.close :]
    table = b"xref\n97 1\n%010d 00000 n \n" % (at + 2)
    end = b"trailer\n<< /Size 120 /Root %s /Prev %d >>\nstartxref\n%d\n%%%%EOF\n"
    return inside + table + end % (root_of(document), last_startxref(document), len(inside))


# --- the byte range


def range_as(text: str) -> Callable[[Desk], bytes]:
    """``{a} {b} {c} {d}`` stand for the true numbers, ``{z}`` for the file's size."""

    def build(desk: Desk) -> bytes:
        document = single(desk)
        a, b, c, d = (int(number) for number in range_text(document).groups())
        numbers = {"a": a, "b": b, "c": c, "d": d, "z": len(document), "b1": b - 1, "c1": c + 1, "d1": d - 1}
        return ranged(document, text.format(**numbers).encode())

    return build


def contents_as(change: Callable[[bytes], bytes]) -> Callable[[Desk], bytes]:
    """Another text between ``<`` and ``>``, of the same length."""

    def build(desk: Desk) -> bytes:
        document = single(desk)
        place = room(document)
        old = document[place.value]
        new = change(old)
        assert len(new) == len(old)
        return document[: place.open + 1] + new + document[place.close :]

    return build


def shorter_value(desk: Desk) -> bytes:
    """The value ends early; what follows in the gap is signed by nobody and belongs to no string."""
    document = single(desk)
    place = room(document)
    cut = place.close - 200
    return document[:cut] + b">" + b" " * 199 + document[place.close :].replace(b">", b" ", 1)


# --- one value twice


def value_copied(desk: Desk) -> bytes:
    """The agency's field gets its own dictionary with the leader's range and value."""
    first = desk.sign(desk.form(), desk.leader, LEADER_FIELD, existing=True)

    def copy(writer: IncrementalPdfFileWriter) -> None:
        fields = fields_of(writer)
        value = generic.DictionaryObject(dict(fields[LEADER_FIELD]["/V"]))
        fields[AGENCY_FIELD]["/V"] = writer.add_object(value)
        writer.update_container(fields[AGENCY_FIELD])

    return updated(first, copy)


def signed_twice_by_the_leader(desk: Desk) -> bytes:
    """The leader's key in the agency's place: two true signatures, one author."""
    first = desk.sign(desk.blank, desk.leader, "A", certify=True)
    return desk.sign(first, desk.leader, "B", box=AGENCY_BOX)


FORGERIES: dict[str, Attack] = {
    # universal forgery, in place and by update
    "contents missing": Attack(build=entry_replaced(b"/Contents", b""), code="SIG_FORMAT"),
    "contents null": Attack(build=entry_replaced(b"/Contents", b"/Contents null"), code="SIG_FORMAT"),
    "contents empty": Attack(build=entry_replaced(b"/Contents", b"/Contents <>"), code="SIG_UNREADABLE_SIGNATURE"),
    "contents one zero": Attack(build=entry_replaced(b"/Contents", b"/Contents <00>"), code="SIG_UNREADABLE_SIGNATURE"),
    "contents a number": Attack(build=entry_replaced(b"/Contents", b"/Contents 0"), code="SIG_FORMAT"),
    "range missing": Attack(build=entry_replaced(b"/ByteRange", b""), code="SIG_FORMAT"),
    "range null": Attack(build=entry_replaced(b"/ByteRange", b"/ByteRange null"), code="SIG_FORMAT"),
    "range empty": Attack(build=entry_replaced(b"/ByteRange", b"/ByteRange []"), code="SIG_FORMAT"),
    "range of zeros": Attack(build=entry_replaced(b"/ByteRange", b"/ByteRange [0 0 0 0]"), code="SIG_ALTERED"),
    "new page, value without contents": Attack(build=forged(SIG % b"/ByteRange [0 1 2 3]"), code="SIG_FORMAT"),
    "new page, value without range": Attack(build=forged(SIG % b"/Contents <3000>"), code="SIG_FORMAT"),
    "new page, value null": Attack(build=forged(b"null"), code="SIG_UNSUPPORTED_SUBFILTER"),
    "new page, value empty": Attack(build=forged(b"<< >>"), code="SIG_UNSUPPORTED_SUBFILTER"),
    # wrapping
    "wrapped": Attack(build=wrapped(), code="SIG_COVERAGE"),
    "wrapped, true range first": Attack(build=wrapped(true_range=b"first"), code="SIG_ALTERED"),
    "wrapped, true range last": Attack(build=wrapped(true_range=b"last"), code="SIG_COVERAGE"),
    "wrapped by a literal": Attack(build=wrapped_by_a_literal, code="SIG_COVERAGE"),
    # incremental saving
    "saved": Attack(build=saved(copy_signature=False), code="SIG_CHANGED"),
    "saved with the signature object": Attack(build=saved(copy_signature=True), code="SIG_COVERAGE"),
    "saved without table": Attack(build=saved_without(b"table"), code="SIG_UNREADABLE"),
    "saved without trailer": Attack(build=saved_without(b"trailer"), code="SIG_UNREADABLE"),
    "saved without end": Attack(build=saved_without(b"end"), code="SIG_TRAILING_BYTES"),
    "saved without anything": Attack(build=saved_without(b"all"), code="SIG_TRAILING_BYTES"),
    "revision skipped": Attack(build=revision_skipped, code="SIG_REVISION_SKIPPED"),
    "revision inside the signature value": Attack(build=revision_before_its_past, code="SIG_UNREADABLE"),
    # the byte range
    "range negative": Attack(build=range_as("0 -{b} {c} {d}"), code="SIG_ALTERED"),
    "range from one": Attack(build=range_as("1 {b} {c} {d}"), code="SIG_ALTERED"),
    "range of the first part": Attack(build=range_as("0 {b}"), code="SIG_FORMAT"),
    "range of six": Attack(build=range_as("0 {b} {c} 1 {c} {d}"), code="SIG_FORMAT"),
    "range of three": Attack(build=range_as("0 {b} {c}"), code="SIG_FORMAT"),
    "range overlaps": Attack(build=range_as("0 {z} 0 {z}"), code="SIG_ALTERED"),
    "range over the value": Attack(build=range_as("0 {z} {z} 0"), code="SIG_ALTERED"),
    "range backwards": Attack(build=range_as("{c} {d} 0 {b}"), code="SIG_ALTERED"),
    "range too short": Attack(build=range_as("0 {b} {c} {d1}"), code="SIG_ALTERED"),
    "range leaves a byte before": Attack(build=range_as("0 {b1} {c} {d}"), code="SIG_ALTERED"),
    "range leaves a byte behind": Attack(build=range_as("0 {b} {c1} {d}"), code="SIG_ALTERED"),
    "range beyond the end": Attack(build=range_as("0 {b} {c} 99999999"), code="SIG_ALTERED"),
    "range enormous": Attack(build=range_as("0 {b} {c} 9{z}00000000000000000000"), code="SIG_UNREADABLE_SIGNATURE"),
    "range of reals": Attack(build=range_as("0 {b}.0 {c}.0 {d}.0"), code="SIG_FORMAT"),
    "range of strings": Attack(build=range_as("(0) (1) (2) (3)"), code="SIG_FORMAT"),
    "range an array of arrays": Attack(build=range_as("[0] [1] [2] [3]"), code="SIG_FORMAT"),
    "value of no hex": Attack(build=contents_as(lambda old: b"zz" + old[2:]), code="SIG_UNREADABLE"),
    "white space in the value": Attack(
        build=contents_as(lambda old: old[:40] + b" " + old[40:-1]), code="SIG_COVERAGE"
    ),
    "comment in the value": Attack(build=contents_as(lambda old: old[:-6] + b"%hide "), code="SIG_UNREADABLE"),
    "odd count of digits": Attack(build=contents_as(lambda old: old[:-1] + b" "), code="SIG_COVERAGE"),
    "upper bits in the padding": Attack(build=contents_as(lambda old: old[:-2] + b"01"), code="SIG_FORMAT"),
    "value ends early": Attack(build=shorter_value, code="SIG_COVERAGE"),
    # one value twice
    "value copied to another field": Attack(build=value_copied, code="SIG_DUPLICATED_VALUE"),
    "leader twice": Attack(build=signed_twice_by_the_leader, code="SIG_REQUIRED_SET_MISSING", policy="ND30"),
}
