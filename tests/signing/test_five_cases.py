"""The five cases of signatures.md 8.1 from a draft by Phụ lục I to the rendered page, by the jobs that desks run."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lienthong.deploy.demo.annexes import compose_annex
from lienthong.deploy.demo.compose import compose_letter
from lienthong.deploy.demo.letter import Letter
from lienthong.deploy.demo.texts import agency_table, review_letter
from lienthong.signing.appearance import appearance_warnings
from lienthong.signing.appearance_request import AppearanceRequest, Profile
from lienthong.signing.copies import CopyForm
from lienthong.signing.digitised import check_digitised
from lienthong.signing.ink import Hue, Ink, look_at
from lienthong.signing.rendered import RenderedFile
from lienthong.signing.report import Overall, SignerRole
from lienthong.signing.sign_job import AGENCY_FIELD, DATE_FIELD, LEADER_FIELD, NUMBER_FIELD, Flow, PlacedField, SignStep
from lienthong.signing.signature_places import SignaturePlace, places_of
from lienthong.signing.stamp_texts import annex_text, copy_text, read_stamp_text, sealed_lines
from lienthong.signing.stamps import POINTS_PER_MM

from ..deploy.measuring import Measured, Words
from .office import Office, refused
from .test_digitised import by_pillow, on_canvas, scanned

PAGE = 297.0
DRAFT = review_letter(number=None, day=None)
DIGITISED = {"flow": Flow.PAPER_SCAN, "policy": "AGENCY_ONLY"}


def issued(office: Office, letter: Letter, *, words: tuple[str, ...] = ()) -> Office:
    """From the draft to the agency's signature; the places are found from the words on the page."""
    compose_letter(office.paper, letter)
    office.prepare(seal_words=len(words))
    office.leader()
    office.fill(number="1278", date="ngày 21 tháng 11 năm 2026")
    assert office.agency(text=words).overall == Overall.VALID.value
    return office


def warnings_of(path: Path, *, corner: bool = False, profile: Profile = Profile.ND30) -> list[str]:
    roles = ((LEADER_FIELD, SignerRole.LEADER), (AGENCY_FIELD, SignerRole.AGENCY))
    policy = "AGENCY_ONLY" if corner else "ND30"
    asked = AppearanceRequest(path=str(path), roles=roles, policy=policy, profile=profile, diameter_mm=36.0)
    return [warning.code for warning in appearance_warnings(asked)]


def ink_of(path: Path, field: str) -> tuple[SignaturePlace, Ink]:
    place = next(place for place in places_of(str(path)) if place.field == field)
    with RenderedFile(str(path)) as file:
        ink = look_at(file.draw(place.page, {field}, place.box), place.box, place.box)
    assert ink is not None
    return place, ink


def above(words: Words) -> float:
    """Where the line of these words stands, in points from the lower edge."""
    return (PAGE - words.base) * POINTS_PER_MM


@pytest.mark.parametrize("paragraphs", [5, 10], ids=["one page", "two pages"])
def test_cases_a_and_b_on_an_issued_document(office: Office, paragraphs: int) -> None:
    letter = dataclasses.replace(DRAFT, paragraphs=(DRAFT.paragraphs * 2)[:paragraphs])
    path = issued(office, letter).paper
    assert warnings_of(path) == []
    (hand_place, hand), (seal_place, seal) = ink_of(path, LEADER_FIELD), ink_of(path, AGENCY_FIELD)
    page = Measured(path)
    assert hand_place.page == seal_place.page == len(page.sizes) - 1
    own, name = (page.find(w, page=hand_place.page) for w in ("PHÓ GIÁM ĐỐC", "Nguyễn Thị Quỳnh Hương"))
    # A: blue, between chức vụ and họ tên, centred on them (ô 7c)
    assert hand.hue is Hue.BLUE
    assert above(name) < hand.box[1] < hand.box[3] < above(own)
    middle = (hand_place.box[0] + hand_place.box[2]) / 2 / POINTS_PER_MM
    assert middle == pytest.approx(own.centre, abs=2)
    # B: red, of real size, over about a third from the left, without hiding it
    assert seal.hue is Hue.RED
    assert [(seal.box[n + 2] - seal.box[n]) / POINTS_PER_MM for n in (0, 1)] == pytest.approx([36, 36], rel=0.03)
    assert 0.25 <= (seal.box[2] - hand_place.box[0]) / (hand_place.box[2] - hand_place.box[0]) <= 0.45
    assert seal.box[0] < hand.box[0] < seal.box[2] < hand.box[2]


