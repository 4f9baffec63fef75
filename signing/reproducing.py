"""A verdict once more, from its evidence alone: no network, no list of today, whatever the clock says. In a worker."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from .errors import SigningError
from .evidence_bundle import FORMAT, Bundle
from .evidence_files import read_bundle
from .materials import ANSWER, LIST
from .report import FileReport
from .report_json import report_to_json
from .request import request_from_json
from .trust import Pin, TrustStore, declared_pins, make_store, refuse_unpinned
from .verification import verify_file

# What a verdict is: everything but remarks, which may become more with the years.
COMPARED: Final = ("sha256", "overall", "legal_value", "policy", "answers", "signatures", "reason_code")


def reproduce_verdict(value: dict[str, Any]) -> dict[str, Any]:
    """The job: the report of now and the one recorded, and whether they say the same.

    Raises SigningError SIG_EVIDENCE_*, SIG_ROOT_NOT_PINNED, SIG_TRUST_STORE_MISSING.
    """
    path = Path(value["path"])
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    bundle = read_bundle(Path(value["evidence"]), digest)
    report = reproduce(path, bundle, value["trust_folder"])
    again, recorded = report_to_json(report), bundle.manifest["report"]
    return {
        "report": again,
        "recorded": recorded,
        "same": all(_plain(again[name]) == _plain(recorded.get(name)) for name in COMPARED),
        "evidence": bundle.sha256,
        "made_at": bundle.manifest["made_at"],
        "judged_at": bundle.manifest["asked"]["now"],
        "policy_version": bundle.manifest["policy_version"],
    }


def reproduce(path: Path, bundle: Bundle, trust_folder: str) -> FileReport:
    """``trust_folder``: where the pins of a site's own store are; its lists are not looked at."""
    manifest = bundle.manifest
    if manifest.get("format") != FORMAT:
        raise SigningError("SIG_EVIDENCE_UNREADABLE", "Chứng cứ sai dạng.")
    try:
        request = request_from_json({**manifest["asked"], "path": str(path), "trust_folder": trust_folder})
        store = _store(bundle)
    except (ValueError, TypeError, KeyError) as cause:
        raise SigningError("SIG_EVIDENCE_UNREADABLE", "Chứng cứ sai dạng.") from cause
    # Evidence brings no trust of its own: its roots must be pinned here, today.
    refuse_unpinned(store.name, declared_pins(trust_folder, store.name)[1], store.roots)
    return verify_file(request, store=store)


def _store(bundle: Bundle) -> TrustStore:
    told, objects = bundle.manifest["store"], bundle.manifest["objects"]
    return make_store(
        name=told["name"],
        title=told["title"],
        pins=tuple(_pin(entry) for entry in told["pins"]),
        roots=bundle.of("root"),
        intermediates=bundle.of("intermediate"),
        crls=bundle.of(LIST),
        past=bundle.of("past"),
        answers={certificate: bundle.objects[digest] for certificate, digest in objects[ANSWER].items()},
    )


def _pin(entry: dict[str, Any]) -> Pin:
    until = entry["sha1_until"]
    return Pin(
        name=entry["name"],
        sha256=entry["sha256"],
        sha1_until=datetime.fromisoformat(until) if until else None,
    )


def _plain(value: Any) -> Any:
    """Lists and tuples are the same JSON."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
