"""The independent checker: multisets of what must be there against what is there, after everything has come to rest.

It reads the database, the folders and the axis's control plane; it asks nothing of the node. What is expected and not
there is lost; what is there and not expected is doubled; what breaks a row of numbers is skipped.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Hashable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from lienthong.gateway.cli.database import attached
from lienthong.gateway.identifiers import Noun, show
from lienthong.tests.crash.load import Memory
from lienthong.tests.crash.stage import ROBOT, ROBOT_SAYS, Stage
from lienthong.tests.journeys.papers import NEIGHBOUR, SENDER

ANSWERS = ("01", "03")


@dataclass(slots=True, kw_only=True)
class Tally:
    counted: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # neither over nor shown to a person, or forgotten on the disk

    def compare(self, what: str, *, expected: Iterable[Hashable], found: Iterable[Hashable]) -> None:
        wanted, there = Counter(iter(expected)), Counter(iter(found))
        self.counted[what] = there.total()
        self.lost += [f"{what}: {one}" for one in (wanted - there).elements()]
        self.doubled += [f"{what}: {one}" for one in (there - wanted).elements()]

    def in_a_row(self, what: str, numbers: Iterable[int]) -> None:
        row = sorted(numbers)
        self.counted[what] = len(row)
        self.skipped += [f"{what}: {a} rồi {b}" for a, b in itertools.pairwise([0, *row]) if b != a + 1]

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.skipped or self.left)

    def printed(self) -> str:
        lines = [f"  {count:6d}  {what}" for what, count in self.counted.items()]
        lines.append(
            f"{len(self.lost)} mất, {len(self.doubled)} trùng, {len(self.skipped)} nhảy số, {len(self.left)} bỏ dở"
        )
        named = {"MẤT": self.lost, "TRÙNG": self.doubled, "NHẢY SỐ": self.skipped, "BỎ DỞ": self.left}
        lines += [f"  {name} {one}" for name, found in named.items() for one in found[:20]]
        return "\n".join(lines)


class Archive:
    """Read-only eyes on the node's database."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._connection = connection

    async def rows(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        return list(await self._connection.fetch(statement, *arguments))


@asynccontextmanager
async def open_archive(stage: Stage) -> AsyncIterator[Archive]:
    connection = await asyncpg.connect(attached(stage.data / "postgres", owner=True))
    try:
        yield Archive(connection)
    finally:
        await connection.close()


async def at_rest(stage: Stage, archive: Archive) -> bool:
    """Nothing waits at an axis, no message is unsaid, no work is open (but for later looks at what an axis says)."""
    if await _waiting(stage):
        return False
    [row] = await archive.rows(
        """SELECT (SELECT count(*) FROM outbox WHERE state = 'pending')
                + (SELECT count(*) FROM work WHERE settled_at IS NULL AND state <> 'parked' AND kind <> 'follow')
                AS open"""
    )
    return bool(row["open"] == 0)


async def check(stage: Stage, memory: Memory, archive: Archive) -> Tally:
    tally = Tally()
    await _outgoing(tally, stage, memory, archive)
    await _incoming(tally, stage, memory, archive)
    await _statuses(tally, stage, memory, archive)
    await _numbers(tally, memory, archive)
    await _events(tally, archive)
    await _left(tally, stage, archive)
    tally.doubled += [f"trả lời khác nhau cho cùng một khóa: {one}" for one in memory.differing]
    return tally


async def _outgoing(tally: Tally, stage: Stage, memory: Memory, archive: Archive) -> None:
    promised = memory.promised
    rows = await archive.rows("SELECT id, document_id FROM exchange WHERE direction = 'outward'")
    tally.compare(
        "văn bản đi đã hứa 202",
        expected=promised.items(),
        found=[(row["document_id"], show(Noun.EXCHANGE, row["id"])) for row in rows],
    )
    rows = await archive.rows(
        """SELECT e.document_id, r.number_text FROM register_entry r JOIN exchange e ON e.id = r.exchange_id
           WHERE r.direction = 'outgoing'"""
    )
    tally.compare("dòng sổ đi", expected=promised, found=[row["document_id"] for row in rows])
    packages = await _axis(stage, "edoc", SENDER)
    tally.compare(
        "gói tin ở trục",
        expected=[(one, ROBOT) for one in promised],
        found=[(one["document_id"], row["receiver"]) for one in packages for row in one["deliveries"]],
    )
    tally.compare("gói tin nội bộ nút", expected=promised, found=_local(stage, "edoc"))
    rows = await archive.rows("SELECT a.code FROM attempt t JOIN agency a ON a.id = t.agency_id")
    tally.counted["lần gửi của mọi gói tin"] = len(rows)


async def _incoming(tally: Tally, stage: Stage, memory: Memory, archive: Archive) -> None:
    for agency, expected in ((SENDER, memory.brought), (NEIGHBOUR, list(memory.promised))):
        pulled = memory.pulled[agency]
        documents = [item["detail"]["document_id"] for item in pulled if item["kind"] == "document"]
        tally.compare(f"văn bản đến trong hộp thư {agency}", expected=expected, found=documents)
        rows = await archive.rows(
            """SELECT e.document_id FROM exchange e JOIN agency a ON a.id = e.agency_id
               WHERE e.direction = 'inward' AND a.code = $1""",
            agency,
        )
        tally.compare(f"văn bản đến của {agency}", expected=expected, found=[row["document_id"] for row in rows])
        tally.in_a_row(f"con trỏ hộp thư {agency}", [item["cursor"] for item in pulled])
        rows = await archive.rows(
            "SELECT sequence FROM mailbox_item m JOIN agency a ON a.id = m.agency_id WHERE a.code = $1", agency
        )
        tally.compare(
            f"mục hộp thư {agency}",
            expected=[row["sequence"] for row in rows],
            found=[item["cursor"] for item in pulled],
        )


async def _statuses(tally: Tally, stage: Stage, memory: Memory, archive: Archive) -> None:
    expected = [(one, ROBOT, code) for one in memory.promised for code in ROBOT_SAYS]
    expected += [(one, NEIGHBOUR, code) for one in memory.promised for code in ANSWERS]
    rows = await archive.rows(
        "SELECT e.document_id, s.from_code, s.status_code FROM status_entry s JOIN exchange e ON e.id = s.exchange_id"
    )
    tally.compare("trạng thái nhận về", expected=expected, found=[tuple(row) for row in rows])
    known = {own: document for document, own in memory.promised.items()}
    told = [item for item in memory.pulled[SENDER] if item["kind"] == "status"]
    tally.compare(
        "trạng thái báo cho eOffice",
        expected=expected,
        found=[(known[one["id"]], one["detail"]["from_code"], one["detail"]["status_code"]) for one in told],
    )
    sent = await _axis(stage, "status", SENDER)
    # After an unknown outcome the same bytes go again, and every receiver takes them for one (axis.md 11): the axis's
    # list does not tell one status from another, so a status alone is never asked about.
    different = {(one["document_id"], one["status_code"], one["sha256"]) for one in sent}
    tally.compare(
        "trạng thái gửi lên trục",
        expected=[(one, code) for one in memory.brought for code in ANSWERS],
        found=[(document, code) for document, code, _ in different],
    )
    tally.counted["trạng thái gửi lại nguyên vẹn từng byte sau khi chưa rõ kết quả"] = len(sent) - len(different)
    tally.compare(
        "trạng thái nội bộ nút",
        expected=[one for one in memory.promised for _ in ANSWERS],
        found=_local(stage, "status"),
    )


async def _numbers(tally: Tally, memory: Memory, archive: Archive) -> None:
    for agency in (SENDER, NEIGHBOUR):
        rows = await archive.rows(
            """SELECT e.document_id, r.number FROM register_entry r JOIN exchange e ON e.id = r.exchange_id
               JOIN agency a ON a.id = r.agency_id WHERE r.direction = 'incoming' AND a.code = $1""",
            agency,
        )
        tally.in_a_row(f"số đến của {agency}", [row["number"] for row in rows])
        told = memory.numbers[agency].items()
        tally.compare(f"số đến đã báo {agency}", expected=told, found=[tuple(row) for row in rows])


async def _events(tally: Tally, archive: Archive) -> None:
    """Every history is one chain from nothing: no state was lost, none was entered twice at once."""
    last: dict[Any, str] = {}
    rows = await archive.rows("SELECT subject, subject_id, from_state, to_state FROM event ORDER BY id")
    for row in rows:
        subject = (row["subject"], row["subject_id"])
        if row["from_state"] != last.get(subject, ""):
            tally.doubled.append(f"sự kiện {subject}: {last.get(subject)} / {row['from_state']} → {row['to_state']}")
        last[subject] = row["to_state"]
    tally.counted["sự kiện nối liền nhau"] = len(rows)
    states = Counter((subject, state) for (subject, _), state in last.items())
    tally.counted |= {f"{subject} ở trạng thái {state}": count for (subject, state), count in sorted(states.items())}


async def _left(tally: Tally, stage: Stage, archive: Archive) -> None:
    """Nothing waits, nothing is held, every named file is there with its bytes, no temporary file is left."""
    for statement in (
        """SELECT 'việc ' || kind || ' ' || coalesce(last_error, '') FROM work
           WHERE settled_at IS NULL AND NOT (kind = 'follow' AND state = 'ready' AND failures = 0)""",
        "SELECT 'tin ' || type FROM outbox WHERE state IN ('pending', 'dead')",
        "SELECT 'giữ ' || code || ' ' || reason FROM hold WHERE closed_at IS NULL",
        "SELECT 'chưa xác nhận với trục ' || receiver_doc_id FROM incoming_package WHERE acknowledged_at IS NULL",
        "SELECT 'gói tin ' || state FROM outgoing_package WHERE state NOT IN ('accepted', 'delivered')",
        "SELECT 'khóa chưa xong ' || key FROM idempotency WHERE answer IS NULL",
    ):
        tally.left += [str(row[0]) for row in await archive.rows(statement)]
    files = await archive.rows(
        """SELECT agency_id::text AS place, sha256 FROM exchange_file
           UNION SELECT agency_id::text, sha256 FROM outgoing_package
           UNION SELECT '00000000-0000-0000-0000-000000000000', sha256 FROM incoming_package"""
    )
    store = stage.data / "files"
    for row in files:
        path = store / row["place"] / row["sha256"][:2] / row["sha256"]
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != row["sha256"]:
            tally.lost.append(f"tệp {path.relative_to(store)}")
    tally.counted["tệp đúng từng byte"] = len(files)
    tally.left += [f"tệp tạm {path.relative_to(stage.data)}" for path in _temporary(stage.data)]


def _temporary(data: Path) -> list[Path]:
    kept = [*(data / "files" / "tmp").iterdir(), *(data / "scratch").glob("*/*")]  # a folder for each instance
    return kept + list((data / "local-axis").rglob("*.partial"))


async def _axis(stage: Stage, kind: str, sender: str) -> list[dict[str, Any]]:
    query = {"kind": kind, "sender": sender}
    async with stage.http.get(f"{stage.control_url}/packages", params=query) as response:
        found: list[dict[str, Any]] = await response.json()
        return found


async def _waiting(stage: Stage) -> bool:
    """Whether our agencies still have something to fetch, at the axis or inside the node."""
    for kind in ("edoc", "status"):
        if any((stage.data / "local-axis" / "open" / kind).glob("*.json")):
            return True
        async with stage.http.get(f"{stage.control_url}/mailbox/{SENDER}", params={"kind": kind}) as response:
            if await response.json():
                return True
    return False


def _local(stage: Stage, kind: str) -> list[str]:
    """Document ids of the records of the local axis, one for each recipient."""
    records = [json.loads(path.read_text()) for path in (stage.data / "local-axis").rglob("*.json")]
    return [one["document_id"] for one in records if one["kind"] == kind for _ in one["rows"]]
