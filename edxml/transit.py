"""What an axis does to a package on delivery: one more TraceHeader, serialised anew, empty elements dropped.

Byte identity is lost by it, and with it every signature over white space; attachment texts pass untouched (axis.md 6).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from . import dialects as wire
from .composing import trace_element
from .identifiers import OrganCode
from .limits import DEFAULT_LIMITS, Limits
from .model import TraceHeader
from .serialising import escape, serialise
from .stream import SkippedContents, parse
from .tree import Element


def add_trace(
    source: Path,
    sink: BinaryIO,
    organ: OrganCode | None,
    timestamp: datetime,
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> None:
    """Write ``source`` to ``sink`` as an axis delivers it; a status package gets no trace.

    ``organ`` None writes a TraceHeader without a code, as the national axis sometimes does. Raises EdxmlError.
    """
    root = parse(source, limits, SkippedContents()).root
    _keep_foreign(root)
    _append(root, trace_element(TraceHeader(organ=organ, timestamp=timestamp)))
    pieces = serialise(root)
    copy = _ContentCopy(sink, pieces)
    parse(source, limits, copy)
    copy.finish()


def _keep_foreign(element: Element) -> None:
    """Elements of other namespaces (a signature) pass as they are, empty ones too."""
    element.always = element.always or element.uri not in {None, wire.QCVN}
    for child in element.children:
        _keep_foreign(child)


class _ContentCopy:
    """A content sink that puts each content between its pieces."""

    def __init__(self, sink: BinaryIO, pieces: list[bytes]) -> None:
        self._sink = sink
        self._pieces = iter(pieces)

    def begin(self, content: Element) -> None:  # noqa: ARG002
        self._sink.write(next(self._pieces))

    def feed(self, text: str) -> None:
        self._sink.write(escape(text).encode())

    def end(self) -> None:
        pass

    def finish(self) -> None:
        for piece in self._pieces:
            self._sink.write(piece)


def _append(root: Element, trace: Element) -> None:
    for envelope in root.named(wire.ENVELOPE):
        for header in envelope.named(wire.HEADER):
            messages = header.named(wire.MESSAGE_HEADER)
            if any(True for message in messages for _status in message.named(wire.STATUS_CODE)):
                return
            traces = next(header.named(wire.TRACE_LIST), None)
            (traces or header.add(Element(name=wire.TRACE_LIST, uri=wire.QCVN))).add(trace)
            return
