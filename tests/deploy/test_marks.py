"""Marks, foot line and annexes measured on the page: Nghị định 30/2020/NĐ-CP Phụ lục I, Phần I, mục III."""

from __future__ import annotations

import dataclasses
import re
from datetime import date
from pathlib import Path

import pytest

from lienthong.deploy.demo.annexes import UNFILLED, compose_annex
from lienthong.deploy.demo.compose import compose_letter
from lienthong.deploy.demo.letter import Letter
from lienthong.deploy.demo.texts import agency_table, review_letter

from .measuring import Measured

UPRIGHT, BOLD, SLANTED = "LiberationSerif", "LiberationSerif-Bold", "LiberationSerif-Italic"
INK = 0.6  # a letter's ink may pass its own width
POINT = 25.4 / 72
LETTER = review_letter(number="1278", day=date(2026, 2, 5))


def drawn(path: Path, letter: Letter) -> Measured:
    compose_letter(path, letter)
    return Measured(path)


@pytest.mark.parametrize(("word", "width"), [("HỎA TỐC", 30), ("HOẢ TỐC", 30), ("THƯỢNG KHẨN", 40), ("KHẨN", 20)])
def test_urgency(tmp_path: Path, word: str, width: float) -> None:  # mục III.2.b, ô 10b
    measured = drawn(tmp_path / "a.pdf", dataclasses.replace(LETTER, urgency=word))
    words = measured.find(word)
    frame = measured.frame_around(words)
    assert (frame.width, frame.height) == pytest.approx((width, 8), abs=0.6)  # the line's own breadth
    assert (words.face, words.size) == (BOLD, 13)
    assert words.ink[0] > 200
    assert max(words.ink[1:]) < 40  # đỏ tươi
    assert words.centre == pytest.approx(frame.centre, abs=INK)
    assert frame.centre == pytest.approx(measured.find("Số: 1278/SKHCN-CĐS").centre, abs=INK)
    assert frame.top > measured.find("Số: 1278").base


def test_circulation(tmp_path: Path) -> None:  # mục III.2.c, ô 11
    measured = drawn(tmp_path / "a.pdf", dataclasses.replace(LETTER, circulation="LƯU HÀNH NỘI BỘ"))
    words = measured.find("LƯU HÀNH NỘI BỘ")
    frame = measured.frame_around(words)
    assert (words.face, words.size, words.ink) == (BOLD, 13, (0, 0, 0))
    assert words.centre == pytest.approx(frame.centre, abs=INK)
    assert frame.bottom < 20
    assert frame.left > 105


def test_address(tmp_path: Path) -> None:  # mục III.4, ô 13
    letter = drawn(tmp_path / "a.pdf", LETTER)
    words = letter.find("Số 01 đường Thử Nghiệm")
    assert (words.face, words.size) == (UPRIGHT, 11)
    (rule,) = [s for s in letter.strokes() if s.width > 160]
    assert (rule.left, rule.right) == pytest.approx((30, 195), abs=INK)
    assert letter.find("Nguyễn Thị Quỳnh Hương").base < rule.top < words.top


def test_annex(tmp_path: Path) -> None:  # mục III.1
    annex = dataclasses.replace(agency_table(), ordinal=2, rows=agency_table().rows * 4)
    path = tmp_path / "a.pdf"
    layout = compose_annex(path, annex)
    measured = Measured(path)
    head, title = measured.find("Phụ lục II"), measured.find("DANH MỤC MÃ ĐỊNH DANH CƠ QUAN, ĐƠN VỊ")
    unfilled = measured.find("(Kèm theo Văn bản số")
    assert (head.face, head.size) == (BOLD, 14)
    assert (title.face, title.size) == (BOLD, 14)
    assert (unfilled.face, unfilled.size) == (SLANTED, 14)
    assert all(words.centre == pytest.approx(112.5, abs=INK) for words in (head, title))
    assert head.base < title.base < unfilled.base
    assert not re.search(r"\d", UNFILLED)  # left open in an electronic document (III.1.c)
    assert measured.text(1).split()[0] == "2"  # numbered by itself (III.1.đ)
    assert (layout.stamp.page, layout.stamp.x2 * POINT) == (0, pytest.approx(195))
    assert (297 - layout.stamp.y1 * POINT) < head.top  # top right, clear of the text (III.1.d)


def test_a_single_annex_has_no_number() -> None:  # mục III.1.a
    assert agency_table().heading == "Phụ lục"
    names = [dataclasses.replace(agency_table(), ordinal=n).heading.removeprefix("Phụ lục ") for n in range(1, 15)]
    assert ",".join(names) == "I,II,III,IV,V,VI,VII,VIII,IX,X,XI,XII,XIII,XIV"
