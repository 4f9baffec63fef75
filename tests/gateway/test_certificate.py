"""The delivery certificate: one page, whatever it has to say, and every fact that fits can be read on it."""

from __future__ import annotations

import dataclasses
import io
import shutil
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lienthong.gateway.monitoring.certificate import render_certificate
from lienthong.gateway.monitoring.certificate_facts import CertificateFacts, FileFact, RecipientFact, StepFact
from lienthong.signing.report import Overall

NOW = datetime(2026, 11, 21, 7, 5, 9, tzinfo=UTC)
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

FACTS = CertificateFacts(
    id="vb_01jd8z6k5t7w9x2y3z4a5b6c7d",
    node="Nút liên thông văn bản tỉnh Mẫu",
    issued_at=NOW,
    sender_code="000.00.01.H99",
    sender_name="Sở Khoa học và Công nghệ tỉnh Mẫu",
    code="1278/SKHCN-CĐS",
    day=date(2026, 11, 21),
    subject="V/v rà soát kết nối, liên thông gửi, nhận văn bản điện tử năm 2026",
    document_id="000.00.01.H99,2026/11/21,1278/SKHCN-CĐS",
    files=(
        FileFact(
            name="1278-SKHCN-CĐS.pdf",
            size=172345,
            sha256=DIGEST,
            overall=Overall.VALID,
            signers=(
                "Nguyễn Thị Quỳnh Hương (người có thẩm quyền), 14:01:00 21/11/2026",
                "Sở Khoa học và Công nghệ (cơ quan), 14:02:00 21/11/2026",
            ),
        ),
        FileFact(name="Phụ lục.xlsx", size=2403, sha256=DIGEST[::-1], overall=Overall.NOT_APPLICABLE),
    ),
    recipients=(
        RecipientFact(
            code="000.00.00.H41",
            name="UBND tỉnh Nghệ An",
            state="Đã hoàn thành",
            sent_at=NOW,
            arrived_at=NOW + timedelta(seconds=2),
            changed_at=NOW + timedelta(seconds=9),
            number="4711",
        ),
        RecipientFact(
            code="000.00.00.G12",
            name="Bộ Tài chính",
            state="Từ chối tiếp nhận",
            problem=True,
            sent_at=NOW,
            arrived_at=NOW + timedelta(seconds=3),
            reason="Văn bản thiếu phụ lục kèm theo, đề nghị gửi lại",
        ),
        RecipientFact(code="000.00.02.H99", name="Sở Tài chính tỉnh Mẫu", state="Đã gửi", sent_at=NOW),
    ),
    steps=(
        StepFact(at=NOW - timedelta(seconds=8), text="Nút tiếp nhận văn bản từ phần mềm quản lý văn bản của cơ quan"),
        StepFact(at=NOW - timedelta(seconds=5), text="Kiểm tra tệp và chữ ký số: HỢP LỆ"),
        StepFact(at=NOW - timedelta(seconds=3), text="Vào sổ văn bản đi số 1278, đóng gói edXML"),
        StepFact(at=NOW, text="Trục liên thông nhận gói tin"),
    ),
    list_at="http://127.0.0.1:8080/v1/documents/vb_01jd8z6k5t7w9x2y3z4a5b6c7d/recipients",
)


def render(facts: CertificateFacts) -> bytes:
    target = io.BytesIO()
    render_certificate(facts, target)
    return target.getvalue()


def read(content: bytes, folder: Path) -> str:
    """The words on the page, the way a reader's search finds them."""
    tool = shutil.which("pdftotext")
    if tool is None:
        pytest.skip("pdftotext is not here")
    (folder / "certificate.pdf").write_bytes(content)
    done = subprocess.run([tool, "-layout", folder / "certificate.pdf", "-"], check=True, capture_output=True)
    return " ".join(done.stdout.decode().split())


def pages(content: bytes) -> int:
    with pikepdf.open(io.BytesIO(content)) as pdf:
        return len(pdf.pages)


