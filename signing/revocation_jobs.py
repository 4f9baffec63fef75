"""Looking at fetched revocation data as jobs of the workers: JSON in, JSON out. What they read came over plain HTTP."""

from __future__ import annotations

import base64
from datetime import datetime
from pathlib import Path
from typing import Any

from asn1crypto import x509

from .materials import certificate_material, material_to_json
from .past_revocations import past_to_json, place_name
from .revocation import accept_list, accept_response, ask
from .trust import TrustStore, load_store


def survey_store(value: dict[str, Any]) -> dict[str, Any]:
    """The certificates and lists of a store with their terms: what the prefetcher and the expiry survey ask about.

    ``met``: certificates met in documents (base64); those of time-stamping authorities come back.
    """
    store = _store(value)
    held = [("root", c) for c in store.roots] + [("intermediate", c) for c in store.intermediates]
    return {
        "store": store.name,
        "timestampers": [one for one in value.get("met", ()) if _stamps(base64.b64decode(one))],
        "certificates": [
            {**material_to_json(certificate_material(certificate, trusted=True)), "kind": kind}
            for kind, certificate in held
        ],
        "lists": [
            {
                "place": place_name(listed),
                "sha256": listed.sha256,
                "issuer": listed.parsed.issuer.human_friendly,
                "number": listed.number,
                "this_update": listed.this_update.isoformat(),
                "next_update": listed.next_update.isoformat() if listed.next_update else None,
            }
            for listed in store.lists
        ],
    }


def _stamps(content: bytes) -> bool:
    """Whether a certificate met in a document is a time-stamping authority's."""
    purposes = x509.Certificate.load(content).extended_key_usage_value
    return purposes is not None and "time_stamping" in purposes.native


def judge_list(value: dict[str, Any]) -> dict[str, Any]:
    """Raises SigningError SIG_CRL_*."""
    content = Path(value["path"]).read_bytes()
    accepted = accept_list(content, _store(value), _now(value), chain=_chain(value))
    listed = accepted.listed
    return {
        "place": place_name(listed),
        "sha256": listed.sha256,
        "issuer": listed.parsed.issuer.human_friendly,
        "unchanged": accepted.unchanged,
        "this_update": listed.this_update.isoformat(),
        "next_update": listed.next_update.isoformat() if listed.next_update else None,
        "past": past_to_json(accepted.past),
    }


def ask_status(value: dict[str, Any]) -> dict[str, Any]:
    """Raises SigningError SIG_OCSP_ISSUER_UNKNOWN."""
    request = ask(base64.b64decode(value["certificate"]), _store(value), _chain(value))
    return {"request": base64.b64encode(request).decode()}


def judge_status(value: dict[str, Any]) -> dict[str, Any]:
    """Raises SigningError SIG_OCSP_*."""
    content = Path(value["path"]).read_bytes()
    certificate = base64.b64decode(value["certificate"])
    accepted = accept_response(content, certificate, _store(value), _now(value), chain=_chain(value))
    return {"this_update": accepted.this_update.isoformat(), "next_update": accepted.next_update.isoformat()}


def _store(value: dict[str, Any]) -> TrustStore:
    return load_store(value["trust_folder"], value["trust_store"])


def _now(value: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(value["now"])


def _chain(value: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(one) for one in value.get("chain", ())]
