"""What every file store must do: run over the folder of this machine and over a real S3 server."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lienthong.gateway.files.durable import WINDOW
from lienthong.gateway.files.errors import FileError
from lienthong.gateway.files.port import FileStore
from lienthong.tests.file_stores import Shelf

AGENCY = "so-tttt"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
BIG = 20 << 20  # several parts of an upload
_numbers = itertools.count()


@pytest.fixture(params=["local", "s3"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    folder = tmp_path / f"store-{next(_numbers)}"
    folder.mkdir()
    server = request.getfixturevalue("s3_server") if request.param == "s3" else None
    return Shelf(folder=folder, server=server)


@pytest.fixture
async def store(shelf: Shelf) -> FileStore:
    opened = shelf.open()
    await opened.start(older_than=LONG_AGO)
    return opened


async def put(store: FileStore, *chunks: bytes, agency: str = AGENCY, limit: int = 1 << 30) -> str:
    async with store.receive(agency, limit=limit) as incoming:
        for chunk in chunks:
            await incoming.write(chunk)
        return (await incoming.commit()).sha256


async def get(store: FileStore, sha256: str, agency: str = AGENCY) -> bytes:
    return b"".join([chunk async for chunk in store.stream(agency, sha256)])


async def at_hand(store: FileStore, sha256: str, agency: str = AGENCY) -> bytes:
    async with store.at_hand(agency, sha256) as path:
        return await asyncio.to_thread(path.read_bytes)


async def refusal(question: Any) -> str:
    with pytest.raises(FileError) as caught:
        await question
    return caught.value.code


# Stored is stored ----------------------------------------------------------------------------------------------------


async def test_what_is_committed_is_there_for_every_process(shelf: Shelf, store: FileStore) -> None:
    async with store.receive(AGENCY, limit=100) as incoming:
        await incoming.write(b"%PDF-1.7 ")
        await incoming.write(b"xyz")
        assert incoming.head == b"%PDF-1.7 xyz"
        stored = await incoming.commit()
    sha256 = hashlib.sha256(b"%PDF-1.7 xyz").hexdigest()
    assert (stored.agency_id, stored.sha256, stored.size) == (AGENCY, sha256, 12)
    other = shelf.open()
    await other.start(older_than=LONG_AGO)
    for one in (store, other):
        assert await one.exists(AGENCY, sha256)
        assert await get(one, sha256) == await at_hand(one, sha256) == b"%PDF-1.7 xyz"
    assert shelf.objects() == [f"{AGENCY}/{sha256[:2]}/{sha256}"]
    assert shelf.temporary() == []


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.sampled_from([0, 1, 4095, 65536, WINDOW - 1, WINDOW, WINDOW + 7]), max_size=6))
def test_any_pieces_give_the_same_bytes(shelf: Shelf, sizes: list[int]) -> None:
    chunks = [bytes([65 + number]) * size for number, size in enumerate(sizes)]

    async def round_trip() -> None:
        store = shelf.open()
        sha256 = await put(store, *chunks)
        assert sha256 == hashlib.sha256(b"".join(chunks)).hexdigest()
        assert await get(store, sha256) == b"".join(chunks)

    asyncio.run(round_trip())


async def test_a_large_file_passes_in_windows(shelf: Shelf, store: FileStore) -> None:
    piece = bytes(range(256)) * 4096
    sha256 = await put(store, *[piece] * (BIG // len(piece)))
    windows = [len(window) async for window in store.stream(AGENCY, sha256)]
    assert sum(windows) == BIG
    assert max(windows) <= 8 * WINDOW
    assert hashlib.sha256(await at_hand(store, sha256)).hexdigest() == sha256
    assert shelf.temporary() == []


async def test_equal_bytes_of_two_agencies_are_two_files(shelf: Shelf, store: FileStore) -> None:
    mine = await put(store, b"same")
    assert await put(store, b"same") == mine
    assert len(shelf.objects()) == 1
    assert not await store.exists("so-khcn", mine)
    await put(store, b"same", agency="so-khcn")
    await store.remove(AGENCY, mine)
    await store.remove(AGENCY, mine)
    assert not await store.exists(AGENCY, mine)
    assert await get(store, mine, "so-khcn") == b"same"


async def test_many_writers_of_few_keys(shelf: Shelf, store: FileStore) -> None:
    other = shelf.open()
    await other.start(older_than=LONG_AGO)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(put((store, other)[number % 2], b"%d" % (number % 10) * 1000)) for number in range(60)
        ]
    found = {task.result() for task in tasks}
    assert len(found) == len(shelf.objects()) == 10
    for sha256 in found:
        assert hashlib.sha256(await get(other, sha256)).hexdigest() == sha256


# What does not end well leaves nothing -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, WINDOW + 10])
async def test_one_byte_too_many_leaves_nothing(shelf: Shelf, store: FileStore, size: int) -> None:
    await put(store, b"x" * (size - 1), limit=size - 1)
    before = shelf.objects()
    assert await refusal(put(store, b"y" * (size - 1), b"z", limit=size - 1)) == "FILE_TOO_LARGE"
    assert shelf.objects() == before
    assert shelf.temporary() == []


async def test_leaving_without_commit_leaves_nothing(shelf: Shelf, store: FileStore) -> None:
    async with store.receive(AGENCY, limit=1 << 20) as incoming:
        await incoming.write(b"x" * (WINDOW + 1))
        assert len(shelf.temporary()) == 1
    assert shelf.objects() == shelf.temporary() == []


async def test_an_upload_cancelled_anywhere_leaves_nothing_half_done(shelf: Shelf, store: FileStore) -> None:
    whole = b"x" * WINDOW + b"y" * WINDOW
    for steps in range(12):
        task = asyncio.create_task(put(store, b"x" * WINDOW, b"y" * WINDOW))
        for _ in range(steps * 3):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert shelf.temporary() == []
    for key in shelf.objects():  # one that was through already is whole
        assert key.endswith(hashlib.sha256(whole).hexdigest())


async def test_nothing_can_be_added_after_commit(store: FileStore) -> None:
    async with store.receive(AGENCY, limit=1 << 30) as incoming:
        await incoming.write(b"x")
        await incoming.commit()
        assert await refusal(incoming.write(b"y" * WINDOW)) == "FILE_STORE_FAILED"


async def test_start_sweeps_what_a_crash_left(shelf: Shelf, store: FileStore) -> None:
    left = await store.new_temporary()
    left.write_bytes(b"half a file")
    assert await store.sweep_temporary(LONG_AGO) == 0
    assert await store.start(older_than=datetime.now(UTC) + timedelta(minutes=1)) == 1
    assert shelf.objects() == shelf.temporary() == []


# Finished files ------------------------------------------------------------------------------------------------------


async def test_adopt_moves_a_file_in(store: FileStore, tmp_path: Path) -> None:
    source = tmp_path / "phụ lục.xlsx"
    source.write_bytes(b"PK" * WINDOW)
    stored = await store.adopt(AGENCY, source)
    assert not source.exists()
    assert (stored.sha256, stored.size) == (hashlib.sha256(b"PK" * WINDOW).hexdigest(), 2 * WINDOW)
    assert await get(store, stored.sha256) == b"PK" * WINDOW
    assert (await store.adopt(AGENCY, _written(source, b"PK" * WINDOW), known=stored.sha256)).sha256 == stored.sha256


async def test_keep_copies_a_file_in(shelf: Shelf, store: FileStore, tmp_path: Path) -> None:
    source = _written(tmp_path / "gốc.pdf", b"%PDF")
    sha256 = hashlib.sha256(b"%PDF").hexdigest()
    for _ in range(2):
        await store.keep(AGENCY, source, sha256=sha256)
    assert source.read_bytes() == await get(store, sha256) == b"%PDF"
    assert len(shelf.objects()) == 1
    assert shelf.temporary() == []


async def test_adopt_follows_no_link(shelf: Shelf, store: FileStore, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(_written(tmp_path / "secret", b"secret"))
    assert await refusal(store.adopt(AGENCY, link)) == "FILE_STORE_FAILED"
    assert shelf.objects() == []


async def test_adopt_of_nothing_is_our_error(store: FileStore, tmp_path: Path) -> None:
    assert await refusal(store.adopt(AGENCY, tmp_path / "absent")) == "FILE_NOT_FOUND"


# At hand -------------------------------------------------------------------------------------------------------------


async def test_what_is_in_use_stays_however_little_room_there_is(shelf: Shelf) -> None:
    store = shelf.open(cache=150)
    await store.start(older_than=LONG_AGO)
    digests = [await put(store, bytes([65 + number]) * 100) for number in range(6)]

    async def use(number: int) -> None:
        async with store.at_hand(AGENCY, digests[number % 6]) as path:
            await asyncio.sleep(0)
            for other in digests:
                await at_hand(store, other)
            assert path.read_bytes() == bytes([65 + number % 6]) * 100

    async with asyncio.TaskGroup() as group:
        for number in range(12):
            group.create_task(use(number))
    lying = [path.stat().st_size for path in shelf.folder.glob("machine-*/cache/*")]
    assert sum(lying) <= 150


async def test_absent_bytes_are_not_found(store: FileStore) -> None:
    assert not await store.exists(AGENCY, "0" * 64)
    assert await refusal(get(store, "0" * 64)) == "FILE_NOT_FOUND"
    assert await refusal(at_hand(store, "0" * 64)) == "FILE_NOT_FOUND"


@pytest.mark.parametrize("found", [b"rot!", b"", b"good and more"])
async def test_damage_is_found_and_healed_by_the_same_bytes(shelf: Shelf, store: FileStore, found: bytes) -> None:
    sha256 = await put(store, b"good")
    shelf.damage(AGENCY, sha256, found)
    assert await refusal(get(store, sha256)) == "FILE_DAMAGED"
    await put(store, b"good")
    assert await get(store, sha256) == await at_hand(store, sha256) == b"good"


# Keys ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("agency", ["../x", "tmp", "aside", "", "a/b", "a\0b", "x" * 65])
async def test_no_agency_escapes_its_folder(store: FileStore, agency: str) -> None:
    with pytest.raises(FileError) as caught:
        store.receive(agency, limit=1)
    assert caught.value.code == "FILE_KEY"


@pytest.mark.parametrize("digest", ["", "../" * 20, "A" * 64, "a" * 63, "a" * 64 + "\n"])
async def test_no_digest_escapes_its_folder(store: FileStore, digest: str) -> None:
    assert await refusal(at_hand(store, digest)) == "FILE_KEY"
    assert await refusal(store.exists(AGENCY, digest)) == "FILE_KEY"
    assert await refusal(get(store, digest)) == "FILE_KEY"


# Room ----------------------------------------------------------------------------------------------------------------


async def test_room_is_what_the_reserve_leaves(store: FileStore) -> None:
    assert store.has_room()
    assert not store.has_room(wanted=1 << 60)


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
