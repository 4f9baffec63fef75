"""A real S3 server on loopback without containers, over a folder of this machine; nothing of it is for production.

S3Proxy starts in seconds from jars; versitygw needs a build of minutes. Started and answering inside ``with``, stopped
after; can be killed and started again at the same port.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Self

from .assemble import S3Error, gateway, jars

BUCKET: Final = "lienthong-test"
REGION: Final = "us-east-1"
ACCESS_KEY: Final = "TEST-access"
SECRET_KEY: Final = "TEST-secret"
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0
# TieredStopAtLevel: it lives for minutes, what it is asked is little.
JAVA: Final = ("java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
LOGGING: Final = """<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %level %logger{20} %msg%n</pattern></encoder>
  </appender>
  <root level="warn"><appender-ref ref="out"/></root>
</configuration>
"""

Kind = Literal["s3proxy", "versitygw"]


@dataclass(slots=True, kw_only=True)
class S3Server:
    """One server with one bucket and one account (TEST)."""

    folder: Path
    kind: Kind = "s3proxy"
    port: int = 0  # 0: any
    outlive: bool = False  # leave it running after this program
    sleep: Callable[[float], None] = time.sleep
    process: subprocess.Popen[bytes] | None = field(default=None)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.data / BUCKET).mkdir(parents=True, exist_ok=True)
        for name, secret in (("access-key", ACCESS_KEY), ("secret-key", SECRET_KEY)):
            (self.folder / name).write_text(secret)
        self.port = self.port or free_port()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self, prefix: str = "") -> dict[str, object]:
        """The section [files.s3] of a node over this server."""
        return {
            "endpoint": self.endpoint,
            "bucket": BUCKET,
            "region": REGION,
            "access_key_file": self.folder / "access-key",
            "secret_key_file": self.folder / "secret-key",
            "prefix": prefix,
        }

    def start(self) -> None:
        """Start and wait until it answers. Raises S3Error."""
        command, variables = self._proxy() if self.kind == "s3proxy" else self._gateway()
        with (self.folder / "server.log").open("ab") as log:
            # The server ends with whoever started it, also when that one is killed.
            bound = command if self.outlive else ["setpriv", "--pdeathsig", "KILL", "--", *command]
            environ = {**os.environ, **variables}
            self.process = subprocess.Popen(bound, stdout=log, stderr=log, env=environ, start_new_session=True)
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > end:
                raise S3Error(f"Máy chủ S3 không sẵn sàng sau {START_SECONDS:g} giây; xem {self.folder}/server.log")
            self.sleep(0.1)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when it takes too long."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            tail = (self.folder / "server.log").read_text(errors="replace")[-2000:]
            raise S3Error(f"Máy chủ S3 dừng lúc khởi động (mã {self.process.returncode}): {tail}")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def _proxy(self) -> tuple[list[str], dict[str, str]]:
        lines = {
            "s3proxy.endpoint": self.endpoint,
            "s3proxy.authorization": "aws-v2-or-v4",
            "s3proxy.identity": ACCESS_KEY,
            "s3proxy.credential": SECRET_KEY,
            "s3proxy.ignore-unknown-headers": "true",  # checksums of a list of deletions
            "jclouds.provider": "filesystem-nio2",
            "jclouds.filesystem.basedir": str(self.data),
            "jclouds.identity": "TEST",
            "jclouds.credential": "TEST",
        }
        (self.folder / "s3proxy.conf").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        (self.folder / "logback.xml").write_text(LOGGING)
        start = ["org.gaul.s3proxy.Main", "--properties", str(self.folder / "s3proxy.conf")]
        return [*JAVA, "-cp", f"{self.folder}:{jars()}/*", *start], {}

    def _gateway(self) -> tuple[list[str], dict[str, str]]:
        command = [str(gateway()), "--port", f"127.0.0.1:{self.port}", "posix", str(self.data)]
        return command, {"ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
