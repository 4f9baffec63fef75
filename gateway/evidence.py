"""Evidence of verdicts on exchanges: objects in the file store by digest, manifests in a table nobody rewrites."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from ..queue.port import Connection
from ..signing.errors import SigningError
from ..signing.evidence_bundle import FINAL, Bundle, collect
from ..signing.evidence_files import bundle_json
from ..signing.materials import TIMESTAMP
from ..signing.report import FileReport
from ..signing.request import VerificationRequest
from .errors import GatewayError
from .files.layout import NODE_FILES
from .files.port import FileStore
from .postgres.database import Database

PROGRAM: Final = "lienthong"
# Stored again after this time: no row need name an object yet, and the sweep takes what is old and unnamed.
FRESH: Final = timedelta(hours=1)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRoom:
    """Collects and keeps. ``known``: when this process stored which object last."""

    files: FileStore
    clock: Callable[[], datetime]
    known: dict[str, datetime] = field(default_factory=dict)

    async def collect(self, request: VerificationRequest, report: FileReport) -> Bundle | None:
        """The evidence of a final verdict, its objects durable. Raises SigningError SIG_EVIDENCE_MOVED."""
        if report.overall not in FINAL or not report.sha256:
            return None
        bundle = await asyncio.to_thread(collect, request, report, made_at=self.clock(), program=PROGRAM)
        stamps = set(bundle.manifest["objects"][TIMESTAMP])  # no two documents share one: they go into the row
        now = self.clock()
        fresh = {digest for digest, at in self.known.items() if now - at < FRESH}
        for digest in bundle.objects.keys() - stamps - fresh:
            await self._keep(digest, bundle.objects[digest], now)
        return bundle

    async def _keep(self, digest: str, content: bytes, now: datetime) -> None:
        temporary = await self.files.new_temporary()
        await asyncio.to_thread(temporary.write_bytes, content)
        await self.files.adopt(NODE_FILES, temporary)
        self.known[digest] = now


async def save(
    db: Database, conn: Connection, *, agency_id: UUID, exchange_id: UUID, bundles: Sequence[Bundle | None]
) -> None:
    """Write the manifests of an exchange's files, in the transaction that saves its reports."""
    rows = rows_of(bundles)
    if rows:
        await db.queries.insert_evidence(conn, agency_id=agency_id, exchange_id=exchange_id, evidence=rows)


def rows_of(bundles: Sequence[Bundle | None]) -> list[dict[str, Any]]:
    """Rows of the table ``evidence``, but for whose they are."""
    return [_row(position, bundle) for position, bundle in enumerate(bundles) if bundle is not None]


def _row(position: int, bundle: Bundle) -> dict[str, Any]:
    manifest = bundle.manifest
    return {
        "sha256": bundle.sha256,
        "position": position,
        "file_sha256": manifest["file"]["sha256"],
        "overall": manifest["report"]["overall"],
        "manifest": bundle.text,
        "timestamps": {digest: b64encode(bundle.objects[digest]).decode() for digest in manifest["objects"][TIMESTAMP]},
    }


async def of_file(db: Database, *, files: FileStore, file_sha256: str) -> tuple[bytes, str]:
    """The newest evidence about a file as one JSON file, and its SHA-256. Raise EVIDENCE_NOT_FOUND."""
    async with db.unit(None) as conn:
        row = await db.queries.evidence_of_file(conn, file_sha256=file_sha256)
    return await _whole(row, files)


async def of_exchange(
    db: Database, *, files: FileStore, agency_id: UUID, exchange_id: UUID, position: int
) -> tuple[bytes, str]:
    """The newest evidence about one file of an exchange. Raise EVIDENCE_NOT_FOUND."""
    async with db.unit(agency_id) as conn:
        row = await db.queries.evidence_of_exchange(
            conn, agency_id=agency_id, exchange_id=exchange_id, position=position
        )
    return await _whole(row, files)


async def _whole(row: Any, files: FileStore) -> tuple[bytes, str]:
    if row is None:
        raise GatewayError("EVIDENCE_NOT_FOUND", "Nút không giữ chứng cứ nào về tệp này.")
    objects = {digest: b64decode(content) for digest, content in row["timestamps"].items()}
    bundle = Bundle(text=row["manifest"], objects=objects)
    for digest in bundle.named - objects.keys():
        objects[digest] = b"".join([window async for window in files.stream(NODE_FILES, digest)])
    return await asyncio.to_thread(bundle_json, bundle), row["sha256"]


async def collected(room: EvidenceRoom, request: VerificationRequest, report: FileReport) -> Bundle | None:
    """As ``collect``; None, and a line in the log, when the store kept changing."""
    try:
        return await room.collect(request, report)
    except SigningError as error:
        _log.warning("evidence-not-kept", file=report.sha256, code=error.code)
        return None
