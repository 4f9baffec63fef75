"""The settings files of a node of several processes, one for each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lienthong.deploy.demo.pki import STORE

NODE = """
data_dir = "node"
province_name = "tỉnh Mẫu"
instance = "{name}"
roles = {roles}
[database]
dsn = "{dsn}"
pool_size = {pool}
[http]
port = {port}
health_port = {health}
[files]
store = "{store}"
reserve_bytes = {reserve}
[queue]
broker = "{broker}"
poll_seconds = 0.5
lease_seconds = 20
[retry]
base_seconds = 0.2
cap_seconds = 5
unknown_wait_seconds = 0.5
breaker_base_seconds = 0.5
breaker_cap_seconds = 2.0
unknown_checks = 20
[signing]
trust_dir = "{trust}"
trust_store = "{trust_store}"
workers = 1
[[axes]]
name = "quoc-gia"
base_url = "{axis}/XrdAdapter/adapter"
system_id = "00.99.W00"
secret_file = "axis.secret"
poll_seconds = 0.2
read_timeout_s = 5.0
directory_sync_seconds = 60
"""
KAFKA = """
[kafka]
servers = "{servers}"
prefix = "{prefix}"
partitions = 4
copies = {copies}
in_sync = {in_sync}
resend_seconds = 20
stall_seconds = 60
"""
PREFIX = "chaos."  # of topics and groups
POOLS = {"api": 4, "worker": 5, "relay": 2, "poller": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kafka:
    """The brokers as the node is told of them."""

    servers: str
    copies: int
    in_sync: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One process: its name, what it does, where it listens (0: nowhere), the addresses it is given."""

    name: str
    roles: tuple[str, ...]
    port: int
    health: int  # where it says whether it serves
    dsn: str
    axis: str
    files: str = ""  # of the S3 server

    @property
    def ready(self) -> str:
        return f"http://127.0.0.1:{self.health}/readyz"

    @property
    def pool(self) -> int:
        """Connections: few, for the server of the scene allows sixty in all, and each process holds up to four more:
        for its name, for what it listens to, for what it leads.
        """
        return POOLS[self.roles[0]]


def write_settings(
    folder: Path,
    plan: Plan,
    *,
    trust: Path,
    kafka: Kafka | None,
    bucket: Mapping[str, object] | None,
    reserve: int = 0,
) -> Path:
    """``bucket``: the section [files.s3] but for its endpoint; None: files lie in the node's folder."""
    text = NODE.format(
        name=plan.name,
        roles=json.dumps(plan.roles),
        dsn=plan.dsn,
        pool=plan.pool,
        port=plan.port,
        health=plan.health,
        reserve=reserve,
        broker="kafka" if kafka else "embedded",
        trust=trust,
        trust_store=STORE,
        store="s3" if bucket else "local",
        axis=plan.axis,
    )
    if kafka is not None:
        text += KAFKA.format(servers=kafka.servers, prefix=PREFIX, copies=kafka.copies, in_sync=kafka.in_sync)
    if bucket is not None:
        section = {**bucket, "endpoint": plan.files}
        text += "[files.s3]\n" + "".join(f"{name} = {json.dumps(str(value))}\n" for name, value in section.items())
    path = folder / f"{plan.name}.toml"
    path.touch(mode=0o600)
    path.write_text(text)
    return path
