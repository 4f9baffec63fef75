"""What a module answers, in our words: one table from CKR values and the library's exceptions to TokenError codes."""

from __future__ import annotations

from typing import Final

import pkcs11

from .tokens import PinState, TokenError

# The session, the login or the device behind it is no more; only the holder can open it again.
LOST: Final = (
    pkcs11.DeviceError,
    pkcs11.DeviceRemoved,
    pkcs11.KeyHandleInvalid,
    pkcs11.ObjectHandleInvalid,
    pkcs11.SessionClosed,
    pkcs11.SessionHandleInvalid,
    pkcs11.SlotIDInvalid,
    pkcs11.TokenNotPresent,
    pkcs11.TokenNotRecognised,
    pkcs11.UserNotLoggedIn,
)
UNSUITABLE: Final = (
    pkcs11.MechanismInvalid,
    pkcs11.MechanismParamInvalid,
    pkcs11.KeySizeRange,
    pkcs11.KeyTypeInconsistent,
)

# PKCS#11 2.40, section 5.6 (C_Login).
LOGIN: Final = {
    0x30: "SIG_TOKEN_ABSENT",  # CKR_DEVICE_ERROR
    0x32: "SIG_TOKEN_ABSENT",  # CKR_DEVICE_REMOVED
    0xA0: "SIG_PIN_WRONG",  # CKR_PIN_INCORRECT
    0xA1: "SIG_PIN_WRONG",  # CKR_PIN_INVALID: a character the token does not take
    0xA2: "SIG_PIN_WRONG",  # CKR_PIN_LEN_RANGE
    0xA3: "SIG_PIN_EXPIRED",
    0xA4: "SIG_PIN_LOCKED",
    0xB3: "SIG_TOKEN_ABSENT",  # CKR_SESSION_HANDLE_INVALID
    0xE0: "SIG_TOKEN_ABSENT",  # CKR_TOKEN_NOT_PRESENT
    0x100: "SIG_TOKEN_IN_USE",  # CKR_USER_ALREADY_LOGGED_IN: by this process
    0x102: "SIG_PIN_UNSET",
    0x104: "SIG_TOKEN_IN_USE",  # CKR_USER_ANOTHER_ALREADY_LOGGED_IN
}


def is_lost(cause: pkcs11.PKCS11Error) -> bool:
    """Whether the session is over. The bare class is what the library makes of CKR_CRYPTOKI_NOT_INITIALIZED."""
    return isinstance(cause, LOST) or type(cause) is pkcs11.PKCS11Error


def login_refusal(answer: int, state: PinState | None, serial: str) -> TokenError:
    """The error for a CKR value of C_Login; ``state``: the PIN's flags read after the try."""
    code = LOGIN.get(answer, "SIG_TOKEN_FAILED")
    if code == "SIG_PIN_WRONG" and state is PinState.LOCKED:
        code = "SIG_PIN_LOCKED"
    details = {
        "SIG_PIN_WRONG": (state or PinState.OK).tries_left,
        "SIG_TOKEN_FAILED": f"C_Login: {answer:#x}",
    }
    return TokenError(code, details.get(code, serial), pin=state)


def open_refusal(cause: pkcs11.PKCS11Error, serial: str) -> TokenError:
    return TokenError("SIG_TOKEN_ABSENT", serial) if is_lost(cause) else refusal(cause, serial)


def refusal(cause: pkcs11.PKCS11Error, place: str) -> TokenError:
    """Any other error of the library; its own text may name anything and stays out."""
    code = "SIG_TOKEN_KEY_UNSUITABLE" if isinstance(cause, UNSUITABLE) else "SIG_TOKEN_FAILED"
    return TokenError(code, f"{place}: {type(cause).__name__}")
