"""The embedded server: PostgreSQL as a child of the node, in the node's data folder.

It knows processes, folders and accounts; it knows nothing of tables. Strategy: one lock per data folder, so that
whatever still runs in it is a leftover of a killed node and may be stopped; the programs are started directly (no
pg_ctl), in a session of their own, reachable through a unix socket only, with passwords kept in 0600 files.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import asyncpg

from . import binaries as programs
from .accounts import Account, private_folder, secret, server_account
from .errors import DatabaseError
from .occupants import POLL_SECONDS, forget_sockets, stop_occupants, wake_up
from .postmaster import PORT, ended, start_postgres
from .roles import APP_ROLE, OWNER_ROLE, prepare_roles

SOCKET_LIMIT = 100  # sun_path holds 107 bytes, PostgreSQL also makes a ".lock" beside the socket
DATABASE = "lienthong"


class EmbeddedServer:
    """``async with EmbeddedServer(folder, randbytes=…) as server``: a running server with both roles.

    ``base`` is made when missing; as root every folder above it must be enterable by others (o+x). Raises
    DatabaseError: ``POSTGRES_LOCKED`` (another node uses the folder), ``POSTGRES_FOLDER``, ``POSTGRES_MISSING``,
    ``POSTGRES_VERSION``, ``POSTGRES_START``.
    """

    def __init__(
        self,
        base: Path,
        *,
        randbytes: Callable[[int], bytes],
        found: tuple[programs.Binaries, ...] | None = None,
        short_root: Path = Path("/tmp"),  # noqa: S108 - private_folder refuses a folder of somebody else
        start_seconds: float = 60.0,
        stop_seconds: float = 10.0,
    ) -> None:
        self._base = base.resolve()
        self._randbytes = randbytes
        self._found = found
        self._short_root = short_root
        self._start_seconds = start_seconds
        self._stop_seconds = stop_seconds
        self._account: Account = server_account()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self.cluster = self._base / "cluster"
        self.log = self._base / "server.log"

    async def __aenter__(self) -> Self:
        self._prepare_base()
        self._lock = _locked(self._base / "lock")
        try:
            self._refuse_foreign_cluster()
            self._binaries = self._choose()
            self._socket = private_folder(self._socket_folder(), self._account)
            self._owner_password = secret(self._base / "owner.password", self._account, self._randbytes)
            self._app_password = secret(self._base / "app.password", self._account, self._randbytes)
            if not self.cluster.exists():
                await asyncio.to_thread(self._initialise)
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    @property
    def pid(self) -> int:
        """Process id of the running server (also the id of its process group)."""
        if self._process is None:
            raise DatabaseError("POSTGRES_START", "Máy chủ PostgreSQL chưa chạy.")
        return self._process.pid

    @property
    def dsn(self) -> str:
        """Address for the owner (migrations)."""
        return self.address(DATABASE, owner=True)

    @property
    def app_dsn(self) -> str:
        """Address for the application's role."""
        return self.address(DATABASE, owner=False)

    def address(self, database: str, *, owner: bool) -> str:
        """Address of any database of this server; carries the password."""
        role, password = (OWNER_ROLE, self._owner_password) if owner else (APP_ROLE, self._app_password)
        return f"postgresql://{role}:{password}@/{database}?host={quote(str(self._socket), safe='')}&port={PORT}"

    async def supervise(self) -> None:
        """Start the server again whenever it ends by itself; runs until cancelled (a root task of the node)."""
        while True:
            await ended(self.pid)
            if self._process is not None:
                self._process.wait()
            await self._start()

    def _prepare_base(self) -> None:
        self._base.mkdir(mode=0o711, parents=True, exist_ok=True)
        if not self._account.changes:
            return
        self._base.chmod(0o711)
        if not programs.reachable(self._base):
            raise DatabaseError(
                "POSTGRES_FOLDER",
                f"Khi chạy bằng root, tài khoản nobody phải vào được thư mục {self._base}: hãy chọn thư mục dữ liệu "
                "khác, hoặc chạy bằng một tài khoản thường.",
            )

    def _refuse_foreign_cluster(self) -> None:
        if self.cluster.exists() and self.cluster.stat().st_uid != self._account.uid:
            raise DatabaseError(
                "POSTGRES_FOLDER",
                f"Thư mục dữ liệu {self.cluster} do một tài khoản khác tạo: hãy chạy nút bằng tài khoản đó, hoặc đổi "
                "chủ của thư mục.",
            )

    def _choose(self) -> programs.Binaries:
        chosen = programs.choose(self.cluster, programs.installed() if self._found is None else self._found)
        if self._account.changes and not programs.reachable(chosen.folder):
            return programs.copied(chosen, self._base)
        return chosen

    def _socket_folder(self) -> Path:
        folder = self._base / "socket"
        if len(os.fsencode(folder / f".s.PGSQL.{PORT}.lock")) <= SOCKET_LIMIT:
            return folder
        mark = hashlib.sha256(os.fsencode(self._base)).hexdigest()[:16]
        return self._short_root / f"lienthong-{mark}"

    def _initialise(self) -> None:
        """Initdb beside the final place, then rename: a folder named ``cluster`` is always complete."""
        fresh = self._base / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        private_folder(fresh, self._account)
        self._run(
            [
                str(self._binaries.initdb), "-D", str(fresh), "-U", OWNER_ROLE,
                f"--pwfile={self._base / 'owner.password'}", "-A", "scram-sha-256",
                "-E", "UTF8", "--locale=C.UTF-8", "-k",
            ],
        )  # fmt: skip
        fresh.rename(self.cluster)
        _sync_folder(self._base)

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(  # noqa: S603 - fixed programs, no input of others
            command, cwd="/", capture_output=True, check=False, **self._identity()
        )
        if done.returncode != 0:
            reason = done.stderr.decode(errors="replace").strip()
            raise DatabaseError("POSTGRES_START", f"Không tạo được thư mục dữ liệu PostgreSQL: {reason}")

    def _identity(self) -> dict[str, Any]:
        if not self._account.changes:
            return {}
        return {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}

    async def _start(self) -> None:
        await stop_occupants(self.cluster, seconds=self._stop_seconds)
        forget_sockets(self._socket)
        self._process = start_postgres(
            self._binaries.postgres, self.cluster, socket=self._socket, log=self.log, account=self._account
        )
        await self._answering()

    async def _answering(self) -> None:
        """Wait until the server accepts us; at once an error when it ended instead."""
        try:
            async with asyncio.timeout(self._start_seconds):
                while not await self._ready():
                    if self._process is None or self._process.poll() is not None:
                        raise DatabaseError("POSTGRES_START", f"PostgreSQL không khởi động được, xem {self.log}.")
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError as error:
            raise DatabaseError("POSTGRES_START", f"PostgreSQL khởi động quá lâu, xem {self.log}.") from error

    async def _ready(self) -> bool:
        try:
            connection = await asyncpg.connect(self.address("postgres", owner=True))
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
            return False
        try:
            await prepare_roles(connection, DATABASE, self._app_password)
        finally:
            await connection.close()
        return True

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            wake_up(self.cluster)
            try:
                async with asyncio.timeout(self._stop_seconds):
                    await ended(process.pid)
            except TimeoutError:
                await stop_occupants(self.cluster, seconds=self._stop_seconds)
            process.wait()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise DatabaseError(
            "POSTGRES_LOCKED", f"Một nút liên thông khác đang dùng thư mục dữ liệu {path.parent}."
        ) from error
    return descriptor


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
