"""The verification as the node calls it: a pool of workers, and verdicts remembered with their evidence.

A file whose check was cut off (time, memory, a worker's death) is CHƯA XÁC ĐỊNH with a code, never valid.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

from .answers import FILE_REASONS
from .appearance_request import appearance_request
from .errors import SigningError
from .policies import POLICY_VERSION
from .refusals import FileFacts, file_refused
from .remarks import remark
from .report import FileReport, Overall
from .report import Warning as Remark
from .report_json import report_from_json
from .request import VerificationRequest, request_to_json
from .trust import evidence_key
from .workers import WorkerError, WorkerPool, WorkerSettings

VERIFY: Final = f"{__package__}.jobs:verify"
VERIFY_PLAINLY: Final = f"{__package__}.jobs:verify_plainly"
APPEARANCE: Final = f"{__package__}.jobs:appearance"
APPEARANCE_SECONDS: Final = 10.0
REPRODUCE_JOB: Final = {"reproduce": f"{__package__}.reproducing:reproduce_verdict"}
REVOCATION_JOBS: Final = {
    name: f"{__package__}.revocation_jobs:{name}"
    for name in ("survey_store", "judge_list", "ask_status", "judge_status")
}
# Reasons that a second try, or a repaired installation, may answer otherwise: never remembered.
REMEMBERED: Final = (Overall.VALID, Overall.INVALID)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationSettings:
    workers: int = 2
    seconds_per_file: float = 30.0
    memory_bytes: int = 512 * 1024 * 1024
    recycle_after: int = 500
    bulk_reader: bool = True
    remembered_verdicts: int = 4096
    remember_for: timedelta = timedelta(minutes=10)  # revocation lists move on
    extra_jobs: Mapping[str, str] = field(default_factory=dict)  # other sandboxed jobs of the node

    def worker_settings(self) -> WorkerSettings:
        return WorkerSettings(
            jobs={
                "verify": VERIFY if self.bulk_reader else VERIFY_PLAINLY,
                "appearance": APPEARANCE,
                **self.extra_jobs,
            },
            size=self.workers,
            seconds=self.seconds_per_file,
            memory_bytes=self.memory_bytes,
            recycle_after=self.recycle_after,
        )


class VerificationPool:
    """Use as ``async with``; ``verify`` may be awaited by many at once."""

    def __init__(self, settings: VerificationSettings) -> None:
        self._settings = settings
        self._pool = WorkerPool(settings=settings.worker_settings())
        self._verdicts: OrderedDict[str, tuple[datetime, FileReport]] = OrderedDict()

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.__aexit__(kind, error, trace)

    @property
    def process_ids(self) -> tuple[int, ...]:
        return self._pool.process_ids

    async def run(self, job: str, value: dict[str, Any], *, seconds: float | None = None) -> dict[str, Any]:
        """Another sandboxed job of ``extra_jobs``. Raises WorkerError."""
        return await self._pool.run(job, value, seconds=seconds)

    async def verify(self, request: VerificationRequest, *, sha256: str | None = None) -> FileReport:
        """The report. ``sha256``: digest of the file where the caller knows it; verdicts are remembered by it."""
        key = _key(request, sha256)
        known = self._remembered(key, request.now) if key else None
        if known is not None:
            return known
        try:
            report = report_from_json(await self._pool.run("verify", request_to_json(request)))
        except WorkerError as fault:
            code = fault.code if fault.code in FILE_REASONS else "SIG_CHECK_FAILED"
            return file_refused(request, FileFacts(sha256=sha256 or ""), code, fault.detail)
        report = await self._looked_at(request, report)
        if key and report.sha256 == sha256 and report.overall in REMEMBERED:
            self._remember(key, request.now, report)
        return report

    async def _looked_at(self, request: VerificationRequest, report: FileReport) -> FileReport:
        """With the warnings about its looks; a look that fails is a warning and leaves the verdict alone (C7)."""
        asked = appearance_request(request, report)
        if asked is None:
            return report
        try:
            answer = await self._pool.run("appearance", asdict(asked), seconds=APPEARANCE_SECONDS)
            found = tuple(Remark(**warning) for warning in answer["warnings"])
        except WorkerError as fault:
            found = (remark("SIG_WARN_APPEARANCE_NOT_CHECKED", fault.code),)
        return replace(report, warnings=report.warnings + found)

    def _remembered(self, key: str, now: datetime) -> FileReport | None:
        found = self._verdicts.get(key)
        if found is None or not timedelta(0) <= now - found[0] <= self._settings.remember_for:
            return None
        self._verdicts.move_to_end(key)
        return found[1]

    def _remember(self, key: str, now: datetime, report: FileReport) -> None:
        self._verdicts[key] = (now, report)
        self._verdicts.move_to_end(key)
        while len(self._verdicts) > self._settings.remembered_verdicts:
            self._verdicts.popitem(last=False)


def _key(request: VerificationRequest, sha256: str | None) -> str | None:
    """Digest, policy version, evidence, and everything that was asked, but for the path and the hour."""
    if sha256 is None:
        return None
    asked = request_to_json(replace(request, path="", now=request.reference_time, received_at=None))
    asked["now"] = request.received_at.isoformat() if request.received_at else None
    try:
        evidence = evidence_key(request.trust_folder, request.trust_store)
    except SigningError:  # the worker's report says what is wrong with the store
        return None
    return repr((sha256, POLICY_VERSION, evidence, sorted(asked.items(), key=lambda item: item[0])))
