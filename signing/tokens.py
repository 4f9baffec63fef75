"""What the house knows about tokens: their values, the state of a PIN, and the errors a token can end with.

Knows no PKCS#11 library and opens nothing, so that every process may import it. ``pkcs11.py`` fills the values in,
``token_desk.py`` carries them between processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .errors import Blame, SigningError


class PinState(StrEnum):
    """What the flags of C_GetTokenInfo say about the holder's PIN (PKCS#11 2.40, table 6)."""

    OK = "ok"
    LOW = "low"  # at least one wrong PIN since the last right one
    FINAL_TRY = "final_try"  # one more wrong PIN locks the token
    LOCKED = "locked"
    UNSET = "unset"

    @property
    def tries_left(self) -> str:
        """How many tries remain, in Vietnamese, as far as flags can tell."""
        return TRIES_LEFT[self]

    @property
    def words(self) -> str:
        return STATE_WORDS[self]


TRIES_LEFT: Final = {
    PinState.OK: "số lần thử còn lại không rõ",
    PinState.LOW: "còn ít nhất 2 lần thử",
    PinState.FINAL_TRY: "còn đúng 1 lần thử",
    PinState.LOCKED: "không còn lần thử nào",
    PinState.UNSET: "chưa đặt mã PIN",
}
STATE_WORDS: Final = {
    PinState.OK: "bình thường",
    PinState.LOW: "đã nhập sai",
    PinState.FINAL_TRY: "lần thử cuối",
    PinState.LOCKED: "đã khóa",
    PinState.UNSET: "chưa đặt",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAddress:
    """Where a key lives: the PKCS#11 module's path (or ``pkcs12:PATH``, trial only) and the token's serial number."""

    module: str
    serial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKey:
    """One key pair seen on a token. ``certificate``: DER, ``None`` when the token shows none that can be read."""

    label: str
    key_id: str  # CKA_ID, hexadecimal
    algorithm: str  # "rsa" or "ec"
    bits: int
    certificate: bytes | None = None
    sha256: str | None = None  # of the certificate, lower case hexadecimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenInfo:
    """One token in one slot, as found now. ``keys`` without login: what its public objects show."""

    module: str
    slot: int
    label: str
    serial: str
    manufacturer: str
    model: str
    pin: PinState
    pin_min: int  # bytes
    pin_max: int
    keys: tuple[TokenKey, ...] = ()
    chain: tuple[bytes, ...] = ()  # CA certificates stored on the token, DER
    mechanisms: tuple[str, ...] = ()

    @property
    def address(self) -> TokenAddress:
        return TokenAddress(module=self.module, serial=self.serial)


class TokenError(SigningError):
    """What a token refused or could not do. ``detail`` never holds a PIN. ``pin``: state after it, if known."""

    def __init__(self, code: str, detail: str = "", *, pin: PinState | None = None, message: str | None = None) -> None:
        blame: Blame = "peer" if code.startswith("SIG_PIN_") else "ours"
        text = message or MESSAGES[code].format(detail=detail or "không rõ")
        super().__init__(code, text, blame=blame, transient=code in TRANSIENT)
        self.detail = detail
        self.pin = pin


# A person does something (plugs the token in, enters the PIN again, waits) and the same call may work.
TRANSIENT: Final = frozenset(
    {"SIG_TOKEN_ABSENT", "SIG_TOKEN_SESSION_LOST", "SIG_TOKEN_HUNG", "SIG_TOKEN_PROCESS_DIED", "SIG_TOKEN_BUSY"}
)

MESSAGES: Final = {
    "SIG_TOKEN_MODULE_UNREADABLE": "Không nạp được mô-đun PKCS#11 {detail}.",
    "SIG_TOKEN_MODULE_BROKEN": "Mô-đun PKCS#11 không khởi động được ({detail}).",
    "SIG_TOKEN_MODULE_NOT_LISTED": "Mô-đun PKCS#11 {detail} không có trong danh sách của người vận hành.",
    "SIG_TOKEN_ABSENT": "Không thấy thiết bị ký số có số sê-ri {detail}; xin cắm lại thiết bị rồi mở phiên ký mới.",
    "SIG_TOKEN_SESSION_LOST": "Phiên làm việc với thiết bị ký số đã mất ({detail}); xin nhập lại mã PIN.",
    "SIG_TOKEN_HUNG": "Thiết bị ký số không trả lời trong {detail}; tiến trình của thiết bị đã được dừng.",
    "SIG_TOKEN_PROCESS_DIED": "Tiến trình của thiết bị ký số dừng đột ngột; xin mở phiên ký mới.",
    "SIG_TOKEN_IN_USE": "Thiết bị ký số đang được dùng trong phiên khác ({detail}).",
    "SIG_TOKEN_BUSY": "Thiết bị ký số có quá nhiều việc đang chờ ({detail}).",
    "SIG_TOKEN_KEY_MISSING": "Thiết bị không có khóa bí mật ứng với chứng thư đã chọn ({detail}).",
    "SIG_TOKEN_KEY_UNSUITABLE": "Khóa trên thiết bị không dùng để ký được ({detail}).",
    "SIG_TOKEN_CERTIFICATE_MISSING": "Thiết bị không cho đọc chứng thư của khóa {detail}; xin nạp chứng thư từ tệp.",
    "SIG_TOKEN_CERTIFICATE_MISMATCH": "Chứng thư không phải của khóa trên thiết bị ({detail}).",
    "SIG_TOKEN_HANDLE_UNKNOWN": "Phiên ký trên thiết bị không còn hoặc chưa từng mở ({detail}).",
    "SIG_TOKEN_FAILED": "Thiết bị ký số báo lỗi ({detail}).",
    "SIG_PIN_WRONG": "Sai mã PIN; {detail}.",
    "SIG_PIN_FINAL_TRY": "Chỉ còn đúng một lần nhập mã PIN nên nút không thử; xin dùng phần mềm của thiết bị đăng nhập "
    "đúng một lần rồi quay lại.",
    "SIG_PIN_LOCKED": "Mã PIN của thiết bị đã bị khóa; xin liên hệ đơn vị cấp thiết bị để mở khóa.",
    "SIG_PIN_UNSET": "Thiết bị chưa được đặt mã PIN.",
    "SIG_PIN_LENGTH": "Mã PIN phải dài {detail}; chưa thử mã nào.",
    "SIG_PIN_EXPIRED": "Mã PIN đã hết hạn; xin đổi mã PIN bằng phần mềm của thiết bị.",
    "SIG_KEY_TRIAL_ONLY": "Khóa trong tệp PKCS#12 chỉ dùng để thử, không có giá trị ký văn bản ({detail}).",
}
