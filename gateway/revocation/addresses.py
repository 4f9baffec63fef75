"""Which addresses may be asked for revocation data. Pure.

The addresses stand in certificates, and certificates in files of strangers: only hosts that the operator named are ever
asked, after his own changes of addresses (the state network knows OCSP by another name; a mirror inside it may stand in
for the public host).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """``allowed``: hosts or host:port, lower case. ``mirrors``: (beginning of an address, what takes its place)."""

    allowed: frozenset[str]
    mirrors: tuple[tuple[str, str], ...]

    def resolve(self, address: str) -> str | None:
        """The address to ask, or None when nobody allowed it."""
        for before, after in self.mirrors:
            if address.startswith(before):
                address = after + address.removeprefix(before)
                break
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError:
            return None
        host = (parts.hostname or "").lower()
        if parts.scheme not in _PORTS or not host or "@" in parts.netloc:
            return None
        usual = _PORTS[parts.scheme]
        named = {f"{host}:{port or usual}"} | ({host} if port in (None, usual) else set())
        return address if named & self.allowed else None


def addresses_of(allowed: Sequence[str], mirrors: Sequence[str]) -> Addresses:
    """From the settings: ``mirrors`` as “before => after”."""
    pairs = [mirror.partition("=>") for mirror in mirrors]
    return Addresses(
        allowed=frozenset(host.strip().lower() for host in allowed),
        mirrors=tuple((before.strip(), after.strip()) for before, _arrow, after in pairs),
    )
