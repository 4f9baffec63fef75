"""Draws the head of a document: ô 1 to 5, 9a, 10b, 11 and 13 of Nghị định 30/2020/NĐ-CP Phụ lục I Phần I mục IV."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from reportlab.lib.units import mm

from .letter import Letter
from .marks import draw_frame, draw_urgency
from .paper import BOLD, BOTTOM, FRAME, HEIGHT, ITALIC, LEFT, REGULAR, Box, Sheet, text_width

NATION = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
MOTTO = "Độc lập - Tự do - Hạnh phúc"
LEFT_WIDTH = FRAME * 0.43  # ô 2, 3, 5b
RIGHT_X = LEFT + FRAME * 0.44  # ô 1, 4
RIGHT_WIDTH = FRAME * 0.56
NUMBER_GAP = 15 * mm  # TN-14.3
RULE_PART = 0.4  # of the line above it; 1/3 to 1/2 (mục II.2.b, II.5.c)
_HEAD = "Kính gửi: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """What is filled when the document is issued."""

    number: Box | None
    day: Box | None


def draw_head(sheet: Sheet, letter: Letter) -> Gaps:
    """Leave ``sheet.y`` where the text begins."""
    base = _draw_agency(sheet, letter)
    number = _draw_number(sheet, letter, y=base)
    _draw_nation(sheet)
    day = _draw_date(sheet, letter, y=base)
    if letter.circulation:
        # Ô 11: above the text's frame, right of the middle (mục III.2.c).
        centre = RIGHT_X + RIGHT_WIDTH / 2
        draw_frame(sheet, letter.circulation, centre=centre, top=HEIGHT - 9 * mm)
    sheet.y = _draw_subject(sheet, letter, base=base)
    if letter.kind:
        _draw_kind(sheet, letter.kind, letter.subject)
    _draw_address(sheet, letter)
    if letter.recipients:
        _draw_recipients(sheet, letter.recipients)
    return Gaps(number=number, day=day)


def _draw_agency(sheet: Sheet, letter: Letter) -> float:
    """Ô 2 (mục II.2); answer the base line of ô 3 and 4."""
    y = sheet.y
    if letter.governing:
        y = sheet.draw(sheet.text(letter.governing, REGULAR, 12), x=LEFT, y=y, width=LEFT_WIDTH)
    y = sheet.draw(sheet.text(letter.agency, BOLD, 12), x=LEFT, y=y, width=LEFT_WIDTH)
    longest = max(text_width(line, BOLD, 12) for line in letter.agency.split("\n"))
    sheet.rule(centre=LEFT + LEFT_WIDTH / 2, y=y - 3, length=longest * RULE_PART)
    return float(min(y - 22, sheet.y - 52))  # the date stays clear of Tiêu ngữ when the agency's name is one line


def _draw_number(sheet: Sheet, letter: Letter, *, y: float) -> Box | None:
    """Ô 3: "Số:" and the number 13 pt upright, no space around "/" (mục II.3.c)."""
    number = letter.number or ""
    gap_width = text_width(number, REGULAR, 13) if number else NUMBER_GAP
    head, tail = "Số: ", f"/{letter.notation}"
    head_width = text_width(head, REGULAR, 13)
    x = LEFT + (LEFT_WIDTH - head_width - gap_width - text_width(tail, REGULAR, 13)) / 2
    sheet.set_font(REGULAR, 13)
    sheet.canvas.drawString(x, y, head + number)
    gap_x = x + head_width
    sheet.canvas.drawString(gap_x + gap_width, y, tail)
    return None if number else Box(page=0, x1=gap_x, y1=y - 4, x2=gap_x + gap_width, y2=y + 12)


def _draw_nation(sheet: Sheet) -> None:
    """Ô 1 (mục II.1): both lines bold, the rule under the motto as long as the motto."""
    centre = RIGHT_X + RIGHT_WIDTH / 2
    sheet.set_font(BOLD, 12)
    sheet.canvas.drawCentredString(centre, sheet.y - 12, NATION)
    sheet.set_font(BOLD, 13)
    sheet.canvas.drawCentredString(centre, sheet.y - 27, MOTTO)
    sheet.rule(centre=centre, y=sheet.y - 32, length=text_width(MOTTO, BOLD, 13))


def _draw_date(sheet: Sheet, letter: Letter, *, y: float) -> Box | None:
    """Ô 4: on the line of the number, slanted, centred under Quốc hiệu (mục II.4.c); answer the date's gap."""
    canvas, centre, place = sheet.canvas, RIGHT_X + RIGHT_WIDTH / 2, f"{letter.place}, "
    sheet.set_font(ITALIC, 13)
    if letter.day:
        canvas.drawCentredString(centre, y, place + day_text(letter.day))
        return None
    gap_width = text_width("ngày 00 tháng 00 năm 0000", ITALIC, 13)
    x = centre - (text_width(place, ITALIC, 13) + gap_width) / 2
    canvas.drawString(x, y, place)
    gap_x = x + text_width(place, ITALIC, 13)
    return Box(page=0, x1=gap_x, y1=y - 4, x2=gap_x + gap_width, y2=y + 12)


