"""The worker processes that look at untrusted files for the pipeline: signatures and structure, one file at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from ..signing.report import FileReport
from ..signing.request import VerificationRequest
from ..signing.verifying import REVOCATION_JOBS, VerificationPool, VerificationSettings
from ..signing.workers import WorkerError
from .settings import Settings

_MB: Final = 1_000_000
_JOBS: Final = {
    "inspect": f"{__package__}.files.inspection:inspect_file",
    "check_read": f"{__package__}.checks.jobs:read",
    "check_draw": f"{__package__}.checks.jobs:draw",
    "prepare_pdf": "lienthong.signing.sign_jobs:prepare_pdf",
    "fill_pdf": "lienthong.signing.sign_jobs:fill_pdf",
    "begin_external": "lienthong.signing.external:begin_external_pdf",
    "digitised": "lienthong.signing.digitised:digitised_job",
    "hand_out": "lienthong.signing.returned:hand_out_pdf",
    "check_returned": "lienthong.signing.returned:check_returned_pdf",
    "finish_external": "lienthong.signing.external:finish_external_pdf",
    **REVOCATION_JOBS,
}


class Examiner:
    """``node.FileExaminer`` over one pool: an inspection and a verification never run in the same worker at once."""

    def __init__(self, pool: VerificationPool) -> None:
        self._pool = pool

    async def verify(self, request: VerificationRequest, *, sha256: str) -> FileReport:
        return await self._pool.verify(request, sha256=sha256)

    async def inspect(self, path: str, *, name: str, main: bool) -> dict[str, Any]:
        """The inspection's answer; a file at which the worker died or hung is not acceptable by itself."""
        try:
            return await self._pool.run("inspect", {"path": path, "name": name, "main": main})
        except WorkerError as fault:
            message = f"Không kiểm tra được tệp “{name}”: {fault.message}"
            return {"findings": [{"code": "FILE_BROKEN", "severity": "error", "message": message}]}

    async def run(self, job: str, value: dict[str, Any]) -> dict[str, Any]:
        """Another job of the table above. Raises WorkerError."""
        return await self._pool.run(job, value)


@asynccontextmanager
async def open_examiner(settings: Settings) -> AsyncIterator[Examiner]:
    wanted = VerificationSettings(
        workers=settings.signing.workers,
        seconds_per_file=settings.signing.time_limit_s,
        memory_bytes=settings.signing.memory_limit_mb * _MB,
        extra_jobs=_JOBS,
    )
    async with VerificationPool(wanted) as pool:
        yield Examiner(pool)