@pytest.mark.parametrize("up", [-60, 60, 110], ids=["below họ tên", "in the text", "high in the text"])
def test_a_signature_far_from_its_title(office: Office, up: float) -> None:  # NA-7.4.b
    drawn = compose_letter(office.paper, dataclasses.replace(DRAFT, paragraphs=DRAFT.paragraphs[:3]))
    away = up * POINTS_PER_MM
    box = (drawn.leader.x1, drawn.leader.y1 + away, drawn.leader.x2, drawn.leader.y2 + away)
    office.prepare(places=(PlacedField(name=LEADER_FIELD, page=0, box=box),))
    office.leader()
    office.agency()
    assert warnings_of(office.paper) == ["SIG_WARN_APPEARANCE_LEADER_PLACE"]


def test_seal_with_words_of_the_older_profile(office: Office) -> None:  # ST-4.2.đ, ST-9.4.a
    words = sealed_lines("Sở Khoa học và Công nghệ", office.desk.now)
    path = issued(office, DRAFT, words=words).paper
    assert warnings_of(path, profile=Profile.TT01_2019) == []
    assert warnings_of(path) == ["SIG_WARN_APPEARANCE_SEAL_WORDS"]
    place, seal = ink_of(path, AGENCY_FIELD)
    assert (seal.box[3] - seal.box[1]) / POINTS_PER_MM == pytest.approx(36, rel=0.03)  # words take nothing of it
    with RenderedFile(str(path)) as file:
        below = (place.box[0], place.box[1], seal.box[0] + 45, seal.box[1])
        shown = file.letters(place.page, below)
    assert shown.text.split() == " ".join(words).split()  # and nothing of họ tên
    assert min(shown.sizes) >= 7


def test_number_and_date_stand_in_their_gaps(office: Office) -> None:  # TN-14.3, NA-9.2.a
    path = issued(office, DRAFT).paper
    page = Measured(path)
    number, tail, label = page.find("1278", flat=True), page.find("/SKHCN-CĐS"), page.find("Số:")
    assert label.right < number.left < number.right <= tail.left + 0.5
    assert number.base == pytest.approx(label.base, abs=0.6)
    day, place = page.find("ngày 21 tháng 11 năm 2026", flat=True), page.find("Mẫu,")
    assert place.right < day.left
    assert day.base == pytest.approx(place.base, abs=0.6)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"capacity": ("TM. ỦY BAN NHÂN DÂN", "KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH")},
        {"capacity": ("GIÁM ĐỐC",), "signer": None},
        {"paragraphs": DRAFT.paragraphs * 2, "size": 14, "kind": "QUYẾT ĐỊNH", "recipients": ()},
    ],
    ids=["letter", "delegated twice", "no name", "two pages"],
)
def test_places_found_by_words_are_those_of_the_layout(
    office: Office, changes: dict[str, Any]
) -> None:  # ô 3, 4, 7c, 8
    drawn = compose_letter(office.paper, dataclasses.replace(DRAFT, **changes))
    found = {field.name: field for field in office.prepare().fields}
    assert drawn.number is not None
    assert drawn.day is not None
    for name, box, slack in (
        (NUMBER_FIELD, drawn.number, 1),
        (DATE_FIELD, drawn.day, 4),
        (LEADER_FIELD, drawn.leader, 1.5),
    ):
        assert found[name].page == box.page
        middle = [(found[name].box[n] + found[name].box[n + 2]) / 2 / POINTS_PER_MM for n in (0, 1)]
        wanted = [(box.x1 + box.x2) / 2 / POINTS_PER_MM, (box.y1 + box.y2) / 2 / POINTS_PER_MM]
        assert middle == pytest.approx(wanted, abs=slack)


def test_case_c_an_annex_in_the_same_file_has_no_signature_of_its_own(office: Office) -> None:
    path = issued(office, DRAFT).paper
    assert len(places_of(str(path))) == 2


