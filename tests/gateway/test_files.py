"""The file store: what is committed can be read back, what is not leaves nothing."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lienthong.gateway.files.durable import WINDOW, disk_errors, write_all
from lienthong.gateway.files.errors import FileError
from lienthong.gateway.files.local import LocalStore

AGENCY = "so-tttt"
NOW = datetime.now(UTC)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return make_store(tmp_path / "files")


def make_store(root: Path, reserve: int = 0) -> LocalStore:
    numbers = itertools.count()
    return LocalStore(root, token=lambda: f"t{next(numbers)}", reserve=reserve)


def files_below(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def second_file_system(first: Path) -> Path:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == first.stat().st_dev:
        pytest.skip("no second file system here")
    return Path(tempfile.mkdtemp(dir=other))


async def put(store: LocalStore, *chunks: bytes, agency: str = AGENCY, limit: int = 1 << 30) -> str:
    async with store.receive(agency, limit=limit) as incoming:
        for chunk in chunks:
            await incoming.write(chunk)
        return (await incoming.commit()).sha256


async def get(store: LocalStore, sha256: str, agency: str = AGENCY) -> bytes:
    return b"".join([chunk async for chunk in store.stream(agency, sha256)])


async def test_committed_bytes_lie_under_their_digest(store: LocalStore, tmp_path: Path) -> None:
    async with store.receive(AGENCY, limit=100) as incoming:
        await incoming.write(b"%PDF-1.7 ")
        await incoming.write(b"xyz")
        assert incoming.head == b"%PDF-1.7 xyz"
        stored = await incoming.commit()
    assert stored.sha256 == hashlib.sha256(b"%PDF-1.7 xyz").hexdigest()
    assert (stored.agency_id, stored.size) == (AGENCY, 12)
    assert await get(store, stored.sha256) == b"%PDF-1.7 xyz"
    assert files_below(tmp_path) == [store.path(AGENCY, stored.sha256)]
    assert store.path(AGENCY, stored.sha256).stat().st_mode & 0o777 == 0o600


async def test_cancelled_in_the_middle_of_a_write_leaves_nothing(store: LocalStore, tmp_path: Path) -> None:
    for _ in range(20):
        task = asyncio.create_task(put(store, b"x" * WINDOW, b"y" * WINDOW))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [path for path in files_below(tmp_path) if path.parent.name == "tmp"] == []


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_adopt_moves_a_file_in(store: LocalStore, tmp_path: Path, *, elsewhere: bool) -> None:
    folder = second_file_system(tmp_path) if elsewhere else tmp_path
    try:
        source = folder / "phụ lục.xlsx"
        source.write_bytes(b"PK" * WINDOW)
        stored = await store.adopt(AGENCY, source)
        assert not source.exists()
        assert stored.size == 2 * WINDOW
        assert await get(store, stored.sha256) == b"PK" * WINDOW
        assert stored.sha256 == hashlib.sha256(b"PK" * WINDOW).hexdigest()
    finally:
        if elsewhere:
            shutil.rmtree(folder)


async def test_room_is_what_the_reserve_leaves(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    assert make_store(tmp_path, reserve=0).has_room()
    assert not make_store(tmp_path, reserve=free + (1 << 40)).has_room()
    assert not make_store(tmp_path, reserve=0).has_room(wanted=free + (1 << 40))


def test_a_full_disk_is_a_transient_error_of_ours() -> None:
    with pytest.raises(FileError) as caught, disk_errors(), Path("/dev/full").open("wb", buffering=0) as full:
        write_all(full, b"x")
    assert (caught.value.code, caught.value.blame, caught.value.transient) == ("FILE_STORE_FULL", "ours", True)


async def test_a_planted_name_is_never_followed(tmp_path: Path) -> None:
    store = make_store(tmp_path / "files")
    planted = await store.new_temporary()
    planted.with_name("t1").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileError) as caught:
        await put(store, b"x" * WINDOW)
    assert (caught.value.code, caught.value.transient) == ("FILE_STORE_FAILED", True)
    assert files_below(tmp_path) == []


COMMIT_ONE = """
import asyncio, sys
from pathlib import Path
from lienthong.gateway.files.local import LocalStore
async def main():
    store = LocalStore(Path(sys.argv[1]) / "files", token=lambda: "one", reserve=0)
    async with store.receive("so", limit=100) as incoming:
        await incoming.write(b"bytes")
        await incoming.commit()
asyncio.run(main())
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace to see the order of system calls")
def test_bytes_are_synced_before_the_name_and_the_name_before_the_answer(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-y", "-e", "trace=fsync,rename,renameat,renameat2,mkdir", "-o", str(trace)]
    subprocess.run([*command, sys.executable, "-c", COMMIT_ONE, str(tmp_path)], check=True)
    root = str(tmp_path / "files")
    calls = [line.split(maxsplit=1)[1] for line in trace.read_text().splitlines() if root in line]
    told = [call.replace(root, "").replace("\t", " ") for call in calls]
    file_synced = next(i for i, call in enumerate(told) if "fsync" in call and "/tmp/one" in call)
    renamed = next(i for i, call in enumerate(told) if call.startswith("rename"))
    assert file_synced < renamed < len(told) - 1
    assert told[-1].startswith("fsync")
    assert told[-1].split("</so/")[1][:3].endswith(">")
    made = [i for i, call in enumerate(told) if call.startswith("mkdir") and '"/so' in call]
    assert made
    assert all(told[i + 1].startswith("fsync") for i in made)


async def test_what_many_agencies_keep_takes_the_space_of_one_and_outlives_each(
    store: LocalStore, tmp_path: Path
) -> None:
    source = tmp_path / "công văn.pdf"
    source.write_bytes(b"%PDF-1.7 xyz")
    sha256 = hashlib.sha256(b"%PDF-1.7 xyz").hexdigest()
    agencies = [f"don-vi-{number}" for number in range(40)]
    for agency in agencies:
        await store.keep(agency, source, sha256=sha256)
    assert len({store.path(agency, sha256).stat().st_ino for agency in agencies}) == 1
    source.unlink()
    store.path(agencies[0], sha256).unlink()
    assert await get(store, sha256, agency=agencies[-1]) == b"%PDF-1.7 xyz"
