"""The exception family of adapters/: a call to an axis that gave no usable answer."""

from __future__ import annotations


class AxisError(Exception):
    """A read-only call (list, fetch, ack, directory) failed.

    ``code`` is stable; ``transient`` says whether the same call may succeed later. Never used to decide
    whether a document is sent again: that is read from ``SendOutcome`` alone.
    """

    def __init__(self, code: str, message: str, *, blame: str = "network", transient: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.message = message  # Vietnamese
        self.blame = blame  # ours | peer | document | network
        self.transient = transient
