"""Draws the delivery certificate ("phiếu xác nhận giao nhận"): one A4 page out of ``CertificateFacts``.

Knows values and paper, no SQL. What does not fit on the page is counted and the reader is told where the whole
list is. Blocking (about 30 ms): call it on a worker thread. Same facts give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, BinaryIO, Final

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, Table

from ...signing.report import Overall
from .certificate_facts import CertificateFacts, FileFact, RecipientFact, StepFact
from .certificate_paper import (
    BOLD,
    ITALIC,
    MARGIN,
    REGULAR,
    ROOM,
    WIDTH,
    clean,
    draw,
    head_cells,
    heading,
    height_of,
    load_fonts,
    table,
    text,
)

VIETNAM: Final = timezone(timedelta(hours=7))
MOST_ROWS: Final = 14  # of a section, to begin with

_COLOURS: Final = {Overall.VALID: "#0b6b2b", Overall.INVALID: "#b00020", Overall.UNDETERMINED: "#8a5a00"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """How many rows of each section are drawn."""

    files: int
    recipients: int
    steps: int

    def fewer(self) -> _Rows:
        """One row less in the longest section."""
        counts = {"recipients": self.recipients, "steps": self.steps, "files": self.files}
        longest = max(counts, key=lambda name: counts[name])
        return replace(self, **{longest: counts[longest] - 1})


def render_certificate(facts: CertificateFacts, target: Path | BinaryIO) -> None:
    """Write the certificate as a PDF of one page."""
    load_fonts()
    rows = _Rows(
        files=min(len(facts.files), MOST_ROWS),
        recipients=min(len(facts.recipients), MOST_ROWS),
        steps=min(len(facts.steps), MOST_ROWS),
    )
    parts = list(_parts(facts, rows))
    while height_of(parts) > ROOM and max(rows.files, rows.recipients, rows.steps) > 1:
        rows = rows.fewer()
        parts = list(_parts(facts, rows))
    canvas = Canvas(
        str(target) if isinstance(target, Path) else target,
        pagesize=A4,
        pdfVersion=(1, 7),
        invariant=1,
        initialFontName=REGULAR,
    )
    canvas.setTitle(f"Phiếu xác nhận giao nhận {clean(facts.code)}")
    canvas.setAuthor(clean(facts.node))
    draw(canvas, parts)
    _draw_foot(canvas, facts)
    canvas.save()


def _parts(facts: CertificateFacts, rows: _Rows) -> Iterator[Any]:
    yield text(facts.node, font=REGULAR, size=11, centred=True)
    yield text("PHIẾU XÁC NHẬN GIAO NHẬN VĂN BẢN ĐIỆN TỬ", font=BOLD, size=15, centred=True, after=8)
    yield _document_table(facts)
    yield heading(f"Tệp của văn bản ({len(facts.files)})")
    yield _files_table(facts, rows.files)
    yield heading(f"Nơi nhận ({len(facts.recipients)})")
    yield _recipients_table(facts, rows.recipients)
    yield heading("Diễn biến (giờ Việt Nam, +07:00)")
    yield _steps_table(facts, rows.steps)


def _document_table(facts: CertificateFacts) -> Table:
    day = f"{facts.day:%d/%m/%Y}" if facts.day else "không ghi"
    lines = (
        ("Cơ quan gửi", f"{facts.sender_name} ({facts.sender_code})"),
        ("Số, ký hiệu", f"{facts.code}, ngày {day}"),
        ("Trích yếu", facts.subject),
        ("Mã định danh văn bản", facts.document_id),
        ("Mã trên nút", facts.id),
    )
    cells = [[text(name, font=BOLD), text(value)] for name, value in lines]
    return table(cells, widths=(0.24, 0.76), head=False)


def _files_table(facts: CertificateFacts, count: int) -> Table:
    cells = [head_cells("Tệp và mã băm SHA-256", "Kích thước (byte)", "Chữ ký số")]
    for file in facts.files[:count]:
        size = f"{file.size:,}".replace(",", ".")
        cells.append([[text(file.name), text(file.sha256, size=7.6)], text(size, centred=True), _verdict(file)])
    if count < len(facts.files):
        cells.append([text(f"và {len(facts.files) - count} tệp khác; {_more(facts)}", font=ITALIC, limit=1000), "", ""])
    return table(cells, widths=(0.56, 0.14, 0.3), cut=count < len(facts.files))


def _verdict(file: FileFact) -> list[Any]:
    colour = _COLOURS.get(file.overall, "#000000")
    label = text(file.overall.label, font=BOLD, colour=colour)
    return [label, *(text(signer, size=8) for signer in file.signers[:4])]


def _recipients_table(facts: CertificateFacts, count: int) -> Table:
    cells = [head_cells("Cơ quan nhận", "Trạng thái", "Gửi lúc", "Đến lúc", "Số đến")]
    shown = facts.recipients
    if count < len(shown):
        shown = tuple(sorted(shown, key=lambda recipient: not recipient.problem))[:count]
    cells += [_recipient_cells(recipient) for recipient in shown]
    if count < len(facts.recipients):
        cells.append([_summary(facts), *[""] * 4])
    return table(cells, widths=(0.34, 0.26, 0.15, 0.15, 0.1), cut=count < len(facts.recipients))


def _summary(facts: CertificateFacts) -> Paragraph:
    states = Counter(recipient.state for recipient in facts.recipients).most_common()
    counts = ", ".join(f"{state}: {number}" for state, number in states)
    return text(f"Tất cả {len(facts.recipients)} nơi nhận: {counts}; {_more(facts)}", font=ITALIC, limit=1000)


def _recipient_cells(recipient: RecipientFact) -> list[Any]:
    return [
        text(f"{recipient.name} ({recipient.code})"),
        _state(recipient),
        text(_moment(recipient.sent_at), centred=True),
        text(_moment(recipient.arrived_at), centred=True),
        text(recipient.number or "–", centred=True),
    ]


def _state(recipient: RecipientFact) -> list[Any]:
    colour = _COLOURS[Overall.INVALID] if recipient.problem else "#000000"
    lines = [text(recipient.state, font=BOLD, colour=colour)]
    if recipient.reason:
        lines.append(text(f"Lý do: {recipient.reason}", size=8))
    if recipient.changed_at:
        lines.append(text(_moment(recipient.changed_at), size=8))
    return lines


def _steps_table(facts: CertificateFacts, count: int) -> Table:
    """The first and the last steps; the middle is what can be left out."""
    steps: list[StepFact | None] = list(facts.steps)
    if count < len(steps):
        first = (count + 1) // 2
        steps = [*steps[:first], None, *steps[len(steps) - (count - first) :]]
    left_out = len(facts.steps) - count
    cells = [
        [text(_moment(step.at)), text(step.text)]
        if step
        else ["", text(f"… {left_out} bước khác; {_more(facts)}", font=ITALIC, limit=1000)]
        for step in steps
    ]
    return table(cells or [[text("–"), ""]], widths=(0.22, 0.78), head=False)


def _more(facts: CertificateFacts) -> str:
    return f"xem danh sách đầy đủ tại {facts.list_at}"


def _moment(at: datetime | None) -> str:
    return f"{at.astimezone(VIETNAM):%H:%M:%S %d/%m/%Y}" if at else "–"


def _draw_foot(canvas: Canvas, facts: CertificateFacts) -> None:
    foot = (
        f"Lập lúc {_moment(facts.issued_at)} (+07:00) từ sổ và nhật ký của nút. Phiếu không thay văn bản: giá trị pháp "
        "lý của văn bản nằm ở chữ ký số trên từng tệp, đối chiếu tệp bằng mã băm SHA-256 ở trên."
    )
    paragraph = text(foot, font=ITALIC, size=8.5, centred=True, limit=1000)
    paragraph.wrap(WIDTH, ROOM)
    paragraph.drawOn(canvas, MARGIN, MARGIN - 4 * mm)
