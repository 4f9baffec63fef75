"""The two programs of the demonstration, each in a process group of its own: the emulated axis and the node.

Who opens the stage closes it: both programs, the node's PostgreSQL even after a kill -9, and the data folder.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from ..kafka.cluster import Cluster
from ..s3.server import S3Server
from .eoffice import call
from .scenery import axis_settings, free_ports, node_settings, open_folder
from .screen import await_it, exactly, say

NODE, AXIS = "nút liên thông", "trục giả lập"
READY_SECONDS = 90.0
STOP_SECONDS = 15.0
_LOG_TAIL = 25  # lines


class StageError(Exception):
    """A program did not do what it must; the end of its log is on the screen."""


@dataclass(slots=True, kw_only=True)
class Program:
    name: str
    process: subprocess.Popen[bytes]
    log: Path


class Stage:
    """``with Stage(keep=…) as stage``: folder, ports and settings; then ``start_axis`` and ``start_node``."""

    def __init__(self, *, keep: bool, kafka: bool = False, s3: bool = False) -> None:
        self.keep = keep
        self._kafka = Cluster(folder=Path(), outlive=keep) if kafka else None
        self._s3 = S3Server(folder=Path(), outlive=keep) if s3 else None
        self.folder = Path(tempfile.mkdtemp(prefix="lienthong-demo-", dir=open_folder()))
        self.folder.chmod(0o711)  # as root, PostgreSQL runs as another account and must get in
        self.node_port, self.axis_port, self.control_port = free_ports(8180, 8686, 8687)
        self.config = self.folder / "node.toml"
        self.trust = self.folder / "trust"
        self._programs: dict[str, Program] = {}

    @property
    def node_url(self) -> str:
        return f"http://127.0.0.1:{self.node_port}"

    @property
    def control_url(self) -> str:
        return f"http://127.0.0.1:{self.control_port}"

    def __enter__(self) -> Self:
        (self.folder / "axis.toml").write_text(axis_settings(self.axis_port, self.control_port), encoding="utf-8")
        secret = self.folder / "axis.secret"
        secret.write_text("TEST-SECRET\n", encoding="utf-8")
        secret.chmod(0o600)
        servers = None
        if self._kafka is not None:
            say("Khởi động Apache Kafka (lần đầu tải khoảng 43 MB từ Maven Central)…")
            self._kafka.folder = self.folder / "kafka"
            servers = self._kafka.__enter__().bootstrap
        section = None
        if self._s3 is not None:
            say("Khởi động máy chủ S3 (lần đầu tải khoảng 54 MB từ Maven Central)…")
            self._s3.folder = self.folder / "s3"
            section = self._s3.__enter__().settings("van-ban")
        settings = node_settings(self.node_port, self.axis_port, servers, section)
        self.config.write_text(settings, encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.keep and error is None:
            return
        if error is not None and not isinstance(error, KeyboardInterrupt | StageError):
            self.show_logs()
        for name in (NODE, AXIS):
            self._stop(name)
        if self._kafka is not None:
            self._kafka.end()
        if self._s3 is not None:
            self._s3.stop()
        self._end_postgres()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_axis(self) -> None:
        self._start(AXIS, "emulator", "--config", str(self.folder / "axis.toml"))

    def start_node(self) -> None:
        self._start(NODE, "--config", str(self.config), "serve")

    def await_ready(self) -> None:
        """Both programs answer."""
        self._await(AXIS, f"{self.control_url}/health")
        self._await(NODE, f"{self.node_url}/readyz")

    def kill_node(self, *, database: bool = False) -> None:
        """kill -9 to the node's whole process group, and to PostgreSQL's when asked."""
        program = self._programs.pop(NODE)
        postgres = self._postgres_pid()
        _signal(program.process.pid, signal.SIGKILL)
        if database and postgres:
            _signal(postgres, signal.SIGKILL)
        program.process.wait()

    def command(self, *words: str) -> str:
        """The command line as a person types it."""
        return shlex.join([sys.executable, "-m", "lienthong", "--config", str(self.config), *words])

    def run(self, *words: str) -> str:
        """Run one command beside the node and show what it printed. Raises StageError."""
        exactly("$ " + self.command(*words))
        done = subprocess.run(
            [sys.executable, "-m", "lienthong", "--config", str(self.config), *words],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            cwd=self.folder,
        )
        for line in (done.stdout + done.stderr).splitlines():
            exactly(line, indent=6)
        if done.returncode:
            raise StageError(f"Lệnh kết thúc với mã {done.returncode}.")
        return done.stdout

    def pids(self) -> list[int]:
        return [program.process.pid for program in self._programs.values()]

    def show_logs(self) -> None:
        for name in list(self._programs):
            self._show_log(name)

    def _start(self, name: str, *words: str) -> None:
        log = self.folder / f"{'node' if name == NODE else 'axis'}.log"
        with log.open("ab") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "lienthong", *words],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,
            )
        self._programs[name] = Program(name=name, process=process, log=log)

    def _await(self, name: str, url: str) -> None:
        def answers() -> bool:
            self._living(name)
            try:
                return call("GET", url).status == 200
            except OSError:
                return False

        await_it(f"chờ {name} sẵn sàng", answers, seconds=READY_SECONDS)

    def _living(self, name: str) -> None:
        ended = self._programs[name].process.poll()
        if ended is not None:
            self._show_log(name)
            raise StageError(f"{name.capitalize()} tự kết thúc với mã {ended}.")

    def _show_log(self, name: str) -> None:
        log = self._programs[name].log
        say(f"Cuối nhật ký của {name}:")
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_TAIL:]:
            exactly(line, indent=2)

    def _stop(self, name: str) -> None:
        program = self._programs.pop(name, None)
        if program is None:
            return
        _signal(program.process.pid, signal.SIGTERM)
        try:
            program.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            say(f"{name.capitalize()} không dừng trong {STOP_SECONDS:.0f} giây, phải ngắt.")
            _signal(program.process.pid, signal.SIGKILL)
            program.process.wait()

    def _postgres_pid(self) -> int | None:
        try:
            first = (self.folder / "data" / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0]
        except (OSError, IndexError):
            return None
        return int(first)

    def _end_postgres(self) -> None:
        """A node that was killed leaves its server behind."""
        pid = self._postgres_pid()
        if pid is None:
            return
        for number in (signal.SIGINT, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
            deadline = time.monotonic() + 5
            while _lives(pid) and time.monotonic() < deadline:
                time.sleep(0.05)


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
