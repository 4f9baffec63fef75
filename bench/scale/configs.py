"""The settings files of the stage: of the emulated axis with all agencies, of a process of the node."""

from __future__ import annotations

from collections.abc import Mapping

from lienthong.bench.scale.population import Agency, Province

SYSTEM, BEYOND = "00.99.W00", "00.98.W00"
NODE = """
data_dir = "node"
instance = "{instance}"
roles = {roles}
province_name = "tỉnh Mẫu"
[database]
dsn = "{dsn}"
pool_size = {pool}
[http]
port = {port}
max_uploads = 64
[files]
reserve_bytes = 0
[queue]
broker = "{broker}"
[signing]
mode = "{mode}"
workers = 1
trust_dir = "{trust}"
trust_store = "{store}"
[logging]
level = "warning"
[[axes]]
name = "quoc-gia"
base_url = "http://127.0.0.1:{axis}/XrdAdapter/adapter"
system_id = "00.99.W00"
secret_file = "axis.secret"
"""
KAFKA = """
[kafka]
servers = "{servers}"
partitions = 6
copies = 1
in_sync = 1
"""


def axis_config(province: Province, ports: Mapping[str, int]) -> str:
    head = f'data = "axis"\nport = {ports["axis"]}\ncontrol_port = {ports["control"]}\npace = 0.05\n'
    systems = f'[[systems]]\nid = "{SYSTEM}"\nsecret = "TEST-SECRET"\n'
    rows = [(one, SYSTEM) for one in province.agencies] + [(one, BEYOND) for one in province.outside]
    return head + systems + "".join(_seed(one, center) for one, center in rows)


def _seed(one: Agency, center: str) -> str:
    return f'[[agencies]]\ncode = "{one.code}"\nname = "{one.name}"\ncenter = "{center}"\n'
