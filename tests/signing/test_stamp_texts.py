"""The words of visible signatures, to the letter (signatures.md 8.2), and the strings met in practice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.signing.copies import CopyForm, CopyKind, Medium, copy_number
from lienthong.signing.errors import SigningError
from lienthong.signing.stamp_texts import (
    VIETNAM,
    Clock,
    StampKind,
    annex_text,
    copy_text,
    read_stamp_text,
    sealed_lines,
)

AT = datetime(2020, 3, 4, 20, 5, 9, 700_000, tzinfo=UTC)  # already 5 March in Vietnam


def test_annex_text_is_that_of_the_sample_form() -> None:  # PL III; case D
    assert annex_text("12/QĐ-STTTT", AT) == "Số: 12/QĐ-STTTT; 05/03/2020; 03:05:09 +07:00"
    assert annex_text("12/QĐ-STTTT", AT, clock=Clock.ISO) == "Số: 12/QĐ-STTTT; 2020-03-05T03:05:09+07:00"


@pytest.mark.parametrize("form", CopyForm)
def test_copy_text_is_that_of_the_sample_form(form: CopyForm) -> None:  # PL III; case E
    assert copy_text(form, "Sở Tư pháp", AT) == f"{form.value}; Sở Tư pháp; 05/03/2020; 03:05:09 +07:00"


def test_words_beside_the_seal() -> None:  # TT01_2019
    assert sealed_lines("Sở Tư pháp", AT) == ("Sở Tư pháp", "05/03/2020 03:05:09 +07:00")


def test_words_are_composed_unicode() -> None:  # TCVN 6909
    decomposed = "So\N{COMBINING HORN}\N{COMBINING HOOK ABOVE}  Tư\npháp"
    assert copy_text(CopyForm.TRUE_COPY, decomposed, AT).startswith("SAO Y; Sở Tư pháp;")


@pytest.mark.parametrize(
    ("text", "kind", "shown", "at"),
    [
        (
            "SAO Y; Bộ thông tin và Truyền thông; 16/11/2022 16:34:54",
            StampKind.COPY,
            False,
            "2022-11-16T16:34:54+07:00",
        ),
        (
            "Ký bởi: Nguyễn Văn An Email: an@so.example Cơ quan: Sở Tài chính Thời gian ký: 16.03.2015 11:02:35 +07:00",
            StampKind.ISSUED,
            True,
            "2015-03-16T11:02:35+07:00",
        ),
        (
            "SAO Y; Sở Tài chính; Thời gian ký: 2026-09-06T16:01:42+07:00",
            StampKind.COPY,
            True,
            "2026-09-06T16:01:42+07:00",
        ),
        ("Số: 12/QĐ-STTTT; 05/03/2020; 10:20:30", StampKind.ANNEX, False, "2020-03-05T10:20:30+07:00"),
        ("Số: 12/QĐ-STTTT; 05/03/2020; 10: 20: 30", StampKind.ANNEX, False, "2020-03-05T10:20:30+07:00"),
        ("Trích sao; Sở Tài chính; 2026-09-06T09:01:42Z", StampKind.COPY, True, "2026-09-06T16:01:42+07:00"),
        ("Người ký: Sở Tài chính\nEmail: a@b\nThời gian ký: 16.03.2015 11:02:35", StampKind.ISSUED, False, None),
    ],
)
def test_strings_met_in_practice(text: str, kind: StampKind, shown: bool, at: str | None) -> None:
    read = read_stamp_text(text)
    assert read is not None
    assert (read.kind, read.offset_shown) == (kind, shown)
    assert at is None or read.at == datetime.fromisoformat(at)


def test_what_stands_in_them() -> None:
    issued = read_stamp_text("Ký bởi: Lê Thị Bình Email: b@c Cơ quan: Sở Y tế Thời gian ký: 16.03.2015 11:02:35 +07:00")
    assert issued is not None
    assert (issued.signer, issued.agency) == ("Lê Thị Bình", "Sở Y tế")
    copy = read_stamp_text("SAO LỤC; Sở Y tế; 16/11/2022 16:34:54")
    assert copy is not None
    assert (copy.form, copy.agency) == (CopyForm.COPY_OF_COPY, "Sở Y tế")
    annex = read_stamp_text("Số: 12/QĐ-STTTT; 05/03/2020; 10:20:30")
    assert annex is not None
    assert annex.number == "12/QĐ-STTTT"


@pytest.mark.parametrize(
    "text", ["", "Phụ lục", "16/11/2022 16:34", "SAO Y; Sở; 31/02/2022 10:00:00", "A: 1/1/2022 1:00:00"]
)
def test_other_words_are_not_taken_for_stamps(text: str) -> None:
    assert read_stamp_text(text) is None


@given(
    at=st.integers(0, 4_000_000_000).map(lambda second: datetime.fromtimestamp(second, VIETNAM)),
    clock=st.sampled_from(Clock),
    form=st.sampled_from(CopyForm),
    agency=st.sampled_from(["Sở Tư pháp", "Ủy ban nhân dân xã Bình Minh; phường 2", "Bộ A: Cục B"]),
)
def test_what_we_write_we_read(at: datetime, clock: Clock, form: CopyForm, agency: str) -> None:
    copy = read_stamp_text(copy_text(form, agency, at, clock=clock))
    assert copy is not None
    assert (copy.form, copy.agency, copy.at, copy.offset_shown) == (form, agency, at, True)
    annex = read_stamp_text(annex_text("7/BC-STP", at, clock=clock))
    assert annex is not None
    assert (annex.number, annex.at) == ("7/BC-STP", at)
    sealed = read_stamp_text("\n".join(sealed_lines("Sở Tư pháp", at, clock=clock)))
    assert sealed is not None
    assert (sealed.agency, sealed.at) == ("Sở Tư pháp", at)


@given(st.text(max_size=300))
def test_any_text_is_read_or_left(text: str) -> None:
    read = read_stamp_text(text)
    assert read is None or read.at.utcoffset() is not None


def test_a_long_text_is_cut() -> None:
    assert read_stamp_text("Ký bởi: " + "Email: Cơ quan: " * 5000 + "16.03.2015 11:02:35") is None


@pytest.mark.parametrize(
    ("form", "source", "target"),
    [
        (CopyForm.TRUE_COPY, Medium.ELECTRONIC, Medium.ELECTRONIC),
        (CopyForm.COPY_OF_COPY, Medium.ELECTRONIC, Medium.ELECTRONIC),
    ],
)
def test_article_25_knows_no_such_copy(form: CopyForm, source: Medium, target: Medium) -> None:
    with pytest.raises(SigningError) as caught:
        CopyKind(form=form, source=source, target=target)
    assert caught.value.code == "SIG_COPY_FORM"


def test_legends() -> None:  # ST-10.2, NĐ 30 PL I Phần II
    paper, electronic = Medium.PAPER, Medium.ELECTRONIC
    made = {
        CopyKind(form=form, source=source, target=target).legend
        for form in CopyForm
        for source, target in ((electronic, paper), (paper, electronic))
    }
    assert made == {
        "Sao y bản gốc văn bản điện tử",
        "Trích sao bản gốc văn bản điện tử",
        "SAO Y",
        "SAO LỤC",
        "TRÍCH SAO",
    }


def test_numbers_of_copies() -> None:  # PL I Phần II, II.1.c; PL III mục I
    assert [copy_number(7, form) for form in CopyForm] == ["07/SY", "07/SL", "07/TrS"]
    assert copy_number(112, CopyForm.EXTRACT) == "112/TrS"
    with pytest.raises(SigningError) as caught:
        copy_number(0, CopyForm.EXTRACT)
    assert caught.value.code == "SIG_COPY_NUMBER"


def test_time_is_vietnamese_whatever_the_clock_says() -> None:
    there = AT.astimezone(VIETNAM) + timedelta(0)
    assert annex_text("1/CV", AT) == annex_text("1/CV", there)
