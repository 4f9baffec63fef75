"""Evidence on disk: a folder whose documents share objects, or one JSON file with everything. Blocking."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .errors import SigningError
from .evidence_bundle import FORMAT, MAX_BUNDLE, Bundle

OBJECTS: Final = "objects"


def write_folder(bundle: Bundle, folder: Path) -> Path:
    """``<digest of the file>.<digest of the evidence>.json`` and ``objects/<digest>``; what is there stays."""
    (folder / OBJECTS).mkdir(parents=True, exist_ok=True)
    for digest, content in bundle.objects.items():
        target = folder / OBJECTS / digest
        if not target.is_file():
            _place(target, content)
    path = folder / f"{bundle.manifest['file']['sha256']}.{bundle.sha256}.json"
    _place(path, bundle.text.encode())
    return path


def bundle_json(bundle: Bundle) -> bytes:
    """The one file: manifest as text, objects in base64."""
    objects = {digest: base64.b64encode(content).decode() for digest, content in sorted(bundle.objects.items())}
    whole = {"format": FORMAT, "sha256": bundle.sha256, "manifest": bundle.text, "objects": objects}
    return json.dumps(whole, ensure_ascii=False, indent=1).encode()


def read_bundle(path: Path, file_sha256: str) -> Bundle:
    """The newest evidence about a file, every byte of it compared with its digest.

    Raises SigningError SIG_EVIDENCE_MISSING, SIG_EVIDENCE_UNREADABLE, SIG_EVIDENCE_ALTERED, SIG_EVIDENCE_OTHER_FILE.
    """
    try:
        bundle = _from_folder(path, file_sha256) if path.is_dir() else _from_file(path)
        named = bundle.manifest["file"]["sha256"]
        wanted = bundle.named
    except OSError as cause:
        raise SigningError("SIG_EVIDENCE_MISSING", f"Không mở được chứng cứ {path}.") from cause
    except (ValueError, TypeError, KeyError, AttributeError) as cause:
        raise SigningError("SIG_EVIDENCE_UNREADABLE", f"Chứng cứ {path} sai dạng.") from cause
    if named != file_sha256:
        raise SigningError("SIG_EVIDENCE_OTHER_FILE", "Chứng cứ này là của một tệp khác.", blame="document")
    _refuse_altered(bundle.objects, wanted)
    return bundle


def _from_folder(folder: Path, file_sha256: str) -> Bundle:
    found = [_named(path) for path in folder.glob(f"{file_sha256}.*.json")]
    if not found:
        raise SigningError("SIG_EVIDENCE_MISSING", f"Thư mục {folder} không có chứng cứ về tệp này.")
    text = max(found, key=lambda text: json.loads(text)["made_at"])
    named = Bundle(text=text, objects={}).named
    return Bundle(text=text, objects={digest: _read(folder / OBJECTS / Path(digest).name) for digest in named})


def _named(path: Path) -> str:
    text = _read(path).decode()
    if hashlib.sha256(text.encode()).hexdigest() != path.name.split(".")[1]:
        raise _altered(path.name)
    return text


def _from_file(path: Path) -> Bundle:
    whole = json.loads(_read(path))
    objects = {digest: base64.b64decode(content, validate=True) for digest, content in whole["objects"].items()}
    bundle = Bundle(text=whole["manifest"], objects=objects)
    if bundle.sha256 != whole["sha256"]:
        raise _altered(path.name)
    return bundle


def _refuse_altered(objects: Mapping[str, bytes], wanted: set[str]) -> None:
    for digest in wanted:
        content = objects.get(digest)
        if content is None or hashlib.sha256(content).hexdigest() != digest:
            raise _altered(digest)


def _altered(what: str) -> SigningError:
    return SigningError("SIG_EVIDENCE_ALTERED", f"Chứng cứ đã bị thay đổi sau khi lưu ({what}).", blame="document")


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_BUNDLE:
        raise SigningError("SIG_EVIDENCE_UNREADABLE", f"Chứng cứ {path} quá lớn.")
    return path.read_bytes()


def _place(target: Path, content: bytes) -> None:
    temporary = target.with_name(f".{target.name}")
    temporary.write_bytes(content)
    temporary.replace(target)
