"""Reading a package for a check: tolerantly, its envelope's own signature judged, and against the strict schema."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...edxml.findings import Finding
from ...edxml.limits import Limits
from ...edxml.reader import Reading, read_package
from ...edxml.validation import validate
from ...signing.envelope_keys import value_holds
from ..envelope_sections import EnvelopePeer
from ..envelopes import judged


def read_for_check(
    path: Path, into: Path, *, limits: Limits, peers: Sequence[EnvelopePeer]
) -> tuple[Reading, tuple[Finding, ...]]:
    """The reading and what the strict schema says. Raises EdxmlError as ``read_package`` does."""
    reading = read_package(path, into, limits=limits, valid=value_holds)
    return judged(reading, peers), validate(path, limits=limits)
