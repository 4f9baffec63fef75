"""What load and checker must know of a scene, whatever stands on it: one process or many, one broker or the other."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from lienthong.gateway.access import issue_key, issue_operator_key
from lienthong.gateway.node import Node
from lienthong.tests.journeys.papers import NAMES, NEIGHBOUR, OUTSIDE, SENDER, Papers

REGISTERED, REFUSED, RECEIVED = "03", "02", "01"
RECALL_ASKED, RECALL_ACCEPTED, RECALL_REFUSED = "13", "15", "16"
REFUSAL_SHARE = 16  # one incoming document of so many is refused
# The control plane of the emulated axis is part of the test, not of what is tested: it is waited for.
CONTROL_TIMEOUT = aiohttp.ClientTimeout(total=120)
OWN_SYSTEM, ROBOT_SYSTEM, OUTSIDE_SYSTEM = "00.99.W00", "00.41.W00", "00.98.W00"
AGENCY = """
[[agencies]]
code = "{code}"
name = "{name}"
center = "{center}"
script = {script}
on_recall = {on_recall}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who takes part. ``robots``: agencies elsewhere, each with the statuses it answers a document with.

    ``unwilling``: those of them that refuse to give back what is recalled.
    """

    own: tuple[str, ...]
    writers: tuple[str, ...]  # those of our own that send letters; they have certificates
    robots: dict[str, tuple[str, ...]]
    unwilling: tuple[str, ...] = ()
    outside: str = OUTSIDE

    def on_recall(self, robot: str) -> tuple[str, ...]:
        return (f"{RECALL_REFUSED}:Đã xử lý xong",) if robot in self.unwilling else (RECALL_ACCEPTED,)

    def words(self, document: str, recipient: str, *, recalls: bool, recalled: bool) -> tuple[str, ...]:
        """The statuses that the sender hears of this recipient about the document, in the end.

        ``recalls``: it takes another one back, which robots answer by its own id. ``recalled``: it was taken back
        itself; our clerks give back what they have not refused.
        """
        if recipient in self.robots:
            script = self.on_recall(recipient) if recalls else self.robots[recipient]
            return tuple(word.partition(":")[0] for word in script)
        if refuses(document, recipient):
            return RECEIVED, REFUSED
        return (RECEIVED, REGISTERED, RECALL_ACCEPTED) if recalled else (RECEIVED, REGISTERED)


def refuses(document: str, agency: str) -> bool:
    """Whether the clerk of the agency sends this document back: always the same ones."""
    return zlib.crc32(f"{document} {agency}".encode()) % REFUSAL_SHARE == 0


def two_neighbours() -> Cast:
    """The smallest cast: who sends, who receives inside, who receives elsewhere."""
    return Cast(own=(SENDER, NEIGHBOUR), writers=(SENDER,), robots={"000.00.00.H41": ("01", "03")})


def whole_province(own: int, writers: int) -> Cast:
    """So many agencies of our own, some of them writing, and robots of three minds elsewhere."""
    codes = tuple(f"000.00.{number:02d}.H99" for number in range(1, own + 1))
    robots = {
        "000.00.00.H41": ("01", "03"),
        "000.00.00.H42": ("01", "03", "04", "06"),
        "000.00.00.H43": ("01", "02:Gửi nhầm đơn vị"),
    }
    return Cast(own=codes, writers=codes[:writers], robots=robots, unwilling=("000.00.00.H42",))


def name_of(code: str) -> str:
    return NAMES.get(code, f"Cơ quan {code}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Addresses, keys and papers; the data folder of the node with PostgreSQL in ``postgres``.

    ``objects``: the folder in which the stored files lie by their keys, the node's own or the S3 server's.
    """

    folder: Path
    objects: Path
    cast: Cast
    papers: Papers
    sent_papers: dict[str, Path]  # of each writer the one PDF of all its letters
    outside_paper: Path  # the one PDF of all incoming documents
    node_urls: tuple[str, ...]
    control_url: str
    keys: dict[str, str]  # agency code to API key
    operator_key: str
    http: aiohttp.ClientSession
    alone: bool  # one process: what it left behind it clears at its start; of many, the files' hour comes first

    @property
    def data(self) -> Path:
        return self.folder / "node"


async def packages_of(scene: Scene, kind: str) -> list[dict[str, Any]]:
    """Everything of a kind that the axis took."""
    async with scene.http.get(
        f"{scene.control_url}/packages", params={"kind": kind}, timeout=CONTROL_TIMEOUT
    ) as response:
        found: list[dict[str, Any]] = await response.json()
        return found


async def sign_papers(papers: Papers, cast: Cast) -> tuple[dict[str, Path], Path]:
    """One letter of each writer and one of the agency elsewhere."""
    sent = {code: await papers.signed("01", by=code) for code in cast.writers}
    return sent, await papers.signed("01", by=cast.outside)


def agencies_of_the_axis(cast: Cast) -> str:
    """The agencies for the emulator's settings."""
    rows: list[tuple[str, str, Sequence[str]]] = [(code, OWN_SYSTEM, ()) for code in cast.own]
    rows += [(code, ROBOT_SYSTEM, script) for code, script in cast.robots.items()]
    rows.append((cast.outside, OUTSIDE_SYSTEM, ()))
    return "".join(
        AGENCY.format(
            code=code,
            name=name_of(code),
            center=center,
            script=json.dumps(script, ensure_ascii=False),
            on_recall=json.dumps(cast.on_recall(code), ensure_ascii=False),
        )
        for code, center, script in rows
    )


async def enrol(node: Node, cast: Cast, papers: Papers) -> tuple[dict[str, str], str]:
    """The node's agencies, the certificates of everybody; a key for each eOffice and one for the operator."""
    keys = {code: await _agency(node, code) for code in cast.own}
    async with node.db.unit(None) as conn:
        for line in papers.registry:
            await node.db.queries.insert_certificate(
                conn,
                **{"holder": name_of(line["agency_code"]), **line},
                valid_from=papers.now - timedelta(days=30),
                valid_to=None,
            )
    operator = await issue_operator_key(node.db, "Trực ban", new_id=node.new_id, random_bytes=os.urandom)
    return keys, operator


async def _agency(node: Node, code: str) -> str:
    agency_id = node.new_id()
    async with node.db.unit(None) as conn:
        await node.db.queries.insert_agency(
            conn,
            id=agency_id,
            code=code,
            name=name_of(code),
            in_charge="UBND tỉnh Mẫu",
            address="Số 1 phố Mẫu",
            email="vanthu@mau.example",
        )
    return await issue_key(node.db, agency_id, "eOffice", new_id=node.new_id, random_bytes=os.urandom)
