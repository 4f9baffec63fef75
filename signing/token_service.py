"""What the process of one token does: list, open with a PIN, run a job with the opened key, close.

Several handles may be open on one token (a leader's and an agency's key behind one PIN). The first logs in; a later
one proves that it knows the same PIN against a salted digest, because a token that is logged in cannot be asked again.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib
import secrets
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from .pkcs11 import TokenSession, open_module
from .pkcs11_keys import key_of
from .token_json import encoded, info_to_json
from .tokens import TokenAddress, TokenError

if TYPE_CHECKING:
    from .keys import SigningKey  # pyHanko is heavy; the jobs that need it bring it

Job: TypeAlias = "Callable[[dict[str, Any], SigningKey], dict[str, Any]]"
WRONG_PINS: Final = 3  # of a second holder beside an open session; then only a fresh login helps


@dataclass(slots=True, kw_only=True)
class TokenService:
    """State of one token process. ``module``: the only one it loads."""

    module: str
    jobs: dict[str, Job]
    _session: TokenSession | None = None
    _salt: bytes = b""
    _proof: bytes = b""
    _wrong: int = 0
    _keys: dict[str, SigningKey] = field(default_factory=dict)

    @classmethod
    def of(cls, module: str, jobs: list[str]) -> TokenService:
        return cls(module=module, jobs=dict(_resolve(spec) for spec in jobs))

    def answer(self, request: dict[str, Any], pin: bytearray) -> dict[str, Any]:
        match request["do"]:
            case "list":
                return {"tokens": [info_to_json(token) for token in open_module(self.module).tokens()]}
            case "open":
                return self._open(request, pin)
            case "run":
                return self.jobs[request["job"]](request["value"], self._key(request["handle"]))
            case _:
                self._keys.pop(request["handle"], None)
                if not self._keys:
                    self.close_all()
                return {}

    def close_all(self) -> None:
        self._keys.clear()
        if self._session is not None:
            self._session.logout()
            self._session = None

    def _open(self, request: dict[str, Any], pin: bytearray) -> dict[str, Any]:
        session = self._session or self._login(request["serial"], pin)
        if self._session is not None:
            self._refuse_stranger(pin)
        else:
            self._salt = secrets.token_bytes(16)
            self._proof, self._wrong = _digest(pin, self._salt), 0
        given = request.get("certificate")
        try:
            key = key_of(
                session,
                certificate_sha256=request.get("certificate_sha256"),
                label=request.get("label"),
                certificate=None if given is None else b64decode(given),
                chain=tuple(b64decode(der) for der in request.get("chain", ())),
            )
        except TokenError:
            if not self._keys:
                session.logout()
                self._session = None
            raise
        self._session = session
        self._keys[request["handle"]] = key
        return {"certificate": encoded(key.certificate.dump()), "chain": [encoded(c.dump()) for c in key.chain]}

    def _login(self, serial: str, pin: bytearray) -> TokenSession:
        return open_module(self.module).login(TokenAddress(module=self.module, serial=serial), bytearray(pin))

    def _refuse_stranger(self, pin: bytearray) -> None:
        if self._wrong >= WRONG_PINS:
            raise TokenError("SIG_TOKEN_IN_USE", "sai mã PIN nhiều lần")
        if not hmac.compare_digest(self._proof, _digest(pin, self._salt)):
            self._wrong += 1
            raise TokenError(
                "SIG_PIN_WRONG", f"còn {WRONG_PINS - self._wrong} lần thử cho tới khi phiên đang mở kết thúc"
            )

    def _key(self, handle: str) -> SigningKey:
        if handle not in self._keys:
            raise TokenError("SIG_TOKEN_HANDLE_UNKNOWN", handle)
        return self._keys[handle]


def sign_bytes(value: dict[str, Any], key: Any) -> dict[str, Any]:
    """A job: the plain signature over ``data`` (base64), as external containers and XML signatures need it."""
    return {"signature": encoded(key.sign(b64decode(value["data"]), value.get("digest", "sha256")))}


def _digest(pin: bytearray, salt: bytes) -> bytes:
    return hashlib.scrypt(pin, salt=salt, n=1 << 14, r=8, p=1)


def _resolve(spec: str) -> tuple[str, Job]:
    name, _, target = spec.partition("=")
    module, _, function = target.partition(":")
    return name, getattr(importlib.import_module(module), function)
