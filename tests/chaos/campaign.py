"""``make chaos``: round after round, each result kept, so that a campaign goes on where it was left; stops at the first
violation and leaves the evidence where it is.

``python -m lienthong.tests.chaos.campaign --folder … [--documents 20000] [--kills 200] [--seed 1] [--only NAME]``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import signal
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Final

from lienthong.tests.chaos.playing import Result, play
from lienthong.tests.chaos.report import table, troubles, write_into
from lienthong.tests.chaos.rounds import BY_NAME, ROUNDS, Round
from lienthong.tests.crash.scene import Cast, name_of, whole_province
from lienthong.tests.journeys.papers import OUTSIDE, Papers, make_papers

OWN, WRITERS = 40, 6
MINUTES: Final = 120.0  # of one round; longer means that something is stuck


class Campaign:
    """``folder``: results.json, report.md and the evidence of the round that plays."""

    def __init__(self, folder: Path, *, documents: int, kills: int, seed: int) -> None:
        self.folder = folder
        self.documents = documents
        self.kills = kills
        self.seed = seed
        self.kept = folder / "results.json"

    def results(self) -> list[Result]:
        if not self.kept.exists():
            return []
        return [Result(**one) for one in json.loads(self.kept.read_text())]

    def keep(self, result: Result) -> None:
        everything = [one for one in self.results() if one.name != result.name] + [result]
        order = list(BY_NAME)
        everything.sort(key=lambda one: order.index(one.name))
        self.kept.write_text(json.dumps([one.as_json() for one in everything], ensure_ascii=False, indent=1))
        (self.folder / "report.md").write_text(table(everything) + "\n\n" + troubles(everything) + "\n")

    async def play(self, one: Round, papers: Papers, cast: Cast) -> Result:
        """One round in a folder of its own; the folder stays when something is wrong."""
        evidence = self.folder / one.name
        shutil.rmtree(evidence, ignore_errors=True)
        evidence.mkdir(mode=0o711)
        documents, strikes = round(self.documents * one.documents), max(1, round(self.kills * one.strikes))
        print(f"\n== {one.title}: {documents} văn bản, {strikes} lần, hạt giống {self.seed}", flush=True)
        async with asyncio.timeout(MINUTES * 60):
            result = await play(one, evidence, papers, cast, documents=documents, strikes=strikes, seed=self.seed)
        self.keep(result)
        if result.clean:
            shutil.rmtree(evidence)
        return result


async def run(campaign: Campaign, rounds: tuple[Round, ...]) -> bool:
    """Play what has no clean result yet; False at the first violation."""
    cast = whole_province(OWN, WRITERS)
    done = {one.name for one in campaign.results() if one.clean}
    waiting = [one for one in rounds if one.name not in done]
    if not waiting:
        return True
    writers = {code: name_of(code) for code in (*cast.writers, OUTSIDE)}
    place = campaign.folder / "papers"
    shutil.rmtree(place, ignore_errors=True)
    papers = await asyncio.to_thread(make_papers, place, datetime.now(UTC), writers)
    for one in waiting:
        result = await campaign.play(one, papers, cast)
        print(table([result]), flush=True)
        if not result.clean:
            print(f"VI PHẠM ở vòng {one.name}; chứng cứ còn ở {campaign.folder / one.name}", flush=True)
            print("\n".join(result.findings[:40]), flush=True)
            return False
    return True


async def _until_told(work: Coroutine[None, None, bool]) -> bool:
    """SIGTERM and SIGINT end every process of the round that plays, whoever started the campaign in the background."""
    task = asyncio.ensure_future(work)
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        print("Dừng theo lệnh; gọi lại thì chạy tiếp từ vòng này.", flush=True)
        return False


def main() -> int:
    parser = argparse.ArgumentParser(description="Chiến dịch phá: giết tiến trình, cắt mạng, đầy đĩa; đếm mất và trùng")
    parser.add_argument("--folder", type=Path, required=True, help="kết quả; gọi lại thì chạy tiếp các vòng còn thiếu")
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="tên các vòng, cách nhau bằng dấu phẩy: " + ", ".join(BY_NAME))
    parser.add_argument("--page", type=Path, help="ghi bảng kết quả vào trang này, giữa hai dấu")
    asked = parser.parse_args()
    rounds = tuple(BY_NAME[name] for name in asked.only.split(",")) if asked.only else ROUNDS
    asked.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    asked.folder.chmod(0o711)  # as root, PostgreSQL runs as nobody and must get in
    seed = asked.seed or SystemRandom().randrange(1, 10**6)
    campaign = Campaign(asked.folder.resolve(), documents=asked.documents, kills=asked.kills, seed=seed)
    clean = asyncio.run(_until_told(run(campaign, rounds)))
    if asked.page is not None:
        asked.page.write_text(write_into(asked.page.read_text(), campaign.results()))
    print("\n" + table(campaign.results()) + "\n\n" + troubles(campaign.results()), flush=True)
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
