"""A province on stage: the node with everything that runs by itself, the emulated axis, two agencies with their keys.

What the journeys do, they do over HTTP like an eOffice; what the axis saw, they read from its control plane.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp

from lienthong.adapters.emulator.app import Emulator, now, open_emulator
from lienthong.adapters.emulator.settings import EmulatorSettings
from lienthong.deploy.demo.pki import STORE
from lienthong.gateway import bootstrap
from lienthong.gateway.access import issue_key, issue_operator_key
from lienthong.gateway.node import Node
from lienthong.gateway.settings import Settings
from lienthong.tests.chaos.proxy import Proxy, through
from lienthong.tests.gateway.events.schemas import assert_all_valid
from lienthong.tests.journeys.papers import NAMES, NEIGHBOUR, SENDER, Papers
from lienthong.tests.waiting import until

AXIS_SEED = Path(__file__).parents[2] / "deploy" / "demo" / "axis.toml"
LONG = 25.0  # seconds that a journey waits at most for one thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """An eOffice of one agency: its key and the calls it makes."""

    id: UUID
    code: str
    http: aiohttp.ClientSession
    base: str
    key: str

    async def call(self, method: str, path: str, **kwargs: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.key}", **kwargs.pop("headers", {})}
        async with self.http.request(method, self.base + path, headers=headers, **kwargs) as response:
            is_json = "json" in response.content_type
            return response.status, await (response.json() if is_json else response.read())

    async def post(self, metadata: dict[str, Any], *files: Path, key: str) -> tuple[int, Any]:
        form = aiohttp.FormData()
        form.add_field("metadata", json.dumps(metadata), content_type="application/json")
        for place, file in enumerate(files):
            name = "main" if place == 0 else "attachment"
            form.add_field(name, file.read_bytes(), filename=file.name, content_type="application/pdf")
        return await self.call("POST", "/v1/documents", data=form, headers={"Idempotency-Key": key})

    async def mailbox(self, kind: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        after = 0
        while True:
            _, page = await self.call("GET", f"/v1/mailbox?after={after}&limit=2")
            if not page["items"]:
                return [item for item in items if item["kind"] == kind]
            items += page["items"]
            after = page["next"]

    async def states(self, document: str) -> dict[str, str]:
        _, view = await self.call("GET", f"/v1/documents/{document}")
        return {delivery["code"]: delivery["state"] for delivery in view["recipients"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Province:
    node: Node
    emulator: Emulator
    sender: Agency
    neighbour: Agency
    operator: Agency
    papers: Papers

    def letter(self, number: str, *recipients: str, **more: Any) -> dict[str, Any]:
        return {
            "recipients": list(recipients),
            "number": number,
            "notation": "SKHCN-CĐS",
            "promulgation_date": self.papers.today.isoformat(),
            "type_name": "Công văn",
            "subject": f"V/v rà soát kết nối liên thông lần {number}",
            "signer": {"full_name": "Nguyễn Thị Quỳnh Hương", "position": "Phó Giám đốc", "competence": "KT."},
            "place": "Mẫu",
            **more,
        }

    async def rows(self, statement: str, *arguments: object) -> list[dict[str, Any]]:
        async with self.node.db.unit(None) as conn:
            return [dict(row) for row in await conn.fetch(statement, *arguments)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def write_settings(
    folder: Path, *, dsn: str, port: int, trust: Path, base_url: str | None = None, more: str = "", signing: str = ""
) -> Settings:
    """``more``: lines behind the axis, its own keys first. ``signing``: of [signing]. No address: no axis."""
    (folder / "axis.secret").write_text("TEST-SECRET")
    text = f"""
data_dir = "{folder / "node"}"
province_name = "tỉnh Mẫu"
[database]
dsn = "{dsn}"
pool_size = 12
[http]
port = {port}
notice_s = 0
[queue]
poll_seconds = 0.5
[retry]
base_seconds = 0.3
unknown_wait_seconds = 0.3
breaker_base_seconds = 0.3
breaker_cap_seconds = 1.0
[signing]
trust_dir = "{trust}"
trust_store = "{STORE}"
workers = 1
{signing}
"""
    axis = f"""
