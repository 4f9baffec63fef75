"""Draws a công văn as Nghị định 30/2020/NĐ-CP Phụ lục I lays it out, and says where to sign it.

The ô numbers are those of Phụ lục I Phần I mục IV. Same values give the same bytes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pikepdf
from reportlab.lib.units import mm

from .paper import (
    BOLD,
    BOLD_ITALIC,
    BOTTOM,
    FRAME,
    ITALIC,
    LEFT,
    REGULAR,
    Box,
    Sheet,
    body_style,
    paragraph,
    text_width,
)

_LEFT_WIDTH = FRAME * 0.43  # ô 2, 3, 5b
_RIGHT_X = LEFT + FRAME * 0.44  # ô 1, 4
_RIGHT_WIDTH = FRAME * 0.56
_SIGN_X = LEFT + FRAME * 0.5  # ô 7
_SIGN_WIDTH = FRAME * 0.5
_LEADER = (50 * mm, 25 * mm)  # picture of the handwritten signature, ô 7c
_SEAL = 36 * mm  # diameter of the seal, real size, ô 8
_SIGN_SPACE = 34 * mm  # between chức vụ and họ tên


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What stands in a công văn. ``number`` and ``day`` None: left blank, to be filled when it is issued."""

    governing: str | None  # cơ quan chủ quản
    agency: str
    number: str | None
    notation: str  # "STTTT-CNTT"
    place: str  # địa danh
    day: date | None
    subject: str  # without "V/v"
    recipients: tuple[str, ...]  # Kính gửi
    paragraphs: tuple[str, ...]
    capacity: tuple[str, ...]  # ("KT. GIÁM ĐỐC", "PHÓ GIÁM ĐỐC")
    signer: str
    copies_to: tuple[str, ...]  # Nơi nhận
    urgency: str | None = None  # "HỎA TỐC", "THƯỢNG KHẨN", "KHẨN"
    address: str | None = None  # foot of page 1
    size: float = 14  # of the body, 13 to 14 points
    plain: bool = False  # one type face instead of four: a file of 24 KB for benches


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterLayout:
    """Where things stand on the finished paper."""

    pages: int
    leader: Box  # ô 7c: picture of the leader's signature
    seal: Box  # ô 8: over the left third of it
    number: Box | None  # the gap after "Số:", when the letter has no number
    day: Box | None  # the gap after the place name, when it has no date


def compose_letter(target: Path, letter: Letter, *, pad_to: int = 0) -> LetterLayout:
    """Write the PDF (1.7, no script) and answer where it is signed; ``pad_to`` bytes at least, for benches."""
    sheet = Sheet(target, title=f"V/v {letter.subject}", author=letter.agency.replace("\n", " "), plain=letter.plain)
    base = _draw_agency(sheet, letter)
    number = _draw_number(sheet, letter, y=base)
    day = _draw_right_head(sheet, letter, date_y=base)
    sheet.y = _draw_subject(sheet, letter, y=base - 6) - 8 * mm
    _draw_address(sheet, letter)
    _draw_recipients(sheet, letter)
    for text in letter.paragraphs[:-1]:
        sheet.flow(paragraph(text, body_style(letter.size)))
    # Chữ ký không đứng một mình trên trang cuối: the last paragraph stays with the signature.
    sheet.flow(paragraph(letter.paragraphs[-1], body_style(letter.size)), keep_below=_closing_height(letter))
    leader, seal = _draw_closing(sheet, letter)
    pages = sheet.finish()
    if pad_to > target.stat().st_size:
        _pad(target, pad_to)
    return LetterLayout(pages=pages, leader=leader, seal=seal, number=number, day=day)


def _draw_agency(sheet: Sheet, letter: Letter) -> float:
    """Ô 2; answer the base line of ô 3 and 4."""
    y = sheet.y
    if letter.governing:
        governing = sheet.text(letter.governing, REGULAR, 12)
        y = sheet.draw(governing, x=LEFT, y=y, width=_LEFT_WIDTH)
    y = sheet.draw(sheet.text(letter.agency, BOLD, 12), x=LEFT, y=y, width=_LEFT_WIDTH)
    longest = max(text_width(line, BOLD, 12) for line in letter.agency.split("\n"))
    sheet.rule(centre=LEFT + _LEFT_WIDTH / 2, y=y - 3, length=longest * 0.4)
    return float(min(y - 22, sheet.y - 52))  # the date stays clear of Tiêu ngữ when the agency's name is one line


