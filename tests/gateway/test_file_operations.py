"""What operators see and do about the file store, over HTTP and on the command line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from lienthong.gateway.cli.exits import Exit
from lienthong.gateway.cli.main import run
from lienthong.gateway.files.layout import NODE_FILES
from lienthong.gateway.upkeep.scrubbing import scrub
from lienthong.tests.conftest import Addresses
from lienthong.tests.gateway.conftest import PDF, Room, document

DIGEST = hashlib.sha256(PDF).hexdigest()


async def at_once(_size: int) -> bool:
    return True


async def test_a_damaged_file_is_shown_with_its_document_and_warned_of(room: Room) -> None:
    document = await (await room.submit()).json()
    async with room.node.files.at_hand(room.sender, DIGEST) as path:
        path.write_bytes(b"%PDF-rotten")
    assert (await scrub(room.node, at_once)).faults == 1

    state = await (await room.get("/v1/operations/files", key=room.operator_key)).json()
    (fault,) = state["faults"]
    assert (fault["sha256"], fault["kind"], fault["references"]) == (DIGEST, "damaged", 1)
    assert fault["exchanges"] == [document["id"]]
    assert [one["kind"] for one in state["rounds"]] == ["scrub"]
    ready = await (await room.get("/readyz", key="")).json()
    assert ready["warnings"] == ["Kho tệp có 1 tệp thiếu hoặc hỏng; xem /v1/operations/files."]
    assert (await room.get("/v1/operations/files")).status == 403


async def test_who_names_a_file_is_counted(room: Room) -> None:
    await room.submit()
    await room.submit(document(number="16"), idempotency_key="k-2")
    answer = await (await room.get(f"/v1/operations/files/{DIGEST}", key=room.operator_key)).json()
    assert answer["references"] == 2
    assert [(one["named_by"], one["rows"]) for one in answer["named"]] == [("exchange_file", 2)]
    assert (await room.get("/v1/operations/files/abc", key=room.operator_key)).status == 400


# On the command line -------------------------------------------------------------------------------------------------


@pytest.fixture
def configured(addresses: Addresses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIENTHONG_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LIENTHONG_DATABASE__DSN", addresses.app_dsn)
    return tmp_path / "data" / "files" / str(NODE_FILES)


def lay(folder: Path, content: bytes, digest: str | None = None) -> str:
    sha256 = digest or hashlib.sha256(content).hexdigest()
    (folder / sha256[:2]).mkdir(parents=True, exist_ok=True)
    (folder / sha256[:2] / sha256).write_bytes(content)
    return sha256


def test_the_command_line_sweeps_and_checks(configured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lay(configured, b"good")
    assert run(["files", "sweep", "--dry-run", "--json"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["seen"] == 1
    assert run(["files", "sweep"]) == Exit.DONE
    assert "Đã xem 1 tệp." in capsys.readouterr().out
    assert run(["files", "check", "--all"]) == Exit.DONE
    assert "Đã đọc lại 1 tệp, 4 byte; thiếu hoặc hỏng: 0." in capsys.readouterr().out
    bad = lay(configured, b"rot", "a" * 64)
    assert run(["files", "check", "--all"]) == Exit.UNREADABLE
    told = capsys.readouterr()
    assert bad in told.out
    assert "FILES_FAULTY" in told.err
    lay(configured, b"good")
    (configured / "aa" / bad).unlink()
    assert run(["files", "show", bad]) == Exit.DONE
    assert "0 dòng dữ liệu nhắc tới tệp này." in capsys.readouterr().out
