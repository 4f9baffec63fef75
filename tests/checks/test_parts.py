"""The parts of a check that need no node: words, law, sealing, pace, visitors, kinds and names of files, the paper."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from lienthong.gateway.api.handed_in import kind_of, shown_name
from lienthong.gateway.api.problems import load_catalogue
from lienthong.gateway.api.sealing import LIFETIME, LONGEST, Sealer, shared_key
from lienthong.gateway.api.visitors import Pace, Visitors
from lienthong.gateway.checks import words
from lienthong.gateway.checks.file_facts import size_text
from lienthong.gateway.checks.law import load_law
from lienthong.gateway.checks.outcome import CheckedFile, CheckOutcome, FileKind, Sender
from lienthong.gateway.checks.outcome_json import outcome_from_json, outcome_to_json
from lienthong.gateway.checks.paper import draw_paper
from lienthong.gateway.errors import GatewayError
from lienthong.gateway.settings import Settings
from lienthong.signing.answers import FILE_REASONS, PHRASES, answer
from lienthong.signing.report import Answer, FileReport, LegalValue, Overall, Question, SignerRole, Verdict
from lienthong.tests.signing.desk import SENDER, SENDER_NAME, Desk

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
LAW = load_law()


# words and law -------------------------------------------------------------------------------------------------------


def test_every_value_of_a_report_has_its_words() -> None:
    assert words.QUESTIONS.keys() == words.ASKED.keys() == set(Question)
    assert words.VERDICTS.keys() == words.VERDICT_MARKS.keys() == set(Verdict)
    assert words.OVERALL_MARKS.keys() == words.NEXT_STEPS.keys() == set(Overall)
    assert words.ROLES.keys() == set(SignerRole)
    assert words.LEGAL_VALUES.keys() == set(LegalValue)
    for marks in (words.VERDICT_MARKS, words.OVERALL_MARKS, words.SEVERITY_MARKS):
        assert len({mark.sign for mark in marks.values()}) == len(marks)  # told apart without colour
        assert len({mark.word for mark in marks.values()}) == len(marks)


@pytest.mark.parametrize("code", sorted(PHRASES))
def test_behind_every_answer_stands_an_article(code: str) -> None:
    article = LAW.behind(answer(code, "x"))
    assert "Điều" in article.citation or "Quyết định" in article.citation or "Thông tư" in article.citation
    if PHRASES[code].basis is not None:
        assert article.citation == PHRASES[code].basis
    else:
        assert article.says


def test_a_file_that_could_not_be_checked_rests_on_the_receipt_rule() -> None:
    for code in FILE_REASONS:
        refusal = Answer(question=Question.TIME, verdict=Verdict.UNKNOWN, code=code, message="x")
        assert LAW.behind(refusal) == LAW.whole_file


def test_the_table_of_law_knows_only_codes_that_exist_and_quotes_nothing_twice() -> None:
    assert LAW.by_code.keys() <= load_catalogue().keys()
    assert LAW.by_question.keys() == set(Question)
    told = [article.says for article in LAW.by_citation.values()]
    assert len(set(told)) == len(told)
    used = {LAW.whole_file, *LAW.by_question.values(), *LAW.by_code.values()}
    cited = {phrase.basis for phrase in PHRASES.values()}
    assert {a.citation for a in LAW.by_citation.values()} <= {a.citation for a in used} | cited


# sealing -------------------------------------------------------------------------------------------------------------


def test_a_sealed_result_opens_again_within_the_hour() -> None:
    sealer = Sealer(b"k" * 32)
    sealed = sealer.seal({"overall": "VALID"}, NOW)
    assert sealed is not None
    assert sealer.open(sealed, NOW + LIFETIME) == {"overall": "VALID"}


@pytest.mark.parametrize("spoil", ["letter", "other key", "late", "early", "nonsense", "nothing", "vietnamese"])
def test_nothing_else_opens(spoil: str) -> None:
    sealer, when = Sealer(b"k" * 32), NOW
    sealed = (Sealer(b"x" * 32) if spoil == "other key" else sealer).seal({"overall": "VALID"}, NOW)
    assert sealed is not None
    if spoil == "letter":
        sealed = sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:]
    when += {"late": LIFETIME + timedelta(seconds=1), "early": -timedelta(seconds=1)}.get(spoil, timedelta(0))
    sealed = {"nonsense": "!!", "nothing": "", "vietnamese": "kết quả"}.get(spoil, sealed)
    with pytest.raises(GatewayError) as refused:
        sealer.open(sealed, when)
    assert refused.value.code == "CHECK_RESULT_GONE"


def test_a_result_too_long_for_a_form_is_not_offered() -> None:
    noise = Random(1).randbytes(2 * LONGEST).hex()
    assert Sealer(b"k" * 32).seal({"x": noise}, NOW) is None


def test_processes_over_one_folder_share_a_key_that_only_their_account_reads(tmp_path: Path) -> None:
    path = tmp_path / "data" / "check-page.key"
    first, second = shared_key(path, Random(1).randbytes), shared_key(path, Random(2).randbytes)
    assert first == second
    assert len(first) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["check-page.key"]
    path.write_bytes(b"torn")
    third = shared_key(path, Random(3).randbytes)
    assert len(third) == 32
    assert third == shared_key(path, Random(4).randbytes)


# who and how often ---------------------------------------------------------------------------------------------------


def test_the_pace_refuses_the_call_too_many_and_forgives_with_time() -> None:
    pace = Pace(3)
    for _ in range(3):
        pace.take("10.0.0.1", NOW)
    with pytest.raises(GatewayError) as refused:
        pace.take("10.0.0.1", NOW)
    assert refused.value.code == "CHECK_RATE"
    assert refused.value.retry_after == 21
    pace.take("10.0.0.2", NOW)  # another caller has a pace of its own
    pace.take("10.0.0.1", NOW + timedelta(seconds=20))
    with pytest.raises(GatewayError):
        pace.take("10.0.0.1", NOW + timedelta(seconds=20))


def visitors(**http: Any) -> Visitors:
    return Visitors(Settings.model_validate({"http": http}))


def asking(remote: str, method: str = "GET", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return make_mocked_request(method, "/kiem-tra", headers=named).clone(remote=remote)


@pytest.mark.parametrize(
    "near", ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "::1", "fd00::1", "::ffff:10.1.2.3"]
)
def test_near_addresses_are_let_in(near: str) -> None:
    assert visitors().admit(asking(near)) in near


@pytest.mark.parametrize("far", ["8.8.8.8", "172.32.0.1", "2001:db8::1", "::ffff:8.8.8.8", "", "unix:"])
def test_far_and_unknown_addresses_are_not(far: str) -> None:
    with pytest.raises(GatewayError) as refused:
        visitors().admit(asking(far))
    assert refused.value.code == "CHECK_NOT_ALLOWED"


def test_behind_a_proxy_its_own_word_counts() -> None:
    door = visitors(declared_proxy=True)
    assert door.admit(asking("127.0.0.1", X_Forwarded_For="8.8.8.8, 10.0.0.7")) == "10.0.0.7"
    for told in ({}, {"X_Forwarded_For": "10.0.0.7, 8.8.8.8"}, {"X_Forwarded_For": "?"}):
        with pytest.raises(GatewayError):
            door.admit(asking("127.0.0.1", **told))


def test_a_form_on_somebody_elses_page_sends_nothing_here() -> None:
    with pytest.raises(GatewayError):
        visitors().admit(asking("127.0.0.1", "POST", Sec_Fetch_Site="cross-site"))
    assert visitors().admit(asking("127.0.0.1", "POST", Sec_Fetch_Site="same-origin"))
    assert visitors().admit(asking("127.0.0.1", "GET", Sec_Fetch_Site="cross-site"))  # a link from the intranet


# files ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7", FileKind.PDF),
        (b"\r\n junk %PDF-1.4", FileKind.PDF),
        (b"<?xml version='1.0'?><edXML/>", FileKind.EDXML),
        (b"\xef\xbb\xbf\n  <edXML>%PDF-1.7", FileKind.EDXML),
        ("<edXML/>".encode("utf-16"), FileKind.EDXML),
        ("<edXML/>".encode("utf-16-le"), FileKind.EDXML),
        (b"PK\x03\x04", None),
        (b"\x89PNG", None),
        (b"van ban", None),
    ],
)
def test_the_kind_is_told_by_the_first_bytes(head: bytes, kind: FileKind | None) -> None:
    assert kind_of(head) is kind


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("C:\\Tài liệu\\a.pdf", "a.pdf"),
        ("../../etc/a.pdf", "a.pdf"),
        ("a\u202efdp.exe", "afdp.exe"),
        ("  ", "tệp không tên"),
        ("x" * 300, "x" * 200),
        ("công văn.pdf", "công văn.pdf"),
    ],
)
def test_a_name_cannot_mislead(given: str, shown: str) -> None:
    assert shown_name(given) == shown


def test_sizes_are_read_by_people_and_exact() -> None:
    assert size_text(999) == "999 byte"
    assert size_text(141_382) == "141,4 KB (141.382 byte)"
    assert size_text(50_000_000) == "50,0 MB (50.000.000 byte)"


# the paper -----------------------------------------------------------------------------------------------------------


def outcome_of(report: FileReport, now: datetime) -> CheckOutcome:
    return CheckOutcome(
        kind=FileKind.PDF,
        name="15-STC-VP <b>&amp;.pdf",
        size=report.size,
        sha256=report.sha256,
        checked_at=now,
        trust_store="demo",
        sender=Sender(code=SENDER, name=SENDER_NAME, day=None),
        overall=report.overall,
        files=(CheckedFile(name="15-STC-VP <b>&amp;.pdf", report=report),),
    )


@pytest.fixture(scope="module")
def outcome(desk: Desk) -> CheckOutcome:
    report = desk.check(desk.profile)
    return outcome_of(replace(report, materials=()), desk.now)  # what a verdict stands on is no part of its report


def test_the_json_report_reads_back_to_the_same_value(outcome: CheckOutcome) -> None:
    assert outcome_from_json(outcome_to_json(outcome)) == outcome
    assert {entry["code"] for entry in outcome_to_json(outcome)["law"]} >= {"SIG_INTEGRITY_OK", "SIG_ORDER_OK"}


def test_the_paper_says_all_and_carries_its_own_letters(outcome: CheckOutcome, tmp_path: Path) -> None:
    path = tmp_path / "phieu.pdf"
    path.write_bytes(draw_paper(outcome, node="Nút liên thông văn bản tỉnh Mẫu"))
    told = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True).stdout
    one_line = " ".join(told.split())
    for wanted in (
        "PHIẾU KẾT QUẢ KIỂM TRA CHỮ KÝ SỐ", "KẾT LUẬN: HỢP LỆ", outcome.sha256, "<b>&amp;", "Nguyễn Văn An",
        "Trang 1/2", "Trang 2/2", "Phiếu không phải là văn bản được kiểm tra", "SIG_TRUST_OK",
    ):  # fmt: skip
        assert wanted in one_line
    assert one_line.count("[SIG_INTEGRITY_OK]") == 2  # both signatures
    fonts = subprocess.run(["pdffonts", path], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    assert fonts
    assert all(line.split()[-5:-2] == ["yes", "yes", "yes"] for line in fonts)  # embedded, subset, with Unicode


def test_the_same_outcome_gives_the_same_paper(outcome: CheckOutcome) -> None:
    assert draw_paper(outcome, node="TEST") == draw_paper(outcome, node="TEST")


def test_a_paper_of_many_files_counts_its_pages(outcome: CheckOutcome, tmp_path: Path) -> None:
    path = tmp_path / "nhieu.pdf"
    path.write_bytes(draw_paper(replace(outcome, files=outcome.files * 12), node="TEST"))
    told = subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout
    count = int(told.partition("Trang 1/")[2].split()[0])
    assert count > 10
    assert f"Trang {count}/{count}" in told
