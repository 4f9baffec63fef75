"""The independent checker: multisets of what must be there against what is there, after everything has come to rest.

It reads the database, the folders and the axis's control plane; it asks nothing of the node. What is expected and not
there is lost; what is there and not expected is doubled; what breaks a row of numbers is skipped.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from lienthong.gateway.identifiers import Noun, show
from lienthong.tests.crash.archive import Archive
from lienthong.tests.crash.load import Memory
from lienthong.tests.crash.meanings import check_meanings
from lienthong.tests.crash.scene import CONTROL_TIMEOUT, Cast, Scene, packages_of, refuses
from lienthong.tests.crash.tally import Tally


async def at_rest(scene: Scene, archive: Archive) -> bool:
    """Nothing waits at an axis, no message is unsaid, no work is open (but for later looks at what an axis says)."""
    [row] = await archive.rows(
        """SELECT (SELECT count(*) FROM outbox WHERE state IN ('pending', 'sent'))
                + (SELECT count(*) FROM work WHERE settled_at IS NULL AND state <> 'parked' AND kind <> 'follow')
                AS open"""
    )
    return bool(row["open"] == 0) and not await _waiting(scene)


async def check(scene: Scene, memory: Memory, archive: Archive) -> Tally:
    tally = Tally()
    await _outgoing(tally, scene, memory, archive)
    await _incoming(tally, scene, memory, archive)
    await _statuses(tally, scene, memory, archive)
    await _numbers(tally, scene.cast, memory, archive)
    await check_meanings(tally, scene, memory, archive)
    await _events(tally, archive)
    await _left(tally, scene, archive)
    tally.doubled += [f"trả lời khác nhau cho cùng một khóa: {one}" for one in memory.differing]
    return tally


async def _outgoing(tally: Tally, scene: Scene, memory: Memory, archive: Archive) -> None:
    promised, cast = memory.promised, scene.cast
    rows = await archive.rows("SELECT id, document_id FROM exchange WHERE direction = 'outward'")
    tally.compare(
        "văn bản đi đã hứa 202",
        expected=[(document, letter.id) for document, letter in promised.items()],
        found=[(row["document_id"], show(Noun.EXCHANGE, row["id"])) for row in rows],
    )
    rows = await archive.rows(
        """SELECT e.document_id, a.code FROM register_entry r JOIN exchange e ON e.id = r.exchange_id
           JOIN agency a ON a.id = r.agency_id WHERE r.direction = 'outgoing'"""
    )
    tally.compare(
        "dòng sổ đi",
        expected=[(document, letter.sender) for document, letter in promised.items()],
        found=[tuple(row) for row in rows],
    )
    packages = [one for one in await packages_of(scene, "edoc") if one["sender"] in cast.own]
    tally.compare(
        "gói tin ở trục",
        expected=[(document, to) for document, one in promised.items() for to in one.recipients if to in cast.robots],
        found=[(one["document_id"], row["receiver"]) for one in packages for row in one["deliveries"]],
    )
    tally.compare(
        "gói tin nội bộ nút",
        expected=[(document, to) for document, one in promised.items() for to in one.recipients if to in cast.own],
        found=[(document, to) for document, _, to in _local(scene, "edoc")],
    )
    [row] = await archive.rows("SELECT count(*) AS attempts FROM attempt")
    tally.counted["lần gửi của mọi gói tin"] = row["attempts"]


async def _incoming(tally: Tally, scene: Scene, memory: Memory, archive: Archive) -> None:
    expected = memory.due_inside(scene.cast)
    tally.compare(
        "văn bản đến trong hộp thư",
        expected=expected,
        found=[
            (agency, item["detail"]["document_id"])
            for agency, items in memory.pulled.items()
            for item in items
            if item["kind"] == "document"
        ],
    )
    rows = await archive.rows(
        """SELECT a.code, e.document_id FROM exchange e JOIN agency a ON a.id = e.agency_id
           WHERE e.direction = 'inward'"""
    )
    tally.compare("văn bản đến của các đơn vị", expected=expected, found=[tuple(row) for row in rows])
    for items in memory.pulled.values():
        tally.in_a_row("con trỏ hộp thư", [item["cursor"] for item in items])
    rows = await archive.rows("SELECT a.code, m.sequence FROM mailbox_item m JOIN agency a ON a.id = m.agency_id")
    tally.compare(
        "mục hộp thư",
        expected=[tuple(row) for row in rows],
        found=[(agency, item["cursor"]) for agency, items in memory.pulled.items() for item in items],
    )


async def _statuses(tally: Tally, scene: Scene, memory: Memory, archive: Archive) -> None:
    cast, promised = scene.cast, memory.promised
    expected = [
        (document, to, word)
        for document, letter in promised.items()
        for to in letter.recipients
        for word in memory.words(cast, document, to)
    ]
    rows = await archive.rows(
        "SELECT e.document_id, s.from_code, s.status_code FROM status_entry s JOIN exchange e ON e.id = s.exchange_id"
    )
    tally.compare("trạng thái nhận về", expected=expected, found=[tuple(row) for row in rows])
    known = {letter.id: document for document, letter in promised.items()}
    tally.compare(
        "trạng thái báo cho eOffice",
        expected=[(promised[document].sender, document, to, word) for document, to, word in expected],
        found=[
            (agency, known[item["id"]], item["detail"]["from_code"], item["detail"]["status_code"])
            for agency, items in memory.pulled.items()
            for item in items
            if item["kind"] == "status"
        ],
    )
    await _answers(tally, scene, memory)


async def _answers(tally: Tally, scene: Scene, memory: Memory) -> None:
    """What our clerks said about documents: to the axis, and inside the node."""
    cast = scene.cast
    sent = [one for one in await packages_of(scene, "status") if one["sender"] in cast.own]
    # After an unknown outcome the same bytes go again, and every receiver takes them for one (axis.md 11): the axis's
    # list does not tell one status from another, so a status alone is never asked about.
    different = {(one["document_id"], one["sender"], one["status_code"], one["sha256"]) for one in sent}
    tally.compare(
        "trạng thái gửi lên trục",
        expected=[
            (document, to, word)
            for document, receivers in memory.brought.items()
            for to in receivers
            for word in memory.words(cast, document, to)
        ],
        found=[(document, sender, code) for document, sender, code, _ in different],
    )
    tally.counted["trạng thái gửi lại nguyên vẹn từng byte sau khi chưa rõ kết quả"] = len(sent) - len(different)
    tally.compare(
        "trạng thái nội bộ nút",
        expected=[
            (document, to, letter.sender)
            for document, letter in memory.promised.items()
            for to in letter.recipients
            if to in cast.own
            for _ in memory.words(cast, document, to)
        ],
        found=_local(scene, "status"),
    )


async def _numbers(tally: Tally, cast: Cast, memory: Memory, archive: Archive) -> None:
    rows = await archive.rows(
        """SELECT a.code, e.document_id, r.number FROM register_entry r JOIN exchange e ON e.id = r.exchange_id
           JOIN agency a ON a.id = r.agency_id WHERE r.direction = 'incoming'"""
    )
    for agency in cast.own:
        tally.in_a_row("số đến của các đơn vị", [row["number"] for row in rows if row["code"] == agency])
    told = [(agency, document, n) for agency, given in memory.numbers.items() for document, n in given.items()]
    tally.compare("số đến đã báo cho eOffice", expected=told, found=[tuple(row) for row in rows])
    tally.compare(
        "văn bản đến được vào sổ",
        expected=[pair for pair in memory.due_inside(cast) if not refuses(pair[1], pair[0])],
        found=[(row["code"], row["document_id"]) for row in rows],
    )


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


async def _left(tally: Tally, scene: Scene, archive: Archive) -> None:
    """Nothing waits, nothing is held, every named file is there with its bytes, no temporary file is left."""
    for statement in (
        """SELECT 'việc ' || kind || ' ' || coalesce(last_error, '') FROM work
           WHERE settled_at IS NULL AND NOT (kind = 'follow' AND state IN ('ready', 'leased'))""",
        "SELECT 'tin ' || type FROM outbox WHERE state IN ('pending', 'sent', 'dead')",
        "SELECT 'giữ ' || code || ' ' || reason FROM hold WHERE closed_at IS NULL",
        "SELECT 'chưa xác nhận với trục ' || receiver_doc_id FROM incoming_package WHERE acknowledged_at IS NULL",
        "SELECT 'gói tin ' || state FROM outgoing_package WHERE state NOT IN ('accepted', 'delivered')",
        "SELECT 'báo động ' || message FROM axis_alarm",  # nobody else is there, whoever is killed
        "SELECT 'khóa chưa xong ' || key FROM idempotency WHERE answer IS NULL",
    ):
        tally.left += [str(row[0]) for row in await archive.rows(statement)]
    files = await archive.rows(
        """SELECT agency_id::text AS place, sha256 FROM exchange_file
           UNION SELECT agency_id::text, sha256 FROM outgoing_package
           UNION SELECT '00000000-0000-0000-0000-000000000000', sha256 FROM incoming_package"""
    )
    for row in files:
        path = scene.objects / row["place"] / row["sha256"][:2] / row["sha256"]
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != row["sha256"]:
            tally.lost.append(f"tệp {path.relative_to(scene.objects)}")
    tally.counted["tệp đúng từng byte"] = len(files)
    forgotten = [f"tệp tạm {path.relative_to(scene.data)}" for path in _temporary(scene.data)]
    if scene.alone:
        tally.left += forgotten
    else:
        tally.counted["tệp tạm của tiến trình bị giết, được dọn sau một giờ"] = len(forgotten)


def _temporary(data: Path) -> list[Path]:
    kept = [*(data / "files" / "tmp").iterdir(), *(data / "scratch").glob("*/*")]  # a folder for each instance
    return kept + list((data / "local-axis").rglob("*.partial"))


async def _waiting(scene: Scene) -> bool:
    """Whether our agencies still have something to fetch, at the axis or inside the node."""
    for kind in ("edoc", "status"):
        if any((scene.data / "local-axis" / "open" / kind).glob("*.json")):
            return True
        for agency in scene.cast.own:
            url = f"{scene.control_url}/mailbox/{agency}"
            async with scene.http.get(url, params={"kind": kind}, timeout=CONTROL_TIMEOUT) as response:
                if await response.json():
                    return True
    return False


def _local(scene: Scene, kind: str) -> list[tuple[str, str, str]]:
    """What the records of the local axis say, as (document, sender, receiver), one for each recipient."""
    records = [json.loads(path.read_text()) for path in (scene.data / "local-axis").rglob("*.json")]
    return [
        (one["document_id"], one["sender"], row["receiver"])
        for one in records
        if one["kind"] == kind
        for row in one["rows"]
    ]
