"""Files that come back from a signing tool in the holder's computer (signatures.md 9.1, 10)."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from lienthong.deploy.demo.pki_parts import Issued
from lienthong.signing.errors import SigningError
from lienthong.signing.report import Overall
from lienthong.signing.returned import ReturnedFile, check_externally_signed, hand_out
from lienthong.signing.sign_job import LEADER_FIELD, NUMBER_FIELD, SignJob, SignResult, SignStep

from .office import Office, refused


def hand_in(office: Office, content: bytes, step: SignStep = SignStep.LEADER, **changes: Any) -> SignResult:
    returned = office.folder / "returned"
    returned.write_bytes(content)
    certificates = changes.pop("certificates", ())
    job = SignJob(**{**office.settings, "step": step, "source": str(office.paper), "target": office.target, **changes})
    result = check_externally_signed(ReturnedFile(job=job, returned=str(returned), certificates=certificates))
    office.paper = Path(job.target)
    return result


def give(office: Office) -> None:
    target = office.target
    given = hand_out(str(office.paper), target)
    office.paper = Path(target)
    assert given.size == office.paper.stat().st_size


def by_tool(office: Office, by: Issued, name: str, **settings: Any) -> bytes:
    """As tools derived from VGCA code sign: append mode, adbe.pkcs7.detached, a field of their own."""
    return office.desk.sign(office.paper.read_bytes(), by, name, **settings)


def changed(content: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    writer, output = IncrementalPdfFileWriter(io.BytesIO(content)), io.BytesIO()
    change(writer)
    writer.write(output)
    return output.getvalue()


@pytest.mark.parametrize("certify", [True, False], ids=["certifies", "approves"])
def test_tool_of_the_leader_then_tool_of_the_clerk(office: Office, *, certify: bool) -> None:
    give(office)
    hand_in(office, by_tool(office, office.desk.leader, "Signature1", certify=certify))
    result = hand_in(
        office, by_tool(office, office.desk.agency, "Signature2", box=(290, 190, 393, 293)), SignStep.AGENCY
    )
    assert result.overall == Overall.VALID.value
    assert result.field == "Signature2"
    assert office.desk.check(office.paper).overall is Overall.VALID


def test_tool_that_signs_in_our_field(office: Office) -> None:
    office.prepare()
    hand_in(office, by_tool(office, office.desk.leader, LEADER_FIELD, existing=True, certify=True))
    office.fill(number="12")
    assert office.agency().overall == Overall.VALID.value


def test_file_that_was_written_anew(office: Office) -> None:
    office.prepare()
    other = changed(office.desk.blank, lambda writer: writer.root.update({pdf_name("/Lang"): generic.pdf_string("vi")}))
    office_paper = office.desk.sign(other, office.desk.leader, "Signature1")
    refused("SIG_RETURNED_REWRITTEN", hand_in, office, office_paper)


def test_file_that_nobody_signed(office: Office) -> None:
    office.prepare()
    refused("SIG_RETURNED_UNSIGNED", hand_in, office, office.paper.read_bytes())


def test_two_signatures_at_once(office: Office) -> None:
    office.prepare()
    first = by_tool(office, office.desk.leader, "Signature1")
    both = office.desk.sign(first, office.desk.agency, "Signature2", box=(10, 10, 60, 60))
    refused("SIG_RETURNED_UNSIGNED", hand_in, office, both)


def test_signature_of_somebody_else(office: Office) -> None:
    office.prepare()
    signed = by_tool(office, office.desk.agency, "Signature1")
    refused("SIG_RETURNED_OTHER_SIGNER", hand_in, office, signed)
    mine = (office.desk.leader.sha256,)
    refused("SIG_RETURNED_OTHER_SIGNER", hand_in, office, signed, certificates=mine)


def redraw(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"][0]
    page[pdf_name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=b"q Q"))
    writer.update_container(page)


def number_it(writer: IncrementalPdfFileWriter) -> None:
    for reference in writer.root["/AcroForm"]["/Fields"]:
        field = reference.get_object()
        if field["/T"] == NUMBER_FIELD:
            field[pdf_name("/V")] = generic.pdf_string("999")
            writer.mark_update(reference.reference)


def cover(writer: IncrementalPdfFileWriter) -> None:
    append_signature_field(writer, SigFieldSpec("che", on_page=0, box=(0, 0, 500, 500)))


@pytest.mark.parametrize("change", [redraw, number_it, cover], ids=["page redrawn", "number filled", "field over page"])
def test_more_than_a_signature(office: Office, change: Callable[[IncrementalPdfFileWriter], None]) -> None:
    """The tool's signature covers the change, so no later check of it would tell."""
    office.prepare()
    tampered = changed(office.paper.read_bytes(), change)
    signed = office.desk.sign(tampered, office.desk.leader, "Signature1")
    refused("SIG_RETURNED_CHANGED", hand_in, office, signed)
    assert not list(office.folder.glob("2.pdf"))


def test_change_behind_the_signature(office: Office) -> None:
    office.prepare()
    signed = by_tool(office, office.desk.leader, "Signature1")
    refused("SIG_RETURNED_CHANGED", hand_in, office, changed(signed, redraw))
    refused("SIG_SOURCE_UNREADABLE", hand_in, office, signed + b"%%EOF hidden")


def test_agency_before_leader(office: Office) -> None:  # L-13
    office.prepare()
    refused("SIG_AGENCY_BEFORE_LEADER", hand_in, office, b"", SignStep.AGENCY)


def test_file_given_without_a_form(office: Office) -> None:
    refused("SIG_FIELD_MISSING", hand_in, office, by_tool(office, office.desk.leader, "Signature1"))


def test_prepared_file_is_given_as_it_is(office: Office) -> None:
    office.prepare()
    before = office.paper.read_bytes()
    give(office)
    assert office.paper.read_bytes() == before


@pytest.mark.parametrize("step", [SignStep.ANNEX, SignStep.COPY])
def test_annex_and_copy_by_the_clerks_tool(office: Office, step: SignStep) -> None:
    give(office)
    signed = by_tool(office, office.desk.agency, "Signature1", box=(400, 800, 580, 830))
    assert hand_in(office, signed, step).overall == Overall.VALID.value


def test_broken_in_every_place(office: Office) -> None:
    """Each byte that a tool may have spoilt: refused, by a code of ours."""
    office.prepare()
    before = office.paper.read_bytes()
    signed = by_tool(office, office.desk.leader, "Signature1")
    gap = signed.index(b"/Contents <")
    spoilt = [*range(len(before), gap, 97), *range(gap + 20500, len(signed), 23)]
    for place, byte in zip(spoilt, cycle(b"\x00\xff<>[]()/ 0")):
        content = bytearray(signed)
        if content[place] == byte:
            continue
        content[place] = byte
        with pytest.raises(SigningError):
            hand_in(office, bytes(content))
        assert not Path(office.target).exists()
