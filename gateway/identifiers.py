"""Identifiers of our own: UUIDv7 (RFC 9562, section 5.7), shown with a prefix that says what they name.

Pure: the time and the random source are handed in. Made in Python because PostgreSQL has ``uuidv7()`` only from 18.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

RANDOM_BYTES = 10


class Noun(StrEnum):
    """The prefix of an identifier on every surface."""

    EXCHANGE = "vb"  # văn bản
    PACKAGE = "gt"  # gói tin
    DELIVERY = "nn"  # nơi nhận
    HOLD = "tg"  # tạm giữ
    FILE = "tt"  # tệp tin
    MESSAGE = "td"  # thông điệp
    SIGNING_CASE = "hs"  # hồ sơ ký
    SIGNING_SESSION = "ph"  # phiên ký


class IdentifierError(Exception):
    """The text is no identifier of the expected kind."""

    code = "IDENTIFIER_MALFORMED"
    blame = "peer"
    transient = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def uuid7(now_ms: int, rand: bytes) -> UUID:
    """UUIDv7 of ``now_ms`` (milliseconds since 1970, UTC) and ten random bytes."""
    number = (now_ms & (1 << 48) - 1) << 80 | int.from_bytes(rand[:RANDOM_BYTES], "big")
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=number)


def new_id(clock: Callable[[], datetime], randbytes: Callable[[int], bytes]) -> UUID:
    """A fresh identifier; sorts by the clock's time."""
    return uuid7(int(clock().timestamp() * 1000), randbytes(RANDOM_BYTES))


def show(noun: Noun, identifier: UUID) -> str:
    """As people and peers see it: ``vb_0192f0c0a5b37c1d8e2f3a4b5c6d7e8f``."""
    return f"{noun.value}_{identifier.hex}"


def parse(noun: Noun, text: str) -> UUID:
    """The reverse of ``show``; also takes the bare UUID. Raises IdentifierError."""
    prefix, _, rest = text.rpartition("_")
    if prefix not in ("", noun.value):
        raise IdentifierError(f"Mã «{text}» không phải mã loại «{noun.value}_…».")
    try:
        return UUID(rest)
    except ValueError as error:
        raise IdentifierError(f"Mã «{text}» không đúng dạng «{noun.value}_» và 32 chữ số hệ 16.") from error