def recipients(count: int) -> tuple[RecipientFact, ...]:
    return tuple(
        RecipientFact(
            code=f"000.00.{number:02}.H98",
            name=f"Ủy ban nhân dân xã thứ {number}",
            state="Từ chối tiếp nhận" if number == count - 1 else "Đã đến",
            problem=number == count - 1,
            sent_at=NOW,
        )
        for number in range(count)
    )


def test_every_fact_can_be_read(tmp_path: Path) -> None:
    text = read(render(FACTS), tmp_path)
    assert "PHIẾU XÁC NHẬN GIAO NHẬN VĂN BẢN ĐIỆN TỬ" in text
    for fact in (
        "Nút liên thông văn bản tỉnh Mẫu",
        "1278/SKHCN-CĐS, ngày 21/11/2026",
        "000.00.01.H99,2026/11/21,1278/SKHCN-CĐS",
        FACTS.subject,
        FACTS.id,
        DIGEST,
        DIGEST[::-1],
        "172.345",
        "HỢP LỆ",
        "KHÔNG ÁP DỤNG",
        "4711",
        "Từ chối tiếp nhận",
        "14:05:09",
        "Kiểm tra tệp và chữ ký số: HỢP LỆ",
    ):
        assert fact in text
    assert "danh sách đầy đủ" not in text


def test_the_same_facts_give_the_same_bytes(tmp_path: Path) -> None:
    render_certificate(FACTS, tmp_path / "phiếu.pdf")
    assert (tmp_path / "phiếu.pdf").read_bytes() == render(FACTS)


def test_it_is_pdf_1_7_with_embedded_fonts_and_no_script() -> None:
    content = render(FACTS)
    assert content.startswith(b"%PDF-1.7")
    assert b"JavaScript" not in content
    with pikepdf.open(io.BytesIO(content)) as pdf:
        fonts = pdf.pages[0].Resources.Font
        assert all("/FontFile2" in fonts[name].FontDescriptor for name in fonts.keys())  # noqa: SIM118 - pikepdf


def test_a_long_list_is_counted_and_shows_what_went_wrong(tmp_path: Path) -> None:
    content = render(dataclasses.replace(FACTS, recipients=recipients(300)))
    assert pages(content) == 1
    text = read(content, tmp_path)
    assert "Tất cả 300 nơi nhận: Đã đến: 299, Từ chối tiếp nhận: 1; xem danh sách đầy đủ tại" in text
    assert "Ủy ban nhân dân xã thứ 299" in text
    assert "Nơi nhận (300)" in text


def test_a_long_history_keeps_its_ends(tmp_path: Path) -> None:
    steps = tuple(StepFact(at=NOW + timedelta(minutes=n), text=f"Bước thứ {n}.") for n in range(60))
    text = read(render(dataclasses.replace(FACTS, steps=steps)), tmp_path)
    assert "Bước thứ 0." in text
    assert "Bước thứ 59." in text
    assert "Bước thứ 30." not in text
    shown = text.count("Bước thứ ")
    assert f"… {60 - shown} bước khác" in text


def test_everything_too_long_still_is_one_page() -> None:
    facts = dataclasses.replace(
        FACTS,
        subject="Về việc " + "rất dài " * 200,
        sender_name="Ủy ban " * 100,
        files=tuple(dataclasses.replace(FACTS.files[0], name="tên tệp " * 30) for _ in range(40)),
        recipients=tuple(
            dataclasses.replace(row, name="cơ quan " * 60, reason="lý do " * 90) for row in recipients(90)
        ),
        steps=tuple(StepFact(at=NOW, text="chữ " * 200) for _ in range(99)),
    )
    assert pages(render(facts)) == 1


def test_nothing_known_still_is_a_page() -> None:
    facts = dataclasses.replace(FACTS, files=(), recipients=(), steps=(), day=None)
    assert pages(render(facts)) == 1


@settings(max_examples=20, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_no_text_is_markup(text: str) -> None:
    facts = dataclasses.replace(FACTS, subject=f"<b>{text}</a>&", node=text)
    assert pages(render(facts)) == 1
