"""The command line: what each command prints, and the exit status it ends with."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from lienthong.gateway.access import KeyRing
from lienthong.gateway.cli.database import attached
from lienthong.gateway.cli.exits import Exit, leaves, usage_in_vietnamese
from lienthong.gateway.cli.main import run
from lienthong.gateway.errors import GatewayError
from lienthong.gateway.postgres.database import Database
from lienthong.gateway.postgres.errors import DatabaseError
from lienthong.gateway.postgres.supervisor import EmbeddedServer
from lienthong.tests.conftest import Addresses
from lienthong.tests.signing.desk import SENDER, SENDER_NAME, Desk, open_desk

CASES = Path(__file__).parent.parent / "edxml" / "cases"
ROOT = Path(__file__).resolve().parents[2]
TRUST = ["--trust-store", "demo", "--sender", SENDER, "--sender-name", SENDER_NAME]
META = {
    "sender": {"code": SENDER, "name": SENDER_NAME, "address": "Số 1 đường Mẫu"},
    "receivers": [{"code": "H50.12", "name": "Sở Y tế tỉnh Mẫu"}],
    "recipients": ["H50.12"],
    "number": "15",
    "notation": "STC-VP",
    "promulgation_date": "2026-03-02",
    "type_name": "Công văn",
    "subject": "V/v kiểm tra dòng lệnh",
    "signer": {"full_name": "Nguyễn Văn An", "position": "Giám đốc"},
}


@dataclass
class Shell:
    """Commands as a person types them; what they printed."""

    capture: pytest.CaptureFixture[str]
    out: str = ""
    err: str = ""

    def __call__(self, *arguments: str | Path) -> int:
        status = run([str(argument) for argument in arguments])
        self.out, self.err = self.capture.readouterr()
        return status


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("LIENTHONG_DATA_DIR", str(tmp_path / "du-lieu"))
    return Shell(capsys)


@pytest.fixture
def node_shell(shell: Shell, addresses: Addresses, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The same over a database of the test's own."""
    monkeypatch.setenv("LIENTHONG_DATABASE__DSN", addresses.app_dsn)
    return shell


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return open_desk(tmp_path_factory.mktemp("cli"), datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def signed(desk: Desk, tmp_path: Path) -> Path:
    path = tmp_path / "15-STC-VP.pdf"
    path.write_bytes(desk.profile)
    return path


@pytest.fixture
def meta(tmp_path: Path) -> Callable[..., Path]:
    def write(**changes: object) -> Path:
        value = {name: item for name, item in (META | changes).items() if item is not None}
        path = tmp_path / "meta.json"
        path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
        return path

    return write


# check ---------------------------------------------------------------------------------------------------------------


def test_check_says_valid_of_a_document_with_both_signatures(shell: Shell, desk: Desk, signed: Path) -> None:
    assert shell("check", signed, "--trust-dir", desk.folder, *TRUST) == Exit.DONE
    assert "Kết luận: HỢP LỆ" in shell.out
    assert "đủ giá trị bản gốc" in shell.out
    assert "Chữ ký 1 (người có thẩm quyền): Nguyễn Văn An" in shell.out


def test_check_says_invalid_of_an_altered_document(shell: Shell, desk: Desk, signed: Path) -> None:
    content = signed.read_bytes()
    assert b" 842 ]" in content
    signed.write_bytes(content.replace(b" 842 ]", b" 843 ]", 1))  # the height of a page
    assert shell("check", signed, "--trust-dir", desk.folder, *TRUST, "--json") == Exit.INVALID
    assert json.loads(shell.out)["overall"] == "INVALID"


def test_check_says_invalid_when_a_signature_is_missing(shell: Shell, desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "mot-chu-ky.pdf"
    path.write_bytes(desk.sign(desk.blank, desk.leader, "Signature1"))
    assert shell("check", path, "--trust-dir", desk.folder, *TRUST, "--json") == Exit.INVALID
    assert json.loads(shell.out)["report"]["legal_value"] == "reference"


def test_check_says_undetermined_without_the_root(shell: Shell, signed: Path) -> None:
    assert shell("check", signed) == Exit.UNDETERMINED
    assert "CHƯA XÁC ĐỊNH" in shell.out


def test_check_cannot_read_what_is_not_there(shell: Shell, tmp_path: Path) -> None:
    assert shell("check", tmp_path / "khong-co.pdf") == Exit.UNREADABLE
    assert "Lỗi FILE_UNREADABLE" in shell.err
    assert shell.out == ""


def test_check_cannot_read_what_is_neither_pdf_nor_package(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "a.edxml"
    path.write_text("<edXML>", encoding="utf-8")
    assert shell("check", path) == Exit.UNREADABLE
    assert shell.err.startswith("Lỗi EDXML_")


def test_check_writes_the_report_to_print(shell: Shell, desk: Desk, signed: Path, tmp_path: Path) -> None:
    paper = tmp_path / "phieu.pdf"
    assert shell("check", signed, "--trust-dir", desk.folder, *TRUST, "--pdf", paper) == Exit.DONE
    told = subprocess.run(["pdftotext", "-layout", str(paper), "-"], capture_output=True, text=True, check=True).stdout
    assert "KẾT LUẬN: HỢP LỆ" in told
    assert hashlib.sha256(signed.read_bytes()).hexdigest() in told


@pytest.mark.parametrize("case", sorted(CASES.glob("*status*.edxml")), ids=lambda path: path.stem)
def test_check_reads_status_packages(shell: Shell, case: Path) -> None:
    assert shell("check", case) == Exit.DONE
    assert "Gói tin trạng thái" in shell.out


def test_check_judges_the_main_document_of_a_package(
    shell: Shell, desk: Desk, signed: Path, meta: Callable[..., Path], tmp_path: Path
) -> None:
    package, annex = tmp_path / "15.edxml", tmp_path / "phụ lục.txt"
    annex.write_text("Phụ lục", encoding="utf-8")
    assert shell("pack", meta(), signed, annex, "-o", package) == Exit.DONE
    options = ["--trust-dir", str(desk.folder), "--trust-store", "demo"]
    assert shell("check", package, *options, "--json") == Exit.DONE
    told = json.loads(shell.out)
    assert [file["report"]["overall"] for file in told["files"]] == ["VALID", "NOT_APPLICABLE"]
    assert told["strict_findings"] == []

    signed.write_bytes(desk.blank)
    assert shell("pack", meta(), signed, "-o", package) == Exit.DONE
    assert shell("check", package, *options) == Exit.INVALID
    assert "Kết luận chung: KHÔNG HỢP LỆ" in shell.out


# pack, unpack --------------------------------------------------------------------------------------------------------


def test_unpack_gives_back_what_was_packed(
    shell: Shell, signed: Path, meta: Callable[..., Path], tmp_path: Path
) -> None:
    package, folder = tmp_path / "15.edxml", tmp_path / "ra"
    assert shell("pack", meta(file_descriptions={signed.name: "Văn bản chính"}), signed, "-o", package) == Exit.DONE
    assert shell("unpack", package, "-d", folder, "--json") == Exit.DONE
    told = json.loads(shell.out)["package"]
    assert (folder / signed.name).read_bytes() == signed.read_bytes()
    assert told["sender"]["code"] == SENDER
    assert told["document_id"] == f"{SENDER},2026/03/02,15/STC-VP"
    assert told["subject"] == META["subject"]
    assert told["attachments"][0]["description"] == "Văn bản chính"
    assert told["attachments"][0]["file"] == str(folder / signed.name)


def test_unpack_never_overwrites(shell: Shell, signed: Path, meta: Callable[..., Path], tmp_path: Path) -> None:
    package, folder = tmp_path / "15.edxml", tmp_path / "ra"
    folder.mkdir()
    (folder / signed.name).write_text("của người dùng", encoding="utf-8")
    shell("pack", meta(), signed, "-o", package)
    assert shell("unpack", package, "-d", folder) == Exit.DONE
    assert (folder / signed.name).read_text(encoding="utf-8") == "của người dùng"
    assert sorted(path.name for path in folder.iterdir()) == ["15-STC-VP (2).pdf", "15-STC-VP.pdf"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sender": None}, "/sender: cần một đối tượng có «code»"),
        ({"number": None}, "/number: thiếu số văn bản"),
        ({"subjekt": "x"}, "subjekt"),
        ({"receivers": [{"name": "thiếu mã"}]}, "/receivers/0"),
        ({"sender": {"code": SENDER}}, "EDXML_NOT_WRITABLE"),
    ],
)
def test_pack_refuses_metadata_by_place(
    shell: Shell, signed: Path, meta: Callable[..., Path], tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    package = tmp_path / "15.edxml"
    assert shell("pack", meta(**changes), signed, "-o", package) == Exit.UNREADABLE
    assert said in shell.err
    assert not package.exists()
    assert not list(tmp_path.glob(".lienthong-pack-*"))


# administration ------------------------------------------------------------------------------------------------------


def test_an_agency_is_added_once_and_gets_keys(node_shell: Shell, database: Database) -> None:
    assert node_shell("agency", "add", "--code", SENDER, "--name", SENDER_NAME) == Exit.DONE
    assert node_shell("agency", "add", "--code", SENDER.lower(), "--name", "Khác") == Exit.UNREADABLE
    assert "viết được" in node_shell.err or "AGENCY_EXISTS" in node_shell.err
    assert node_shell("agency", "list", "--json") == Exit.DONE
    assert [row["code"] for row in json.loads(node_shell.out)] == [SENDER]

    assert node_shell("key", "issue", "--agency", SENDER, "--label", "eOffice") == Exit.DONE
    key = node_shell.out.strip()
    assert asyncio.run(_code_of(database, key)) == SENDER
    assert node_shell("key", "revoke", key.split("_")[1]) == Exit.DONE
    assert asyncio.run(_code_of(database, key)) is None


async def _code_of(database: Database, key: str) -> str | None:
    """Asked of a fresh ring over its own pool: this loop is not the fixture's."""
    async with Database(database._dsn) as own:
        try:
            caller = await KeyRing(own, lambda: datetime.now(UTC)).recognise(key)
        except GatewayError as error:
            return None if error.code == "KEY_INVALID" else error.code
    return getattr(caller, "code", "operator")


def test_an_operator_gets_a_key(node_shell: Shell, database: Database) -> None:
    assert node_shell("operator-key", "issue", "--name", "truc.ban") == Exit.DONE
    assert asyncio.run(_code_of(database, node_shell.out.strip())) == "operator"


def test_a_key_for_nobody_is_refused(node_shell: Shell) -> None:
    assert node_shell("key", "issue", "--agency", "H99") == Exit.UNREADABLE
    assert "Lỗi AGENCY_UNKNOWN" in node_shell.err


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_certificate_is_known_by_its_digest(
    node_shell: Shell, desk: Desk, tmp_path: Path, encoding: Encoding
) -> None:
    file = tmp_path / "chung-thu"
    file.write_bytes(desk.leader.certificate.public_bytes(encoding))
    assert node_shell("certificate", "add", "--file", file, "--agency", SENDER, "--role", "leader") == Exit.DONE
    node_shell("certificate", "list", "--json")
    (row,) = json.loads(node_shell.out)
    assert (row["sha256"], row["agency_code"], row["role"]) == (desk.leader.sha256, SENDER, "leader")
    assert row["holder"] == "Nguyễn Văn An"


def test_what_is_no_certificate_is_refused(node_shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "chung-thu.pem"
    file.write_text("không phải chứng thư", encoding="utf-8")
    assert node_shell("certificate", "add", "--file", file, "--agency", SENDER, "--role", "agency") == Exit.UNREADABLE
    assert "Lỗi SIG_CERTIFICATE_UNREADABLE" in node_shell.err


def test_a_policy_of_an_agency(node_shell: Shell) -> None:
    basis = ["--legal-basis", "Quy chế 12/QĐ-STC", "--from", "2026-01-01", "--agency", SENDER]
    assert node_shell("policy", "set", "required_signatures", "NA_ANY_ONE", *basis) == Exit.DONE
    assert node_shell("policy", "set", "strict", "true", *basis, "--to", "2026-12-31") == Exit.DONE
    node_shell("policy", "list", "--on", "2026-06-01", "--json")
    own = {row["key"]: row["value"] for row in json.loads(node_shell.out) if row["agency_code"] == SENDER}
    assert own == {"required_signatures": "NA_ANY_ONE", "strict": True}
    node_shell("policy", "list", "--on", "2027-06-01", "--json")
    assert {row["key"] for row in json.loads(node_shell.out) if row["agency_code"]} == {"required_signatures"}


@pytest.mark.parametrize(("key", "value"), [("khong-co", "x"), ("required_signatures", "ND31"), ("strict", "có")])
def test_a_policy_that_nobody_knows_is_refused(node_shell: Shell, key: str, value: str) -> None:
    basis = ["--legal-basis", "x", "--from", "2026-01-01", "--agency", SENDER]
    assert node_shell("policy", "set", key, value, *basis) == Exit.UNREADABLE
    assert "Lỗi POLICY_" in node_shell.err


# holds and channels --------------------------------------------------------------------------------------------------


@pytest.fixture
def held(node_shell: Shell, database: Database, ids: Callable[[], UUID]) -> str:
    """A received package that became no document, waiting for a person."""
    return asyncio.run(_hold(database._dsn, ids(), ids()))


async def _hold(dsn: str, package_id: UUID, hold_id: UUID) -> str:
    async with Database(dsn) as own, own.unit(None) as connection:
        await own.queries.insert_transitions(
            connection,
            subjects=["incoming_package"] * 3,
            froms=["", "received", "held"],
            tos=["received", "held", "closed"],
        )
        await connection.execute(
            "INSERT INTO incoming_package (id, axis, receiver_doc_id, kind, state, sha256, size)"
            " VALUES ($1, 'quoc-gia', '1', 'edoc', 'held', $2, 1)",
            package_id,
            "0" * 64,
        )
        await connection.execute(
            "INSERT INTO hold (id, incoming_package_id, code, reason)"
            " VALUES ($1, $2, 'EDXML_NOT_WELL_FORMED', 'Gói tin không đọc được.')",
            hold_id,
            package_id,
        )
    return f"tg_{hold_id.hex}"


def test_a_hold_is_seen_and_closed_with_a_reason(node_shell: Shell, held: str) -> None:
    assert node_shell("hold", "list") == Exit.DONE
    assert held in node_shell.out
    assert node_shell("hold", "show", held) == Exit.DONE
    assert "Gói tin không đọc được." in node_shell.out

    assert node_shell("hold", "cancel", held, "--reason", "  ", "--actor", "văn thư") == Exit.UNREADABLE
    assert "Lỗi REASON_MISSING" in node_shell.err
    assert node_shell("hold", "cancel", held, "--reason", "Đã báo bên gửi", "--actor", "văn thư") == Exit.DONE
    assert re.search(r"Đã xử lý +hủy, văn thư, .*: Đã báo bên gửi", node_shell.out)

    assert node_shell("hold", "release", held, "--reason", "x", "--actor", "y") == Exit.UNREADABLE
    assert "Lỗi HOLD_CLOSED" in node_shell.err
    node_shell("hold", "list", "--json")
    assert json.loads(node_shell.out) == []


@pytest.mark.parametrize("missing", ["--reason", "--actor"])
def test_a_decision_needs_reason_and_actor(node_shell: Shell, held: str, missing: str) -> None:
    given = [option for option in ("--reason", "--actor") if option != missing]
    assert node_shell("hold", "release", held, *given, "x") == Exit.USAGE
    assert f"Thiếu tùy chọn '{missing}'" in node_shell.err


def test_a_channel_is_paused_and_goes_on_with_reasons_that_stay(node_shell: Shell) -> None:
    why = ("--reason", "Bảo trì trục", "--actor", "trực ban")
    assert node_shell("channel", "pause", "axis:local", *why) == Exit.DONE
    node_shell("channel", "list")
    assert re.search(r"axis:local +tạm dừng", node_shell.out)
    assert node_shell("channel", "try", "axis:local", *why) == Exit.UNREADABLE
    assert "CHANNEL_NOT_OPEN" in node_shell.err
    assert node_shell("channel", "resume", "axis:local", "--reason", "Xong", "--actor", "trực ban") == Exit.DONE
    node_shell("channel", "list")
    assert re.search(r"axis:local +đang chạy", node_shell.out)
    node_shell("channel", "history", "axis:local")
    assert re.search(r"tạm dừng → đang chạy +trực ban +Xong", node_shell.out)
    assert re.search(r"đang chạy → tạm dừng +trực ban +Bảo trì trục", node_shell.out)
    assert node_shell("channel", "resume", "axis:local", "--reason", "x", "--actor", "y") == Exit.UNREADABLE
    assert node_shell("channel", "pause", "axis:khac", *why) == Exit.UNREADABLE
    assert "CHANNEL_UNKNOWN" in node_shell.err


# the program as a whole ----------------------------------------------------------------------------------------------


def test_config_prints_toml_and_refuses_what_it_does_not_know(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shell("config") == Exit.DONE
    assert "[http]" in shell.out
    monkeypatch.setenv("LIENTHONG_HTTP__PORRT", "1")
    assert shell("config") == Exit.SETTINGS
    assert shell.err == "Lỗi SETTINGS_INVALID: Cấu hình không dùng được. http.porrt: không có khóa này.\n"


def test_config_file_is_named_by_option_or_variable(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.toml"
    file.write_text('province_name = "Tỉnh Mẫu"\n', encoding="utf-8")
    assert shell("--config", file, "config") == Exit.DONE
    assert 'province_name = "Tỉnh Mẫu"' in shell.out
    monkeypatch.setenv("LIENTHONG_CONFIG", str(file))
    shell("config")
    assert 'province_name = "Tỉnh Mẫu"' in shell.out


def test_migrate_names_the_step_and_prints_sql(node_shell: Shell, addresses: Addresses) -> None:
    assert node_shell("migrate") == Exit.DONE
    assert re.search(r"đã ở bước \d{4}", node_shell.out)
    assert node_shell("migrate", "--sql") == Exit.DONE
    assert "CREATE TABLE" in node_shell.out


def test_an_unreachable_database_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIENTHONG_DATABASE__DSN", "postgresql://app@127.0.0.1:1/khong_co")
    assert shell("agency", "list") == Exit.UNREADABLE
    assert "Lỗi DATABASE_UNREACHABLE" in shell.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["khong-co"], "Không có lệnh 'khong-co'"),
        (["check"], "Thiếu tham số"),
        (["check", "--la", "x"], "Không có tùy chọn --la"),
        (["check", "a", "b"], "Thừa tham số: b"),
        (["certificate", "add", "--role", "khac"], "không dùng được"),
    ],
)
def test_a_wrong_command_line_ends_with_64(shell: Shell, arguments: list[str], said: str) -> None:
    assert shell(*arguments) == Exit.USAGE
    assert said in shell.err


def test_what_the_library_says_otherwise_is_passed_on() -> None:
    assert usage_in_vietnamese("Something new.") == "Something new."


def test_commands_join_the_database_of_a_running_node(
    shell: Shell, server: EmbeddedServer, server_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.pid
    monkeypatch.setenv("LIENTHONG_DATA_DIR", str(server_folder))  # what the fixture runs is such a node's server
    assert shell("migrate") == Exit.DONE
    assert shell("agency", "list", "--json") == Exit.DONE
    assert json.loads(shell.out) == []


@pytest.mark.slow
def test_commands_start_the_database_of_a_stopped_node(
    shell: Shell, server_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIENTHONG_DATA_DIR", str(server_folder / "dung"))
    assert shell("agency", "add", "--code", SENDER, "--name", SENDER_NAME) == Exit.DONE
    assert shell("agency", "list", "--json") == Exit.DONE
    assert [row["name"] for row in json.loads(shell.out)] == [SENDER_NAME]


def test_a_node_that_is_starting_is_waited_for_by_the_person(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError) as caught:
        attached(tmp_path, owner=False)
    assert caught.value.code == "POSTGRES_STARTING"


def test_a_defect_of_ours_never_ends_like_an_invalid_document() -> None:
    program = (
        "import sys; from lienthong.gateway.cli import main; main.app.command('hong')(lambda: {}['defect']); "
        "sys.argv = ['lienthong', 'hong']; main.main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == Exit.INTERNAL
    assert b"KeyError: 'defect'" in done.stderr


def test_reasons_inside_of_a_group_are_all_found() -> None:
    first, second = OSError(98, "in use"), GatewayError("ROOT_TASK_ENDED", "…")
    assert leaves(ExceptionGroup("a", [ExceptionGroup("b", [first]), second])) == [first, second]


# evidence ------------------------------------------------------------------------------------------------------------


def test_a_verdict_is_reproduced_from_its_evidence(shell: Shell, desk: Desk, signed: Path, tmp_path: Path) -> None:
    kept, pins = tmp_path / "chung-cu", tmp_path / "ghim"
    asked = ("check", signed, "--trust-dir", desk.folder, *TRUST, "--keep-evidence", kept)
    assert shell(*asked) == Exit.DONE
    (manifest,) = kept.glob("*.json")
    pins.mkdir()
    (pins / "demo.toml").write_bytes((desk.folder / "demo.toml").read_bytes())  # no certificate, no list is left
    assert shell("verify", signed, "--evidence", kept, "--trust-dir", pins) == Exit.DONE
    assert "Trùng với kết luận đã ghi" in shell.out
    name = manifest.name.split(".")[1]
    assert name in shell.out
    assert shell("verify", signed, "--evidence", kept, "--trust-dir", pins, "--evidence-sha256", name) == Exit.DONE
    wrong = shell("verify", signed, "--evidence", kept, "--trust-dir", pins, "--evidence-sha256", "0" * 64)
    assert wrong == Exit.UNREADABLE
    assert "SIG_EVIDENCE_ALTERED" in shell.err
    manifest.write_bytes(manifest.read_bytes().replace(b"ND30", b"NA30"))
    assert shell("verify", signed, "--evidence", kept, "--trust-dir", pins) == Exit.UNREADABLE
    assert "SIG_EVIDENCE_ALTERED" in shell.err


def test_no_evidence_of_what_is_undetermined(shell: Shell, signed: Path, tmp_path: Path) -> None:
    kept = tmp_path / "chung-cu"
    assert shell("check", signed, "--keep-evidence", kept) == Exit.UNDETERMINED
    assert not kept.exists()


# trust ---------------------------------------------------------------------------------------------------------------


def test_national_store_is_shown_with_its_seal(shell: Shell) -> None:
    assert shell("trust", "show") == Exit.DONE
    assert "dấu niêm của dự án, dấu đúng" in shell.out
    assert "f7bc89054cec7f12730d7b8cd3eb7955b163835087e5eb873edfb584763b3f90" in shell.out
    assert "Chưa có tệp chứng thư gốc" in shell.out


def test_store_of_the_site_is_said_to_be_one(shell: Shell, desk: Desk) -> None:
    assert shell("trust", "show", "--store", "demo", "--trust-dir", desk.folder) == Exit.DONE
    assert "KHO CỦA NƠI VẬN HÀNH" in shell.out
    assert "TEST" in shell.out


def test_only_a_sealed_newer_list_is_taken_in(shell: Shell, tmp_path: Path) -> None:
    packaged = ROOT / "signing" / "trust" / "bcy.toml"
    own = tmp_path / "bcy.toml"
    own.write_bytes(packaged.read_bytes())
    assert shell("trust", "import", own) == Exit.UNREADABLE  # no seal beside it
    (tmp_path / "bcy.toml.sig").write_bytes(packaged.with_name("bcy.toml.sig").read_bytes())
    assert shell("trust", "verify", own) == Exit.DONE
    assert shell("trust", "import", own) == Exit.DONE
    assert shell("trust", "import", own) == Exit.UNREADABLE
    assert "TRUST_STORE_OLDER" in shell.err
    own.write_bytes(own.read_bytes() + b"\n")
    assert shell("trust", "verify", own) == Exit.UNREADABLE
    assert "SIG_TRUST_STORE_SEAL" in shell.err
    other = tmp_path / "tinh.toml"
    other.write_bytes(own.read_bytes())
    assert shell("trust", "import", other) == Exit.UNREADABLE
    assert "TRUST_STORE_NAME" in shell.err
