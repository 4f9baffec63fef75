"""The files of a trust store that the node writes: lists, what earlier lists said, OCSP answers, the ledger.

Blocking; every file appears whole, by renaming. The folders of roots and sub-CAs are the operator's and never touched.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...signing.past_revocations import merge_past


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    store: Path  # <trust folder>/<name of the store>

    def incoming(self, content: bytes, *, token: str) -> Path:
        """Put fetched bytes where no verification looks yet."""
        return self._write(self.store / "incoming" / token, content)

    def place_list(self, incoming: Path, place: str, past: list[dict[str, Any]]) -> None:
        """The past first: between the two steps a suspension is known twice, never not at all."""
        if past:
            file = self.store / "past" / f"{place}.json"
            before = file.read_bytes() if file.is_file() else None
            self._write(file, merge_past(before, past))
        self._move(incoming, self.store / "crls" / f"{place}.crl")

    def place_answer(self, incoming: Path, certificate: str) -> None:
        self._move(incoming, self.store / "ocsp" / f"{certificate}.ocsp")

    def remove_answer(self, certificate: str) -> None:
        (self.store / "ocsp" / f"{certificate}.ocsp").unlink(missing_ok=True)

    def read_ledger(self) -> bytes:
        file = self.store / "ledger.json"
        return file.read_bytes() if file.is_file() else b"[]"

    def write_ledger(self, content: bytes) -> None:
        self._write(self.store / "ledger.json", content)

    def _write(self, file: Path, content: bytes) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        waiting = self.store / "incoming"
        waiting.mkdir(exist_ok=True)
        temporary = waiting / f".{file.name}.{os.getpid()}"
        temporary.write_bytes(content)
        temporary.replace(file)
        return file

    def _move(self, incoming: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        incoming.replace(target)
