"""Prepare, sign, number, sign: the jobs that tokens and cases run (signatures.md 2)."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.reader import PdfFileReader

from lienthong.signing.report import Overall, SignerRole
from lienthong.signing.sign_job import (
    AGENCY_FIELD,
    DATE_FIELD,
    LEADER_FIELD,
    NUMBER_FIELD,
    Flow,
    Level,
    SignStep,
    Subfilter,
)

from .desk import registered
from .office import Office, refused
from .test_good_files import hybrid_pdf


@pytest.mark.parametrize("subfilter", list(Subfilter))
def test_leader_number_agency(office: Office, subfilter: Subfilter) -> None:
    prepared = office.prepare()
    assert {f.name for f in prepared.fields} == {NUMBER_FIELD, DATE_FIELD, LEADER_FIELD, AGENCY_FIELD}
    office.leader(subfilter=subfilter)
    assert office.fill(number="12", date="Mẫu, ngày 21 tháng 11 năm 2026").filled == (NUMBER_FIELD, DATE_FIELD)
    result = office.agency(subfilter=subfilter)
    assert result.overall == Overall.VALID.value
    report = office.desk.check(office.paper)
    assert report.overall is Overall.VALID, report.reason
    assert {s.subfilter for s in report.signatures} == {subfilter.value}
    assert report.sha256 == result.sha256


def test_number_first(office: Office) -> None:
    office.prepare(flow=Flow.NUMBER_FIRST)
    office.fill(number="12")
    office.leader(flow=Flow.NUMBER_FIRST)
    refused("SIG_NUMBER_LOCKED", office.fill, number="13")
    assert office.agency(flow=Flow.NUMBER_FIRST).overall == Overall.VALID.value


def test_never_number_after_the_agency(office: Office) -> None:
    office.prepare()
    office.leader()
    office.fill(number="12")
    office.agency()
    refused("SIG_NUMBER_AFTER_AGENCY", office.fill, number="13")


def test_agency_waits_for_the_leader(office: Office) -> None:  # L-13
    office.prepare()
    refused("SIG_AGENCY_BEFORE_LEADER", office.agency)


@pytest.mark.parametrize("level", list(Level))
def test_levels(office: Office, level: Level) -> None:
    office.prepare()
    office.leader(level=level)
    assert office.agency(level=level).overall == Overall.VALID.value


def test_initials_come_first(office: Office) -> None:
    office.prepare(initials=2)
    office.settings["registry"] = (*office.desk.registry, registered(office.drafter, SignerRole.INITIALS))
    for field in ("Sig_nhay_1", "Sig_nhay_2"):
        assert office.sign(SignStep.INITIALS, office.drafter).field == field
    office.leader()
    refused("SIG_INITIALS_AFTER_LEADER", office.sign, SignStep.INITIALS, office.drafter)
    assert office.agency().overall == Overall.VALID.value


def plain(pdf: pikepdf.Pdf) -> None:
    """As it is."""


def turned(pdf: pikepdf.Pdf) -> None:
    for page in pdf.pages:
        page.rotate(90, relative=False)


def moved(pdf: pikepdf.Pdf) -> None:
    for page in pdf.pages:
        page.mediabox = [50, 50, 645, 892]
        page.cropbox = [60, 60, 600, 800]


def formed(pdf: pikepdf.Pdf) -> None:
    """A form of somebody's office suite, with a field that nobody asked for."""
    field = pikepdf.Dictionary(
        FT=pikepdf.Name.Tx, T="ghi_chu", Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, Rect=[10, 10, 60, 30]
    )
    shown = pdf.make_indirect(field)
    pdf.pages[0].Annots = pikepdf.Array([shown])
    pdf.Root.AcroForm = pdf.make_indirect(pikepdf.Dictionary(Fields=pikepdf.Array([shown])))


@pytest.mark.parametrize(
    ("change", "saving"),
    [
        (plain, {"object_stream_mode": pikepdf.ObjectStreamMode.generate}),
        (plain, {"linearize": True}),
        (plain, {"force_version": "2.0"}),
        (turned, {}),
        (moved, {}),
        (formed, {}),
    ],
    ids=["object streams", "linearized", "PDF 2.0", "turned", "moved", "form"],
)
def test_files_of_all_kinds(office: Office, change: Callable[[pikepdf.Pdf], None], saving: dict[str, Any]) -> None:
    with pikepdf.open(office.paper, allow_overwriting_input=True) as pdf:
        change(pdf)
        pdf.save(office.paper, **saving)
    office.prepare()
    office.leader()
    office.fill(number="12", date="ngày 21 tháng 11 năm 2026")
    assert office.agency().overall == Overall.VALID.value


def templated(pdf: pikepdf.Pdf) -> None:
    """A template of the agency's that has its number field already, and asks viewers to draw it."""
    formed(pdf)
    pdf.Root.AcroForm.Fields[0].T = NUMBER_FIELD
    pdf.Root.AcroForm.Fields[0].Rect = [100, 740, 160, 758]
    pdf.Root.AcroForm.NeedAppearances = True


def test_number_field_of_a_template(office: Office) -> None:
    with pikepdf.open(office.paper, allow_overwriting_input=True) as pdf:
        templated(pdf)
        pdf.save(office.paper)
    office.prepare()
    office.leader()
    office.fill(number="77")
    assert office.agency().overall == Overall.VALID.value
    form = PdfFileReader(io.BytesIO(office.paper.read_bytes())).root["/AcroForm"]
    names = [str(f.get_object()["/T"]) for f in form["/Fields"]]
    assert names.count(NUMBER_FIELD) == 1
    assert "/NeedAppearances" not in form


def test_hybrid_file_of_an_office_suite(office: Office) -> None:  # signatures.md 4.1
    office.paper.write_bytes(hybrid_pdf())
    office.prepare()
    office.leader()
    office.fill(number="12")
    assert office.agency().overall == Overall.VALID.value


LINE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=LINE, day=LINE)
def test_fields_say_what_was_given(office: Office, number: str, day: str) -> None:
    """Whatever is printable: the register, the field and the reader's eye agree (NA-9.2.a)."""
    office.paper.write_bytes(office.desk.blank)
    office.prepare()
    office.fill(number=number, date=day)
    form = PdfFileReader(io.BytesIO(office.paper.read_bytes())).root["/AcroForm"]
    values = {str(f.get_object()["/T"]): str(f.get_object()["/V"]) for f in form["/Fields"] if "/V" in f.get_object()}
    assert values == {NUMBER_FIELD: number, DATE_FIELD: day}
