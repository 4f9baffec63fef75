"""Text of visible signatures as it is drawn: size, ink, embedded face, all letters of Vietnamese (TCVN 6909)."""

from __future__ import annotations

import ctypes
import unicodedata
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from pypdfium2 import raw
from reportlab.pdfbase.ttfonts import TTFont

from lienthong.signing.stamps import (
    FONTS,
    POINTS_PER_MM,
    box_with_words,
    fitting_size,
    seal_box,
    text_pdf,
    wrapped,
)

WIDE = 80 * POINTS_PER_MM
LONG = "SAO Y; Ủy ban nhân dân phường Minh Họa, tỉnh Mẫu; 05/03/2020; 10:20:30 +07:00"
MARKS = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
LETTERS = "".join(
    unicodedata.normalize("NFC", letter + mark) for letter in "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY" for mark in MARKS
)
VIETNAMESE = LETTERS + "đĐ" + "bcdghklmnpqrstvxBCDGHKLMNPQRSTVX0123456789;:/+-.,()“”–"


def sizes(document: bytes) -> set[float]:
    text = pypdfium2.PdfDocument(document)[0].get_textpage()
    return {round(raw.FPDFText_GetFontSize(text, i), 2) for i in range(text.count_chars())} - {0.0, 1.0}


def ink(document: bytes) -> tuple[float, float, float, float]:
    """Left, bottom, right, top of all letters, points."""
    text = pypdfium2.PdfDocument(document)[0].get_textpage()
    boxes = [text.get_charbox(i) for i in range(text.count_chars()) if text.get_text_range(i, 1).strip()]
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


@pytest.mark.parametrize("face", sorted(path.name for path in FONTS.glob("*.ttf")))
def test_every_letter_of_vietnamese_is_in_every_face(face: str) -> None:  # TCVN 6909:2001
    glyphs = TTFont(face, str(FONTS / face)).face.charToGlyph
    assert len(set(LETTERS)) == 12 * 2 * 6
    assert [letter for letter in VIETNAMESE if ord(letter) not in glyphs] == []


def test_a_long_text_goes_on_below_at_10_points(tmp_path: Path) -> None:  # NĐ 30 PL I Phần II, I.3
    lines = wrapped([LONG], WIDE, 10)
    assert lines == ("SAO Y; Ủy ban nhân dân phường Minh Họa, tỉnh Mẫu;", "05/03/2020; 10:20:30 +07:00")
    document = text_pdf([LONG], (0, 0, WIDE, 25), size=10, right=True)
    assert sizes(document) == {10.0}
    left, bottom, right, top = ink(document)
    assert 0 <= left < right <= WIDE + 0.5
    assert 0 <= bottom < top <= 25  # the hook of Ủ is not cut off
    assert right == pytest.approx(WIDE, abs=1)


def test_words_break_where_no_semicolon_helps() -> None:
    agency = "Ban Quản lý dự án đầu tư xây dựng các công trình giao thông và nông nghiệp tỉnh Mẫu"
    lines = wrapped([f"SAO Y; {agency}; 05/03/2020; 10:20:30 +07:00"], WIDE, 10)
    assert len(lines) == 3
    assert " ".join(lines) == f"SAO Y; {agency}; 05/03/2020; 10:20:30 +07:00"
    assert wrapped([agency], 20, 10)[0] == "Ban"


def test_a_full_box_makes_the_text_smaller() -> None:
    assert fitting_size(["một", "hai"], (WIDE, 12), 10) == pytest.approx(5)
    assert fitting_size(["một"], (WIDE, 20), 10) == 10
    assert fitting_size([], (WIDE, 20), 10) == 10


@pytest.mark.parametrize("height", [12.5, 20.0])
def test_a_single_line_is_inside_its_box(height: float) -> None:
    _, bottom, _, top = ink(text_pdf(["Số: 12/QĐ-ỦBỴ; gỵ"], (0, 0, WIDE, height), size=10, right=True))
    assert 0 <= bottom < top <= height


def test_text_is_black_and_its_face_is_embedded(tmp_path: Path) -> None:  # NĐ 30 PL I Phần I, II.8.b
    path = tmp_path / "a.pdf"
    path.write_bytes(text_pdf([LONG], (0, 0, WIDE, 25), size=10, right=True))
    with pikepdf.open(path) as pdf:
        fonts = [font for font in pdf.pages[0].obj.Resources.Font.values() if "Liberation" in str(font.BaseFont)]
        assert fonts
        assert all("/FontFile2" in font.FontDescriptor for font in fonts)
    text = pypdfium2.PdfDocument(path)[0].get_textpage()
    parts = [ctypes.c_uint() for _ in range(4)]
    assert raw.FPDFText_GetFillColor(text, 0, *parts)
    assert [part.value for part in parts[:3]] == [0, 0, 0]
    assert text.get_text_range().replace("\r\n", " ") == LONG


def test_words_under_a_seal_leave_it_where_it_is() -> None:  # TT01_2019
    seal = seal_box((350.0, 200.0, 480.0, 260.0), 36)
    box = box_with_words(seal, 2)
    assert box[2:] == seal[2:]
    assert seal[1] - box[1] == 20
    assert (seal[0] - box[0]) / POINTS_PER_MM == pytest.approx(25)
