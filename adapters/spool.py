"""The folder behind the local axis: records and package files, durable before they are named. Blocking; no clock.

Layout: ``packages/<sha256>.edxml``, ``open/<edoc|status>/<id>.json``, ``closed/<two digits>/<id>.json``. A reader never
sees half a file, and a change of a record holds a lock of the kernel that ends with the process.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from .axis import MessageKind, OutgoingPackage
from .errors import AxisError

INITIAL, DONE = "INITIAL", "DONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One recipient of a record."""

    receiver_doc_id: str
    receiver: str
    status: str = INITIAL
    updated: str | None = None  # ISO 8601


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One accepted package."""

    id: str  # 24 hex digits, as the national axis's senderDocId
    kind: MessageKind
    sender: str
    document_id: str
    notation: str | None
    sha256: str
    size: int
    sent_at: datetime
    rows: tuple[Row, ...]

    @property
    def finished(self) -> bool:
        return all(row.status == DONE for row in self.rows)


def record_id(package: OutgoingPackage) -> str:
    """The same package for the same recipients always has the same id."""
    parts = (package.kind.value, package.sha256, package.sender_code, *package.receiver_codes)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


class Spool:
    """Everything is read from and written to the folder at once; nothing is remembered between calls."""

    def __init__(self, folder: Path) -> None:
        self._packages = folder / "packages"
        self._open = {kind: folder / "open" / kind.value for kind in MessageKind}
        self._closed = folder / "closed"
        self._lock = folder / "lock"
        self._thread_lock = threading.Lock()
        for made in (self._packages, self._closed, *self._open.values()):
            made.mkdir(parents=True, exist_ok=True)

    def keep(self, record: Record, source: Path) -> None:
        """Store bytes and record; a record that is already there stays as it is. Raises OSError."""
        with self._locked():
            if self.read(record.id) is None:
                self._keep_bytes(record, source)
                _write_durably(self._open_path(record), _printed(record))

    def _keep_bytes(self, record: Record, source: Path) -> None:
        target = self._packages / f"{record.sha256}.edxml"
        if target.exists():
            return
        partial = target.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        try:  # the same bytes of the node's file store, without using space twice
            os.link(source, partial)
        except OSError:
            shutil.copyfile(source, partial)
        _sync(partial)
        partial.replace(target)
        _sync(self._packages)

    def read(self, record: str) -> Record | None:
        """Open or closed; None when there is none. A record only ever moves from open to closed."""
        for path in (*self._open_paths(record), self._closed_path(record)):
            with contextlib.suppress(FileNotFoundError):
                return _parsed(path.read_bytes())
        return None

    def open_records(self, kind: MessageKind) -> list[Record]:
        found = []
        for path in self._open[kind].glob("*.json"):
            with contextlib.suppress(FileNotFoundError):  # closed by another process meanwhile
                found.append(_parsed(path.read_bytes()))
        return found

    def copy_package(self, receiver_doc_id: str, into: Path) -> int:
        """Copy the bytes into the new file ``into``; their number. Raises AxisError."""
        record = self._record_of(receiver_doc_id)
        try:
            with (self._packages / f"{record.sha256}.edxml").open("rb") as source, into.open("xb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
        except OSError as error:
            raise AxisError("AXIS_DISK", f"Không đọc hoặc ghi được gói tin: {error.strerror}.", blame="ours") from error
        return record.size

    def mark(self, receiver_doc_id: str, status: str, now: datetime) -> None:
        """Set one recipient's transport state unless it is DONE. Raises AxisError."""
        with self._locked():
            record = self._record_of(receiver_doc_id)
            changed = tuple(
                replace(row, status=status, updated=now.isoformat())
                if row.receiver_doc_id == receiver_doc_id and row.status != DONE
                else row
                for row in record.rows
            )
            record_now = replace(record, rows=changed)
            if record_now != record:
                _write_durably(self._open_path(record_now), _printed(record_now))
            if record_now.finished:
                self._close(record_now)

    def _close(self, record: Record) -> None:
        """Move a finished record away; one that a crash left open is met here again."""
        path = self._open_path(record)
        closed = self._closed_path(record.id)
        if not closed.parent.exists():
            closed.parent.mkdir(exist_ok=True)
            _sync(self._closed)
        with contextlib.suppress(FileNotFoundError):  # closed before
            path.replace(closed)
            _sync(closed.parent)
            _sync(path.parent)

    def _open_path(self, record: Record) -> Path:
        return self._open[record.kind] / f"{record.id}.json"

    def _record_of(self, receiver_doc_id: str) -> Record:
        record = self.read(receiver_doc_id.partition("-")[0]) if _plain(receiver_doc_id) else None
        if record is None or all(row.receiver_doc_id != receiver_doc_id for row in record.rows):
            raise AxisError(
                "AXIS_NOT_FOUND", f"Không có gói tin {receiver_doc_id[:64]}.", blame="peer", transient=False
            )
        return record

    def _open_paths(self, record: str) -> Iterator[Path]:
        return (folder / f"{record}.json" for folder in self._open.values())

    def _closed_path(self, record: str) -> Path:
        return self._closed / record[:2] / f"{record}.json"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with self._thread_lock, self._lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _plain(text: str) -> bool:
    return text.isascii() and text.replace("-", "").isalnum()


def _printed(record: Record) -> bytes:
    value = asdict(record) | {"kind": record.kind.value, "sent_at": record.sent_at.isoformat()}
    return json.dumps(value, ensure_ascii=False).encode()


def _parsed(text: bytes) -> Record:
    value = json.loads(text)
    return Record(
        **{
            **value,
            "kind": MessageKind(value["kind"]),
            "sent_at": datetime.fromisoformat(value["sent_at"]),
            "rows": tuple(Row(**row) for row in value["rows"]),
        }
    )


def _write_durably(path: Path, content: bytes) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
