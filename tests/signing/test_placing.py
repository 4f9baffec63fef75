"""Where number, date, initials, leader and seal go: by the words on the page (signatures.md 8.4, 8.7)."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from lienthong.deploy.demo.compose import compose_letter
from lienthong.deploy.demo.letter import Letter, LetterLayout
from lienthong.deploy.demo.paper import Box, load_fonts
from lienthong.signing.placing import Placed, place_fields
from lienthong.signing.sign_job import (
    AGENCY_FIELD,
    DATE_FIELD,
    LEADER_FIELD,
    NUMBER_FIELD,
    Capacity,
    FillJob,
    PlacedField,
    PrepareJob,
    SignerBlock,
)
from lienthong.signing.sign_jobs import fill_job, prepare_job

LETTER = Letter(
    governing="ỦY BAN NHÂN DÂN TỈNH MẪU",
    agency="SỞ TÀI CHÍNH",
    number=None,
    notation="STC-VP",
    place="Mẫu",
    day=None,
    subject="báo cáo công tác văn thư, lưu trữ",
    recipients=("Sở Y tế", "Sở Nội vụ"),
    paragraphs=("Thực hiện kế hoạch công tác năm, đề nghị các đơn vị gửi báo cáo. " * 8, "Trân trọng./."),
    capacity=("KT. GIÁM ĐỐC", "PHÓ GIÁM ĐỐC"),
    signer="Nguyễn Văn An",
    copies_to=("Như trên", "Lưu: VT"),
)


def drawn(folder: Path, letter: Letter) -> tuple[Path, LetterLayout]:
    path = folder / "letter.pdf"
    return path, compose_letter(path, letter)


def placed(path: Path, **settings: Any) -> tuple[Placed, dict[str, PlacedField]]:
    found = place_fields(PrepareJob(source=str(path), target="", **settings))
    return found, {field.name: field for field in found.fields}


def codes(found: Placed) -> list[str]:
    return [w.code for w in found.warnings]


def inside(inner: tuple[float, ...], outer: Box, *, slack: float) -> bool:
    return (
        inner[0] >= outer.x1 - slack
        and inner[1] >= outer.y1 - slack
        and inner[2] <= outer.x2 + slack
        and inner[3] <= outer.y2 + slack
    )


def test_everything_by_the_words_of_an_administrative_document(tmp_path: Path) -> None:
    path, layout = drawn(tmp_path, LETTER)
    found, fields = placed(path)
    assert not found.warnings
    assert layout.number
    assert layout.day
    number, day, leader = fields[NUMBER_FIELD].box, fields[DATE_FIELD].box, fields[LEADER_FIELD].box
    assert number[2] - number[0] == pytest.approx(15 * mm, abs=1.5)  # TN-14.3
    assert number[0] == pytest.approx(layout.number.x1, abs=1.5)
    assert day[0] == pytest.approx(layout.day.x1, abs=1.5)
    assert layout.leader.y1 >= leader[1] > 0
    assert layout.leader.y2 <= leader[3]
    assert (leader[0] + leader[2]) / 2 == pytest.approx((layout.leader.x1 + layout.leader.x2) / 2, abs=2)
    assert found.block == SignerBlock(
        title="PHÓ GIÁM ĐỐC", capacity=Capacity.KT, principal="GIÁM ĐỐC", name="Nguyễn Văn An"
    )


def test_seal_over_the_left_third_of_the_picture_whose_shape_is_known(tmp_path: Path, desk: Any) -> None:  # NA-7.5
    path, _ = drawn(tmp_path, LETTER)
    picture = tmp_path / "leader.png"
    picture.write_bytes(desk.images.leader)
    _, fields = placed(path, leader_picture=str(picture))
    leader, seal = fields[LEADER_FIELD].box, fields[AGENCY_FIELD].box
    assert (leader[2] - leader[0]) / (leader[3] - leader[1]) == pytest.approx(600 / 260, rel=0.01)
    assert (seal[2] - leader[0]) / (leader[2] - leader[0]) == pytest.approx(1 / 3, abs=0.01)
    assert seal[2] - seal[0] == pytest.approx(36 * mm, rel=0.01)


def test_block_without_a_name_has_forty_millimetres(tmp_path: Path) -> None:  # TN-14.2, C9
    path, _ = drawn(tmp_path, replace(LETTER, signer=None, capacity=("GIÁM ĐỐC",)))
    found, fields = placed(path)
    box = fields[LEADER_FIELD].box
    assert box[3] - box[1] == pytest.approx(40 * mm, abs=1)
    assert found.block == SignerBlock(title="GIÁM ĐỐC")
    assert "SIG_WARN_LEADER_SPACE" not in codes(found)


@pytest.mark.parametrize(
    ("capacity", "block"),
    [
        (("TL. CHỦ TỊCH", "CHÁNH VĂN PHÒNG"), ("TL.", "CHỦ TỊCH", "CHÁNH VĂN PHÒNG")),
        (("TUQ. GIÁM ĐỐC", "TRƯỞNG PHÒNG HÀNH CHÍNH"), ("TUQ.", "GIÁM ĐỐC", "TRƯỞNG PHÒNG HÀNH CHÍNH")),
        (
            ("TM. ỦY BAN NHÂN DÂN", "KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH"),
            ("TM.", "ỦY BAN NHÂN DÂN KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH"),
        ),
        (("Q. GIÁM ĐỐC",), ("Q.", None, "GIÁM ĐỐC")),
    ],
)
def test_capacities(tmp_path: Path, capacity: tuple[str, ...], block: tuple[str, str | None, str]) -> None:  # C22
    path, _ = drawn(tmp_path, replace(LETTER, capacity=capacity))
    found, _ = placed(path)
    assert found.block is not None
    assert (found.block.capacity, found.block.principal, found.block.title) == block


def test_block_of_somebody_else_is_told(tmp_path: Path) -> None:
    path, _ = drawn(tmp_path, LETTER)
    expected = SignerBlock(title="GIÁM ĐỐC", name="Trần Thị Bình")
    found, _ = placed(path, signer_block=expected)
    assert codes(found) == ["SIG_WARN_SIGNER_BLOCK"]
    right = SignerBlock(title="Phó Giám đốc", capacity=Capacity.KT, principal="Giám đốc", name="NGUYỄN VĂN AN")
    assert not placed(path, signer_block=right)[0].warnings


def test_initials_stand_behind_the_end_of_the_content(tmp_path: Path) -> None:  # ST-9.2
    path, _ = drawn(tmp_path, LETTER)
    _, fields = placed(path, initials=2)
    with pypdfium2.PdfDocument(path) as document:
        text = document[0].get_textpage()
        words = text.get_text_range(0, text.count_chars())
        end = text.get_charbox(words.index("./.") + 2, loose=True)
    first, second = fields["Sig_nhay_1"].box, fields["Sig_nhay_2"].box
    assert 0 < first[0] - end[2] < 5 * mm
    assert first[1] < (end[1] + end[3]) / 2 < first[3]
    assert first[2] < second[0] < second[2] < 210 * mm


def test_what_is_printed_needs_no_field(tmp_path: Path) -> None:  # NUMBER_FIRST with a typed number
    path, _ = drawn(tmp_path, replace(LETTER, number="12", day=date(2026, 11, 21)))
    found, fields = placed(path)
    assert not found.warnings
    assert set(fields) == {LEADER_FIELD, AGENCY_FIELD}


def test_page_without_words_gets_the_default_places(tmp_path: Path, desk: Any) -> None:
    path = tmp_path / "blank.pdf"
    path.write_bytes(desk.blank)
    found, fields = placed(path, initials=1)
    assert set(codes(found)) == {"SIG_WARN_PLACED_BY_DEFAULT"}
    assert len(found.warnings) == 4
    assert fields[LEADER_FIELD].page == 1  # the last one
    own = PlacedField(name=LEADER_FIELD, page=0, box=(300.0, 100.0, 420.0, 160.0))
    _, fields = placed(path, fallback=(own,))
    assert fields[LEADER_FIELD] == own


def page_with(folder: Path, draw: Callable[[Canvas], None]) -> Path:
    load_fonts()
    path = folder / "page.pdf"
    canvas = Canvas(str(path), pagesize=(210 * mm, 297 * mm), pdfVersion=(1, 7), invariant=1)
    canvas.setFont("Serif", 13)
    draw(canvas)
    canvas.save()
    return path


@pytest.mark.parametrize(
    ("line", "left", "right", "narrow"),
    [
        ("Số:            /QĐ-UBND", "Số:", "/QĐ", False),
        ("Số:……………/QĐ-UBND", "Số:", "/QĐ", False),
        ("Số:   /QĐ-UBND", "Số:", "/QĐ", True),
    ],
)
def test_gaps_for_the_number(tmp_path: Path, line: str, left: str, right: str, *, narrow: bool) -> None:
    path = page_with(tmp_path, lambda canvas: canvas.drawString(100, 720, line))
    found, fields = placed(path)
    box = fields[NUMBER_FIELD].box
    with pypdfium2.PdfDocument(path) as document:
        text = document[0].get_textpage()
        words = text.get_text_range(0, text.count_chars())
        begin = text.get_charbox(words.index(left) + len(left) - 1, loose=True)[2]
        end = text.get_charbox(words.index(right), loose=True)[0]
    assert begin <= box[0] < box[2] <= end
    assert ("SIG_WARN_NARROW_GAP" in codes(found)) is narrow


def test_words_whose_marks_stand_apart(tmp_path: Path) -> None:
    """Some converters write "ố" as three letters."""

    def draw(canvas: Canvas) -> None:
        for y, line in ((720, "Số:               /STC"), (400, "GIÁM ĐỐC"), (280, "Nguyễn Văn An")):
            canvas.drawString(330 if y < 700 else 100, y, unicodedata.normalize("NFD", line))

    found, fields = placed(page_with(tmp_path, draw))
    assert fields[NUMBER_FIELD].anchor == "Số:"
    assert found.block == SignerBlock(title="GIÁM ĐỐC", name="Nguyễn Văn An")


def test_date_between_printed_words(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(100, 720, "Số:               /STC")
        canvas.drawString(330, 720, "Mẫu, ngày        tháng        năm 2026")

    path = page_with(tmp_path, draw)
    _, fields = placed(path)
    assert [gap[0] for gap in fields[DATE_FIELD].gaps] == ["day", "month"]
    prepared, filled = tmp_path / "prepared.pdf", tmp_path / "filled.pdf"
    prepare_job(PrepareJob(source=str(path), target=str(prepared)))
    fill_job(FillJob(source=str(prepared), target=str(filled), number="12", date="ngày 05 tháng 11 năm 2026"))
    assert shown(filled) == "Số:12/STCMẫu,ngày05tháng11năm2026"


def shown(path: Path) -> str:
    """The words on the line of the number, its fields included, from the left, without blanks."""
    with pypdfium2.PdfDocument(path) as document:
        document.init_forms()
        page = document[0]
        page.flatten()
        content = io.BytesIO()
        document.save(content)
    with pypdfium2.PdfDocument(content.getvalue()) as flat:
        text = flat[0].get_textpage()
        letters = [
            (text.get_charbox(i, loose=True)[0], letter)
            for i, letter in enumerate(text.get_text_range(0, text.count_chars()))
            if 715 < text.get_charbox(i, loose=True)[1] < 725
        ]
    return "".join("".join(letter for _, letter in sorted(letters, key=lambda one: one[0])).split())
