"""What the signatures cost against pyHanko as it is installed: same files, same run, the figures that issue from it.

``python bench/signatures.py [--few N]``. Verification at first and repeated sight, signing, two sessions of a leader
and a clerk on SoftHSM tokens, and how long the event loop is ever kept while 20 signings and 20 verifications run.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from lienthong.bench.measuring import conditions, percentile
from lienthong.bench.signing_sessions import TICK_SECONDS, open_room, sign_pile
from lienthong.bench.signing_sessions import bench as signing_sessions
from lienthong.bench.signing_speed import compare_signing
from lienthong.bench.verification_speed import Letters, compare_verification, make_letters
from lienthong.signing.report import Overall
from lienthong.signing.verifying import VerificationPool, VerificationSettings

FILES = 60
DOCUMENTS = 200
AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Seconds. ``late``: by the clock, with other processes' turns; ``busy``: processor time of the loop's thread."""

    late: float
    busy: float


async def watch_loop(ticks: list[Tick]) -> None:
    while True:
        clock, worked = time.perf_counter(), time.thread_time()
        await asyncio.sleep(TICK_SECONDS)
        late = time.perf_counter() - clock - TICK_SECONDS
        ticks.append(Tick(late=late, busy=time.thread_time() - worked))


async def worst_stall(folder: Path, letters: Letters) -> list[Tick]:
    """How long the event loop was kept while ten documents were signed twice and twenty were verified."""
    stalls: list[Tick] = []
    async with open_room(folder, "3072") as room, VerificationPool(VerificationSettings()) as pool:
        await sign_pile(room, 1)
        watch = asyncio.create_task(watch_loop(stalls))
        requests = [replace(letters.request, path=str(file)) for file in letters.files[:AT_ONCE]]
        async with asyncio.TaskGroup() as group:
            signing = group.create_task(sign_pile(room, AT_ONCE // 2))
            verifying = [group.create_task(pool.verify(request)) for request in requests]
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
    assert len(signing.result()) == AT_ONCE // 2
    assert all(task.result().overall is Overall.VALID for task in verifying)
    return stalls


def line(what: str, measured: str, wanted: str) -> None:
    print(f"| {what} | {measured} | {wanted} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=1, metavar="N", help="only one Nth of the files and documents")
    few = parser.parse_args().few
    logging.disable(logging.CRITICAL)
    print(conditions())
    print("\n| đại lượng | đo được | mục tiêu |\n| --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory(prefix="lienthong-bench-") as name:
        folder = Path(name)
        papers, room = folder / "letters", folder / "room"
        papers.mkdir()
        room.mkdir()
        signing = compare_signing(folder)  # first: what signs the letters replaces functions of pyHanko here
        letters = make_letters(papers, max(AT_ONCE, FILES // few))
        seen = compare_verification(letters)
        size = f"{seen.bytes_each / 1000:.0f} kB, hai chữ ký B-LT"
        both = f"{seen.plain:.1f} và {seen.ours:.1f} ms CPU"
        line(f"kiểm tra lần đầu, {size}", f"nhanh gấp {seen.ratio:.2f} ({both})", "2,5; nhắm 4")
        line("thấy lại cùng các byte", f"{seen.repeated:.3f} ms", "dưới 1 ms")
        both = f"{signing.plain:.1f} và {signing.ours:.1f} ms CPU"
        line("ký B-LT có hình", f"nhanh gấp {signing.ratio:.2f} ({both})", "1,35; nhắm 2")
        stalls = asyncio.run(worst_stall(room, letters))
        late = [tick.late for tick in stalls]
        busy = 1000 * max(tick.busy for tick in stalls)
        clock = f"theo đồng hồ {1000 * max(late):.0f} ms (p99 {1000 * percentile(late, 99):.0f} ms)"
        worst = f"vòng làm việc liền {busy:.0f} ms CPU; {clock}"
        line("vòng sự kiện ngừng lâu nhất, 20 lần ký và 20 lần kiểm tra", worst, "dưới 50 ms")
    print(f"\n{DOCUMENTS // few} văn bản trong hai phiên (mục tiêu: 200 văn bản dưới một phút):", flush=True)
    print(asyncio.run(signing_sessions(DOCUMENTS // few, "3072")))


if __name__ == "__main__":
    main()