def test_case_d_a_separate_annex(office: Office) -> None:
    compose_annex(office.paper, agency_table())
    at = office.desk.now
    text = annex_text("1278/SKHCN-CĐS", at)
    office.sign(SignStep.ANNEX, office.desk.agency, text=(text,), policy="AGENCY_ONLY")
    assert warnings_of(office.paper, corner=True) == []
    (place,) = places_of(str(office.paper))
    with RenderedFile(str(office.paper)) as file:
        letters = file.letters(0, place.box)
    read = read_stamp_text(letters.text)
    assert read is not None
    assert (read.number, read.at) == ("1278/SKHCN-CĐS", at)
    assert letters.sizes == {10.0}
    top = Measured(office.paper).find("Phụ lục")
    assert place.box[1] > above(top) + 12  # in the top margin, clear of the text


@pytest.mark.parametrize("agency", ["Sở Khoa học và Công nghệ tỉnh Mẫu", "Ban Quản lý dự án đầu tư xây dựng tỉnh Mẫu"])
def test_case_e_digitised_paper(office: Office, agency: str) -> None:
    on_canvas(office.paper, scanned(200))
    text = copy_text(CopyForm.TRUE_COPY, agency, office.desk.now)
    result = office.sign(SignStep.DIGITISED, office.desk.agency, text=(text,), **DIGITISED)
    assert result.overall == Overall.VALID.value
    assert warnings_of(office.paper, corner=True) == []
    (place,) = places_of(str(office.paper))
    assert place.box[0] > 105 * POINTS_PER_MM
    assert place.box[1] > (297 - 20) * POINTS_PER_MM  # ô 14: in the top margin, at the far right
    with RenderedFile(str(office.paper)) as file:
        assert " ".join(file.letters(0, place.box).text.split()) == text


def test_loose_syntax_of_a_scanner_is_written_anew(office: Office) -> None:
    by_pillow(office.paper)  # its first cross-reference entry has a number that ISO 32000-1, 7.5.4 does not allow
    text = copy_text(CopyForm.TRUE_COPY, "Sở Tư pháp", office.desk.now)
    result = office.sign(SignStep.DIGITISED, office.desk.agency, text=(text,), **DIGITISED)
    assert result.overall == Overall.VALID.value
    assert check_digitised(office.paper) == ()
    assert office.desk.check(office.paper, policy="AGENCY_ONLY").warnings == ()
    draft = office.folder / "draft.pdf"
    draft.write_bytes(draft.read_bytes() + b"/ByteRange")
    office.paper = draft
    refused("SIG_SOURCE_UNREADABLE", office.sign, SignStep.DIGITISED, office.desk.agency, text=(text,), **DIGITISED)


def test_digitised_paper_of_the_older_profile(office: Office) -> None:  # ST-8.2.b (2)
    on_canvas(office.paper, scanned(200))
    picture = office.folder / "seal.png"
    picture.write_bytes(office.desk.images.seal)
    words = sealed_lines("Sở Tư pháp", office.desk.now)
    office.sign(SignStep.DIGITISED, office.desk.agency, text=words, picture=str(picture), **DIGITISED)
    assert warnings_of(office.paper, corner=True, profile=Profile.TT01_2019) == []
    assert "SIG_WARN_APPEARANCE_PICTURE" in warnings_of(office.paper, corner=True)
    _, seal = ink_of(office.paper, AGENCY_FIELD)
    assert [(seal.box[n + 2] - seal.box[n]) / POINTS_PER_MM for n in (0, 1)] == pytest.approx([36, 36], rel=0.03)


@pytest.mark.parametrize("form", [CopyForm.COPY_OF_COPY, CopyForm.EXTRACT])
def test_case_e_copies(office: Office, form: CopyForm) -> None:
    on_canvas(office.paper, scanned(200))
    text = copy_text(form, "Sở Tư pháp", office.desk.now + timedelta(seconds=1))
    office.sign(SignStep.COPY, office.desk.agency, text=(text,), **DIGITISED)
    assert warnings_of(office.paper, corner=True) == []


def test_a_bad_scan_is_not_signed_as_digitised_paper(office: Office) -> None:  # ST-8.2.b (1)
    on_canvas(office.paper, scanned(150))
    text = copy_text(CopyForm.TRUE_COPY, "Sở Tư pháp", office.desk.now)
    refused("SIG_SCAN_RESOLUTION", office.sign, SignStep.DIGITISED, office.desk.agency, text=(text,), **DIGITISED)