[[axes]]
name = "quoc-gia"
base_url = "{base_url}"
system_id = "00.99.W00"
secret_file = "{folder / "axis.secret"}"
poll_seconds = 0.2
read_timeout_s = 2.0
{more}
"""
    path = folder / "node.toml"
    path.write_text(text + (axis if base_url else ""))
    return Settings.load(path, {})


@asynccontextmanager
async def open_province(
    folder: Path,
    dsn: str,
    papers: Papers,
    more: str = "",
    signing: str = "",
    roles: tuple[str, ...] = ("api", "console", "worker", "relay", "poller"),
    broker: str = "embedded",
    wire: Proxy | None = None,
    retry: Mapping[str, float] | None = None,
    profile: Mapping[str, Any] | None = None,
    axis_clock: Callable[[], datetime] = now,
    trust: Path | None = None,
) -> AsyncIterator[Province]:
    """``wire``: what lies between the node and the axis. ``retry``: other values of [retry].

    ``profile``: how the axis behaves otherwise; ``axis_clock``: its time. ``trust``: another folder than the papers'.
    """
    seed = dataclasses.replace(
        EmulatorSettings.from_toml(AXIS_SEED), data=folder / "axis", port=0, control_port=0, pace=0.02
    )
    seed = dataclasses.replace(seed, profile=dataclasses.replace(seed.profile, **(profile or {})))
    async with AsyncExitStack() as stack:
        emulator = await stack.enter_async_context(open_emulator(seed, clock=axis_clock))
        port = free_port()
        axis = emulator.base_url if wire is None else through(wire, emulator.base_url)
        settings = write_settings(
            folder, dsn=dsn, base_url=axis, port=port, trust=trust or papers.trust, more=more, signing=signing
        )
        queue = settings.queue.model_copy(update={"broker": broker})
        patience = settings.retry.model_copy(update=dict(retry or {}))
        settings = settings.model_copy(update={"roles": roles, "queue": queue, "retry": patience})
        node = await stack.enter_async_context(bootstrap.open_node(settings, None))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        ids = await settle_in(node, papers)
        stop = asyncio.Event()
        roots = asyncio.create_task(bootstrap.run_roots(node, stop), name="roots")
        base = f"http://127.0.0.1:{port}"
        try:
            await until(lambda: _listening(http, base, roots), LONG)
            yield Province(
                node=node,
                emulator=emulator,
                sender=await agency_of(node, http, base, ids, SENDER),
                neighbour=await agency_of(node, http, base, ids, NEIGHBOUR),
                operator=Agency(
                    id=UUID(int=0),
                    code="",
                    http=http,
                    base=base,
                    key=await issue_operator_key(node.db, "Trực ban", new_id=node.new_id, random_bytes=os.urandom),
                ),
                papers=papers,
            )
        finally:
            stop.set()
            await roots
            await _said_as_described(node)


async def _said_as_described(node: Node) -> None:
    """Every message that a journey leaves behind fits the schema of its type."""
    async with node.db.unit(None) as conn:
        rows = await conn.fetch("SELECT type, payload FROM outbox UNION ALL SELECT type, payload FROM public_outbox")
    assert_all_valid(rows)


async def settle_in(node: Node, papers: Papers) -> dict[str, UUID]:
    ids = {code: node.new_id() for code in (SENDER, NEIGHBOUR)}
    async with node.db.unit(None) as conn:
        for code, agency_id in ids.items():
            await node.db.queries.insert_agency(
                conn,
                id=agency_id,
                code=code,
                name=NAMES[code],
                in_charge="UBND tỉnh Mẫu",
                address="Số 1 phố Mẫu",
                email="vanthu@mau.example",
            )
        for line in papers.registry:
            await node.db.queries.insert_certificate(
                conn,
                **{"holder": NAMES[line["agency_code"]], **line},
                valid_from=papers.now - timedelta(days=30),
                valid_to=None,
            )
    return ids


async def agency_of(node: Node, http: aiohttp.ClientSession, base: str, ids: dict[str, UUID], code: str) -> Agency:
    key = await issue_key(node.db, ids[code], "eOffice", new_id=node.new_id, random_bytes=os.urandom)
    return Agency(id=ids[code], code=code, http=http, base=base, key=key)


async def _listening(http: aiohttp.ClientSession, base: str, roots: asyncio.Task[None]) -> bool:
    if roots.done():
        roots.result()
    try:
        async with http.get(base + "/readyz") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def knows_agencies(province: Province) -> bool:
    async with province.node.db.unit(None) as conn:
        return bool(await province.node.db.queries.directory_size(conn, axis="quoc-gia"))
