"""The sweep takes away what nothing names and never anything else; the scrub finds what is gone or damaged."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from lienthong.gateway.errors import GatewayError
from lienthong.gateway.files.errors import FileError
from lienthong.gateway.files.layout import NODE_FILES
from lienthong.gateway.node import Node
from lienthong.gateway.upkeep import rounds
from lienthong.gateway.upkeep.clockwork import scrub_when_due, sweep_when_due
from lienthong.gateway.upkeep.rounds import RoundKind
from lienthong.gateway.upkeep.scrubbing import look_again, require_whole, scrub
from lienthong.gateway.upkeep.showing import store_state, who_names
from lienthong.gateway.upkeep.sweeping import Swept, sweep
from lienthong.signing.evidence_bundle import Bundle
from lienthong.tests.conftest import Addresses
from lienthong.tests.file_stores import Shelf

DAY = timedelta(days=1)
EVERYTHING = timedelta(seconds=-5)  # a grace that makes the youngest file old; servers write whole seconds
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Later:
    """The real time, and as much later as a test says: files have the ages that the store gives them."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def later() -> Later:
    return Later()


@pytest.fixture(params=["local", "s3"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    server = request.getfixturevalue("s3_server") if request.param == "s3" else None
    return Shelf(folder=tmp_path, server=server)


@pytest.fixture
async def kept(node: Node, shelf: Shelf, later: Later) -> Node:
    files = shelf.open()
    await files.start(older_than=LONG_AGO)
    return replace(node, files=files, clock=later)


async def put(node: Node, content: bytes, owner: UUID = NODE_FILES) -> str:
    async with node.files.receive(owner, limit=1 << 20) as incoming:
        await incoming.write(content)
        return (await incoming.commit()).sha256


async def name(node: Node, sha256: str, item: str) -> None:
    """As a received package does."""
    async with node.db.unit(None) as conn:
        await conn.execute(
            "INSERT INTO incoming_package (id, axis, receiver_doc_id, kind, state, sha256, size)"
            " VALUES (gen_random_uuid(), 'local', $1, 'edoc', 'received', $2, 1)",
            item,
            sha256,
        )


async def unname(node: Node, item: str) -> None:
    async with node.db.unit(None) as conn:
        await conn.execute("UPDATE incoming_package SET sha256 = repeat('0', 64) WHERE receiver_doc_id = $1", item)


async def read(node: Node, sha256: str) -> bytes:
    async with node.files.at_hand(NODE_FILES, sha256) as path:
        return path.read_bytes()


# The sweep -----------------------------------------------------------------------------------------------------------


async def test_an_orphan_goes_in_two_steps(kept: Node, shelf: Shelf, later: Later) -> None:
    orphan, named = await put(kept, b"refused"), await put(kept, b"accepted")
    await name(kept, named, "1")
    assert (await sweep(kept, grace=DAY)).set_aside == 0, "too young"
    later.ahead = 1.1 * DAY
    assert await sweep(kept, grace=DAY) == Swept(seen=2, set_aside=1)
    assert [key.split("/")[-1] for key in shelf.objects() if not key.startswith(("aside/", "owner"))] == [named]
    later.ahead = 2 * DAY
    assert (await sweep(kept, grace=DAY)).removed == 0, "not long enough out of sight"
    later.ahead = 2.2 * DAY
    assert await sweep(kept, grace=DAY) == Swept(seen=1, removed=1, bytes=7)
    assert not await kept.files.exists(NODE_FILES, orphan)
    assert await read(kept, named) == b"accepted"
    assert [key for key in shelf.objects() if orphan in key] == []


async def test_bytes_out_of_sight_are_found_by_who_asks(kept: Node, later: Later) -> None:
    first, second, third = [await put(kept, content) for content in (b"one", b"two", b"three")]
    later.ahead = 2 * DAY
    assert (await sweep(kept, grace=DAY)).set_aside == 3
    assert await read(kept, first) == b"one"
    assert b"".join([window async for window in kept.files.stream(NODE_FILES, second)]) == b"two"
    assert await kept.files.exists(NODE_FILES, third)


async def test_a_row_that_came_late_has_its_bytes_for_good(kept: Node, later: Later) -> None:
    sha256 = await put(kept, b"slow")
    later.ahead = 2 * DAY
    assert (await sweep(kept, grace=DAY)).set_aside == 1
    await name(kept, sha256, "1")
    later.ahead = 10 * DAY
    swept = await sweep(kept, grace=DAY)
    assert (swept.brought_back, swept.removed) == (1, 0)
    assert await sweep(kept, grace=DAY) == Swept(seen=1)
    assert await read(kept, sha256) == b"slow"


async def test_bytes_put_again_stay_when_the_copy_aside_goes(kept: Node, later: Later, shelf: Shelf) -> None:
    sha256 = await put(kept, b"again")
    later.ahead = 2 * DAY
    assert (await sweep(kept, grace=DAY)).set_aside == 1
    assert await put(kept, b"again") == sha256
    await sweep(kept, grace=10 * DAY, wait=timedelta(0))
    assert [key for key in shelf.objects() if key.startswith("aside/")] == []
    assert await read(kept, sha256) == b"again"


async def test_a_dry_run_touches_nothing(kept: Node, later: Later, shelf: Shelf) -> None:
    await put(kept, b"refused")
    later.ahead = 2 * DAY
    before = shelf.objects()
    assert (await sweep(kept, grace=DAY, dry_run=True)).set_aside == 1
    assert [key for key in shelf.objects() if key != "owner"] == before
    assert (await store_state(kept, limit=9)).rounds == ()


async def test_the_store_of_another_database_is_not_swept(kept: Node, later: Later, shelf: Shelf) -> None:
    await put(kept, b"theirs")
    assert await kept.files.claim("another database") == "another database"
    later.ahead = 9 * DAY
    before = shelf.objects()
    with pytest.raises(GatewayError) as caught:
        await sweep(kept, grace=DAY)
    assert caught.value.code == "FILE_STORE_FOREIGN"
    assert shelf.objects() == before


async def test_what_an_older_copy_of_the_database_does_not_know_waits_again(kept: Node, later: Later) -> None:
    await put(kept, b"aside before the copy")
    later.ahead = 2 * DAY
    await sweep(kept, grace=DAY)
    async with kept.db.unit(None) as conn:
        await conn.execute("DELETE FROM file_aside")
    later.ahead = 9 * DAY
    await sweep(kept, grace=DAY)
    assert (await store_state(kept, limit=9)).aside_files == 1
    later.ahead = 11 * DAY
    assert (await sweep(kept, grace=DAY)).removed == 1
    assert (await store_state(kept, limit=9)).aside_files == 0


async def test_a_large_store_is_seen_page_by_page(kept: Node, later: Later) -> None:
    digests = [await put(kept, b"%d" % number) for number in range(30)]
    for item, sha256 in enumerate(digests[::2]):
        await name(kept, sha256, str(item))
    seen = [one.sha256 async for page in kept.files.listing() for one in page]
    assert seen == sorted(digests)
    middle = (str(NODE_FILES), seen[14])
    assert [one.sha256 async for page in kept.files.listing(middle) for one in page] == seen[15:]
    later.ahead = 2 * DAY
    assert (await sweep(kept, grace=DAY)).set_aside == 15


async def test_rounds_are_due_by_the_grace(kept: Node, later: Later) -> None:
    assert [await sweep_when_due(kept), await sweep_when_due(kept)] == [True, False]
    later.ahead = timedelta(hours=7)
    assert await sweep_when_due(kept)


# Writers and the sweep at once ---------------------------------------------------------------------------------------


async def test_no_row_ever_lacks_its_bytes_while_the_sweep_runs(kept: Node, random: Random, shelf: Shelf) -> None:
    """Few keys, put and named again and again, by several tasks, while everything unnamed goes out of sight at once.

    In a folder what is handed out after a sweep has begun stays; an S3 server's whole seconds cannot tell.
    """
    grace = timedelta() if shelf.server is None else EVERYTHING
    items, over = itertools.count(), asyncio.Event()
    through: list[str] = []  # items that their writer needs no more
    taken = 0

    async def write() -> None:
        while not over.is_set():
            item, content = str(next(items)), b"%d" % random.randrange(40)
            sha256 = await put(kept, content)
            for _ in range(random.randrange(4)):
                await asyncio.sleep(0)
            await name(kept, sha256, item)
            assert await read(kept, sha256) == content
            assert b"".join([window async for window in kept.files.stream(NODE_FILES, sha256)]) == content
            through.append(item)

    async def take_away() -> int:
        return (await sweep(kept, grace=grace, wait=DAY)).set_aside

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(write())
        while taken < 8:
            async with kept.db.unit(None) as conn:  # these rows name another file now
                await conn.execute(
                    "UPDATE incoming_package SET sha256 = repeat('0', 64) WHERE receiver_doc_id = ANY($1)", through
                )
            async with asyncio.TaskGroup() as sweeps:  # the clockwork's and one of the command line
                both = [sweeps.create_task(take_away()) for _ in range(2)]
            taken += sum(one.result() for one in both)
        over.set()
    assert through


@pytest.mark.parametrize("seed", [1, 2])
async def test_any_order_of_steps_keeps_what_is_named(kept: Node, later: Later, seed: int) -> None:
    """Steps put, name within an hour, forget; time passes; sweeps come when they like. What is named can be read."""
    random, items = Random(seed), itertools.count()
    put_at: dict[bytes, datetime] = {}
    named: dict[str, bytes] = {}
    removed = 0
    for _ in range(60):
        step = random.choice(("put", "name", "forget", "time", "sweep", "sweep"))
        content = b"%d" % random.randrange(5)
        if step == "put":
            await put(kept, content)
            put_at[content] = later()
        elif step == "name" and content in put_at and later() - put_at[content] < timedelta(hours=1):
            item = str(next(items))
            await name(kept, hashlib.sha256(content).hexdigest(), item)
            named[item] = content
        elif step == "forget" and named:
            await unname(kept, item := random.choice(sorted(named)))
            del named[item]
        elif step == "time":
            later.ahead += timedelta(minutes=random.randrange(200))
        elif step == "sweep":
            removed += (await sweep(kept, grace=EVERYTHING, wait=timedelta(hours=2))).removed
        for content in set(named.values()):
            assert await read(kept, hashlib.sha256(content).hexdigest()) == content
    assert removed > 0


# References ----------------------------------------------------------------------------------------------------------


async def test_references_are_counted(kept: Node) -> None:
    sha256 = await put(kept, b"twice")
    for item in ("1", "2"):
        await name(kept, sha256, item)
    (naming,) = await who_names(kept, sha256)
    assert (naming.owner, naming.named_by, naming.rows) == (NODE_FILES, "incoming_package", 2)
    assert await who_names(kept, "0" * 64) == ()


# Columns that hold a SHA-256 and name no file of the store; every other one must stand in the view file_reference.
NO_FILES = {
    ("certificate", "sha256"),
    ("certificate_seen", "sha256"),
    ("signing_picture", "certificate_sha256"),
    ("signing_session", "certificate_sha256"),
    ("signing_ticket", "certificate_sha256"),
    ("signature_made", "certificate_sha256"),
    ("api_key", "sha256"),
    ("operator_key", "sha256"),
    ("signing_ticket", "secret_sha256"),
    ("exchange", "content_digest"),  # of what the document says
    ("evidence", "sha256"),  # of the manifest, which stands in the row
    # Where the rounds over the store are: about files, not naming them.
    ("file_aside", "sha256"),
    ("file_fault", "sha256"),
    ("file_round", "sha256"),
}
DIGESTS = """
    SELECT DISTINCT class.relname, attribute.attname
      FROM pg_attribute AS attribute
      JOIN pg_class AS class ON class.oid = attribute.attrelid AND class.relkind IN ('r', 'p')
       AND NOT class.relispartition
      JOIN pg_namespace AS space ON space.oid = class.relnamespace AND space.nspname = 'public'
      LEFT JOIN pg_constraint AS rule ON rule.conrelid = class.oid AND attribute.attnum = ANY(rule.conkey)
     WHERE attribute.attnum > 0 AND NOT attribute.attisdropped
       AND (attribute.attname ~ 'sha256|digest' OR pg_get_constraintdef(rule.oid) LIKE '%[0-9a-f]{64}%')
"""
NAMING = """
    SELECT DISTINCT class.relname, attribute.attname
      FROM pg_depend AS used
      JOIN pg_rewrite AS rule ON rule.oid = used.objid AND rule.ev_class = 'file_reference'::regclass
      JOIN pg_class AS class ON class.oid = used.refobjid
      JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND attribute.attnum = used.refobjsubid
     WHERE used.refclassid = 'pg_class'::regclass AND used.refobjsubid > 0
"""


async def test_every_column_that_names_a_file_is_known_to_the_sweep(addresses: Addresses) -> None:
    """A table made tomorrow cannot be forgotten: what is not in the view would be swept away."""
    connection = await asyncpg.connect(addresses.dsn)
    try:
        digests = {(row[0], row[1]) for row in await connection.fetch(DIGESTS)}
        naming = {(row[0], row[1]) for row in await connection.fetch(NAMING)}
    finally:
        await connection.close()
    assert ("exchange_file", "sha256") in digests
    assert digests - NO_FILES <= naming, "add it to file_reference, or say in NO_FILES why it names no file"
    assert digests >= NO_FILES


async def test_objects_of_evidence_are_named_by_their_manifest(node: Node) -> None:
    named = {"roots": ["a" * 64], "lists": ["b" * 64, "a" * 64], "answer": {"f" * 64: "c" * 64}, "certificate": []}
    bundle = Bundle(text=json.dumps({"file": {"sha256": "d" * 64}, "objects": named}), objects={})
    async with node.db.unit(None) as conn:
        found = await conn.fetchval("SELECT evidence_objects($1)", bundle.text)
    assert set(found) == bundle.named == {"a" * 64, "b" * 64, "c" * 64}


# The scrub -----------------------------------------------------------------------------------------------------------


async def full_speed(_size: int) -> bool:
    return True


async def test_missing_and_damaged_files_are_found_and_found_well_again(kept: Node, shelf: Shelf, later: Later) -> None:
    good, gone, bad = [await put(kept, content) for content in (b"good", b"gone", b"bad")]
    for item, sha256 in enumerate((good, gone, bad)):
        await name(kept, sha256, str(item))
    await kept.files.remove(NODE_FILES, gone)
    shelf.damage(NODE_FILES, bad, b"bat")
    scrubbed = await scrub(kept, full_speed)
    assert (scrubbed.files, scrubbed.faults, scrubbed.whole) == (3, 2, True)
    state = await store_state(kept, limit=9)
    assert {(one.sha256, one.kind, one.rows) for one in state.faults} == {(gone, "missing", 1), (bad, "damaged", 1)}
    assert [(one.kind, one.report["faults"]) for one in state.rounds] == [("scrub", 2)]
    with pytest.raises(GatewayError, match="2 tệp"):
        await require_whole(kept)
    await put(kept, b"gone")
    await put(kept, b"bad")
    assert (await look_again(kept)).faults == 0
    await require_whole(kept)


async def test_a_scrub_goes_on_where_it_was_stopped(kept: Node) -> None:
    digests = sorted([await put(kept, b"%d" % number) for number in range(7)])
    for item, sha256 in enumerate(digests):
        await name(kept, sha256, str(item))
    sizes = itertools.count(1)

    async def three(_size: int) -> bool:
        return next(sizes) % 3 != 0

    assert [(await scrub(kept, three)).files for _ in range(2)] == [3, 3]
    running = await rounds.get_round(kept, RoundKind.SCRUB)
    assert running is not None
    assert (running.running, running.after, running.files) == (True, (str(NODE_FILES), digests[5]), 6)
    last = await scrub(kept, three)
    assert (last.files, last.whole) == (1, True)
    assert (await store_state(kept, limit=9)).rounds[0].report == {"files": 7, "bytes": 7, "faults": 0}


async def test_scrubs_come_by_the_calendar_and_end_with_the_stop(kept: Node, later: Later) -> None:
    await name(kept, await put(kept, b"x" * 1000), "1")
    stop = asyncio.Event()
    assert [await scrub_when_due(kept, stop), await scrub_when_due(kept, stop)] == [True, False]
    later.ahead = 31 * DAY
    slow = replace(kept, settings=_pace(kept, 1))
    stop.set()
    assert await scrub_when_due(slow, stop)
    running = await rounds.get_round(kept, RoundKind.SCRUB)
    assert running is not None
    assert running.running


async def test_evidence_that_nobody_names_yet_is_read_too(kept: Node, shelf: Shelf) -> None:
    sha256 = await put(kept, b"a list of revoked certificates")
    shelf.damage(NODE_FILES, sha256, b"another list")
    assert (await scrub(kept, full_speed)).faults == 1


async def test_an_outage_ends_the_scrub_for_now_and_accuses_no_file(kept: Node, shelf: Shelf) -> None:
    await name(kept, await put(kept, b"x"), "1")
    away: Callable[..., Any] = _Away().stream
    broken = replace(kept, files=_with_stream(kept, away))
    with pytest.raises(FileError):
        await scrub(broken, full_speed)
    assert (await store_state(kept, limit=9)).faults_in_all == 0
    assert (await scrub(kept, full_speed)).whole


class _Away:
    async def stream(self, *_: object) -> Any:
        raise FileError("FILE_STORE_FAILED", "Máy chủ S3 không trả lời.", blame="ours", transient=True)
        yield b""


def _with_stream(node: Node, stream: Callable[..., Any]) -> Any:
    class Store:
        def __getattr__(self, name: str) -> Any:
            return stream if name == "stream" else getattr(node.files, name)

    return Store()


def _pace(node: Node, rate: int) -> Any:
    files = node.settings.files.model_copy(update={"scrub_bytes_per_second": rate})
    return node.settings.model_copy(update={"files": files})
