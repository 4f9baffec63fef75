"""The demonstration's documents: they are what Nghị định 30/2020/NĐ-CP Phụ lục I asks, and the same every time."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import zipfile
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pikepdf
import pytest

from lienthong.deploy.demo.annexes import compose_annex, make_spreadsheet
from lienthong.deploy.demo.compose import compose_letter
from lienthong.deploy.demo.letter import Letter
from lienthong.deploy.demo.texts import agency_table, review_letter
from lienthong.gateway.files.inspection import inspect_file

MM = 72 / 25.4
LETTER = review_letter(number="1278", day=date(2026, 2, 5))
LONG = dataclasses.replace(LETTER, paragraphs=LETTER.paragraphs * 3, size=14)
FORM = review_letter(number=None, day=None)


def words(path: Path) -> str:
    tool = shutil.which("pdftotext")
    if tool is None:
        pytest.skip("pdftotext is not here")
    return subprocess.run([tool, "-layout", path, "-"], check=True, capture_output=True).stdout.decode()


def findings(path: Path, *, main: bool) -> list[str]:
    answer = inspect_file({"path": str(path), "name": path.name, "main": main})
    return [row["code"] for row in answer["findings"]]


def test_a_letter_says_everything_in_composed_vietnamese(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    assert compose_letter(path, LETTER).pages == 1
    flat = " ".join(words(path).split())
    for text in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "Số: 1278/SKHCN-CĐS",
        "ngày 05 tháng 02 năm 2026",  # two digits for days below 10 and for months 1 and 2
        "Nguyễn Thị Quỳnh Hương",
        "Lưu: VT, CĐS. Th.05b.",
        "được hướng dẫn./.",
    ):
        assert text in flat
    assert findings(path, main=True) == []


@pytest.mark.parametrize("letter", [LETTER, LONG, FORM], ids=["one page", "long", "form"])
def test_the_same_letter_gives_the_same_bytes(tmp_path: Path, letter: Letter) -> None:
    first = compose_letter(tmp_path / "a.pdf", letter, pad_to=200_000)
    assert compose_letter(tmp_path / "b.pdf", letter, pad_to=200_000) == first
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_every_page_but_the_first_has_its_number(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    layout = compose_letter(path, LONG)
    first, *others = words(path).split("\f")[:-1]
    assert len(others) == layout.pages - 1 >= 1
    assert not first.strip()[0].isdigit()
    assert [page.split()[0] for page in others] == [str(number + 2) for number in range(len(others))]


@pytest.mark.parametrize("letter", [LETTER, LONG, FORM], ids=["one page", "long", "form"])
def test_the_seal_covers_the_left_third_of_the_signature(tmp_path: Path, letter: Letter) -> None:
    layout = compose_letter(tmp_path / "a.pdf", letter)
    leader, seal = layout.leader, layout.seal
    assert leader.page == seal.page == layout.pages - 1
    assert (seal.x2 - leader.x1) / (leader.x2 - leader.x1) == pytest.approx(1 / 3)
    assert seal.x2 - seal.x1 == pytest.approx(36 * MM)
    assert seal.y1 + seal.y2 == pytest.approx(leader.y1 + leader.y2)
    assert 20 * MM < leader.y1 < leader.y2 < 277 * MM
    assert 30 * MM < seal.x1 < leader.x2 < 195 * MM


def test_a_blank_form_leaves_gaps_for_number_and_date(tmp_path: Path) -> None:
    layout = compose_letter(tmp_path / "a.pdf", FORM)
    assert layout.number
    assert layout.day
    assert layout.number.x2 - layout.number.x1 == pytest.approx(15 * MM)
    assert layout.day.x1 > layout.number.x2
    assert layout.day.y1 == layout.number.y1
    filled = compose_letter(tmp_path / "b.pdf", LETTER)
    assert (filled.number, filled.day) == (None, None)


@pytest.mark.parametrize("size", [200 << 10, 5 << 20])
def test_a_letter_grows_to_any_size(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.pdf"
    compose_letter(path, LETTER, pad_to=size)
    assert abs(path.stat().st_size - size) < 2000
    assert findings(path, main=True) == []
    with pikepdf.open(path) as pdf:
        assert pdf.pdf_version == "1.7"
        assert len(pdf.pages) == 1


def test_a_plain_letter_is_small(tmp_path: Path) -> None:
    letter = dataclasses.replace(LETTER, plain=True, paragraphs=LETTER.paragraphs[:1])
    compose_letter(tmp_path / "a.pdf", letter)
    assert (tmp_path / "a.pdf").stat().st_size < 30_000


def test_an_annex_is_a_file_of_its_own(tmp_path: Path) -> None:
    annex = dataclasses.replace(agency_table(), rows=agency_table().rows * 4)
    path = tmp_path / "a.pdf"
    layout = compose_annex(path, annex)
    pages = words(path).split("\f")[:-1]
    assert len(pages) == layout.pages > 1
    assert all("Tên cơ quan, đơn vị" in page for page in pages)
    assert (layout.stamp.page, layout.stamp.x2) == (0, pytest.approx(195 * MM))
    assert findings(path, main=False) == []


def test_a_spreadsheet_holds_the_table(tmp_path: Path) -> None:
    annex, path = agency_table(), tmp_path / "a.xlsx"
    make_spreadsheet(path, annex)
    with zipfile.ZipFile(path) as workbook:
        assert workbook.testzip() is None
        sheet = ET.fromstring(workbook.read("xl/worksheets/sheet1.xml"))
    cells = [node.text or "" for node in sheet.iter() if node.tag.endswith("}t")]
    assert cells == [cell for row in (annex.columns, *annex.rows) for cell in row]
    assert findings(path, main=False) == []
