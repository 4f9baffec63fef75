"""The printed report of a check ("phiếu kết quả kiểm tra chữ ký số"): A4 pages out of a ``CheckOutcome``.

Knows values and paper. Says what it is and what it is not, carries the digest of the file and the time of the check
on every page. Blocking (some 50 ms): the node draws it in a worker process. Same outcome, same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph, Spacer, Table, TableStyle

from ...signing.report import Answer, FileReport, SignatureReport
from ..monitoring.certificate_paper import (
    BOLD,
    ITALIC,
    MARGIN,
    REGULAR,
    WIDTH,
    clean,
    head_cells,
    heading,
    load_fonts,
    table,
    text,
)
from .file_facts import file_lines, moment, next_step, outcome_lines, signature_lines
from .law import Article, load_law
from .outcome import CheckOutcome, PackageFacts
from .words import (
    ASKED,
    OVERALL_MARKS,
    ROLES,
    SEVERITY_MARKS,
    VERDICT_MARKS,
    Mark,
)

TITLE: Final = "PHIẾU KẾT QUẢ KIỂM TRA CHỮ KÝ SỐ"
NOTICE: Final = (
    "Phiếu do nút liên thông tạo tự động. Kết quả dựa trên tệp có mã băm SHA-256 nêu trên, kho chứng thư tin cậy và"
    " danh sách thu hồi mà nút có tại thời điểm kiểm tra; kiểm tra vào lúc khác có thể cho kết quả khác. Phiếu không"
    " phải là văn bản được kiểm tra, không phải bản sao của văn bản ấy và không thay thế chữ ký, con dấu nào; giá trị"
    " pháp lý thuộc về chính tệp điện tử. Muốn đối chiếu, hãy kiểm tra lại tệp có đúng mã băm này."
)
COLOURS: Final = {"good": "#0b6b2b", "bad": "#b00020", "open": "#8a5a00", "quiet": "#444444"}
_LONG: Final = 600  # letters of a message
_FOOT: Final = 12 * mm
_REASONS: Final = 6  # shown below the verdict
_LINE: Final = colors.HexColor("#777777")


def draw_paper(outcome: CheckOutcome, *, node: str) -> bytes:
    """The report as PDF. ``node``: the node's name as it stands on the head."""
    load_fonts()
    pages, _ = _build(outcome, node, pages=0)  # the first foot already says how many pages there are
    return _build(outcome, node, pages=pages)[1]


def _build(outcome: CheckOutcome, node: str, *, pages: int) -> tuple[int, bytes]:
    def foot(canvas: Canvas, document: BaseDocTemplate) -> None:
        _draw_foot(canvas, outcome, f"Trang {document.page}/{pages}")

    buffer = io.BytesIO()
    document = BaseDocTemplate(
        buffer,
        pagesize=A4,
        title=f"{TITLE.capitalize()}: {clean(outcome.name)}",
        author=clean(node),
        invariant=1,
        lang="vi-VN",
        initialFontName=REGULAR,
    )
    frame = Frame(MARGIN, MARGIN + _FOOT, WIDTH, A4[1] - 2 * MARGIN - _FOOT, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate(frames=[frame], onPage=foot))
    document.build(list(_parts(outcome, node)))
    return document.page, buffer.getvalue()


def _draw_foot(canvas: Canvas, outcome: CheckOutcome, number: str) -> None:
    canvas.setStrokeColor(_LINE)
    canvas.setLineWidth(0.4)
    canvas.line(MARGIN, MARGIN + 8 * mm, A4[0] - MARGIN, MARGIN + 8 * mm)
    canvas.setFillColor(colors.black)
    canvas.setFont(REGULAR, 7.6)
    canvas.drawString(MARGIN, MARGIN + 4 * mm, f"SHA-256 {outcome.sha256}")
    canvas.drawString(MARGIN, MARGIN, f"Kiểm tra lúc {moment(outcome.checked_at)} (+07:00)")
    canvas.drawRightString(A4[0] - MARGIN, MARGIN, number)


def _parts(outcome: CheckOutcome, node: str) -> Iterator[Any]:
    yield text(node, size=11, centred=True)
    yield text(TITLE, font=BOLD, size=15, centred=True, after=8)
    yield _verdict_box(outcome)
    yield heading("Tệp được kiểm tra")
    yield _lines(outcome_lines(outcome))
    if outcome.package is not None:
        yield from _package(outcome.package)
    for number, file in enumerate(outcome.files, 1):
        title = f"Tệp {number}/{len(outcome.files)}: {file.name}" if outcome.package else "Chữ ký trong tệp"
        yield from _file(title, file.report, attached=outcome.package is not None)
    yield heading("Căn cứ")
    yield from _law(outcome)
    yield heading("Phiếu này là gì")
    yield text(NOTICE, size=9, limit=2000)


