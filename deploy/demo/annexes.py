"""Draws an annex as a file of its own, as PDF and as a spreadsheet. Same values give the same bytes.

Source: Nghị định 30/2020/NĐ-CP Phụ lục I Phần I mục III.1: the annex has its own page numbers, its line
"Kèm theo Văn bản số …" stays unfilled in an electronic document, and the agency signs each separate file at the
top right of its first page.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.units import mm
from reportlab.platypus import Table, TableStyle

from .paper import BOLD, FRAME, HEIGHT, ITALIC, LEFT, REGULAR, RIGHT, WIDTH, Box, Sheet

_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # of ZIP; a fixed time keeps the bytes the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Annex:
    """A phụ lục that is one table. ``ordinal``: from 1, where the document has several."""

    title: str
    agency: str
    columns: tuple[str, ...]
    widths: tuple[float, ...]  # parts of the text's width
    rows: tuple[tuple[str, ...], ...]
    ordinal: int | None = None

    @property
    def heading(self) -> str:
        """With a Roman number when there are two or more (mục III.1.a)."""
        return f"Phụ lục {_roman(self.ordinal)}" if self.ordinal else "Phụ lục"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnexLayout:
    pages: int
    stamp: Box  # text of the agency's signature, top right of the first page


def compose_annex(target: Path, annex: Annex) -> AnnexLayout:
    """Write the PDF (1.7, no script) and answer where the agency signs it."""
    sheet = Sheet(target, title=annex.title.replace("\n", " "), author=annex.agency, plain=False)
    for text, font in ((annex.heading, BOLD), (annex.title.upper(), BOLD), (UNFILLED, ITALIC)):  # mục III.1.b, c
        sheet.y = sheet.draw(sheet.text(text, font, 14), x=LEFT, y=sheet.y, width=FRAME)
    sheet.rule(centre=LEFT + FRAME / 2, y=sheet.y - 5, length=FRAME * 0.3)
    sheet.y -= 8 * mm
    sheet.flow(_table(sheet, annex))
    stamp = Box(page=0, x1=WIDTH - RIGHT - 80 * mm, y1=HEIGHT - 18 * mm, x2=WIDTH - RIGHT, y2=HEIGHT - 8 * mm)
    return AnnexLayout(pages=sheet.finish(), stamp=stamp)


def make_spreadsheet(target: Path, annex: Annex) -> None:
    """Write the same table as a workbook (ECMA-376, SpreadsheetML with inline strings)."""
    rows = "".join(_sheet_row(number, row) for number, row in enumerate((annex.columns, *annex.rows), start=1))
    parts = {**_PARTS, "xl/worksheets/sheet1.xml": _SHEET.format(rows=rows)}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as workbook:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name, _FIRST_DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            workbook.writestr(entry, _HEAD + content)


def _table(sheet: Sheet, annex: Annex) -> Table:
    head = [sheet.text(text, BOLD, 12) for text in annex.columns]
    body = [
        [sheet.text(text, REGULAR, 12, centred=column != 1) for column, text in enumerate(row)] for row in annex.rows
    ]
    table = Table([head, *body], colWidths=[FRAME * part for part in annex.widths], repeatRows=1)
    table.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")]))
    return table


def _roman(number: int) -> str:
    signs = ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))
    written = ""
    for value, sign in signs:
        written += sign * (number // value)
        number %= value
    return written


def _sheet_row(number: int, cells: tuple[str, ...]) -> str:
    inner = "".join(
        f'<c r="{chr(ord("A") + column)}{number}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
        for column, text in enumerate(cells)
    )
    return f'<row r="{number}">{inner}</row>'


_GAP = "\N{NO-BREAK SPACE}" * 6
UNFILLED = f"(Kèm theo Văn bản số{_GAP}/{_GAP} ngày{_GAP}tháng{_GAP}năm{_GAP})"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_SHEET = f'<worksheet xmlns="{_SPREADSHEET}"><sheetData>{{rows}}</sheetData></worksheet>'
_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_SPREADSHEET}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="Phụ lục" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELATIONS}">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}
