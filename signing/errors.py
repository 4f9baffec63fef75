"""The one exception family of signing/: what cannot be verified, signed or loaded at all.

An unfavourable verdict is a value of ``report.py``, never an exception.
"""

from __future__ import annotations

from typing import Literal

Blame = Literal["ours", "document", "peer", "network"]


class SigningError(Exception):
    """``code`` is stable and stands in the error catalogue; ``message`` is Vietnamese."""

    def __init__(self, code: str, message: str, *, blame: Blame = "ours", transient: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.blame: Blame = blame
        self.transient = transient
