"""Workers: bounded, killed and replaced singly, gone with their parent (DESIGN decision 9)."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from lienthong.deploy.demo.pki import STORE
from lienthong.signing.errors import SigningError
from lienthong.signing.report import Overall
from lienthong.signing.request import VerificationRequest
from lienthong.signing.verifying import VerificationPool, VerificationSettings
from lienthong.signing.workers import WorkerError, WorkerPool, WorkerSettings

from ..waiting import until
from .desk import SENDER, Desk

JOBS = {
    name: f"lienthong.tests.signing.sandbox_jobs:{name}"
    for name in ("echo", "hang", "hog", "die", "fail", "chat", "litter")
}
MEGABYTE = 1024 * 1024


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    settings = WorkerSettings(jobs=JOBS, size=2, seconds=20, memory_bytes=256 * MEGABYTE, recycle_after=50)
    async with WorkerPool(settings=settings) as opened:
        yield opened


async def fault_of(pool: WorkerPool, job: str, *, seconds: float | None = None) -> str:
    with pytest.raises(WorkerError) as caught:
        await pool.run(job, {}, seconds=seconds)
    return caught.value.code


async def test_answers_keep_their_callers(pool: WorkerPool) -> None:
    answers = await asyncio.gather(*(pool.run("echo", {"n": n}) for n in range(30)))
    assert [a["n"] for a in answers] == list(range(30))
    assert len({a["pid"] for a in answers}) == 2


async def test_each_fault_has_its_code_and_the_pool_goes_on(pool: WorkerPool) -> None:
    assert await fault_of(pool, "hang", seconds=0.3) == "SIG_TIMEOUT"
    assert await fault_of(pool, "hog") == "SIG_MEMORY"
    assert await fault_of(pool, "die") == "SIG_WORKER_DIED"
    assert await fault_of(pool, "fail") == "SIG_CHECK_FAILED"
    assert await fault_of(pool, "unknown job") == "SIG_CHECK_FAILED"
    assert (await pool.run("echo", {"n": 1}))["n"] == 1


async def test_printing_does_not_spoil_the_answer(pool: WorkerPool) -> None:
    assert (await pool.run("chat", {}))["said"] == "xong"


async def test_large_file_is_not_sat_upon() -> None:
    settings = WorkerSettings(jobs={"litter": JOBS["litter"]}, size=1)
    async with WorkerPool(settings=settings) as pool:
        pid = (await pool.run("litter", {}))["pid"]
        await until(lambda: _resident(pid) < 100 * MEGABYTE)


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE")


async def test_killed_worker_costs_one_answer(pool: WorkerPool) -> None:
    async with asyncio.TaskGroup() as group:
        hanging = group.create_task(fault_of(pool, "hang"))
        await until(lambda: _started(pool.process_ids))
        steady = group.create_task(pool.run("echo", {"n": 7}))
        await steady
        busy = next(pid for pid in pool.process_ids if pid != steady.result()["pid"])
        os.kill(busy, signal.SIGKILL)
    assert hanging.result() == "SIG_WORKER_DIED"
    assert len(pool.process_ids) == 1
    assert (await pool.run("echo", {"n": 8}))["n"] == 8


def _started(process_ids: tuple[int, ...]) -> bool:
    return bool(process_ids)


async def test_cancelled_call_frees_its_place(pool: WorkerPool) -> None:
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await pool.run("hang", {})
    answers = await asyncio.gather(*(pool.run("echo", {"n": n}) for n in range(4)))
    assert len(answers) == 4


async def test_worker_is_replaced_after_its_share() -> None:
    settings = WorkerSettings(jobs={"echo": JOBS["echo"]}, size=1, recycle_after=2)
    async with WorkerPool(settings=settings) as pool:
        pids = [(await pool.run("echo", {}))["pid"] for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]


async def test_workers_end_with_the_pool(pool: WorkerPool) -> None:
    await pool.run("echo", {})
    pids = pool.process_ids
    await pool.__aexit__(None, None, None)
    assert pids
    assert not any(_alive(pid) for pid in pids)


async def test_environment_is_not_handed_down(pool: WorkerPool) -> None:
    seen = (await pool.run("echo", {}))["environment"]
    assert set(seen) <= {"PYTHONPATH", "LANG", "LC_CTYPE"}


PARENT = """
import asyncio
from lienthong.signing.workers import WorkerPool, WorkerSettings
async def main():
    settings = WorkerSettings(jobs={"hang": "lienthong.tests.signing.sandbox_jobs:hang",
                                    "echo": "lienthong.tests.signing.sandbox_jobs:echo"}, size=2)
    async with WorkerPool(settings=settings) as pool:
        async with asyncio.TaskGroup() as group:
            group.create_task(pool.run("hang", {}))
            await pool.run("echo", {})
            print(*pool.process_ids, flush=True)
            await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_workers_die_with_a_killed_parent() -> None:
    """Also the one that is busy and does not read its input."""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pids = [int(word) for word in (await parent.stdout.readline()).split()]
    assert len(pids) == 2
    assert all(_alive(pid) for pid in pids)
    parent.kill()
    await parent.wait()
    await until(lambda: not any(_alive(pid) for pid in pids))


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def request_for(desk: Desk, path: Path) -> VerificationRequest:
    return VerificationRequest(
        path=str(path),
        policy="ND30",
        now=desk.now,
        trust_folder=str(desk.folder),
        trust_store=STORE,
        sender_code=SENDER,
        registry=desk.registry,
    )


