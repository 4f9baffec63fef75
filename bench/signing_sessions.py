"""How long a leader and a clerk take for a pile of documents: one session each, keys on SoftHSM tokens, PAdES B-LT.

``python bench/signing_sessions.py [--documents 200]``. For each document: fields prepared, signed by the leader with a
visible signature, the number filled in, signed by the agency with a visible seal; a timestamp and revocation data
with each signature; each result verified before it takes its name. The timestamps come over HTTP from this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lienthong.bench.measuring import Meter, conditions, percentile
from lienthong.deploy.demo.compose import compose_letter
from lienthong.deploy.demo.pki import STORE, Holder, make_pki
from lienthong.deploy.demo.texts import review_letter
from lienthong.deploy.demo.time_authority import time_authority
from lienthong.signing.json_values import to_json
from lienthong.signing.report import Overall, SignerRole
from lienthong.signing.request import RegisteredCertificate
from lienthong.signing.sign_job import FillJob, PrepareJob, SignJob, SignResult, SignStep
from lienthong.signing.stamps import handwriting_png, seal_png
from lienthong.signing.token_desk import OpenToken, TokenDesk, TokenDeskSettings
from lienthong.signing.verifying import VerificationPool, VerificationSettings
from lienthong.tests.signing.softhsm import MODULE, Drawer, SoftToken, furnish, open_drawer

SENDER, NAME, PERSON = "000.00.01.H99", "Sở Khoa học và Công nghệ tỉnh Mẫu", "Nguyễn Thị Quỳnh Hương"
JOBS = {name: f"lienthong.signing.sign_jobs:{name}" for name in ("prepare_pdf", "fill_pdf")}
TICK_SECONDS = 0.005


@dataclass(slots=True, kw_only=True)
class Room:
    """Tokens, trust store, pictures and the letter that everybody signs."""

    folder: Path
    now: datetime
    letter: Path
    url: str
    drawer: Drawer
    leader: SoftToken
    agency: SoftToken
    took: dict[str, list[float]] = field(default_factory=dict)

    def job(self, step: SignStep, number: int, source: str, target: str) -> SignJob:
        roles = {SignStep.LEADER: SignerRole.LEADER, SignStep.AGENCY: SignerRole.AGENCY}
        certificates = ((self.leader, "ky", SignerRole.LEADER), (self.agency, "dau", SignerRole.AGENCY))
        return SignJob(
            step=step,
            source=self.place(number, source),
            target=self.place(number, target),
            now=self.now,
            trust_folder=str(self.folder / "trust"),
            trust_store=STORE,
            picture=str(self.folder / f"{roles[step].value}.png"),
            tsa_url=self.url,
            sender_code=SENDER,
            sender_name=NAME,
            registry=tuple(
                RegisteredCertificate(sha256=token.sha256(label), agency_code=SENDER, role=role)
                for token, label, role in certificates
            ),
        )

    def place(self, number: int, state: str) -> str:
        return str(self.folder / f"{number}-{state}.pdf")


@asynccontextmanager
async def open_room(folder: Path, key: str) -> AsyncIterator[Room]:
    now = datetime.now(UTC).replace(microsecond=0)
    pki = make_pki(now)
    pki.write_store(folder / "trust")
    drawer = open_drawer(folder / "softhsm")
    leader = Holder(agency_code=SENDER, agency_name=NAME, person=PERSON)
    agency = Holder(agency_code=SENDER, agency_name=NAME)
    compose_letter(folder / "letter.pdf", review_letter(number="", day=now.date()))
    (folder / "leader.png").write_bytes(handwriting_png("Hương"))
    (folder / "agency.png").write_bytes(seal_png("TEST"))
    with time_authority(pki.timestamper()) as url:
        yield Room(
            folder=folder,
            now=now,
            letter=folder / "letter.pdf",
            url=url,
            drawer=drawer,
            leader=furnish(drawer, pki, leader, "lanhdao", "24681357", {"ky": key}),
            agency=furnish(drawer, pki, agency, "coquan", "13572468", {"dau": key}),
        )


async def sign_pile(room: Room, documents: int) -> list[SignResult]:
    """Two sessions, every document handed from one to the other; the sheets wait in each token's queue."""
    settings = TokenDeskSettings(modules=(MODULE,), environment=room.drawer.environment)
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(TokenDesk(settings=settings))
        pool = await stack.enter_async_context(VerificationPool(VerificationSettings(workers=1, extra_jobs=JOBS)))
        leader = await desk.open(room.leader.address, room.leader.pin, certificate_sha256=room.leader.sha256("ky"))
        clerk = await desk.open(room.agency.address, room.agency.pin, certificate_sha256=room.agency.sha256("dau"))
        at_once = asyncio.Semaphore(16)

        async def pass_on(number: int) -> SignResult:
            async with at_once:
                return await hand_over(room, desk, pool, leader, clerk, number)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(pass_on(number)) for number in range(1, documents + 1)]
        return [task.result() for task in tasks]


