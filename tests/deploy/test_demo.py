"""The demonstration itself: it plays to its end, and its parts do what the chapters rely on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pikepdf
import pytest

from lienthong.adapters.emulator.settings import EmulatorSettings
from lienthong.deploy.demo.checks import Checks
from lienthong.deploy.demo.compose import compose_letter
from lienthong.deploy.demo.eoffice import multipart
from lienthong.deploy.demo.people import FINANCE, NGHE_AN, OWN
from lienthong.deploy.demo.scenery import axis_settings, free_ports, node_settings
from lienthong.deploy.demo.screen import TooLateError, await_it, meanwhile
from lienthong.deploy.demo.texts import review_letter
from lienthong.deploy.s3.server import S3Server
from lienthong.gateway.settings import Settings


def play(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "lienthong.deploy.demo.run", *words]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=170, check=False)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_demonstration_plays_to_its_end_and_leaves_nothing_running(tmp_path: Path) -> None:
    told = play("--output", str(tmp_path))
    assert told.returncode == 0, told.stdout[-5000:] + told.stderr
    assert "\033" not in told.stdout
    assert "KHÔNG ĐẠT" not in told.stdout
    assert told.stderr == ""
    with pikepdf.open(tmp_path / "giay-xac-nhan-gui-nhan.pdf") as certificate:
        assert len(certificate.pages) == 1
    folder = Path(told.stdout.partition("Thư mục dữ liệu: ")[2].splitlines()[0])
    assert not folder.exists()


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_an_unsigned_file_of_the_user_is_held_and_that_is_no_failure(tmp_path: Path) -> None:
    unsigned = tmp_path / "chưa ký.pdf"
    compose_letter(unsigned, review_letter(number="12", day=None))
    told = play("--pdf", str(unsigned), "--output", str(tmp_path))
    assert told.returncode == 0, told.stdout[-5000:] + told.stderr
    assert "SIG_NOT_SIGNED" in told.stdout
    assert "hold release tg_" in told.stdout


def test_a_file_that_is_not_there_is_said_before_anything_starts(tmp_path: Path) -> None:
    told = play("--pdf", str(tmp_path / "none.pdf"))
    assert told.returncode == 2
    assert "none.pdf" in told.stdout
    assert "Khởi động" not in told.stdout


def test_the_axis_keeps_its_seed_and_gets_folder_and_ports_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "axis.toml"
    path.write_text(axis_settings(1234, 1235), encoding="utf-8")
    settings = EmulatorSettings.from_toml(path)
    assert (settings.port, settings.control_port, settings.data) == (1234, 1235, tmp_path / "axis")
    codes = {agency.code: agency for agency in settings.agencies}
    assert codes[NGHE_AN.code].script == ("01", "03", "04", "05", "06")
    assert codes[FINANCE.code].script[1].startswith("02:")
    assert {place.code for place in OWN} <= set(codes)


def test_the_node_takes_its_settings(tmp_path: Path) -> None:
    (tmp_path / "axis.secret").write_text("TEST-SECRET", encoding="utf-8")
    path = tmp_path / "node.toml"
    path.write_text(node_settings(1236, 1234), encoding="utf-8")
    settings = Settings.load(path, {})
    assert settings.http.port == 1236
    assert settings.data_dir == tmp_path / "data"
    assert settings.axes[0].base_url == "http://127.0.0.1:1234"


def test_the_node_takes_kafka_where_the_demonstration_runs_one(tmp_path: Path) -> None:
    (tmp_path / "axis.secret").write_text("TEST-SECRET", encoding="utf-8")
    path = tmp_path / "node.toml"
    path.write_text(node_settings(1236, 1234, "127.0.0.1:1237"), encoding="utf-8")
    settings = Settings.load(path, {})
    assert settings.queue.broker == "kafka"
    assert settings.kafka is not None
    assert (settings.kafka.servers, settings.kafka.copies) == ("127.0.0.1:1237", 1)


def test_the_node_takes_a_bucket_where_the_demonstration_runs_one(tmp_path: Path) -> None:
    for name in ("axis.secret", "access-key", "secret-key"):
        (tmp_path / name).write_text("TEST-SECRET", encoding="utf-8")
    path = tmp_path / "node.toml"
    section = S3Server(folder=tmp_path, port=1238).settings("van-ban")
    path.write_text(node_settings(1236, 1234, "127.0.0.1:1237", section), encoding="utf-8")
    settings = Settings.load(path, {})
    assert settings.files.s3 is not None
    assert (settings.files.store, settings.files.s3.endpoint) == ("s3", "http://127.0.0.1:1238")
    assert settings.files.reserve_bytes == 100_000_000


def test_a_taken_port_is_left_to_whom_has_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = free_ports(port, 0, 0)
    assert port not in found
    assert len(set(found)) == 3


def test_waiting_ends_at_its_deadline_and_says_what_was_awaited() -> None:
    with pytest.raises(TooLateError, match="chờ mãi"):
        await_it("chờ mãi", lambda: None, seconds=0.0)


def test_work_done_meanwhile_answers_or_raises_in_the_caller() -> None:
    assert meanwhile("làm", lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        meanwhile("làm", lambda: 1 // 0)


def test_a_failed_check_is_counted_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    checks = Checks()
    checks.equal("hai bằng hai", 2, 2)
    checks.equal("một bằng hai", 1, 2)
    assert checks.failed == ["một bằng hai"]
    assert "[KHÔNG ĐẠT] một bằng hai (thấy: 1; phải là: 2)" in capsys.readouterr().out


def test_the_parts_of_a_submission_stand_in_order_and_keep_vietnamese_names(tmp_path: Path) -> None:
    files = [tmp_path / "công văn.pdf", tmp_path / 'a"b.xlsx']
    for file in files:
        file.write_bytes(os.urandom(10))
    content_type, body = multipart({"subject": "V/v"}, files)
    boundary = content_type.partition("boundary=")[2].encode()
    parts = body.split(b"--" + boundary)
    assert b'name="metadata"' in parts[1]
    assert 'name="main"; filename="công văn.pdf"'.encode() in parts[2]
    assert b'name="attachment"; filename="a%22b.xlsx"' in parts[3]
    assert parts[4] == b"--\r\n"
