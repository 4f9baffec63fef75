"""The exception family of gateway/. What a person or a system reads of it stands in the error catalogue (data)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFault:
    """One thing wrong with an input: where it is, what it is."""

    code: str
    place: str  # JSON pointer, part name, or XPath with line
    message: str  # Vietnamese


class GatewayError(Exception):
    """A rule of the node said no.

    ``code`` is stable and stands in schemas/errors/catalogue.yaml, which gives the HTTP status, who is to blame and
    what to do. ``message`` is the Vietnamese sentence of this occurrence.
    """

    transient = False

    def __init__(
        self,
        code: str,
        message: str,
        *,
        faults: Sequence[InputFault] = (),
        retry_after: int | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.faults = tuple(faults)
        self.retry_after = retry_after  # seconds
        self.extra = dict(extra or {})