def _draw_subject(sheet: Sheet, letter: Letter, *, y: float) -> float:
    """Ô 5b and 10b; answer where the column ends."""
    subject = sheet.text(f"V/v {letter.subject}", REGULAR, 12)
    y = sheet.draw(subject, x=LEFT, y=y, width=_LEFT_WIDTH)
    if letter.urgency:
        y = _draw_urgency(sheet, letter.urgency, centre=LEFT + _LEFT_WIDTH / 2, y=y - 4 * mm)
    return y


def _draw_number(sheet: Sheet, letter: Letter, *, y: float) -> Box | None:
    blank = letter.number is None
    gap_width = 15 * mm if blank else text_width(letter.number or "", REGULAR, 13)  # TN-14.3: 1.5 cm
    head, tail = "Số: ", f"/{letter.notation}"
    head_width = text_width(head, REGULAR, 13)
    x = LEFT + (_LEFT_WIDTH - head_width - gap_width - text_width(tail, REGULAR, 13)) / 2
    sheet.set_font(REGULAR, 13)
    sheet.canvas.drawString(x, y, head)
    sheet.canvas.drawString(x + head_width, y, letter.number or "")
    sheet.canvas.drawString(x + head_width + gap_width, y, tail)
    gap_x = x + head_width
    return Box(page=0, x1=gap_x, y1=y - 4, x2=gap_x + gap_width, y2=y + 12) if blank else None


def _draw_urgency(sheet: Sheet, text: str, *, centre: float, y: float) -> float:
    """Red, Times 13 bold in a single frame of 8 mm (Phần I mục III.2.b)."""
    width = {"HỎA TỐC": 30 * mm, "THƯỢNG KHẨN": 40 * mm}.get(text, 20 * mm)
    sheet.canvas.saveState()
    sheet.canvas.setStrokeColorRGB(0.85, 0, 0)
    sheet.canvas.setFillColorRGB(0.85, 0, 0)
    sheet.canvas.rect(centre - width / 2, y - 8 * mm, width, 8 * mm)
    sheet.set_font(BOLD, 13)
    sheet.canvas.drawCentredString(centre, y - 5.6 * mm, text)
    sheet.canvas.restoreState()
    return float(y - 8 * mm)


