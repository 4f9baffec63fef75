"""The login of one token process, shared by the keys opened with the same PIN.

The first key logs in; a later one (an agency's beside a leader's) proves that it knows the same PIN against a salted
digest, because a token that is logged in cannot be asked again.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from .opened_key import KeyWish
from .pkcs11 import open_module
from .pkcs11_keys import TokenSigningKey, key_of
from .pkcs11_session import TokenSession
from .tokens import TokenAddress, TokenError, TokenInfo

WRONG_PINS: Final = 3  # beside an open session; then nobody else comes in until it ends


@dataclass(slots=True, kw_only=True)
class TokenHolder:
    """``module``: the only one this process loads."""

    module: str
    _session: TokenSession | None = None
    _salt: bytes = b""
    _proof: bytes = b""
    _wrong: int = 0

    def tokens(self) -> tuple[TokenInfo, ...]:
        return open_module(self.module).tokens()

    def open(self, serial: str, pin: bytearray, wish: KeyWish) -> TokenSigningKey:
        """Raises TokenError (``pkcs11.py``, ``pkcs11_keys.py``); a login that yields no key is ended again."""
        if self._session is not None:
            self._refuse_stranger(pin)
            return _key(self._session, wish)
        address = TokenAddress(module=self.module, serial=serial)
        session = open_module(self.module).login(address, bytearray(pin))
        try:
            key = _key(session, wish)
        except TokenError:
            session.logout()
            raise
        self._session, self._salt, self._wrong = session, secrets.token_bytes(16), 0
        self._proof = _digest(pin, self._salt)
        return key

    def look(self) -> None:
        """Raises TokenError SIG_TOKEN_ABSENT, SIG_TOKEN_SESSION_LOST when nothing can be signed any more."""
        if self._session is not None:
            self._session.look()

    def leave(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.logout()

    def _refuse_stranger(self, pin: bytearray) -> None:
        if self._wrong >= WRONG_PINS:
            raise TokenError("SIG_TOKEN_IN_USE", "sai mã PIN nhiều lần")
        if not hmac.compare_digest(self._proof, _digest(pin, self._salt)):
            self._wrong += 1
            left = WRONG_PINS - self._wrong
            raise TokenError("SIG_PIN_WRONG", f"còn {left} lần thử trong lúc thiết bị đang mở ở phiên khác")


def _key(session: TokenSession, wish: KeyWish) -> TokenSigningKey:
    return key_of(
        session,
        certificate_sha256=wish.certificate_sha256,
        label=wish.label,
        certificate=wish.certificate,
        chain=wish.chain,
    )


def _digest(pin: bytearray, salt: bytes) -> bytes:
    return hashlib.scrypt(pin, salt=salt, n=1 << 14, r=8, p=1)
