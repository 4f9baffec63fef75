"""The counting of the crash tests finds what it is there to find."""

from __future__ import annotations

from lienthong.tests.crash.tally import Tally

LETTERS = [("000.00.01.H99", "văn bản 1"), ("000.00.02.H99", "văn bản 2")]


def test_what_is_there_once_is_clean() -> None:
    tally = Tally()
    tally.compare("hộp thư", expected=LETTERS, found=reversed(LETTERS))
    tally.in_a_row("số đến", [3, 1, 2])
    assert tally.clean
    assert tally.counted == {"hộp thư": 2, "số đến": 3}
    assert "0 mất, 0 trùng, 0 sai nơi nhận, 0 nhảy số, 0 bỏ dở" in tally.printed()


def test_what_is_missing_is_lost_and_what_is_there_twice_is_doubled() -> None:
    tally = Tally()
    tally.compare("hộp thư", expected=LETTERS, found=[LETTERS[0], LETTERS[0]])
    assert (len(tally.lost), len(tally.doubled), len(tally.wrong)) == (1, 1, 0)
    assert "văn bản 2" in tally.lost[0]
    assert not tally.clean


def test_what_nobody_expected_in_a_place_is_misled() -> None:
    tally = Tally()
    tally.compare("hộp thư", expected=LETTERS, found=[*LETTERS, ("000.00.03.H99", "văn bản 1")])
    assert (tally.lost, tally.doubled, len(tally.wrong)) == ([], [], 1)
    assert "SAI NƠI NHẬN hộp thư: ('000.00.03.H99', 'văn bản 1')" in tally.printed()


def test_numbers_begin_at_one_without_gap_or_double() -> None:
    for numbers in ([2, 3], [1, 3], [1, 2, 2]):
        tally = Tally()
        tally.in_a_row("số đến", numbers)
        assert len(tally.skipped) == 1, numbers
