"""What the process of one token does: list, open with a PIN, run a job with the opened key, close."""

from __future__ import annotations

import importlib
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .opened_key import TRIAL_PREFIX, KeyHolder, KeyWish, OpenedKey
from .pkcs12_key import TrialHolder
from .token_holder import TokenHolder
from .token_json import encoded, info_to_json
from .tokens import TokenError

Job = Callable[[dict[str, Any], OpenedKey], dict[str, Any]]


@dataclass(slots=True, kw_only=True)
class TokenService:
    """State of one token process: its jobs, and the keys opened under their handles."""

    holder: KeyHolder
    jobs: dict[str, Job]
    _keys: dict[str, OpenedKey] = field(default_factory=dict)

    @classmethod
    def of(cls, module: str, jobs: list[str]) -> TokenService:
        holder = TrialHolder(module=module) if module.startswith(TRIAL_PREFIX) else TokenHolder(module=module)
        return cls(holder=holder, jobs=dict(_resolve(spec) for spec in jobs))

    def answer(self, request: dict[str, Any], pin: bytearray) -> dict[str, Any]:
        """One request of ``token_process.py``. Raises SigningError."""
        match request["do"]:
            case "list":
                return {"tokens": [info_to_json(token) for token in self.holder.tokens()]}
            case "open":
                return self._open(request, pin)
            case "run":
                return self.jobs[request["job"]](request["value"], self._key(request["handle"]))
            case "look":
                self._key(request["handle"])
                self.holder.look()
                return {}
            case _:
                self._keys.pop(request["handle"], None)
                if not self._keys:
                    self.holder.leave()
                return {}

    def close_all(self) -> None:
        self._keys.clear()
        self.holder.leave()

    def _open(self, request: dict[str, Any], pin: bytearray) -> dict[str, Any]:
        given = request["certificate"]
        wish = KeyWish(
            certificate_sha256=request["certificate_sha256"],
            label=request["label"],
            certificate=None if given is None else b64decode(given),
            chain=tuple(b64decode(der) for der in request["chain"]),
        )
        key = self._keys[request["handle"]] = self.holder.open(request["serial"], pin, wish)
        return {
            "certificate": encoded(key.certificate.dump()),
            "chain": [encoded(c.dump()) for c in key.chain],
            "trial": key.trial,
        }

    def _key(self, handle: str) -> OpenedKey:
        if handle not in self._keys:
            raise TokenError("SIG_TOKEN_HANDLE_UNKNOWN", handle)
        return self._keys[handle]


def _resolve(spec: str) -> tuple[str, Job]:
    name, _, target = spec.partition("=")
    module, _, function = target.partition(":")
    return name, getattr(importlib.import_module(module), function)
