"""Draws a document as Nghị định 30/2020/NĐ-CP Phụ lục I lays it out, and says where to sign it.

Same values give the same bytes.
"""

from __future__ import annotations

import random
from pathlib import Path

import pikepdf

from .closing import closing_height, draw_closing
from .heading import draw_head
from .letter import Letter, LetterLayout
from .paper import BOLD, ITALIC, Sheet, article, body_style, paragraph


def compose_letter(target: Path, letter: Letter, *, pad_to: int = 0) -> LetterLayout:
    """Write the PDF (1.7, no script) and answer where it is signed; ``pad_to`` bytes at least, for benches."""
    sheet = Sheet(target, title=letter.title, author=letter.agency.replace("\n", " "), plain=letter.plain)
    gaps = draw_head(sheet, letter)
    _draw_grounds(sheet, letter)
    style = body_style(letter.size)
    for text in letter.paragraphs[:-1]:
        sheet.flow(article(text, style, bold=sheet.face(BOLD)))
    # Chữ ký không đứng một mình trên trang cuối: the last paragraph stays with the signature.
    sheet.flow(article(letter.paragraphs[-1], style, bold=sheet.face(BOLD)), keep_below=closing_height(letter))
    leader, seal = draw_closing(sheet, letter)
    pages = sheet.finish()
    if pad_to > target.stat().st_size:
        _pad(target, pad_to)
    return LetterLayout(pages=pages, leader=leader, seal=seal, number=gaps.number, day=gaps.day)


def _draw_grounds(sheet: Sheet, letter: Letter) -> None:
    """Slanted, each on a line of its own, the last one with a full stop (mục II.6.a)."""
    if letter.authority:
        sheet.flow(sheet.text(letter.authority.upper(), BOLD, 14))
        sheet.y -= 6
    style = body_style(letter.size, face=sheet.face(ITALIC))
    for place, text in enumerate(letter.grounds, start=1):
        sheet.flow(paragraph(text + ("." if place == len(letter.grounds) else ";"), style))
    if letter.authority and letter.kind:
        sheet.flow(sheet.text(f"{letter.kind.upper()}:", BOLD, 14))
        sheet.y -= 6


def _pad(target: Path, size: int) -> None:
    """Grow the file with bytes that no compression shrinks, as an application's private data (ISO 32000-1, 14.5)."""
    filler = random.Random(size).randbytes(size - target.stat().st_size)
    with pikepdf.open(target, allow_overwriting_input=True) as pdf:
        private = pikepdf.Dictionary(LastModified="D:20260101000000+07'00'", Private=pdf.make_stream(filler))
        pdf.Root.PieceInfo = pikepdf.Dictionary(LienThongDemo=private)
        pdf.save(target, deterministic_id=True, compress_streams=False)
