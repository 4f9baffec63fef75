"""Digitised paper (ST-8.2.b (1)): scans made with Pillow, one fault each, and each fault has its own code."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image, ImageDraw
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from lienthong.signing.digitised import check_digitised, digitised_job

MM = 72 / 25.4
A4_POINTS = (210 * MM, 297 * MM)


def scanned(dpi: int, mode: str = "RGB") -> Image.Image:
    """A sheet of A4 with lines of grey text and a red ring, as a scanner sees it."""
    sheet = Image.new("RGB", (round(210 / 25.4 * dpi), round(297 / 25.4 * dpi)), (252, 251, 247))
    pen = ImageDraw.Draw(sheet)
    for line in range(12, 28):
        pen.line([(dpi, line * dpi / 3), (7 * dpi, line * dpi / 3)], fill=(60, 60, 70), width=3)
    pen.ellipse([(3 * dpi, 9 * dpi), (4.4 * dpi, 10.4 * dpi)], outline=(200, 30, 40), width=8)
    return sheet.convert(mode)


def by_pillow(path: Path, *, dpi: int = 200, mode: str = "RGB") -> Path:
    scanned(dpi, mode).save(path, "PDF", resolution=dpi)
    return path


def on_canvas(path: Path, sheet: Image.Image, *, page: tuple[float, float] = A4_POINTS, part: float = 1.0) -> Path:
    """Draw the sheet in the middle of the page, ``part`` of its width and height."""
    canvas = Canvas(str(path), pagesize=page, pdfVersion=(1, 4))
    width, height = page[0] * part, page[1] * part
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=60)
    buffer.seek(0)
    left, bottom = (page[0] - width) / 2, (page[1] - height) / 2
    canvas.drawImage(ImageReader(buffer), left, bottom, width, height)
    canvas.save()
    return path


def rewritten(path: Path, **settings: Any) -> Path:
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.save(path, **settings)
    return path


def codes(path: Path) -> list[str]:
    return [fault.code for fault in check_digitised(path)]


@pytest.mark.parametrize("dpi", [200, 300])
def test_a_colour_scan_at_full_scale_is_a_digitised_document(tmp_path: Path, dpi: int) -> None:
    assert codes(by_pillow(tmp_path / "a.pdf", dpi=dpi)) == []
    assert codes(on_canvas(tmp_path / "b.pdf", scanned(dpi))) == []


def test_150_dpi(tmp_path: Path) -> None:
    (fault,) = check_digitised(by_pillow(tmp_path / "a.pdf", dpi=150))
    assert fault.code == "SIG_SCAN_RESOLUTION"
    assert "trang 1: 150 dpi" in fault.message


@pytest.mark.parametrize("mode", ["L", "1"], ids=["grey", "black and white"])
def test_without_colour(tmp_path: Path, mode: str) -> None:
    assert codes(by_pillow(tmp_path / "a.pdf", mode=mode)) == ["SIG_SCAN_NOT_COLOUR"]


def test_indexed_colours_are_colours(tmp_path: Path) -> None:
    assert codes(by_pillow(tmp_path / "a.pdf", mode="P")) == []


def test_pdf_1_3(tmp_path: Path) -> None:
    old = rewritten(by_pillow(tmp_path / "a.pdf"), force_version="1.3")
    assert old.read_bytes().startswith(b"%PDF-1.3")
    assert codes(old) == ["SIG_SCAN_PDF_VERSION"]


def test_the_version_of_the_catalogue_counts_when_it_is_later(tmp_path: Path) -> None:
    path = by_pillow(tmp_path / "a.pdf")
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.Root.Version = pikepdf.Name("/1.6")
        pdf.save(path, force_version="1.3")
    assert codes(path) == []


def test_scaled_down_on_its_page(tmp_path: Path) -> None:
    assert codes(on_canvas(tmp_path / "a.pdf", scanned(200), part=0.9)) == ["SIG_SCAN_SCALE"]


def test_scaled_down_with_its_page(tmp_path: Path) -> None:
    half = (148 * MM, 210 * MM)
    assert codes(on_canvas(tmp_path / "a.pdf", scanned(200), page=half)) == ["SIG_SCAN_PAGE_SIZE"]


def test_every_fault_is_named(tmp_path: Path) -> None:
    path = on_canvas(tmp_path / "a.pdf", scanned(100, "L"), page=(300.0, 500.0), part=0.5)
    assert codes(rewritten(path, force_version="1.2")) == [
        "SIG_SCAN_PDF_VERSION",
        "SIG_SCAN_PAGE_SIZE",
        "SIG_SCAN_NOT_COLOUR",
        "SIG_SCAN_SCALE",
    ]


def test_a_scanner_that_cuts_the_page_into_strips(tmp_path: Path) -> None:
    sheet, path = scanned(200), tmp_path / "a.pdf"
    canvas = Canvas(str(path), pagesize=A4_POINTS, pdfVersion=(1, 4))
    step = sheet.height // 3
    for strip in range(3):
        top = strip * step
        bottom = sheet.height if strip == 2 else top + step
        part = ImageReader(sheet.crop((0, top, sheet.width, bottom)))
        y = A4_POINTS[1] * (1 - bottom / sheet.height)
        canvas.drawImage(part, 0, y, A4_POINTS[0], A4_POINTS[1] * (bottom - top) / sheet.height)
    canvas.save()
    assert codes(path) == []


def test_a_lying_page_that_is_shown_upright(tmp_path: Path) -> None:
    path = on_canvas(tmp_path / "a.pdf", scanned(200).rotate(90, expand=True), page=A4_POINTS[::-1])
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.pages[0].obj.Rotate = 270
        pdf.save(path)
    assert codes(path) == []


def test_a_typed_page_is_no_scan_and_is_named_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    canvas = Canvas(str(path), pagesize=A4_POINTS, pdfVersion=(1, 4))
    canvas.drawImage(ImageReader(scanned(200)), 0, 0, *A4_POINTS)
    canvas.showPage()
    canvas.drawString(100, 500, "typed")
    canvas.save()
    (fault,) = check_digitised(path)
    assert (fault.code, "trang 2" in fault.message) == ("SIG_SCAN_NO_IMAGE", True)


def test_an_image_inside_a_form(tmp_path: Path) -> None:
    """As recognition software writes it: the scan in a form, invisible text over it."""
    path = by_pillow(tmp_path / "a.pdf", dpi=150)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        page = pdf.pages[0]
        form = pdf.make_stream(page.obj.Contents.read_bytes(), Subtype=pikepdf.Name.Form, BBox=page.mediabox)
        form.Resources = page.obj.Resources
        page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Fm=form))
        page.obj.Contents = pdf.make_stream(b"q 1 0 0 1 0 0 cm /Fm Do Q")
        pdf.save(path)
    assert codes(path) == ["SIG_SCAN_RESOLUTION"]


def test_forms_that_draw_each_other_end(tmp_path: Path) -> None:
    path = by_pillow(tmp_path / "a.pdf")
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        form = pdf.make_stream(b"/Fm Do /Fm Do", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form)
        form.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Fm=form))
        pdf.pages[0].obj.Resources = form.Resources
        pdf.pages[0].obj.Contents = pdf.make_stream(b"/Fm Do")
        pdf.save(path)
    assert codes(path) == ["SIG_SCAN_NO_IMAGE"]


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7 nothing", b"\x89PNG"], ids=["empty", "broken", "picture"])
def test_no_pdf(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    assert digitised_job({"path": str(path)})["faults"][0]["code"] == "SIG_SCAN_UNREADABLE"
