"""Attachment contents as they stream by: base64 decoded, hashed and written, a window at a time."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import pybase64

from .content_types import ZIP_MAGIC
from .limits import Limits
from .source import too_much
from .tree import Element

_NO_FILE = "not-kept"
_BLANKS = (b" ", b"\t", b"\r", b"\n")
_ALL_BLANKS = b"".join(_BLANKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """Bytes in a file under a name of ours, with their first bytes."""

    path: Path
    size: int
    sha256: str
    head: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """One attachment as it was carried; ``intact`` is false when the base64 is damaged."""

    file: StoredFile | None  # None when contents are only checked
    size: int
    head: bytes
    intact: bool
    one_line: bool


class Base64Decoder:
    """Decodes pieces of base64. Line breaks are tolerated and remembered, missing padding is not damage."""

    def __init__(self) -> None:
        self.intact = True
        self.one_line = True
        self._carry = b""
        self._ended = False

    def feed(self, text: str) -> bytes:
        """The bytes that became complete; nothing any more once the text is damaged."""
        try:
            raw = text.encode("ascii")
        except UnicodeEncodeError:
            self.intact = False
        if not self.intact:
            return b""
        packed = raw
        if any(blank in raw for blank in _BLANKS):  # four searches cost a tenth of one translation
            packed, self.one_line = raw.translate(None, _ALL_BLANKS), False
        joined = self._carry + packed if self._carry else packed
        whole = len(joined) - len(joined) % 4
        self._carry = joined[whole:]
        return self._decode(joined[:whole])

    def finish(self) -> bytes:
        """The rest, padded."""
        rest, self._carry = self._carry, b""
        return self._decode(rest + b"=" * (-len(rest) % 4)) if rest else b""

    def _decode(self, quads: bytes) -> bytes:
        if not quads:
            return b""
        try:
            data = pybase64.b64decode(quads, validate=True) if not self._ended else None
        except ValueError:
            data = None
        if data is None:
            self.intact = False
            return b""
        self._ended = quads.endswith(b"=")
        return data


@dataclass(slots=True)
class _Open:
    content: Element
    decoder: Base64Decoder
    file: BinaryIO | None
    path: Path | None
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    size: int = 0
    head: bytes = b""
    undecided: bytes | None = None  # bytes that came before it is known whether they are kept


class DecodedContents:
    """A content sink: into a folder, under names of our own, or (``into`` None) only checked and hashed.

    ``only_packed``: only what may have to be unpacked is written, the rest is hashed under the name of no file.
    Leaving it after a failure removes every file that it wrote.
    """

    def __init__(self, into: Path | None, limits: Limits, head: int, *, only_packed: bool = False) -> None:
        self._into = into
        self._only_packed = only_packed
        self._limits = limits
        self._head = head
        self._open: _Open | None = None
        self._decoded: dict[int, Decoded] = {}
        self.paths: list[Path] = []

    def of(self, content: Element) -> Decoded | None:
        """What was decoded from this element."""
        return self._decoded.get(id(content))

    def carried_sha256(self, content: Element) -> str | None:
        """Lower-case hex of the decoded bytes as they were carried; None when they are damaged or not there."""
        decoded = self._decoded.get(id(content))
        return decoded.file.sha256 if decoded is not None and decoded.intact and decoded.file is not None else None

    def begin(self, content: Element) -> None:
        self._open = _Open(content, Base64Decoder(), None, None)
        if self._into is not None and self._only_packed:
            self._open.undecided, self._open.path = b"", self._into / _NO_FILE
        elif self._into is not None:
            self._make_file(self._open, self._into)

    def _make_file(self, to: _Open, folder: Path) -> None:
        # The name never comes from the package (zip slip, device names, overwriting).
        handle, name = tempfile.mkstemp(prefix="attachment-", suffix=".bin", dir=folder)
        to.file, to.path = open(handle, "wb"), Path(name)  # noqa: PTH123, SIM115
        self.paths.append(to.path)

    def feed(self, text: str) -> None:
        if self._open is not None:
            self._take(self._open, self._open.decoder.feed(text))

    def end(self) -> None:
        if self._open is None:
            return
        done = self._open
        self._take(done, done.decoder.finish())
        self.close()
        self._decoded[id(done.content)] = Decoded(
            file=_stored(done),
            size=done.size,
            head=done.head,
            intact=done.decoder.intact,
            one_line=done.decoder.one_line,
        )

    def close(self) -> None:
        """Close what is open, also after a failure."""
        if self._open is not None and self._open.file is not None:
            self._open.file.close()
        self._open = None

    def adopt(self, file: StoredFile) -> None:
        """Take over a file that was made from a content."""
        if file.path not in self.paths:
            self.paths.append(file.path)

    def keep(self, wanted: set[Path]) -> None:
        """Remove the files that no attachment uses, such as those of damaged contents."""
        for path in self.paths:
            if path not in wanted:
                path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        failed: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        if failed is not None:
            self.keep(set())

    def _take(self, to: _Open, data: bytes) -> None:
        to.size += len(data)
        if to.size > self._limits.attachment_bytes:
            raise too_much("kích thước một tệp đính kèm", self._limits.attachment_bytes)
        if len(to.head) < self._head:
            to.head += data[: self._head - len(to.head)]
        to.digest.update(data)
        if to.undecided is not None:
            data = self._decide(to, to.undecided + data)
        if to.file is not None:
            to.file.write(data)

    def _decide(self, to: _Open, begun: bytes) -> bytes:
        """Keep what begins like a ZIP; the bytes that are to be written now."""
        to.undecided = None if len(begun) >= len(ZIP_MAGIC) else begun
        if begun.startswith(ZIP_MAGIC) and self._into is not None:
            self._make_file(to, self._into)
        return begun


def _stored(done: _Open) -> StoredFile | None:
    if done.path is None:
        return None
    return StoredFile(path=done.path, size=done.size, sha256=done.digest.hexdigest(), head=done.head)
