"""The few Cryptoki calls python-pkcs11 lacks, through the module's own function list: locking, PIN, token flags.

python-pkcs11 tells the module that this program has one thread and then calls it from several; SoftHSM dies of it
(platform.md 6.2). ``initialise_for_threads`` says it again, truly. Structures follow PKCS#11 2.40, sections 3 and 5.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any, Final

from .tokens import PinState, TokenError

CKF_OS_LOCKING_OK: Final = 2
CKR_OK: Final = 0
CKR_CANT_LOCK: Final = 0x0A
CKU_USER: Final = 1

CKF_USER_PIN_INITIALIZED: Final = 0x0008
CKF_TOKEN_INITIALIZED: Final = 0x0400
CKF_USER_PIN_COUNT_LOW: Final = 0x10000
CKF_USER_PIN_FINAL_TRY: Final = 0x20000
CKF_USER_PIN_LOCKED: Final = 0x40000

_PACK: Final = 1 if sys.platform == "win32" else 0  # PKCS#11 2.40, section 2.1: packed on Windows only
_ULONG = ctypes.c_ulong


class _InitialiseArguments(ctypes.Structure):
    if _PACK:
        _pack_ = _PACK
    _fields_ = (
        ("create_mutex", ctypes.c_void_p),
        ("destroy_mutex", ctypes.c_void_p),
        ("lock_mutex", ctypes.c_void_p),
        ("unlock_mutex", ctypes.c_void_p),
        ("flags", _ULONG),
        ("reserved", ctypes.c_void_p),
    )


class RawTokenInfo(ctypes.Structure):
    """CK_TOKEN_INFO."""

    if _PACK:
        _pack_ = _PACK
    _fields_ = (
        ("label", ctypes.c_char * 32),
        ("manufacturer", ctypes.c_char * 32),
        ("model", ctypes.c_char * 16),
        ("serial", ctypes.c_char * 16),
        ("flags", _ULONG),
        ("max_sessions", _ULONG),
        ("sessions", _ULONG),
        ("max_rw_sessions", _ULONG),
        ("rw_sessions", _ULONG),
        ("pin_max", _ULONG),
        ("pin_min", _ULONG),
        ("memory", _ULONG * 4),
        ("hardware_version", ctypes.c_ubyte * 2),
        ("firmware_version", ctypes.c_ubyte * 2),
        ("utc_time", ctypes.c_char * 16),
    )


class _FunctionList(ctypes.Structure):
    """The head of CK_FUNCTION_LIST: the version and the functions up to C_Logout, in the standard's order."""

    if _PACK:
        _pack_ = _PACK
    _fields_ = (("version", ctypes.c_ubyte * 2), ("functions", ctypes.c_void_p * 20))


class _SessionInfo(ctypes.Structure):
    """CK_SESSION_INFO."""

    if _PACK:
        _pack_ = _PACK
    _fields_ = (("slot", _ULONG), ("state", _ULONG), ("flags", _ULONG), ("device_error", _ULONG))


# Places in the list (PKCS#11 2.40, pkcs11f.h).
_INITIALIZE, _FINALIZE, _GET_TOKEN_INFO, _CLOSE_ALL_SESSIONS, _GET_SESSION_INFO, _LOGIN, _LOGOUT = (
    0,
    1,
    6,
    14,
    15,
    18,
    19,
)
_LOGGED_IN: Final = frozenset({1, 3})  # CKS_RO_USER_FUNCTIONS, CKS_RW_USER_FUNCTIONS


class Cryptoki:
    """One loaded module's own functions. Owns nothing: the library handle is python-pkcs11's as well."""

    def __init__(self, path: str) -> None:
        try:
            get_list = ctypes.CDLL(path).C_GetFunctionList
        except (OSError, AttributeError) as cause:
            raise TokenError("SIG_TOKEN_MODULE_UNREADABLE", path) from cause
        found = ctypes.POINTER(_FunctionList)()
        get_list.restype = _ULONG
        if get_list(ctypes.byref(found)) != CKR_OK or not found:
            raise TokenError("SIG_TOKEN_MODULE_BROKEN", path)
        pointers = found.contents.functions
        void, number = ctypes.c_void_p, _ULONG
        self._initialise = _function(pointers[_INITIALIZE], void)
        self._finalise = _function(pointers[_FINALIZE], void)
        self._token_info = _function(pointers[_GET_TOKEN_INFO], number, void)
        self._close_all = _function(pointers[_CLOSE_ALL_SESSIONS], number)
        self._session_info = _function(pointers[_GET_SESSION_INFO], number, void)
        self._login = _function(pointers[_LOGIN], number, number, void, number)
        self._logout = _function(pointers[_LOGOUT], number)

    def initialise_for_threads(self) -> bool:
        """Initialise anew with operating system locks; ``False``: the module cannot lock and must be called serially.

        To be called once, before any slot or session of the module is touched (platform.md 6.3).
        """
        if self._finalise(None) != CKR_OK:
            return False
        wanted = _InitialiseArguments(flags=CKF_OS_LOCKING_OK)
        answer = self._initialise(ctypes.addressof(wanted))
        if answer == CKR_OK:
            return True
        if answer == CKR_CANT_LOCK:
            answer = self._initialise(None)
        if answer != CKR_OK:
            raise TokenError("SIG_TOKEN_MODULE_BROKEN", f"C_Initialize: {answer:#x}")
        return False

    def token_info(self, slot: int) -> RawTokenInfo | int:
        """Flags and PIN bounds of the token in the slot as they are now, or the CKR value of the refusal."""
        found = RawTokenInfo()
        answer: int = self._token_info(slot, ctypes.addressof(found))
        return found if answer == CKR_OK else answer

    def login(self, session: int, pin: bytearray) -> int:
        """Give the PIN to the token, once; CKR value."""
        buffer = (ctypes.c_char * len(pin)).from_buffer(pin) if pin else None
        answer: int = self._login(session, CKU_USER, None if buffer is None else ctypes.addressof(buffer), len(pin))
        return answer

    def logged_in(self, session: int) -> bool:
        """Whether the session is there and its holder's login stands."""
        found = _SessionInfo()
        answer: int = self._session_info(session, ctypes.addressof(found))
        return answer == CKR_OK and found.state in _LOGGED_IN

    def logout(self, session: int) -> int:
        answer: int = self._logout(session)
        return answer

    def close_all_sessions(self, slot: int) -> int:
        answer: int = self._close_all(slot)
        return answer


def pin_state(flags: int) -> PinState:
    """The worst that the flags say. Some tokens never set a counter flag; then OK means "not known"."""
    if not flags & CKF_USER_PIN_INITIALIZED:
        return PinState.UNSET
    if flags & CKF_USER_PIN_LOCKED:
        return PinState.LOCKED
    if flags & CKF_USER_PIN_FINAL_TRY:
        return PinState.FINAL_TRY
    return PinState.LOW if flags & CKF_USER_PIN_COUNT_LOW else PinState.OK


def _function(pointer: int | None, *arguments: Any) -> Any:
    if not pointer:
        raise TokenError("SIG_TOKEN_MODULE_BROKEN", "C_GetFunctionList")
    return ctypes.CFUNCTYPE(_ULONG, *arguments)(pointer)