def _draw_right_head(sheet: Sheet, letter: Letter, *, date_y: float) -> Box | None:
    """Ô 1 and 4; answer the date's gap."""
    canvas, centre = sheet.canvas, _RIGHT_X + _RIGHT_WIDTH / 2
    motto = "Độc lập - Tự do - Hạnh phúc"
    sheet.set_font(BOLD, 12)
    canvas.drawCentredString(centre, sheet.y - 12, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
    sheet.set_font(BOLD, 13)
    canvas.drawCentredString(centre, sheet.y - 28, motto)
    sheet.rule(centre=centre, y=sheet.y - 33, length=text_width(motto, BOLD, 13))
    y = date_y
    sheet.set_font(ITALIC, 13)
    place = f"{letter.place}, "
    if letter.day:
        day = f"ngày {letter.day.day:02} tháng {_month(letter.day.month)} năm {letter.day.year}"
        canvas.drawCentredString(centre, y, place + day)
        return None
    gap_width = text_width("ngày 00 tháng 00 năm 0000", ITALIC, 13)
    x = centre - (text_width(place, ITALIC, 13) + gap_width) / 2
    canvas.drawString(x, y, place)
    gap_x = x + text_width(place, ITALIC, 13)
    return Box(page=0, x1=gap_x, y1=y - 4, x2=gap_x + gap_width, y2=y + 12)


def _month(month: int) -> str:
    """Months 1 and 2 get a leading zero, like days below 10 (Phần I mục II.4.b)."""
    return f"{month:02}" if month < 3 else str(month)


def _draw_recipients(sheet: Sheet, letter: Letter) -> None:
    head = "Kính gửi: "
    if len(letter.recipients) == 1:
        sheet.flow(sheet.text(f"{head}{letter.recipients[0]}.", REGULAR, 14))
    else:
        x = LEFT + FRAME * 0.2
        indent = x + text_width(head, REGULAR, 14)
        top = sheet.y
        sheet.draw(sheet.text(head, REGULAR, 14, centred=False), x=x, y=top, width=FRAME)
        sheet.y = top - 14 * 1.3
        for place, name in enumerate(letter.recipients, start=1):
            end = "." if place == len(letter.recipients) else ";"
            line = sheet.text(f"- {name}{end}", REGULAR, 14, centred=False)
            sheet.y = sheet.draw(line, x=indent, y=sheet.y, width=LEFT + FRAME - indent) - 2
    sheet.y -= 6 * mm


def _draw_address(sheet: Sheet, letter: Letter) -> None:
    """Ô 13, at the foot of page 1, under a rule over the width of the text."""
    if letter.address:
        sheet.rule(centre=LEFT + FRAME / 2, y=BOTTOM - 3 * mm, length=FRAME)
        sheet.draw(sheet.text(letter.address, REGULAR, 11), x=LEFT, y=BOTTOM - 4 * mm, width=FRAME)


def _closing_height(letter: Letter) -> float:
    left = 12 * 1.3 + len(letter.copies_to) * 11 * 1.4
    right = len(letter.capacity) * 14 * 1.2 + _SIGN_SPACE + 14 * 1.2
    return float(max(left, right) + 10 * mm)


def _draw_closing(sheet: Sheet, letter: Letter) -> tuple[Box, Box]:
    """Ô 7, 8 and 9b; answer the boxes of the two signatures."""
    top = sheet.y - 4 * mm
    y = sheet.draw(sheet.text("Nơi nhận:", BOLD_ITALIC, 12, centred=False), x=LEFT, y=top, width=FRAME * 0.45)
    for place, name in enumerate(letter.copies_to, start=1):
        end = "." if place == len(letter.copies_to) else ";"
        line = sheet.text(f"- {name}{end}", REGULAR, 11, centred=False)
        y = sheet.draw(line, x=LEFT, y=y, width=FRAME * 0.45)
    y = top
    for line_text in letter.capacity:
        y = sheet.draw(sheet.text(line_text, BOLD, 14), x=_SIGN_X, y=y, width=_SIGN_WIDTH)
    sheet.draw(sheet.text(letter.signer, BOLD, 14), x=_SIGN_X, y=y - _SIGN_SPACE, width=_SIGN_WIDTH)
    return _signing_boxes(page=sheet.page, centre_y=y - _SIGN_SPACE / 2)


def _signing_boxes(*, page: int, centre_y: float) -> tuple[Box, Box]:
    """The seal covers the left third of the leader's signature (Phần I mục II.8.a)."""
    width, height = _LEADER
    x = _SIGN_X + (_SIGN_WIDTH - width) / 2
    leader = Box(page=page, x1=x, y1=centre_y - height / 2, x2=x + width, y2=centre_y + height / 2)
    edge = x + width / 3
    seal = Box(page=page, x1=edge - _SEAL, y1=centre_y - _SEAL / 2, x2=edge, y2=centre_y + _SEAL / 2)
    return leader, seal


def _pad(target: Path, size: int) -> None:
    """Grow the file with bytes that no compression shrinks, as an application's private data (ISO 32000-1, 14.5)."""
    filler = random.Random(size).randbytes(size - target.stat().st_size)
    with pikepdf.open(target, allow_overwriting_input=True) as pdf:
        private = pikepdf.Dictionary(LastModified="D:20260101000000+07'00'", Private=pdf.make_stream(filler))
        pdf.Root.PieceInfo = pikepdf.Dictionary(LienThongDemo=private)
        pdf.save(target, deterministic_id=True, compress_streams=False)
