"""What letters do to each other: who recalls, changes or replaces which, everywhere the same, and how each ended."""

from __future__ import annotations

from typing import Final

from lienthong.edxml.model import BusinessType
from lienthong.gateway.exchanges import DELIVERY_BY_STATUS
from lienthong.tests.crash.archive import Archive
from lienthong.tests.crash.letters import Meaning
from lienthong.tests.crash.memory import Memory
from lienthong.tests.crash.scene import Scene, packages_of, refuses
from lienthong.tests.crash.tally import Tally

LABELS: Final = {
    BusinessType.NEW: "Hợp lệ",
    BusinessType.RECALL: "Thu hồi – Hợp lệ",
    BusinessType.UPDATE: "Cập nhật – Hợp lệ",
    BusinessType.REPLACE: "Thay thế – Hợp lệ",
}
ABOUT: Final = """coalesce(e.metadata->'business'->>'document_id',
    e.metadata->'business'->'replacements'->0->>'document_id')"""


async def check_meanings(tally: Tally, scene: Scene, memory: Memory, archive: Archive) -> None:
    rows = await archive.rows(
        f"SELECT e.document_id, e.business_type, {ABOUT} FROM exchange e WHERE e.direction = 'outward'"
    )
    tally.compare(
        "nghiệp vụ văn bản đi",
        expected=[(document, *_told(memory.meanings[document])) for document in memory.promised],
        found=[tuple(row) for row in rows],
    )
    for business in BusinessType:
        count = sum(one.business is business for one in memory.meanings.values())
        tally.counted[f"văn bản có nghiệp vụ {business.name.lower()}"] = count
    await _received(tally, scene, memory, archive)
    await _taken_back(tally, scene, memory, archive)
    await _at_the_axis(tally, scene, memory)
    await _ended(tally, scene, memory, archive)


async def _received(tally: Tally, scene: Scene, memory: Memory, archive: Archive) -> None:
    rows = await archive.rows(
        f"""SELECT a.code, e.document_id, e.business_type, {ABOUT} FROM exchange e JOIN agency a ON a.id = e.agency_id
            WHERE e.direction = 'inward'"""
    )
    due = memory.due_inside(scene.cast)
    tally.compare(
        "nghiệp vụ văn bản đến",
        expected=[(to, document, *_told(memory.meanings[document])) for to, document in due],
        found=[tuple(row) for row in rows],
    )
    tally.compare(
        "nhãn nghiệp vụ trong hộp thư",
        expected=[(to, document, LABELS[memory.meanings[document].business]) for to, document in due],
        found=[
            (agency, item["detail"]["document_id"], item["label"])
            for agency, items in memory.pulled.items()
            for item in items
            if item["kind"] == "document"
        ],
    )


async def _taken_back(tally: Tally, scene: Scene, memory: Memory, archive: Archive) -> None:
    """Each recall asked each of our receivers once, and what was not refused before is recalled."""
    asked = [
        (to, meaning.about)
        for to, document in memory.due_inside(scene.cast)
        if (meaning := memory.meanings[document]).recalls and meaning.about
    ]
    tally.compare("yêu cầu thu hồi báo cho đơn vị nhận", expected=asked, found=memory.asked_back)
    rows = await archive.rows(
        """SELECT a.code, e.document_id FROM exchange e JOIN agency a ON a.id = e.agency_id
           WHERE e.direction = 'inward' AND e.state IN ('recalled', 'recall_asked')"""
    )
    tally.compare(
        "văn bản đến đã thu hồi",
        expected=[(to, about) for to, about in asked if not refuses(about, to)],
        found=[tuple(row) for row in rows],
    )


async def _at_the_axis(tally: Tally, scene: Scene, memory: Memory) -> None:
    tally.compare(
        "nghiệp vụ gói tin ở trục",
        expected=[
            (document, to, int(memory.meanings[document].business))
            for document, letter in memory.promised.items()
            for to in letter.recipients
            if to in scene.cast.robots
        ],
        found=[
            (one["document_id"], row["receiver"], one["business"])
            for one in await packages_of(scene, "edoc")
            if one["sender"] in scene.cast.own
            for row in one["deliveries"]
        ],
    )


async def _ended(tally: Tally, scene: Scene, memory: Memory, archive: Archive) -> None:
    """The last word of each recipient is what its delivery says: finished, refused, given back or not."""
    rows = await archive.rows(
        "SELECT e.document_id, d.recipient_code, d.state FROM delivery d JOIN exchange e ON e.id = d.exchange_id"
    )
    tally.compare(
        "trạng thái cuối của từng nơi nhận",
        expected=[
            (document, to, str(DELIVERY_BY_STATUS[memory.words(scene.cast, document, to)[-1]]))
            for document, letter in memory.promised.items()
            for to in letter.recipients
        ],
        found=[tuple(row) for row in rows],
    )


def _told(meaning: Meaning) -> tuple[int, str | None]:
    return int(meaning.business), meaning.about
