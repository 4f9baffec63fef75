"""The control plane of the emulated axis: bring packages from elsewhere, and see with one's own eyes what arrived."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

from ...edxml.model import DocumentPackage, Package
from ...edxml.reader import read_package
from ...edxml.writer import write_package
from .eoffice import RefusedError, call


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisDesk:
    base: str

    def bring(self, package: Package) -> dict[str, Any]:
        """Hand a package to the axis as its sender's own node would; what the axis made of it."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / "package.edxml"
            with path.open("wb") as sink:
                write_package(package, sink)
            answer: dict[str, Any] = self._post("/packages", path.read_bytes())
        return answer

    def bring_again(self, receiver_doc_id: str) -> dict[str, Any]:
        """The axis delivers the same package a second time, under a new receiverDocId."""
        body = json.dumps({"receiver_doc_id": receiver_doc_id, "twin": True}).encode()
        answer: dict[str, Any] = self._post("/redeliver", body)
        return answer

    def packages(self, **where: str) -> list[dict[str, Any]]:
        """What the axis holds, by kind (edoc, status), sender, receiver."""
        found: list[dict[str, Any]] = call("GET", f"{self.base}/packages?{urlencode(where)}").json
        return found

    def statuses(self, *, sender: str, receiver: str, document_id: str) -> list[str]:
        """Codes of the statuses that ``sender`` gave of one document, in the order of their arrival."""
        found = self.packages(kind="status", sender=sender, receiver=receiver)
        return [one["status_code"] for one in found if one["document_id"] == document_id]

    def contents(self, axis_doc_id: str) -> dict[str, str]:
        """Name and SHA-256 of every attachment, as recipients get them from the axis."""
        answer = call("GET", f"{self.base}/packages/{axis_doc_id}?as=delivered")
        with TemporaryDirectory() as folder:
            path = Path(folder) / "delivered.edxml"
            path.write_bytes(answer.content)
            into = Path(folder) / "files"
            into.mkdir()
            return dict(_digests(read_package(path, into).package))

    def _post(self, path: str, content: bytes) -> Any:
        answer = call("POST", self.base + path, content=content)
        if answer.status != 200:
            problem = answer.json
            raise RefusedError("Trục giả lập", answer.status, {**problem, "code": problem.get("error", "")})
        return answer.json


def _digests(package: Package) -> Iterator[tuple[str, str]]:
    if isinstance(package, DocumentPackage):
        for one in package.attachments:
            yield one.name, one.sha256


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
