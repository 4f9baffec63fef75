"""PDFs that worker processes write for the desk, and their way into the file store."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

from ...signing.json_values import to_json
from ...signing.workers import WorkerError
from ..errors import GatewayError
from ..files.layout import StoredFile
from ..node import Node
from .tools import desk_of


async def run_press(node: Node, name: str, job: object, target: Path) -> dict[str, Any]:
    """A sandboxed job on a PDF; what it left of ``target`` goes with its failure. Raise WorkerError, SIGNING_OFF."""
    try:
        return await desk_of(node.desk).press.run(name, to_json(job))
    except WorkerError:
        await asyncio.to_thread(target.unlink, missing_ok=True)
        raise


async def adopt(node: Node, agency_id: UUID, path: Path, sha256: str) -> StoredFile:
    """Into the file store, durable; raise SIGNING_FILE_CHANGED when it is not what the job said it wrote."""
    stored = await node.files.adopt(agency_id, path)
    if stored.sha256 != sha256:
        raise GatewayError("SIGNING_FILE_CHANGED", "Tệp vừa ghi khác mã băm mà bước ký đã báo; bản này bị bỏ.")
    return stored
