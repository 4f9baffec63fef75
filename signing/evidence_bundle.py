"""Evidence of a verdict: all it stood on, so that it comes out the same offline, years later (TT41 Điều 9.1, L-16).

A manifest (what was asked, of which store, by which policy version, when, and the report) names objects by SHA-256:
certificates, timestamps, revocation lists, OCSP answers. The manifest's own SHA-256 is the name of the evidence; the
node keeps it in a table that cannot be rewritten. Two forms: a folder that shares objects, one JSON file with all. The
parent of the workers writes both; nothing here parses a certificate.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from .errors import SigningError
from .materials import ANSWER, CERTIFICATE, LIST, TIMESTAMP
from .policies import POLICY_VERSION
from .report import FileReport, Overall
from .report_json import report_to_json
from .request import VerificationRequest, request_to_json
from .trust import Pin, declared_pins, evidence_key

FORMAT: Final = "lienthong-evidence-1"
FINAL: Final = (Overall.VALID, Overall.INVALID)
MAX_BUNDLE: Final = 512 * 1024 * 1024
_STORE_FOLDERS: Final = {"root": "roots", "intermediate": "intermediates", "past": "past"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """``text``: the manifest, byte for byte as it is named. ``objects``: by SHA-256."""

    text: str
    objects: Mapping[str, bytes]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def manifest(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.text)
        return value

    @property
    def named(self) -> set[str]:
        """Digests of all objects that the manifest names."""
        kinds = self.manifest["objects"].values()
        return {digest for kind in kinds for digest in (kind.values() if isinstance(kind, dict) else kind)}

    def of(self, kind: str) -> list[bytes]:
        return [self.objects[digest] for digest in self.manifest["objects"][kind]]


def collect(request: VerificationRequest, report: FileReport, *, made_at: datetime, program: str) -> Bundle:
    """Blocking. Raises SigningError SIG_EVIDENCE_MOVED when the store has changed since: judge again, then collect."""
    named: dict[str, Any] = {kind: [] for kind in (*_STORE_FOLDERS, LIST, CERTIFICATE, TIMESTAMP)}
    objects: dict[str, bytes] = {}
    key = evidence_key(request.trust_folder, request.trust_store)
    for kind, digest, content in (*_of_the_store(request, report, key), *_of_the_file(report)):
        objects[digest] = content
        named[kind].append(digest)
    named[ANSWER] = {}
    for certificate, content in _answers(request, report):
        digest = hashlib.sha256(content).hexdigest()
        objects[digest] = content
        named[ANSWER][certificate] = digest
    title, pins = _pins(request.trust_folder, request.trust_store, key)
    manifest = {
        "format": FORMAT,
        "made_at": made_at.isoformat(),
        "program": program,
        "policy_version": POLICY_VERSION,
        "file": {"sha256": report.sha256, "size": report.size},
        "asked": request_to_json(replace(request, path="", trust_folder="", appearance=False)),
        "store": {"name": request.trust_store, "title": title, "pins": [_pin_json(pin) for pin in pins]},
        "objects": {kind: digests if kind == ANSWER else sorted(digests) for kind, digests in named.items()},
        "report": report_to_json(report),
    }
    return Bundle(text=json.dumps(manifest, ensure_ascii=False, sort_keys=True, separators=(",", ":")), objects=objects)


def _of_the_store(request: VerificationRequest, report: FileReport, key: str) -> Iterator[tuple[str, str, bytes]]:
    wanted = {material.sha256 for material in report.materials if material.kind == LIST}
    for kind, digest, content in _held(Path(request.trust_folder) / request.trust_store, key):
        if kind != LIST or digest in wanted:
            wanted.discard(digest)
            yield kind, digest, content
    if wanted:
        raise _moved()


@lru_cache(maxsize=2)
def _pins(folder: str, name: str, _key: str) -> tuple[str, tuple[Pin, ...]]:
    return declared_pins(folder, name)


@lru_cache(maxsize=2)
def _held(store: Path, _key: str) -> tuple[tuple[str, str, bytes], ...]:
    """The store's files, read again only when one has changed: every document's evidence names them."""
    folders = {**_STORE_FOLDERS, LIST: "crls"}
    read = ((kind, file.read_bytes()) for kind, folder in folders.items() for file in _files(store / folder))
    return tuple((kind, hashlib.sha256(content).hexdigest(), content) for kind, content in read)


def _answers(request: VerificationRequest, report: FileReport) -> Iterator[tuple[str, bytes]]:
    folder = Path(request.trust_folder) / request.trust_store / "ocsp"
    for material in report.materials:
        if material.kind == ANSWER:
            file = folder / f"{material.holder}.ocsp"
            content = file.read_bytes() if file.is_file() else b""
            if hashlib.sha256(content).hexdigest() != material.sha256:
                raise _moved()
            yield material.holder, content


def _of_the_file(report: FileReport) -> Iterator[tuple[str, str, bytes]]:
    for material in report.materials:
        if material.kind in (CERTIFICATE, TIMESTAMP) and material.content is not None:
            yield material.kind, material.sha256, base64.b64decode(material.content)


def _files(folder: Path) -> list[Path]:
    return sorted(f for f in folder.iterdir() if f.is_file() and f.name[0] != ".") if folder.is_dir() else []


def _moved() -> SigningError:
    return SigningError("SIG_EVIDENCE_MOVED", "Dữ liệu thu hồi vừa được thay; cần xét lại rồi lưu.", transient=True)


def _pin_json(pin: Pin) -> dict[str, Any]:
    until = pin.sha1_until.isoformat() if pin.sha1_until else None
    return {"name": pin.name, "sha256": pin.sha256, "sha1_until": until}