async def test_verification_through_the_pool_says_what_it_says_here(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "signed.pdf"
    path.write_bytes(desk.profile)
    for bulk in (True, False):
        async with VerificationPool(VerificationSettings(workers=1, bulk_reader=bulk)) as pool:
            report = await pool.verify(request_for(desk, path))
        assert report == await asyncio.to_thread(desk.check, path)
        assert report.overall is Overall.VALID


async def test_verdict_is_remembered_by_digest_and_evidence(desk: Desk, tmp_path: Path) -> None:
    path, digest = tmp_path / "signed.pdf", hashlib.sha256(desk.profile).hexdigest()
    path.write_bytes(desk.profile)
    request = request_for(desk, path)
    async with VerificationPool(VerificationSettings(workers=1)) as pool:
        first = await pool.verify(request, sha256=digest)
        path.unlink()  # only memory can answer now
        assert await pool.verify(request, sha256=digest) == first
        asked_otherwise = await pool.verify(replace(request, policy="ST_TWO"), sha256=digest)
        assert asked_otherwise.reason_code == "SIG_FILE_MISSING"
        other_digest = await pool.verify(request, sha256="0" * 64)
        assert other_digest.reason_code == "SIG_FILE_MISSING"
        later = replace(request, now=request.now.replace(year=request.now.year + 1))
        assert (await pool.verify(later, sha256=digest)).reason_code == "SIG_FILE_MISSING"


async def test_missing_trust_store_leaves_every_file_undetermined(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "signed.pdf"
    path.write_bytes(desk.profile)
    request = replace(request_for(desk, path), trust_store="gone")
    async with VerificationPool(VerificationSettings(workers=1)) as pool:
        report = await pool.verify(request, sha256=hashlib.sha256(desk.profile).hexdigest())
    assert (report.overall, report.reason_code) == (Overall.UNDETERMINED, "SIG_TRUST_STORE_MISSING")


async def test_verification_refuses_to_block_a_loop(desk: Desk) -> None:
    with pytest.raises(SigningError) as caught:
        desk.check(desk.profile)
    assert caught.value.code == "SIG_BLOCKING_CALL"


async def test_file_at_which_the_worker_dies_is_undetermined(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "signed.pdf"
    path.write_bytes(desk.profile)
    async with VerificationPool(VerificationSettings(workers=1, seconds_per_file=0.001)) as pool:
        report = await pool.verify(request_for(desk, path))
    assert (report.overall, report.reason_code) == (Overall.UNDETERMINED, "SIG_TIMEOUT")
    assert report.legal_value is None
