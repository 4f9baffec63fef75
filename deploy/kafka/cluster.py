"""A real Apache Kafka (KRaft) on loopback without containers: one broker, or three for tests of failure.

Formats its storage, waits until it answers, stops cleanly, can be killed. Optionally with a listener of TLS and
SASL/SCRAM beside the plain one. Nothing of it is for production: see the README for a broker of one's own.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from .assemble import KafkaError, assembled

HEAP: Final = "-Xmx512m"
START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 20.0
PORTS: Final = 4  # plain, controller, secure, inner
PROTOCOLS: Final = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,DOOR:PLAINTEXT"
LOGGING: Final = """status=error
appender.console.type=Console
appender.console.name=out
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %p %c{1} %m%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=out
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secured:
    """The second listener: a PEM file with the server's key and chain, and the account that may enter (TEST)."""

    server_pem: Path
    user: str
    password: str


@dataclass(slots=True, kw_only=True)
class BrokerProcess:
    """One broker: its folder, its ports, its process."""

    number: int
    folder: Path
    port: int
    controller_port: int
    secure_port: int | None
    inner_port: int  # where a proxy finds it, when clients are to come through one
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self, jars: Path, *, outlive: bool = False) -> None:
        """Start and return at once; ``answers`` says when it listens."""
        log = (self.folder / "broker.log").open("ab")
        java = ["java", HEAP, f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}"]
        command = [*java, "-cp", f"{jars}/*", "kafka.Kafka", str(self.folder / "server.properties")]
        # The broker ends with whoever started it, also when that one is killed.
        bound = [] if outlive else ["setpriv", "--pdeathsig", "KILL", "--"]
        self.process = subprocess.Popen([*bound, *command], stdout=log, stderr=log, start_new_session=True)
        log.close()

    def answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            tail = (self.folder / "broker.log").read_text(errors="replace")[-2000:]
            raise KafkaError(f"Kafka dừng lúc khởi động (mã {self.process.returncode}): {tail}")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

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


@dataclass(slots=True, kw_only=True)
class Cluster:
    """Use as ``with``: started and answering inside, stopped after."""

    folder: Path
    size: int = 1
    secured: Secured | None = None
    port: int = 0  # of the first broker's plain listener; 0: any
    doors: tuple[int, ...] = ()  # for each broker the port of a proxy before it, at which clients are told to come
    outlive: bool = False  # leave it running after the block, and after this program
    sleep: Callable[[float], None] = time.sleep
    brokers: list[BrokerProcess] = field(default_factory=list)
    _jars: Path = field(default_factory=Path)

    def __enter__(self) -> Self:
        self._jars = assembled()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.brokers = [self._place(number) for number in range(1, self.size + 1)]
        identity = self._identity()
        for broker in self.brokers:
            self._write(broker)
            self._format(broker, identity)
        try:
            for broker in self.brokers:
                broker.start(self._jars, outlive=self.outlive)
            self.wait()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if not self.outlive or kind is not None:
            self.end()

    @property
    def bootstrap(self) -> str:
        return ",".join(broker.address for broker in self.brokers)

    @property
    def door_bootstrap(self) -> str:
        """The proxies' addresses: what bootstraps here never meets a broker itself."""
        return ",".join(f"127.0.0.1:{port}" for port in self.doors)

    @property
    def secure_bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{broker.secure_port}" for broker in self.brokers)

    def restart(self, broker: BrokerProcess) -> None:
        """Start a stopped or killed broker again and wait for it."""
        broker.start(self._jars)
        self.wait()

    def wait(self) -> None:
        """Until every started broker listens. Raises KafkaError."""
        end = time.monotonic() + START_SECONDS
        for broker in self.brokers:
            while broker.process is not None and not broker.answers():
                if time.monotonic() > end:
                    raise KafkaError(f"Kafka không sẵn sàng sau {START_SECONDS:g} giây; xem {broker.folder}/broker.log")
                self.sleep(0.1)

    def end(self) -> None:
        """Stop every broker, whoever was meant to outlive."""
        for broker in self.brokers:
            if broker.process is not None:
                broker.process.terminate()
        for broker in self.brokers:
            broker.stop()

    def _place(self, number: int) -> BrokerProcess:
        folder = self.folder / f"broker-{number}"
        folder.mkdir(exist_ok=True)
        kept = folder / "ports"
        # The same ports at the next start: clients and the other brokers know them.
        if not kept.exists() or len(kept.read_text().split()) != PORTS:
            ports = free_ports(PORTS)
            if self.port and number == 1:
                ports[0] = self.port
            kept.write_text(" ".join(map(str, ports)))
        plain, controller, secure, inner = map(int, kept.read_text().split())
        return BrokerProcess(
            number=number,
            folder=folder,
            port=plain,
            controller_port=controller,
            secure_port=secure if self.secured else None,
            inner_port=inner,
        )

    def _identity(self) -> str:
        kept = self.folder / "cluster-id"
        if not kept.exists():
            kept.write_text(self._tool("random-uuid").strip())
        return kept.read_text()

    def _format(self, broker: BrokerProcess, identity: str) -> None:
        account = []
        if self.secured is not None:
            account = ["--add-scram", f"SCRAM-SHA-512=[name={self.secured.user},password={self.secured.password}]"]
        self._tool("format", "-g", "-t", identity, "-c", str(broker.folder / "server.properties"), *account)

    def _tool(self, *arguments: str) -> str:
        command = ["java", "-cp", f"{self._jars}/*", "kafka.tools.StorageTool", *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise KafkaError(f"Không định dạng được kho của Kafka: {done.stderr.strip()[-500:]}")
        return done.stdout

    def _write(self, broker: BrokerProcess) -> None:
        (broker.folder / "log4j2.properties").write_text(LOGGING)
        lines = [f"{key}={value}" for key, value in self._properties(broker).items()]
        path = broker.folder / "server.properties"
        path.touch(mode=0o600)
        path.write_text("\n".join(lines) + "\n")

    def _properties(self, broker: BrokerProcess) -> dict[str, object]:
        listeners = [f"PLAINTEXT://127.0.0.1:{broker.port}"]
        if self.secured is not None:
            listeners.append(f"SASL_SSL://127.0.0.1:{broker.secure_port}")
        told = list(listeners)
        if self.doors:
            listeners.append(f"DOOR://127.0.0.1:{broker.inner_port}")
            told.append(f"DOOR://127.0.0.1:{self.doors[broker.number - 1]}")
        copies = min(3, self.size)
        voters = ",".join(f"{one.number}@127.0.0.1:{one.controller_port}" for one in self.brokers or [broker])
        return {
            "process.roles": "broker,controller",
            "node.id": broker.number,
            "controller.quorum.voters": voters,
            "listeners": ",".join([*listeners, f"CONTROLLER://127.0.0.1:{broker.controller_port}"]),
            "advertised.listeners": ",".join(told),
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": PROTOCOLS,
            "log.dirs": broker.folder / "data",
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": max(1, copies - 1),
            "group.initial.rebalance.delay.ms": 0,
            "auto.create.topics.enable": "false",
            **self._security(),
        }

    def _security(self) -> dict[str, object]:
        if self.secured is None:
            return {}
        return {
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.secured.server_pem,
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
        }


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
