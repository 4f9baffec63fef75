"""What the two programs are given: a folder, free ports and their settings files."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .pki import STORE

AXIS_SEED = Path(__file__).with_name("axis.toml")


def open_folder() -> str | None:
    """As root, a private TMPDIR is no place for a database that runs as another account."""
    chosen = Path(tempfile.gettempdir()).resolve()
    opened = all(folder.stat().st_mode & 0o001 for folder in (chosen, *chosen.parents))
    return None if opened or os.geteuid() else "/tmp"


def free_ports(*wished: int) -> list[int]:
    """The usual ports where they are free, else any; all different."""
    sockets = []
    for port in wished:
        probe = socket.socket()
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        sockets.append(probe)
    ports = [probe.getsockname()[1] for probe in sockets]
    for probe in sockets:
        probe.close()
    return ports


def axis_settings(port: int, control_port: int) -> str:
    """The seed of the emulated axis, with a folder and ports of its own."""
    own = {"data": '"axis"', "port": port, "control_port": control_port}
    top, mark, rest = AXIS_SEED.read_text(encoding="utf-8").partition("\n[")
    kept = [line for line in top.splitlines() if line.split("=")[0].strip() not in own]
    return "\n".join([*kept, *(f"{name} = {value}" for name, value in own.items())]) + mark + rest


def node_settings(
    node_port: int, axis_port: int, kafka: str | None = None, s3: Mapping[str, object] | None = None
) -> str:
    """``kafka``: addresses of the broker that takes the place of the embedded one; ``s3``: the section [files.s3]."""
    settings = _NODE_SETTINGS.format(node_port=node_port, axis_port=axis_port, store=STORE)
    if s3 is not None:
        lines = "".join(f'{name} = "{value}"\n' for name, value in s3.items())
        settings = settings.replace("[files]\n", '[files]\nstore = "s3"\n') + f"\n[files.s3]\n{lines}"
    if kafka is None:
        return settings
    settings = settings.replace("[queue]\n", '[queue]\nbroker = "kafka"\n')
    return f'{settings}\n[kafka]\nservers = "{kafka}"\npartitions = 4\ncopies = 1\nin_sync = 1\n'


# Short waits: on stage nobody waits half a minute for a second attempt.
_NODE_SETTINGS = """\
data_dir = "data"
province_name = "tỉnh Mẫu"

[http]
port = {node_port}

[files]
reserve_bytes = 100000000

[signing]
trust_dir = "trust"
trust_store = "{store}"

[queue]
poll_seconds = 1.0

[retry]
base_seconds = 1.0
unknown_wait_seconds = 1.0
breaker_base_seconds = 1.0
breaker_cap_seconds = 5.0

[[axes]]
name = "quoc-gia"
base_url = "http://127.0.0.1:{axis_port}"
system_id = "00.99.W00"
secret_file = "axis.secret"
poll_seconds = 0.5
read_timeout_s = 5.0
"""
