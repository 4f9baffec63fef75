"""A directory of 111 000 agencies: how long taking it over takes, what memory, what a look into it costs.

``python bench/scale/directory.py [--agencies N] [--write]``. The emulated axis lists them all; one process of the node
takes them over at its start, and is then asked for some.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lienthong.bench.measuring import conditions, pss_bytes, tree
from lienthong.bench.papers import SIZES
from lienthong.bench.scale.counting import count
from lienthong.bench.scale.figures import remember
from lienthong.bench.scale.load import fill_shelf
from lienthong.bench.scale.population import WHOLE, make_province
from lienthong.bench.scale.stage import Plan, Stage, open_stage

NATION = 111_000
LOOKS = 200
ASKED = {"mã": "code=000.00.07.H99", "tên": "q=ngoài tỉnh số 110000"}


async def measure(folder: Path, agencies: int) -> dict[str, Any]:
    shelf = await asyncio.to_thread(fill_shelf, folder / "papers", datetime.now(UTC), SIZES[:1])
    province = make_province(WHOLE, outside=agencies - WHOLE)
    begun = time.monotonic()
    async with open_stage(folder / "stage", Plan(province=province, mode="unsafe_off"), shelf.papers) as stage:
        whole = await _taken_over(stage, agencies)
        spent = await count(stage)
        figures = {
            "agencies": whole,
            "seconds_from_start": round(time.monotonic() - begun, 1),
            "cpu_s": {name: round(value, 2) for name, value in spent.cpu.items()},
            "node_pss_mb": round(sum(pss_bytes(pid) for pid in tree(stage.programs["node"])) / 1e6),
            "axis_pss_mb": round(sum(pss_bytes(pid) for pid in tree(stage.programs["axis"])) / 1e6),
            "bytes_per_row": round(spent.table_bytes["directory"] / whole),
            "look_ms": {name: await _look(stage, query) for name, query in ASKED.items()},
        }
    return figures | {"conditions": conditions(), "date": datetime.now(UTC).date().isoformat()}


async def _taken_over(stage: Stage, agencies: int) -> int:
    """The directory is written in one transaction, so it is there or not."""
    async with asyncio.timeout(500):
        while (there := await stage.number("SELECT count(*) FROM directory")) < agencies:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    return there


async def _look(stage: Stage, query: str) -> float:
    """Milliseconds of processor time of node and PostgreSQL for one page of the directory over HTTP."""
    before, code = await count(stage), next(iter(stage.keys))
    for _ in range(LOOKS):
        status, answer = await stage.call(code, "GET", f"/v1/agencies?{query}")
        assert status == 200, answer
    spent = (await count(stage)).since(before)
    return round(1000 * (spent.cpu["node"] + spent.cpu["postgres"]) / LOOKS, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agencies", type=int, default=NATION)
    parser.add_argument("--write", action="store_true", help="ghi vào measured.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lienthong-directory-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # as root, PostgreSQL runs as nobody and must get in
        figures = asyncio.run(measure(folder, options.agencies))
    print(figures)
    if options.write:
        remember("directory", figures)


if __name__ == "__main__":
    main()
