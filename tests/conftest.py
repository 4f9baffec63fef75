"""What every folder's tests may ask for: a clock that stands, identifiers, and a real PostgreSQL database."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
import structlog

from lienthong.deploy.kafka.cluster import Cluster
from lienthong.deploy.s3.server import S3Server
from lienthong.gateway.identifiers import new_id
from lienthong.gateway.postgres.database import Database
from lienthong.gateway.postgres.migrations.runner import migrate
from lienthong.gateway.postgres.supervisor import EmbeddedServer

TEMPLATE = "template_lienthong"
TESTS = Path(__file__).parent
MEMORY = Path("/dev/shm")
MEMORY_WANTED = 4 << 30  # bytes free
LONGEST = ("crash", "journeys", "queue", "chaos", "contracts", "deploy", "gateway")


class Clock:
    """A clock that stands until a test moves it; callable like the real one."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **spans: float) -> None:
        self.now += timedelta(**spans)


class Addresses(NamedTuple):
    """The addresses of one test's own database."""

    dsn: str
    app_dsn: str


def pytest_configure() -> None:
    """Log lines of nodes inside of the tests: as they are by default, but without a picture of every local variable
    beside each traceback. Drawing one takes seconds, in which the node stands still."""
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named by their place, not by what they hold: a ZIP's bytes carry the second in which they were made,
    and two processes that share the tests must call each by one name."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that the processes that share the tests end together."""
    folders = [TESTS / name for name in LONGEST]
    items.sort(key=lambda item: next((at for at, one in enumerate(folders) if one in item.path.parents), len(folders)))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def random() -> Random:
    return Random(20260302)


@pytest.fixture
def ids(clock: Clock, random: Random) -> Callable[[], UUID]:
    return lambda: new_id(clock, random.randbytes)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One real Kafka broker for all tests."""
    with Cluster(folder=tmp_path_factory.mktemp("kafka")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One real S3 server for all tests; each takes a prefix of its own."""
    with S3Server(folder=tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder that also the server's account can enter (pytest's own temporary folders are closed to others)."""
    folder = Path(tempfile.mkdtemp(prefix="lienthong-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def quick_folder() -> Iterator[Path]:
    """As ``server_folder``, in memory where there is room: a database of one's own costs 0.03 s there and 0.3 s on a
    disk. Tests of what a disk keeps have servers of their own."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_WANTED
    with tempfile.TemporaryDirectory(prefix="lienthong-test-", dir=MEMORY if roomy else None) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(quick_folder: Path) -> AsyncIterator[EmbeddedServer]:
    """One embedded server for all tests, with a migrated template database."""
    async with EmbeddedServer(quick_folder / "postgres", randbytes=Random(1).randbytes) as running:
        await _as_owner(running, f"create database {TEMPLATE}")
        await migrate(running.address(TEMPLATE, owner=True))
        yield running


@pytest.fixture(scope="session")
def database_numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest_asyncio.fixture
async def addresses(server: EmbeddedServer, database_numbers: Iterator[int]) -> AsyncIterator[Addresses]:
    """A database of the test's own, a copy of the template."""
    name = f"test_{next(database_numbers)}"
    await _as_owner(server, f"create database {name} template {TEMPLATE}")
    yield Addresses(server.address(name, owner=True), server.address(name, owner=False))
    await _as_owner(server, f"drop database {name} with (force)")


@pytest_asyncio.fixture
async def database(addresses: Addresses) -> AsyncIterator[Database]:
    """The test's own database, opened on the application's role."""
    async with Database(addresses.app_dsn) as opened:
        yield opened


async def _as_owner(server: EmbeddedServer, statement: str) -> None:
    connection = await asyncpg.connect(server.address("postgres", owner=True))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
