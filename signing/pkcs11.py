"""PKCS#11 tokens, safely from several threads: the one place that opens a module, logs in and signs.

Rule 1: a module is opened once per process and told that there are threads; where it cannot lock, one lock serialises
every call into it. Rule 2: a PIN is tried once, never again by itself, and not at all when one wrong try would lock
the token. Rule 3: login is per process and token, so one ``TokenSession`` owns it and further sessions open without
a PIN. Rule 4: whatever breaks a session ends it for good; a new one needs the holder and the PIN again.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pkcs11

from .cryptoki import CKF_TOKEN_INITIALIZED, CKR_OK, Cryptoki, RawTokenInfo, pin_state
from .pkcs11_errors import login_refusal, open_refusal, refusal
from .pkcs11_objects import Holdings, read_holdings, signing_mechanisms
from .pkcs11_session import TokenSession
from .tokens import PinState, TokenAddress, TokenError, TokenInfo

_OPENED: Final[dict[str, Module]] = {}  # a loaded module is a fact of the whole process, not of one caller
_OPENING: Final = threading.Lock()
NO_PIN_TRIED: Final = {
    PinState.LOCKED: "SIG_PIN_LOCKED",
    PinState.FINAL_TRY: "SIG_PIN_FINAL_TRY",
    PinState.UNSET: "SIG_PIN_UNSET",
}
SEATS: Final = 4
UNBOUNDED: Final = 1 << 16  # longer than any PIN: CK_UNAVAILABLE_INFORMATION and CK_EFFECTIVELY_INFINITE


def open_module(path: str) -> Module:
    """The module at this path, opened and cured at the first call. Raises TokenError SIG_TOKEN_MODULE_*."""
    place = str(Path(path).resolve())
    with _OPENING:
        if place not in _OPENED:
            _OPENED[place] = _open(path)
        return _OPENED[place]


def _open(path: str) -> Module:
    functions = Cryptoki(path)
    try:
        library = pkcs11.lib(path)
    except pkcs11.PKCS11Error as cause:
        raise TokenError("SIG_TOKEN_MODULE_BROKEN", f"{path}: {type(cause).__name__}") from cause
    return Module(path=path, library=library, functions=functions, threads_ok=functions.initialise_for_threads())


@dataclass(slots=True, kw_only=True, eq=False)
class Module:
    """One PKCS#11 library. ``threads_ok``: it locks by itself; otherwise ``calling`` lets one thread in at a time."""

    path: str
    library: Any  # pkcs11.lib: half-typed
    functions: Cryptoki
    threads_ok: bool
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def calling(self) -> AbstractContextManager[object]:
        return nullcontext() if self.threads_ok else self._lock

    def tokens(self) -> tuple[TokenInfo, ...]:
        """Every initialised token now present, with what it shows without login."""
        with self.calling():
            found = [self._described(slot) for slot in self._slots()]
        return tuple(token for token in found if token is not None)

    def login(self, address: TokenAddress, pin: str | bytearray, *, seats: int = SEATS) -> TokenSession:
        """Open the token for its holder. The PIN is tried once, if at all; a bytearray is wiped.

        ``seats``: PKCS#11 sessions at most; more threads wait for one.

        Raises TokenError: SIG_TOKEN_ABSENT, SIG_PIN_LOCKED, SIG_PIN_FINAL_TRY, SIG_PIN_UNSET, SIG_PIN_LENGTH,
        SIG_PIN_WRONG, SIG_PIN_EXPIRED, SIG_TOKEN_IN_USE, SIG_TOKEN_FAILED.
        """
        secret = pin if isinstance(pin, bytearray) else bytearray(pin.encode())
        try:
            with self.calling():
                return self._login(address, secret, seats)
        finally:
            secret[:] = bytes(len(secret))

    def present(self, address: TokenAddress) -> bool:
        with self.calling():
            return self._slot_of(address) is not None

    def _login(self, address: TokenAddress, pin: bytearray, seats: int) -> TokenSession:
        slot = self._slot_of(address)
        if slot is None:
            raise TokenError("SIG_TOKEN_ABSENT", address.serial)
        self._refuse_hopeless(slot, address, pin)
        try:
            first: Any = slot.get_token().open()
        except pkcs11.PKCS11Error as cause:
            raise open_refusal(cause, address.serial) from cause
        answer = self.functions.login(first.handle, pin)
        if answer != CKR_OK:
            first.close()
            now = self.functions.token_info(slot.slot_id)
            raise login_refusal(answer, pin_state(now.flags) if isinstance(now, RawTokenInfo) else None, address.serial)
        return TokenSession.opened(self, slot, address, first, seats)

    def _refuse_hopeless(self, slot: pkcs11.Slot, address: TokenAddress, pin: bytearray) -> None:
        now = self.functions.token_info(slot.slot_id)
        if not isinstance(now, RawTokenInfo):
            raise TokenError("SIG_TOKEN_ABSENT", address.serial)
        state = pin_state(now.flags)
        if state in NO_PIN_TRIED:
            raise TokenError(NO_PIN_TRIED[state], pin=state)
        least, most = _pin_bounds(now)
        if not max(least, 1) <= len(pin) <= most:
            raise TokenError("SIG_PIN_LENGTH", f"từ {least} đến {most} ký tự", pin=state)

    def _slots(self) -> list[pkcs11.Slot]:
        try:
            return list(self.library.get_slots(token_present=True))
        except pkcs11.PKCS11Error as cause:
            raise refusal(cause, self.path) from cause

    def _slot_of(self, address: TokenAddress) -> pkcs11.Slot | None:
        for slot in self._slots():
            now = self.functions.token_info(slot.slot_id)
            if isinstance(now, RawTokenInfo) and _text(now.serial) == address.serial:
                return slot
        return None

    def _described(self, slot: pkcs11.Slot) -> TokenInfo | None:
        now = self.functions.token_info(slot.slot_id)
        if not isinstance(now, RawTokenInfo) or not now.flags & CKF_TOKEN_INITIALIZED:
            return None
        seen, mechanisms = self._seen(slot)
        least, most = _pin_bounds(now)
        return TokenInfo(
            module=self.path,
            slot=slot.slot_id,
            label=_text(now.label),
            serial=_text(now.serial),
            manufacturer=_text(now.manufacturer),
            model=_text(now.model),
            pin=pin_state(now.flags),
            pin_min=least,
            pin_max=most,
            keys=seen.keys(),
            chain=seen.chain,
            mechanisms=mechanisms,
        )

    def _seen(self, slot: pkcs11.Slot) -> tuple[Holdings, tuple[str, ...]]:
        try:
            session = slot.get_token().open()
            try:
                return read_holdings(session), signing_mechanisms(slot)
            finally:
                session.close()
        except pkcs11.PKCS11Error:
            return Holdings(private=(), public=(), certificates=()), ()  # listed all the same, with nothing to show


def _pin_bounds(now: RawTokenInfo) -> tuple[int, int]:
    most = int(now.pin_max)
    return (int(now.pin_min) if now.pin_min < UNBOUNDED else 0), most if 0 < most < UNBOUNDED else UNBOUNDED


def _text(value: bytes) -> str:
    return value.rstrip(b"\0 ").decode("utf-8", "replace")