async def hand_over(
    room: Room, desk: TokenDesk, pool: VerificationPool, leader: OpenToken, clerk: OpenToken, number: int
) -> SignResult:
    prepare = PrepareJob(source=str(room.letter), target=room.place(number, "prepared"))
    fill = FillJob(
        source=room.place(number, "leader"),
        target=room.place(number, "numbered"),
        number=f"{number}",  # the letter says its date itself
    )
    await timed(room, "chuẩn bị", pool.run("prepare_pdf", to_json(prepare)))
    first = room.job(SignStep.LEADER, number, "prepared", "leader")
    await timed(room, "lãnh đạo ký", desk.sign(leader.handle, first))
    await timed(room, "điền số", pool.run("fill_pdf", to_json(fill)))
    second = room.job(SignStep.AGENCY, number, "numbered", "issued")
    return await timed(room, "cơ quan ký", desk.sign(clerk.handle, second))


async def timed(room: Room, step: str, work: Any) -> Any:
    start = time.perf_counter()
    result = await work
    room.took.setdefault(step, []).append(time.perf_counter() - start)
    return result


async def longest_stall(stalls: list[float]) -> None:
    """How late the event loop comes back to somebody who asked for it every five milliseconds."""
    while True:
        before = time.perf_counter()
        await asyncio.sleep(TICK_SECONDS)
        stalls.append(time.perf_counter() - before - TICK_SECONDS)


async def bench(documents: int, key: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        async with open_room(Path(folder), key) as room:
            await sign_pile(room, 2)  # processes of the first run are not kept; the disk's cache is
            room.took.clear()
            stalls: list[float] = []
            watch = asyncio.create_task(longest_stall(stalls))
            async with Meter(root=os.getpid()) as meter:
                start = time.perf_counter()
                results = await sign_pile(room, documents)
                seconds = time.perf_counter() - start
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            return report(room, results, seconds, meter, stalls)


def report(room: Room, results: Sequence[SignResult], seconds: float, meter: Meter, stalls: Sequence[float]) -> str:
    wrong = [result for result in results if result.overall != Overall.VALID.value]
    assert not wrong, wrong[0]
    each = ", ".join(f"{step} {percentile(took, 50) * 1000:.0f} ms" for step, took in room.took.items())
    pace = f"{seconds:.1f} giây ({len(results) / seconds:.1f} văn bản/giây)"
    stall = f"{max(stalls) * 1000:.0f} ms (p99 {percentile(stalls, 99) * 1000:.0f} ms)"
    lines = (
        f"{len(results)} văn bản, mỗi văn bản hai chữ ký B-LT có hình, cả hai được kiểm tra: {pace}",
        f"CPU {meter.cpu / len(results) * 1000:.0f} ms mỗi văn bản",
        f"vòng sự kiện (cùng tiến trình với TSA thử và bộ đo) ngừng lâu nhất {stall}",
        f"văn bản đã ký {results[0].size / 1000:.0f} KB; chờ và làm mỗi bước (trung vị): {each}",
        conditions(),
    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--key", default="3072", help="RSA bits of both keys")
    options = parser.parse_args()
    print(asyncio.run(bench(options.documents, options.key)))


if __name__ == "__main__":
    main()
