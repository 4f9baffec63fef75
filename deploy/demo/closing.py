"""Draws the end of a document: ô 7, 8, 9b and 12 of Nghị định 30/2020/NĐ-CP Phụ lục I Phần I mục IV."""

from __future__ import annotations

from reportlab.lib.units import mm

from .letter import Letter
from .paper import BOLD, BOLD_ITALIC, FRAME, LEFT, REGULAR, Box, Sheet

SIGN_X = LEFT + FRAME * 0.5  # ô 7
SIGN_WIDTH = FRAME * 0.5
LEADER = (50 * mm, 25 * mm)  # picture of the handwritten signature, ô 7c
SEAL = 36 * mm  # diameter of the seal, real size, ô 8
SIGN_SPACE = 34 * mm  # between chức vụ and họ tên
SPACE_WITHOUT_NAME = 42 * mm  # TN-14.2: at least 4 cm
GAP = 4 * mm  # under the text


def closing_height(letter: Letter) -> float:
    """Points that the end takes under the last paragraph."""
    left = 12 * 1.2 + (len(letter.copies_to) + bool(letter.drafter)) * 11 * 1.2
    right = len(letter.capacity) * 14 * 1.2 + (SIGN_SPACE + 14 * 1.2 if letter.signer else SPACE_WITHOUT_NAME)
    return float(max(left, right) + GAP)


def draw_closing(sheet: Sheet, letter: Letter) -> tuple[Box, Box]:
    """Ô 7, 8, 9b and 12; answer the boxes of the two signatures."""
    top = sheet.y - GAP
    _draw_copies(sheet, letter, top=top)
    y = top
    for line in letter.capacity:  # mục II.7.đ: capitals, 14 bold
        y = sheet.draw(sheet.text(line.upper(), BOLD, 14), x=SIGN_X, y=y, width=SIGN_WIDTH)
    if not letter.signer:
        return signing_boxes(page=sheet.page, centre_y=y - SPACE_WITHOUT_NAME / 2)
    sheet.draw(sheet.text(letter.signer, BOLD, 14), x=SIGN_X, y=y - SIGN_SPACE, width=SIGN_WIDTH)
    return signing_boxes(page=sheet.page, centre_y=y - SIGN_SPACE / 2)


def _draw_copies(sheet: Sheet, letter: Letter, *, top: float) -> None:
    """Nơi nhận on the line of the capacity, 12 bold slanted; the list 11 upright (mục II.9.đ); ô 12 below."""
    width = FRAME * 0.45
    y = sheet.draw(sheet.text("Nơi nhận:", BOLD_ITALIC, 12, centred=False), x=LEFT, y=top - 2, width=width)
    for place, name in enumerate(letter.copies_to, start=1):
        end = "." if place == len(letter.copies_to) else ";"
        y = sheet.draw(sheet.text(f"- {name}{end}", REGULAR, 11, centred=False), x=LEFT, y=y, width=width)
    if letter.drafter:
        sheet.draw(sheet.text(letter.drafter.upper(), REGULAR, 11, centred=False), x=LEFT, y=y, width=width)


def signing_boxes(*, page: int, centre_y: float) -> tuple[Box, Box]:
    """The seal covers the left third of the leader's signature (mục II.8.a)."""
    width, height = LEADER
    x = SIGN_X + (SIGN_WIDTH - width) / 2
    leader = Box(page=page, x1=x, y1=centre_y - height / 2, x2=x + width, y2=centre_y + height / 2)
    edge = x + width / 3
    seal = Box(page=page, x1=edge - SEAL, y1=centre_y - SEAL / 2, x2=edge, y2=centre_y + SEAL / 2)
    return leader, seal
