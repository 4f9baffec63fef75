"""Distinguished names compared by their bytes first, and each unequal pair prepared for comparison once.

RFC 5280, section 7.1 asks for prepared strings; asn1crypto prepares both names at every comparison, and one
verification makes about a hundred of the same few names. Equal bytes are equal names, and the answer for two byte
strings never changes, so both short ways give what the original gives; a test compares them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from asn1crypto.x509 import Name

PAIRS_MAX: Final = 4096  # of some hundred bytes each; a site meets a few dozen names


def install() -> None:
    """Replace the comparison and the comparable form in this process."""
    original = Name.__eq__
    if not hasattr(original, "replaced"):
        Name.__eq__ = remembering(original)
        Name.hashable = property(remembering_form(Name.hashable.fget))


def remembering(original: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Return a comparison that equals ``original`` for every pair."""
    known: dict[tuple[bytes, bytes], bool] = {}

    def equal(self: Any, other: Any) -> bool:
        if not isinstance(other, Name):
            return False
        pair = (self.dump(), other.dump())
        if pair[0] == pair[1]:
            return True
        if pair not in known:
            if len(known) >= PAIRS_MAX:
                known.clear()
            known[pair] = original(self, other)
        return known[pair]

    equal.replaced = original  # type: ignore[attr-defined]
    return equal


def remembering_form(original: Callable[[Any], str]) -> Callable[[Any], str]:
    """Return the comparable form of a name, prepared once for each byte string."""
    known: dict[bytes, str] = {}

    def form(self: Any) -> str:
        written = self.dump()
        if written not in known:
            if len(known) >= PAIRS_MAX:
                known.clear()
            known[written] = original(self)
        return known[written]

    form.replaced = original  # type: ignore[attr-defined]
    return form