def _verdict_box(outcome: CheckOutcome) -> Table:
    mark = OVERALL_MARKS[outcome.overall]
    colour = COLOURS[mark.tone]
    cell: list[Any] = [text(f"KẾT LUẬN: {mark.word}", font=BOLD, size=14, centred=True, colour=colour, after=3)]
    cell += [text(reason, centred=True, limit=_LONG) for reason in _reasons(outcome)]
    cell.append(text(next_step(outcome), font=ITALIC, centred=True))
    style = [
        ("FONTNAME", (0, 0), (-1, -1), REGULAR),
        ("BOX", (0, 0), (-1, -1), 1.2, colors.HexColor(colour)),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
    ]
    return Table([[cell]], colWidths=[WIDTH], style=TableStyle(style))


def _reasons(outcome: CheckOutcome) -> list[str]:
    """Why it is not valid, file by file; the rest stands below."""
    named = outcome.package is not None
    against = [file for file in outcome.files if file.report.reason]
    return [f"{file.name}: {file.report.reason}" if named else str(file.report.reason) for file in against[:_REASONS]]


def _package(facts: PackageFacts) -> Iterator[Any]:
    yield heading("Nội dung khai trong gói tin edXML")
    yield _lines(facts.lines)
    if facts.findings:
        yield heading(f"Phát hiện khi đọc gói tin ({len(facts.findings)})")
        cells = [head_cells("Mức", "Phát hiện")]
        for finding in facts.findings:
            mark = SEVERITY_MARKS[finding.severity]
            rule = f" Căn cứ: {finding.rule}." if finding.rule else ""
            cells.append([_mark(mark), text(f"{finding.message}{rule} [{finding.code}]", limit=_LONG)])
        yield _long_table(cells, (0.14, 0.86))


def _file(title: str, report: FileReport, *, attached: bool) -> Iterator[Any]:
    yield heading(title)
    if attached:
        mark = OVERALL_MARKS[report.overall]
        yield text(f"Kết luận về tệp này: {mark.word}", font=BOLD, colour=COLOURS[mark.tone], after=3)
        yield _lines(file_lines(report))
    if not report.signatures and len({answer.code for answer in report.answers}) == 1:
        yield text(f"{report.answers[0].message} [{report.answers[0].code}]", limit=_LONG)
    elif not report.signatures:
        yield _answers(report.answers)
    for number, signature in enumerate(report.signatures, 1):
        yield from _signature(number, signature)
    for warning in report.warnings:
        yield text(f"Lưu ý: {warning.message} [{warning.code}]", limit=_LONG)


def _signature(number: int, signature: SignatureReport) -> Iterator[Any]:
    title = text(f"Chữ ký {number} ({ROLES[signature.role]}): {signature.signer_name}", font=BOLD, size=10.5, after=2)
    title.style.spaceBefore = 6
    title.style.keepWithNext = 1
    yield title
    yield _lines(signature_lines(signature))
    yield Spacer(0, 4)
    yield _answers(signature.answers)


def _answers(answers: Sequence[Answer]) -> Table:
    law = load_law()
    cells = [head_cells("Câu hỏi", "Kết quả", "Giải thích, căn cứ, mã")]
    for answer in answers:
        basis = law.behind(answer).citation
        words = f"{answer.message} Căn cứ: {basis}. [{answer.code}]"
        cells.append([text(ASKED[answer.question]), _mark(VERDICT_MARKS[answer.verdict]), text(words, limit=_LONG)])
    return _long_table(cells, (0.31, 0.13, 0.56))


def _law(outcome: CheckOutcome) -> Iterator[Paragraph]:
    law, told = load_law(), dict[str, Article]()
    for file in outcome.files:
        answers = [*file.report.answers, *(a for s in file.report.signatures for a in s.answers)]
        told |= {article.citation: article for article in map(law.behind, answers)}
    for article in told.values():
        words = f"{article.citation}: {article.says}" if article.says else article.citation
        yield text(words, size=9, after=3, limit=_LONG)


def _mark(mark: Mark) -> Paragraph:
    return text(mark.word, font=BOLD, centred=True, colour=COLOURS[mark.tone])


def _lines(lines: Sequence[tuple[str, str]]) -> Table:
    cells = [[text(label, font=BOLD), text(value, limit=_LONG)] for label, value in lines]
    return table(cells, widths=(0.27, 0.73), head=False)


def _long_table(cells: list[list[Any]], widths: tuple[float, ...]) -> Table:
    made = table(cells, widths=widths)
    made.repeatRows = 1
    return made
