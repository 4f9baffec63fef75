"""How fast documents come in: from the axis's list to the agency's mailbox, with verification on and off.

``python bench/inward.py [--few N]``. The emulated axis is given packages by its control plane, sixteen on their way at
once; the latency of a document runs from the moment the axis has it to its entry in the mailbox. The 01 that goes back
is part of the load.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path

from lienthong.bench.bare import loop_rate, verification_rate
from lienthong.bench.measuring import Line, Meter, conditions, table
from lienthong.bench.outward import COUNTS, IN_FLIGHT, VERIFIED, WARM
from lienthong.bench.papers import NAMES, OUTSIDE, SENDER, SIZES, Papers, Size, make_papers
from lienthong.bench.rig import Rig, open_rig
from lienthong.edxml.identifiers import DocumentId, OrganCode
from lienthong.edxml.model import (
    Attachment,
    Business,
    BusinessType,
    DocumentPackage,
    DocumentType,
    Organization,
    Signer,
    TraceHeader,
)
from lienthong.edxml.writer import write_package

VIETNAM = timezone(timedelta(hours=7))
LOOK_SECONDS = 0.1


async def bench(folder: Path, few: int) -> list[Line]:
    lines: list[Line] = []
    papers = await asyncio.to_thread(make_papers, folder / "papers", datetime.now(UTC), SIZES, by=OUTSIDE)
    for mode, counts in (("verify", VERIFIED), ("unsafe_off", COUNTS)):
        async with open_rig(folder / mode, papers, mode=mode) as rig:
            numbers = itertools.count(1)
            for size in SIZES:
                if size.name in counts:
                    count = max(4, counts[size.name] // few)
                    lines.append(await _measure(rig, papers, size, mode, count, numbers))
                    print(table(lines[-1:]).splitlines()[-1], flush=True)
    return lines


async def _measure(rig: Rig, papers: Papers, size: Size, mode: str, count: int, numbers: Iterator[int]) -> Line:
    files = papers.signed(size, by=OUTSIDE)
    await _bring_all(rig, papers, files, WARM, numbers)
    async with Meter(root=rig.pid) as meter:
        begun = time.time()
        started, arrived = await _bring_all(rig, papers, files, count, numbers)
    if mode == "verify":
        bare = await asyncio.to_thread(verification_rate, files, papers.trust, count)
    else:
        bare = await loop_rate(files, rig.dsn, count)
    return Line(
        size=f"{size.name} ({files[0].stat().st_size / 1000:.0f} kB)",
        mode="có" if mode == "verify" else "không",
        documents=count,
        rate=count / (max(arrived.values()) - begun),
        latencies=[arrived[document] - started[document] for document in started],
        cpu=meter.cpu / count,
        peak=meter.peak,
        bare=bare,
    )


async def _bring_all(
    rig: Rig, papers: Papers, files: list[Path], count: int, numbers: Iterator[int]
) -> tuple[dict[str, float], dict[str, float]]:
    """Give ``count`` packages to the axis, a window at a time; when each was there and when it was in the mailbox."""
    started: dict[str, float] = {}
    arrived: dict[str, float] = {}
    for file in itertools.islice(itertools.cycle(files), count):
        while len(started) - len(arrived) >= IN_FLIGHT:
            await asyncio.sleep(LOOK_SECONDS)
            arrived = await _arrived(rig, started)
        document, content = await asyncio.to_thread(_package, papers, file, next(numbers))
        async with rig.http.post(f"{rig.control_url}/packages", data=content) as response:
            assert response.status == 200, await response.text()
        started[document] = time.time()
    while len(arrived) < count:
        await asyncio.sleep(LOOK_SECONDS)
        arrived = await _arrived(rig, started)
    return started, arrived


async def _arrived(rig: Rig, started: dict[str, float]) -> dict[str, float]:
    rows = await rig.rows(
        """SELECT e.document_id, extract(epoch FROM m.created_at)::float8 AS at FROM mailbox_item m
           JOIN exchange e ON e.id = m.exchange_id WHERE m.kind = 'document' AND e.document_id = ANY($1::text[])""",
        list(started),
    )
    return {row["document_id"]: row["at"] for row in rows}


def _package(papers: Papers, file: Path, number: int) -> tuple[str, object]:
    """The package's document id and an open file with its bytes."""
    code, text = OrganCode.parse(OUTSIDE), f"V/v đo tốc độ lần {number}"
    package = DocumentPackage(
        sender=_organization(OUTSIDE),
        receivers=(_organization(SENDER),),
        document_id=DocumentId.make(code, papers.today, f"{number:02d}", "BM-VP"),
        code_number=f"{number:02d}",
        code_notation="BM-VP",
        promulgation_date=papers.today,
        document_type=DocumentType(type=2, detail=18, name="Công văn"),
        subject=text,
        content=text,
        business=Business(type=BusinessType.NEW, reason="Văn bản điện tử mới", paper=False),
        signer=Signer(full_name="Nguyễn Thị Quỳnh Hương"),
        traces=(TraceHeader(organ=code, timestamp=papers.now.astimezone(VIETNAM).replace(microsecond=0)),),
        attachments=(attachment_of(file),),
    )
    sink = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the request that sends it
    write_package(package, sink)
    sink.seek(0)
    return package.document_id.value, sink


def _organization(code: str) -> Organization:
    return Organization(code=OrganCode.parse(code), name=NAMES[code], address="Số 1 phố Mẫu")


@cache
def attachment_of(file: Path) -> Attachment:
    content = file.read_bytes()
    return Attachment(
        content_id=file.stem,
        name="cong-van.pdf",
        content_type="application/pdf",
        path=file,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=1, metavar="N", help="only one Nth of the documents")
    few = parser.parse_args().few
    print(f"Nhận: từ danh sách của trục đến hộp thư, {IN_FLIGHT} văn bản cùng lúc\n{conditions()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="lienthong-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # as root, PostgreSQL runs as nobody and must get in
        lines = asyncio.run(bench(folder, few))
    print(f"\n{table(lines)}\n\n{conditions()}")


if __name__ == "__main__":
    main()