def day_text(day: date) -> str:
    """Months 1 and 2 get a leading zero, like days below 10 (mục II.4.b)."""
    month = f"{day.month:02}" if day.month < 3 else str(day.month)
    return f"ngày {day.day:02} tháng {month} năm {day.year}"


def _draw_subject(sheet: Sheet, letter: Letter, *, base: float) -> float:
    """Ô 5b, 6 pt under the number (mục II.5.c), and 10b; answer where the head ends."""
    y = base - 13 * 0.216  # the line's lower edge
    if not letter.kind:
        y = sheet.draw(sheet.text(f"V/v {letter.subject}", REGULAR, 12), x=LEFT, y=y - 6, width=LEFT_WIDTH)
    if letter.urgency:
        y = draw_urgency(sheet, letter.urgency, centre=LEFT + LEFT_WIDTH / 2, top=y - 3 * mm)
    return float(y - 7 * mm)


def _draw_kind(sheet: Sheet, kind: str, subject: str) -> None:
    """Ô 5a: both bold and centred, a rule under them (mục II.5.c)."""
    sheet.flow(sheet.text(kind.upper(), BOLD, 14))
    sheet.flow(sheet.text(subject, BOLD, 14))
    longest = max(text_width(line, BOLD, 14) for line in subject.split("\n"))
    sheet.rule(centre=LEFT + FRAME / 2, y=sheet.y - 4, length=min(longest, FRAME) * RULE_PART)
    sheet.y -= 6 * mm


def _draw_recipients(sheet: Sheet, recipients: tuple[str, ...]) -> None:
    """Ô 9a: one stands on the line of "Kính gửi:"; several below, their dashes under the colon (mục II.9.đ)."""
    if len(recipients) == 1:
        sheet.flow(sheet.text(f"{_HEAD}{recipients[0]}.", REGULAR, 14))
    else:
        x = LEFT + FRAME * 0.2
        sheet.y = sheet.draw(sheet.text(_HEAD, REGULAR, 14, centred=False), x=x, y=sheet.y, width=FRAME) - 2
        colon = x + text_width(_HEAD.rstrip(": "), REGULAR, 14)
        for place, name in enumerate(recipients, start=1):
            end = "." if place == len(recipients) else ";"
            line = sheet.text(f"- {name}{end}", REGULAR, 14, centred=False)
            sheet.y = sheet.draw(line, x=colon, y=sheet.y, width=LEFT + FRAME - colon) - 2
    sheet.y -= 6 * mm


def _draw_address(sheet: Sheet, letter: Letter) -> None:
    """Ô 13, at the foot of page 1, under a rule over the width of the text (mục III.4)."""
    if letter.address:
        sheet.rule(centre=LEFT + FRAME / 2, y=BOTTOM - 3 * mm, length=FRAME)
        sheet.draw(sheet.text(letter.address, REGULAR, 11), x=LEFT, y=BOTTOM - 4 * mm, width=FRAME)
