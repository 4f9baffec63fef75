"""The emulator's folder: packages as they were sent, as they are delivered, and bodies being received."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ...edxml.identifiers import OrganCode
from ...edxml.transit import add_trace
from .journal import sync_file, sync_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    data: Path

    @property
    def journal(self) -> Path:
        return self.data / "journal.jsonl"

    @property
    def incoming(self) -> Path:
        return self.data / "incoming"

    @property
    def packages(self) -> Path:
        return self.data / "packages"

    @property
    def delivered(self) -> Path:
        return self.data / "delivered"

    def prepare(self) -> None:
        """Make the folders; bodies of a killed run were never acknowledged and go."""
        for folder in (self.incoming, self.packages, self.delivered):
            folder.mkdir(parents=True, exist_ok=True)
        for left in self.incoming.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()

    def clear(self) -> None:
        for folder in (self.packages, self.delivered):
            for file in folder.iterdir():
                file.unlink()

    def original(self, axis_doc_id: str) -> Path:
        return self.packages / f"{axis_doc_id}.edxml"

    def keep(self, source: Path, axis_doc_id: str) -> None:
        """Move a received body among the packages, durably, before the journal names it."""
        sync_file(source)
        source.replace(self.original(axis_doc_id))
        sync_folder(self.packages)

    def deliver(self, axis_doc_id: str, *, name: str, trace: OrganCode | None, sent_at: datetime) -> Path:
        """The package as the axis delivers it, one TraceHeader richer. Made when first asked for."""
        path = self.delivered / f"{axis_doc_id}.edxml"
        if path.exists():
            return path
        partial = self.incoming / name
        with partial.open("xb") as sink:
            add_trace(self.original(axis_doc_id), sink, trace, sent_at + timedelta(seconds=1))
        partial.replace(path)
        return path
