"""Documents measured on the finished page against Nghị định 30/2020/NĐ-CP Phụ lục I, Phần I, paragraph by paragraph.

mục I are the general rules, mục II the nine parts, mục III the others. Lengths in mm, sizes in points.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import unicodedata
from datetime import date
from pathlib import Path

import pytest

from lienthong.deploy.demo.compose import compose_letter
from lienthong.deploy.demo.letter import Letter
from lienthong.deploy.demo.texts import review_letter

from .measuring import Measured, Words

UPRIGHT, BOLD = "LiberationSerif", "LiberationSerif-Bold"
SLANTED, BOLD_SLANTED = "LiberationSerif-Italic", "LiberationSerif-BoldItalic"
INK = 0.6  # a letter's ink may pass its own width
POINT = 25.4 / 72
LETTER = review_letter(number="1278", day=date(2026, 2, 5))
DECISION = dataclasses.replace(
    LETTER,
    kind="QUYẾT ĐỊNH",
    subject="Ban hành Quy chế gửi, nhận văn bản điện tử",
    number="07",
    notation="QĐ-SKHCN",
    recipients=(),
    authority="GIÁM ĐỐC SỞ KHOA HỌC VÀ CÔNG NGHỆ",
    grounds=("Căn cứ Nghị định số 30/2020/NĐ-CP ngày 05 tháng 3 năm 2020", "Theo đề nghị của Chánh Văn phòng"),
    paragraphs=("Điều 1. Ban hành Quy chế gửi, nhận văn bản điện tử.", *LETTER.paragraphs * 2),
    urgency="HỎA TỐC",
    circulation="LƯU HÀNH NỘI BỘ",
    drafter="NTQH.05",
    size=14,
)


@pytest.fixture(scope="module")
def letter(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    return drawn(tmp_path_factory.mktemp("layout") / "a.pdf", LETTER)


@pytest.fixture(scope="module")
def decision(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    return drawn(tmp_path_factory.mktemp("layout") / "b.pdf", DECISION)


def drawn(path: Path, letter: Letter) -> Measured:
    compose_letter(path, letter)
    return Measured(path)


def body(measured: Measured, page: int, size: float) -> list[Words]:
    """Lines over the full width: the text of ô 6 but the last line of each paragraph."""
    return [line for line in measured.lines(page) if line.size == size and line.right > 194 and line.face == UPRIGHT]


def test_paper_is_a4_upright(letter: Measured, decision: Measured) -> None:  # mục I.1, I.2
    for size in (*letter.sizes, *decision.sizes):
        assert size == pytest.approx((210, 297), abs=0.1)


def test_margins(letter: Measured, decision: Measured) -> None:  # mục I.3: 20-25 above and below, 30-35, 15-20
    for measured, page in ((letter, 0), (decision, 0), (decision, 1)):
        text = [
            line
            for line in measured.lines(page)
            if 20 <= line.base <= 278  # not the page number, ô 11 and 13, which stand in the margins
        ]
        assert 20 - INK <= min(line.top for line in text) <= 25
        assert max(line.base for line in text) <= 297 - 20
        assert 30 - INK <= min(line.left for line in text) <= 35
        assert 190 <= max(line.right for line in text) <= 195 + INK


def test_last_line_of_a_full_page_ends_above_the_margin(decision: Measured) -> None:  # mục I.3
    last = max(line.base for line in decision.lines(0) if line.size == 14)
    assert 270 <= last <= 277


def test_face_and_ink(letter: Measured, decision: Measured) -> None:  # mục I.4: Times New Roman, black
    for measured, marks in ((letter, 0), (decision, 1)):
        lines = measured.lines()
        assert all(line.face.startswith("LiberationSerif") for line in lines)
        assert sum(line.ink != (0, 0, 0) for line in lines) == marks  # the mark of urgency alone


def test_text_is_composed_unicode(letter: Measured) -> None:  # mục I.4: TCVN 6909:2001
    text = letter.text(0)
    assert text == unicodedata.normalize("NFC", text)
    for word in ("Nguyễn Thị Quỳnh Hương", "HỘI CHỦ NGHĨA", "Nghị định số 30", "Ủy ban nhân dân"):
        assert word in text


def test_page_number(decision: Measured) -> None:  # mục I.7: top margin, centred, 13-14, from page 2
    number = decision.lines(1)[0]
    assert decision.text(1).split()[0] == "2"
    assert number.base < 20
    assert number.centre == pytest.approx(105, abs=INK)
    assert number.size in (13, 14)
    assert number.face == UPRIGHT
    first = re.split(r"\s+", decision.text(0).strip())
    assert not any(word == "1" for word in (first[0], first[-1]))


def test_nation_and_motto(letter: Measured) -> None:  # mục II.1
    nation = letter.find("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
    motto = letter.find("Độc lập - Tự do - Hạnh phúc")
    assert (nation.face, motto.face) == (BOLD, BOLD)
    assert 12 <= nation.size <= 13
    assert 13 <= motto.size <= 14
    assert nation.left > 105 - 2 * INK  # above, at the right
    assert motto.centre == pytest.approx(nation.centre, abs=INK)
    assert motto.base - nation.base == pytest.approx(motto.size * 1.15 * POINT, abs=0.5)  # single line
    rule = letter.rule_below(motto)
    assert rule.width == pytest.approx(motto.right - motto.left, abs=1)  # as long as the motto
    assert rule.centre == pytest.approx(motto.centre, abs=INK)


def test_names_of_the_agencies(letter: Measured) -> None:  # mục II.2
    above, name, last = letter.find("UBND TỈNH MẪU"), letter.find("SỞ KHOA HỌC"), letter.find("VÀ CÔNG NGHỆ")
    assert (above.face, name.face) == (UPRIGHT, BOLD)
    assert all(12 <= words.size <= 13 for words in (above, name))
    assert above.base == pytest.approx(letter.find("CỘNG HÒA").base, abs=0.3)  # ô 2 begins beside ô 1
    for words in (above, name, last):
        assert words.centre == pytest.approx(65.5, abs=INK)
        assert words.right < 30 + 165 * 0.44
    rule = letter.rule_below(last)
    assert 1 / 3 <= rule.width / (last.right - last.left) <= 1 / 2
    assert rule.centre == pytest.approx(last.centre, abs=INK)


def test_number_and_sign(letter: Measured, decision: Measured) -> None:  # mục II.3
    number = letter.find("Số: 1278/SKHCN-CĐS")
    assert (number.face, number.size) == (UPRIGHT, 13)
    assert number.centre == pytest.approx(letter.find("VÀ CÔNG NGHỆ").centre, abs=INK)
    assert decision.find("Số: 07/QĐ-SKHCN").size == 13  # below 10 with a zero


def test_gap_for_the_number_is_15_mm(tmp_path: Path) -> None:  # TN-14.3
    blank = drawn(tmp_path / "a.pdf", review_letter(number=None, day=None))
    label, tail = blank.find("Số:"), blank.find("/SKHCN-CĐS")
    space = 13 * 0.25 * POINT
    assert tail.left - label.right == pytest.approx(15 + space, abs=0.6)
    assert tail.base == pytest.approx(label.base, abs=0.1)


def test_place_and_date(letter: Measured) -> None:  # mục II.4
    place = letter.find("Mẫu, ngày 05 tháng 02 năm 2026")  # zeros before days below 10 and months 1, 2
    assert place.face == SLANTED
    assert 13 <= place.size <= 14
    assert place.base == pytest.approx(letter.find("Số: 1278").base, abs=0.1)  # one line with the number
    assert place.centre == pytest.approx(letter.find("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM").centre, abs=INK)


def test_subject_of_a_letter(letter: Measured) -> None:  # mục II.5.c, ô 5b
    subject, number = letter.find("V/v rà soát"), letter.find("Số: 1278")
    assert (subject.face, subject.size) == (UPRIGHT, 12)
    whole = letter.find("Số: 1278/SKHCN-CĐS")
    assert letter.find("văn bản điện tử năm 2026").centre == pytest.approx(whole.centre, abs=INK)
    boxes = (number.size * 0.216 + 6 + subject.size * 0.891) * POINT  # 6 pt between the lines' boxes
    assert subject.base - number.base == pytest.approx(boxes, abs=0.6)


def test_kind_and_subject(decision: Measured) -> None:  # mục II.5.c, ô 5a
    kind, subject = decision.find("QUYẾT ĐỊNH"), decision.find("Ban hành Quy chế gửi, nhận văn bản điện tử")
    for words in (kind, subject):
        assert (words.face, words.size) == (BOLD, 14)
        assert words.centre == pytest.approx(112.5, abs=INK)
    assert 0 < subject.base - kind.base < 8
    rule = decision.rule_below(subject)
    assert 1 / 3 <= rule.width / (subject.right - subject.left) <= 1 / 2
    assert rule.centre == pytest.approx(112.5, abs=INK)


def test_grounds(decision: Measured) -> None:  # mục II.6.a
    first, last = decision.find("Căn cứ Nghị định"), decision.find("Theo đề nghị của Chánh Văn phòng.")
    assert (first.face, last.face) == (SLANTED, SLANTED)
    assert 13 <= first.size <= 14
    assert "tháng 3 năm 2020;" in " ".join(decision.text(0).split())


def test_authority_and_articles(decision: Measured) -> None:  # mục II.6.đ; Phụ lục III, mẫu quyết định
    authority, resolved = decision.find("GIÁM ĐỐC SỞ KHOA HỌC VÀ CÔNG NGHỆ"), decision.find("QUYẾT ĐỊNH:")
    for words in (authority, resolved):
        assert (words.face, words.size) == (BOLD, 14)
        assert words.centre == pytest.approx(112.5, abs=INK)
    article, name = decision.find("Điều 1."), decision.find("Ban hành Quy chế gửi", nth=1)
    assert (article.face, article.size) == (BOLD, 14)
    assert article.left == pytest.approx(30 + 12.7, abs=INK)
    assert (name.face, name.base) == (UPRIGHT, pytest.approx(article.base, abs=0.1))
    assert authority.base < decision.find("Căn cứ Nghị định").base < resolved.base < article.base


@pytest.mark.parametrize(("name", "size"), [("letter", 13), ("decision", 14)])
def test_text(name: str, size: float, request: pytest.FixtureRequest) -> None:  # mục II.6.e
    measured: Measured = request.getfixturevalue(name)
    full = body(measured, 0, size)
    assert len(full) > 8
    firsts = [line for line in full if line.left > 40]
    for line in full:
        assert line.right == pytest.approx(195, abs=INK)  # both edges straight
    for line in firsts:
        assert line.left == pytest.approx(30 + 12.7, abs=INK)  # 1.27 cm
    for line in set(full) - set(firsts):
        assert line.left == pytest.approx(30, abs=INK)
    every = [line for line in measured.lines() if line.size == size and full[0].base <= line.base <= full[-1].base]
    single = size * 1.15 * POINT
    for above, below in itertools.pairwise(every):
        between = 6 * POINT if below.left > 40 else 0  # 6 pt at least between paragraphs
        assert single + between <= below.base - above.base <= single * 1.5 + between  # single to 1.5 lines


def test_capacity_and_name(letter: Measured) -> None:  # mục II.7.b, II.7.đ: KT. before the head's office
    acting, own, name = (letter.find(w) for w in ("KT. GIÁM ĐỐC", "PHÓ GIÁM ĐỐC", "Nguyễn Thị Quỳnh Hương"))
    for words in (acting, own, name):
        assert words.face == BOLD
        assert 13 <= words.size <= 14
        assert words.centre == pytest.approx(acting.centre, abs=INK)
        assert words.left > 112
    assert acting.base < own.base < name.base
    assert name.top - own.base >= 30  # room for the signature's picture


@pytest.mark.parametrize(
    "capacity",
    [
        ("TM. ỦY BAN NHÂN DÂN", "CHỦ TỊCH"),
        ("TM. ỦY BAN NHÂN DÂN", "KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH"),
        ("TL. GIÁM ĐỐC", "CHÁNH VĂN PHÒNG"),
        ("TUQ. GIÁM ĐỐC", "TRƯỞNG PHÒNG"),
        ("Q. GIÁM ĐỐC",),
    ],
    ids=lambda capacity: capacity[-1],
)
def test_authority_that_was_delegated(tmp_path: Path, capacity: tuple[str, ...]) -> None:  # mục II.7.b
    acting = drawn(tmp_path / "a.pdf", dataclasses.replace(LETTER, capacity=capacity))
    page = len(acting.sizes) - 1
    lines = [acting.find(line, page=page) for line in capacity]
    assert [line.base for line in lines] == sorted(line.base for line in lines)
    for line in lines:
        assert line.face == BOLD
        assert line.centre == pytest.approx(acting.find("Nguyễn Thị Quỳnh Hương", page=page).centre, abs=INK)


def test_room_for_a_signature_without_a_typed_name(tmp_path: Path) -> None:  # TN-14.2: 4 cm blank
    path = tmp_path / "a.pdf"
    unnamed = dataclasses.replace(LETTER, signer=None, capacity=("GIÁM ĐỐC",))
    layout = compose_letter(path, unnamed)
    measured = Measured(path)
    title = measured.find("GIÁM ĐỐC")
    assert title.base < 297 - layout.leader.y2 * POINT < 297 - layout.leader.y1 * POINT < title.base + 42
    assert not [line for line in measured.lines() if line.left > 110 and title.base < line.base < title.base + 40]


@pytest.mark.parametrize("document", [LETTER, DECISION], ids=["letter", "decision"])
def test_places_of_the_signatures(tmp_path: Path, document: Letter) -> None:  # mục II.7.d, II.8.a, ô 7c and 8
    path = tmp_path / "a.pdf"
    layout = compose_letter(path, document)
    measured = Measured(path)
    page = layout.leader.page
    own, name = measured.find("PHÓ GIÁM ĐỐC", page=page), measured.find("Nguyễn Thị Quỳnh Hương", page=page)
    centre = (layout.leader.x1 + layout.leader.x2) / 2 * POINT
    assert centre == pytest.approx(own.centre, abs=INK)
    assert own.base < 297 - layout.leader.y2 * POINT < 297 - layout.leader.y1 * POINT < name.top
    covered = (layout.seal.x2 - layout.leader.x1) / (layout.leader.x2 - layout.leader.x1)
    assert covered == pytest.approx(1 / 3)
    assert (layout.seal.x2 - layout.seal.x1) * POINT == pytest.approx(36)


def test_recipients(letter: Measured) -> None:  # mục II.9.đ, ô 9a
    head = letter.find("Kính gửi:")
    assert (head.face, head.size) == (UPRIGHT, 14)
    dashes = [letter.find(f"- {name}") for name in ("Sở Tài chính", "Ủy ban nhân dân", "Bộ Tài chính")]
    colon = letter.find(":", nth=letter.text(0)[: letter.text(0).index("Kính gửi:") + 8].count(":"))
    for dash in dashes:
        assert dash.left == pytest.approx(colon.left, abs=1)  # under the colon
        assert dash.base > head.base
    flat = " ".join(letter.text(0).split())
    assert "- Sở Tài chính tỉnh Mẫu; - Ủy ban nhân dân tỉnh Nghệ An; - Bộ Tài chính." in flat


def test_one_recipient_stands_on_the_same_line(tmp_path: Path) -> None:  # mục II.9.đ
    single = drawn(tmp_path / "a.pdf", dataclasses.replace(LETTER, recipients=("Sở Tài chính",)))
    assert single.find("Kính gửi: Sở Tài chính").size == 14


def test_copies_to(letter: Measured, decision: Measured) -> None:  # mục II.9.đ, ô 9b; mục III.3, ô 12
    head, entry = letter.find("Nơi nhận:"), letter.find("- Như trên;")
    assert (head.face, head.size) == (BOLD_SLANTED, 12)
    assert (entry.face, entry.size) == (UPRIGHT, 11)
    assert head.left == pytest.approx(30, abs=INK)
    assert entry.left == pytest.approx(30, abs=INK)
    assert head.base == pytest.approx(letter.find("KT. GIÁM ĐỐC").base, abs=0.5)  # on one line
    kept = letter.find("- Lưu: VT, CĐS. Th.05b.")
    assert kept.base > entry.base
    drafter = decision.find("NTQH.05", page=1)
    assert (drafter.face, drafter.size) == (UPRIGHT, 11)
    assert drafter.base > decision.find("- Lưu: VT", page=1).base
