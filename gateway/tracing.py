"""W3C Trace Context (``traceparent``): one trace for all that happens to a document, from the call that brought it.

Pure; the identifiers come from the caller. The node keeps the trace of a caller and speaks in it under a span of its
own; where the caller names none, or none that is well-formed, it begins one. ``tracestate`` is not kept.
"""

from __future__ import annotations

import re
from uuid import UUID

# W3C Trace Context, section 3.2: version ff and identifiers of zeros are invalid; a later version may go on behind.
_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})"
    r"(?P<more>-.*)?",
    re.ASCII,
)
_SAMPLED = 1
_LONGEST = 200


def traceparent(given: str | None, fresh: UUID) -> str:
    """The trace that goes on: ``given`` under a new span, or a new trace. ``fresh`` has been used nowhere else."""
    span = f"{fresh.int & (1 << 64) - 1:016x}"
    found = _TRACEPARENT.fullmatch(given) if given is not None and len(given) <= _LONGEST else None
    if found is None or (found["version"] == "00" and found["more"]):
        return f"00-{fresh.hex}-{span}-{_SAMPLED:02x}"
    return f"00-{found['trace']}-{span}-{int(found['flags'], 16) & _SAMPLED:02x}"


def trace_id(parent: str) -> str:
    """What a log line names."""
    return parent.split("-")[1]
