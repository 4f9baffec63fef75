"""How fast documents go out: from POST to the axis's DocId, with verification on and off, next to bare libraries.

``python bench/outward.py [--few N]``. A closed loop keeps sixteen documents in flight; the latency of a document runs
from the start of its POST to the moment its DocId was recorded.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import tempfile
import time
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from lienthong.bench.bare import loop_rate, verification_rate
from lienthong.bench.measuring import Line, Meter, conditions, table
from lienthong.bench.papers import SENDER, SIZES, Papers, Size, make_papers
from lienthong.bench.rig import Rig, metadata, open_rig

IN_FLIGHT = 16
COUNTS = {"24 KB": 400, "200 KB": 400, "5 MB": 40, "50 MB": 8}
VERIFIED = {"24 KB": 200, "200 KB": 160, "5 MB": 24}
WARM = 8
LOOK_SECONDS = 0.03


async def bench(folder: Path, few: int) -> list[Line]:
    lines: list[Line] = []
    papers = await asyncio.to_thread(make_papers, folder / "papers", datetime.now(UTC), SIZES, by=SENDER)
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
    files = papers.signed(size, by=SENDER)
    await _post_all(rig, papers, files, WARM, numbers)
    async with Meter(root=rig.pid) as meter:
        begun = time.time()
        started, finished = await _post_all(rig, papers, files, count, numbers)
    taken = [finished[document] - started[document] for document in started]
    if mode == "verify":
        bare = await asyncio.to_thread(verification_rate, files, papers.trust, count)
    else:
        bare = await loop_rate(files, rig.dsn, count)
    return Line(
        size=f"{size.name} ({files[0].stat().st_size / 1000:.0f} kB)",
        mode="có" if mode == "verify" else "không",
        documents=count,
        rate=count / (max(finished.values()) - begun),
        latencies=taken,
        cpu=meter.cpu / count,
        peak=meter.peak,
        bare=bare,
    )


async def _post_all(
    rig: Rig, papers: Papers, files: list[Path], count: int, numbers: Iterator[int]
) -> tuple[dict[str, float], dict[str, float]]:
    """Post ``count`` documents, a window at a time, until the axis has all.

    When each POST began, and when each document's DocId was recorded, both by document id.
    """
    started: dict[str, float] = {}
    window = asyncio.Semaphore(IN_FLIGHT)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(_open_window(rig, started, count, window))
        for file in itertools.islice(itertools.cycle(files), count):
            await window.acquire()
            group.create_task(_post(rig, papers, file, next(numbers), started))
    return started, await watching


async def _open_window(rig: Rig, started: dict[str, float], count: int, window: asyncio.Semaphore) -> dict[str, float]:
    """Let the next document go for each one that the axis has; only those on the way are asked about."""
    finished: dict[str, float] = {}
    while len(finished) < count:
        await asyncio.sleep(LOOK_SECONDS)
        new = await _finished(rig, started.keys() - finished.keys())
        finished |= new
        for _ in new:
            window.release()
    return finished


async def _post(rig: Rig, papers: Papers, file: Path, number: int, started: dict[str, float]) -> None:
    with file.open("rb") as content:
        form = aiohttp.FormData()
        form.add_field("metadata", metadata(papers, number), content_type="application/json")
        form.add_field("main", content, filename="cong-van.pdf", content_type="application/pdf")
        headers = {"Authorization": f"Bearer {rig.key}", "Idempotency-Key": f"bench-{number}"}
        begun = time.time()
        async with rig.http.post(f"{rig.url}/v1/documents", data=form, headers=headers) as response:
            answer = await response.json()
            assert response.status == 202, answer
    started[answer["document_id"]] = begun


async def _finished(rig: Rig, documents: AbstractSet[str]) -> dict[str, float]:
    """When the axis's DocId was recorded, by document id; who has none yet is absent."""
    if not documents:
        return {}
    rows = await rig.rows(
        """SELECT p.document_id, extract(epoch FROM max(o.finished_at))::float8 AS at FROM outgoing_package p
           JOIN attempt t ON t.package_id = p.id JOIN attempt_outcome o ON o.attempt_id = t.id
           WHERE o.outcome = 'accepted' AND p.document_id = ANY($1::text[]) GROUP BY p.document_id""",
        list(documents),
    )
    return {row["document_id"]: row["at"] for row in rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=1, metavar="N", help="only one Nth of the documents")
    few = parser.parse_args().few
    print(f"Gửi: từ POST đến DocId của trục, {IN_FLIGHT} văn bản cùng lúc\n{conditions()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="lienthong-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # as root, PostgreSQL runs as nobody and must get in
        lines = asyncio.run(bench(folder, few))
    print(f"\n{table(lines)}\n\n{conditions()}")


if __name__ == "__main__":
    main()
