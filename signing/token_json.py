"""Tokens between processes and in answers: JSON both ways, DER as base64."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from .tokens import PinState, TokenInfo, TokenKey


def info_to_json(token: TokenInfo) -> dict[str, Any]:
    return {
        "module": token.module,
        "slot": token.slot,
        "label": token.label,
        "serial": token.serial,
        "manufacturer": token.manufacturer,
        "model": token.model,
        "pin": token.pin.value,
        "pin_min": token.pin_min,
        "pin_max": token.pin_max,
        "keys": [key_to_json(key) for key in token.keys],
        "chain": [encoded(der) for der in token.chain],
        "mechanisms": list(token.mechanisms),
    }


def info_from_json(value: dict[str, Any]) -> TokenInfo:
    parts = {
        "pin": PinState(value["pin"]),
        "keys": tuple(key_from_json(key) for key in value["keys"]),
        "chain": tuple(b64decode(der) for der in value["chain"]),
        "mechanisms": tuple(value["mechanisms"]),
    }
    return TokenInfo(**{**value, **parts})


def key_to_json(key: TokenKey) -> dict[str, Any]:
    return {
        "label": key.label,
        "key_id": key.key_id,
        "algorithm": key.algorithm,
        "bits": key.bits,
        "certificate": None if key.certificate is None else encoded(key.certificate),
        "sha256": key.sha256,
    }


def key_from_json(value: dict[str, Any]) -> TokenKey:
    der = value["certificate"]
    return TokenKey(**{**value, "certificate": None if der is None else b64decode(der)})


def encoded(der: bytes) -> str:
    return b64encode(der).decode("ascii")
