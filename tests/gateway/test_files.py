"""The file store: what is committed can be read back, what is not leaves nothing."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.sampled_from([0, 1, 4095, 65536, WINDOW - 1, WINDOW, WINDOW + 7]), max_size=6))
def test_any_pieces_give_the_same_bytes(sizes: list[int]) -> None:
    chunks = [bytes([65 + number]) * size for number, size in enumerate(sizes)]

    async def round_trip(root: Path) -> None:
        store = make_store(root)
        sha256 = await put(store, *chunks)
        assert sha256 == hashlib.sha256(b"".join(chunks)).hexdigest()
        assert await get(store, sha256) == b"".join(chunks)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(round_trip(Path(folder)))


async def test_equal_bytes_of_two_agencies_are_two_files(store: LocalStore) -> None:
    mine = await put(store, b"same")
    assert await put(store, b"same") == mine
    assert not await store.exists("so-khcn", mine)
    await put(store, b"same", agency="so-khcn")
    await store.remove(AGENCY, mine)
    await store.remove(AGENCY, mine)
    assert not await store.exists(AGENCY, mine)
    assert await get(store, mine, "so-khcn") == b"same"


async def test_a_damaged_file_is_healed_by_the_same_bytes(store: LocalStore) -> None:
    sha256 = await put(store, b"good")
    store.path(AGENCY, sha256).write_bytes(b"rot!")
    await put(store, b"good")
    assert await get(store, sha256) == b"good"


@pytest.mark.parametrize("size", [10, WINDOW + 10])
async def test_one_byte_too_many_leaves_nothing(store: LocalStore, tmp_path: Path, size: int) -> None:
    await put(store, b"x" * (size - 1), limit=size - 1)
    before = files_below(tmp_path)
    with pytest.raises(FileError) as caught:
        await put(store, b"y" * (size - 1), b"z", limit=size - 1)
    assert (caught.value.code, caught.value.blame, caught.value.transient) == (
        "FILE_TOO_LARGE",
        "document",
        False,
    )
    assert files_below(tmp_path) == before


async def test_leaving_without_commit_leaves_nothing(store: LocalStore, tmp_path: Path) -> None:
    async with store.receive(AGENCY, limit=1 << 20) as incoming:
        await incoming.write(b"x" * (WINDOW + 1))
        assert len(files_below(tmp_path)) == 1
    assert files_below(tmp_path) == []


async def test_a_cancelled_upload_leaves_nothing(store: LocalStore, tmp_path: Path) -> None:
    forever = asyncio.Event()

    async def upload() -> None:
        async with store.receive(AGENCY, limit=1 << 30) as incoming:
            await incoming.write(b"x" * WINDOW)
            forever.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(upload())
    await forever.wait()
    assert len(files_below(tmp_path)) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert files_below(tmp_path) == []


async def test_cancelled_in_the_middle_of_a_write_leaves_nothing(store: LocalStore, tmp_path: Path) -> None:
    for _ in range(20):
        task = asyncio.create_task(put(store, b"x" * WINDOW, b"y" * WINDOW))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [path for path in files_below(tmp_path) if path.parent.name == "tmp"] == []


async def test_nothing_can_be_added_after_commit(store: LocalStore) -> None:
    async with store.receive(AGENCY, limit=1 << 30) as incoming:
        await incoming.write(b"x")
        await incoming.commit()
        with pytest.raises(FileError):
            await incoming.write(b"y" * WINDOW)


async def test_many_at_once(store: LocalStore) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(put(store, b"%d" % (number % 50))) for number in range(200)]
    assert len({task.result() for task in tasks}) == 50


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


async def test_adopt_follows_no_link(store: LocalStore, tmp_path: Path) -> None:
    target = tmp_path / "secret"
    target.write_bytes(b"secret")
    link = tmp_path / "link"
    link.symlink_to(target)
    with pytest.raises(FileError):
        await store.adopt(AGENCY, link)
    assert target.read_bytes() == b"secret"


async def test_adopt_of_nothing_is_our_error(store: LocalStore, tmp_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        await store.adopt(AGENCY, tmp_path / "absent")
    assert caught.value.code == "FILE_NOT_FOUND"


async def test_start_sweeps_what_a_crash_left(store: LocalStore, tmp_path: Path) -> None:
    assert await store.start(older_than=NOW) == 0
    left = await store.new_temporary()
    left.write_bytes(b"half a file")
    os.utime(left, (NOW.timestamp() - 60, NOW.timestamp() - 60))
    assert await store.sweep_temporary(NOW - timedelta(minutes=5)) == 0
    assert await store.start(older_than=NOW) == 1
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("agency", ["../x", "tmp", "", "a/b", "a\0b", "x" * 65])
async def test_no_agency_escapes_its_folder(store: LocalStore, agency: str) -> None:
    with pytest.raises(FileError) as caught:
        store.receive(agency, limit=1)
    assert caught.value.code == "FILE_KEY"


@pytest.mark.parametrize("digest", ["", "../" * 20, "A" * 64, "a" * 63, "a" * 64 + "\n"])
async def test_no_digest_escapes_its_folder(store: LocalStore, digest: str) -> None:
    with pytest.raises(FileError) as caught:
        store.path(AGENCY, digest)
    assert caught.value.code == "FILE_KEY"


async def test_absent_bytes_are_not_found(store: LocalStore) -> None:
    with pytest.raises(FileError) as caught:
        await get(store, "0" * 64)
    assert caught.value.code == "FILE_NOT_FOUND"
    assert not await store.exists(AGENCY, "0" * 64)


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
