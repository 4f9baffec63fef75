"""Draws the block that makes a print a copy on paper: sao y, sao lục, trích sao.

Source: Nghị định 30/2020/NĐ-CP Phụ lục I Phần II mục II and III: on the same sheet right after the document's end,
under a rule over the full width of the text; its parts look like those of a document.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pikepdf
import pypdfium2
from reportlab.lib.units import mm

from ...signing.copies import CopyKind, copy_number
from .closing import SIGN_SPACE, SIGN_WIDTH, SIGN_X
from .heading import LEFT_WIDTH, RIGHT_WIDTH, RIGHT_X, RULE_PART, day_text
from .paper import BOLD, BOLD_ITALIC, BOTTOM, FRAME, HEIGHT, ITALIC, LEFT, REGULAR, TOP, Sheet, text_width

BLOCK_HEIGHT = 75 * mm
GAP = 6 * mm  # between the document's end and the rule


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyBlock:
    """``number``: of the agency's one series of copies (mục II.1.c)."""

    kind: CopyKind
    number: int
    agency: str
    place: str
    day: date
    capacity: tuple[str, ...]
    signer: str
    copies_to: tuple[str, ...]


def compose_copy(target: Path, source: Path, block: CopyBlock) -> int:
    """Write the copy to be printed; answer its pages. Where the last sheet is full, the block stands on one more."""
    with pikepdf.open(source) as copy:
        free = _free_above(source)
        top = free - GAP if free - GAP - BLOCK_HEIGHT > BOTTOM else HEIGHT - TOP
        overlay = target.with_suffix(".block.pdf")
        _draw_block(overlay, block, top=top)
        with pikepdf.open(overlay) as drawn:
            if top < HEIGHT - TOP:
                copy.pages[-1].add_overlay(drawn.pages[0])
            else:
                copy.pages.extend(drawn.pages)
        overlay.unlink()
        copy.save(target, deterministic_id=True)
        return len(copy.pages)


def _free_above(source: Path) -> float:
    """The lower edge of what the last page says, fields and signatures included."""
    document = pypdfium2.PdfDocument(source)
    try:
        page = document[len(document) - 1]
        pypdfium2.raw.FPDFPage_Flatten(page, pypdfium2.raw.FLAT_PRINT)
        drawn = list(document[len(document) - 1].get_objects())
        return min((thing.get_bounds()[1] for thing in drawn), default=HEIGHT - TOP)
    finally:
        document.close()


def _draw_block(target: Path, block: CopyBlock, *, top: float) -> None:
    sheet = Sheet(target, title=block.kind.legend, author=block.agency, plain=False)
    sheet.rule(centre=LEFT + FRAME / 2, y=top, length=FRAME)
    y = top - 4 * mm
    after = sheet.draw(sheet.text(block.agency, BOLD, 12), x=LEFT, y=y, width=LEFT_WIDTH)
    longest = max(text_width(line, BOLD, 12) for line in block.agency.split("\n"))
    sheet.rule(centre=LEFT + LEFT_WIDTH / 2, y=after - 3, length=longest * RULE_PART)
    sheet.draw(sheet.text(block.kind.legend, BOLD, 14), x=RIGHT_X, y=y, width=RIGHT_WIDTH)  # ô 1
    y = after - 4 * mm
    number = copy_number(block.number, block.kind.form)
    sheet.draw(sheet.text(f"Số: {number}", REGULAR, 13), x=LEFT, y=y, width=LEFT_WIDTH)
    day = f"{block.place}, {day_text(block.day)}"
    y = sheet.draw(sheet.text(day, ITALIC, 13), x=RIGHT_X, y=y, width=RIGHT_WIDTH) - 2 * mm
    _draw_signer(sheet, block, top=y)
    sheet.finish()


def _draw_signer(sheet: Sheet, block: CopyBlock, *, top: float) -> None:
    y = sheet.draw(sheet.text("Nơi nhận:", BOLD_ITALIC, 12, centred=False), x=LEFT, y=top - 2, width=FRAME * 0.45)
    for place, name in enumerate(block.copies_to, start=1):
        end = "." if place == len(block.copies_to) else ";"
        y = sheet.draw(sheet.text(f"- {name}{end}", REGULAR, 11, centred=False), x=LEFT, y=y, width=FRAME * 0.45)
    y = top
    for line in block.capacity:
        y = sheet.draw(sheet.text(line.upper(), BOLD, 14), x=SIGN_X, y=y, width=SIGN_WIDTH)
    sheet.draw(sheet.text(block.signer, BOLD, 14), x=SIGN_X, y=y - SIGN_SPACE, width=SIGN_WIDTH)
