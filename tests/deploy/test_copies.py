"""Copies on paper, measured: Nghị định 30/2020/NĐ-CP Phụ lục I, Phần II, mục II and III."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path

import pytest

from lienthong.deploy.demo.compose import compose_letter
from lienthong.deploy.demo.copy_page import CopyBlock, compose_copy
from lienthong.deploy.demo.texts import review_letter
from lienthong.signing.copies import CopyForm, CopyKind, Medium

from .measuring import Measured

LETTER = review_letter(number="1278", day=date(2026, 2, 5))
SHORT = dataclasses.replace(LETTER, paragraphs=LETTER.paragraphs[-1:], address=None)
BLOCK = CopyBlock(
    kind=CopyKind(form=CopyForm.COPY_OF_COPY, source=Medium.PAPER, target=Medium.PAPER),
    number=7,
    agency="SỞ TƯ PHÁP",
    place="Mẫu",
    day=date(2026, 3, 9),
    capacity=("TL. GIÁM ĐỐC", "CHÁNH VĂN PHÒNG"),
    signer="Trần Thị Bình",
    copies_to=("Các phòng thuộc Sở", "Lưu: VT"),
)


def copied(folder: Path, letter: object, block: CopyBlock = BLOCK) -> tuple[Measured, int]:
    source, target = folder / "a.pdf", folder / "copy.pdf"
    compose_letter(source, letter)
    pages = compose_copy(target, source, block)
    assert sorted(path.name for path in folder.iterdir()) == ["a.pdf", "copy.pdf"]
    return Measured(target), pages


def test_the_block_stands_under_the_document_on_the_same_sheet(tmp_path: Path) -> None:  # mục II.2.a
    copy, pages = copied(tmp_path, SHORT)
    assert pages == 1
    end, form = copy.find("Nguyễn Thị Quỳnh Hương"), copy.find("SAO LỤC")
    (rule,) = [stroke for stroke in copy.strokes() if stroke.width > 160]
    assert (rule.left, rule.right) == pytest.approx((30, 195), abs=0.6)  # over the full width of the text
    assert end.base < rule.top < form.top
    assert copy.find("Trần Thị Bình").base < 297 - 20


def test_the_parts_of_the_block(tmp_path: Path) -> None:  # mục II.1, II.2.b
    copy, _ = copied(tmp_path, SHORT)
    form, agency, number = copy.find("SAO LỤC"), copy.find("SỞ TƯ PHÁP"), copy.find("Số: 07/SL")
    assert form.face == agency.face == "LiberationSerif-Bold"
    assert 13 <= form.size <= 14
    assert number.size == 13
    assert number.centre == pytest.approx(agency.centre, abs=0.6)
    assert copy.find("Mẫu, ngày 09 tháng 3 năm 2026").face == "LiberationSerif-Italic"
    assert copy.find("TL. GIÁM ĐỐC").base < copy.find("CHÁNH VĂN PHÒNG").base < copy.find("Trần Thị Bình").base
    assert form.left > number.right


def test_a_full_sheet_gets_one_more(tmp_path: Path) -> None:
    copy, pages = copied(tmp_path, LETTER)
    assert pages == 2
    assert copy.find("SAO LỤC", page=1).base < 40


@pytest.mark.parametrize(
    ("form", "words"),
    [(CopyForm.TRUE_COPY, "Sao y bản gốc văn bản điện tử"), (CopyForm.EXTRACT, "Trích sao bản gốc văn bản điện tử")],
)
def test_prints_of_electronic_originals_say_so(tmp_path: Path, form: CopyForm, words: str) -> None:  # ST-10.2
    kind = CopyKind(form=form, source=Medium.ELECTRONIC, target=Medium.PAPER)
    copy, _ = copied(tmp_path, SHORT, dataclasses.replace(BLOCK, kind=kind))
    assert copy.find(words).size == 14
