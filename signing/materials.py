"""What a verdict stands on, as values that leave the worker: certificates, timestamps, the revocation data used.

The parent keeps them as evidence (TT41 Điều 9.1) and asks the addresses in the certificates for revocation data; it
never parses them itself.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from asn1crypto import x509

CERTIFICATES_KEPT: Final = 512
MAX_ADDRESSES: Final = 4
MAX_ADDRESS: Final = 512
CERTIFICATE, TIMESTAMP, LIST, PAST, ANSWER = "certificate", "timestamp", "list", "past", "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """``content`` (base64 of DER) stands for what the file brought; the store's own things are named by digest."""

    kind: str
    sha256: str
    content: str | None = None
    holder: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    authority: bool = False  # a CA certificate
    trusted: bool = False  # belongs to a signature whose path leads to the store
    lists: tuple[str, ...] = ()  # addresses of revocation lists, as the certificate says
    responders: tuple[str, ...] = ()  # addresses of OCSP responders


@lru_cache(maxsize=CERTIFICATES_KEPT)  # certificate_memory.py hands out the same object for the same bytes
def certificate_material(certificate: x509.Certificate, *, trusted: bool) -> Material:
    names: dict[str, object] = certificate.subject.native
    return Material(
        kind=CERTIFICATE,
        sha256=certificate.sha256.hex(),
        content=base64.b64encode(certificate.dump()).decode(),
        holder=str(names.get("common_name") or certificate.subject.human_friendly),
        valid_from=certificate.not_valid_before,
        valid_to=certificate.not_valid_after,
        authority=bool(certificate.ca),
        trusted=trusted,
        **_addresses(certificate),
    )


def _addresses(certificate: x509.Certificate) -> dict[str, tuple[str, ...]]:
    """Where revocation data of a certificate stand; none when its extensions cannot be read."""
    try:
        lists = _bounded(_points(certificate.crl_distribution_points))
        return {"lists": tuple(lists), "responders": tuple(_bounded(certificate.ocsp_urls))}
    except (ValueError, TypeError, KeyError):
        return {}


def _points(points: Iterable[Any]) -> Iterator[str]:
    for point in points:
        if point["crl_issuer"].native:  # a list of somebody else's: indirect, not for us
            continue
        name = point["distribution_point"]
        if name.name == "full_name":
            for place in name.chosen:
                if place.name == "uniform_resource_identifier":
                    yield place.native


def _bounded(addresses: Iterable[str]) -> list[str]:
    wanted = (a for a in addresses if a.startswith(("http://", "https://")) and len(a) <= MAX_ADDRESS)
    return list(dict.fromkeys(wanted))[:MAX_ADDRESSES]


def timestamp_material(content: bytes) -> Material:
    return Material(
        kind=TIMESTAMP, sha256=hashlib.sha256(content).hexdigest(), content=base64.b64encode(content).decode()
    )


def material_to_json(material: Material) -> dict[str, Any]:
    return {
        "kind": material.kind,
        "sha256": material.sha256,
        "content": material.content,
        "holder": material.holder,
        "valid_from": material.valid_from.isoformat() if material.valid_from else None,
        "valid_to": material.valid_to.isoformat() if material.valid_to else None,
        "authority": material.authority,
        "trusted": material.trusted,
        "lists": list(material.lists),
        "responders": list(material.responders),
    }


def material_from_json(value: dict[str, Any]) -> Material:
    return Material(
        **{
            **value,
            "valid_from": datetime.fromisoformat(value["valid_from"]) if value["valid_from"] else None,
            "valid_to": datetime.fromisoformat(value["valid_to"]) if value["valid_to"] else None,
            "lists": tuple(value["lists"]),
            "responders": tuple(value["responders"]),
        }
    )
