"""The VXP request on the wire: header names, signing, verification, hash-file.

Knows no HTTP library, no clock and no file but the one it is told to hash. The client signs with ``signed_headers``;
the server side verifies with ``verify`` over the received text, because the order of the signed headers
is that of a hash map in the vendor's client and therefore free.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from ..errors import AxisError

PREFIX = "XroadVnpt-"
VERSION = "3.0.201608"
USER_AGENT = "JAVASDKAgent/1.0.0 XRoad/VPCP"
JSON_TYPE = "application/json"
FILE_TYPE = "application/octet-stream"
VIETNAM = timezone(timedelta(hours=7), "+07:00")
SIGN_HEADER = f"{PREFIX}sign-header"
SIGN_KEYS = f"{PREFIX}sign-header-key"
HASH_HEADER = f"{PREFIX}hash-header"
BODY_END = b"\r\n"  # the vendor's client writes it after the file; it is in no hash
BLOCK = 1 << 20


class Operation(StrEnum):
    """The paths below the base address. All are POST but ``downloadEdoc``."""

    AGENCIES = "getAgenciesList"
    AGENCIES_QD20 = "getAgenciesListQD20"
    SYNC_UNITS = "getSynchronizeUnit"
    REGISTER = "registerAgency"
    DELETE = "deleteAgency"
    RECEIVED = "getReceivedEdocList"
    GET = "getEdoc"
    DOWNLOAD = "downloadEdoc"
    UPDATE = "updateStatus"
    SEND = "sendEdoc"
    SENT = "getSentEdocList"
    COUNT_DOCUMENTS = "countReceiveEdoc"
    COUNT_STATUSES = "countReceiveStatus"


class HashForm(StrEnum):
    """How the SHA-256 of the file is printed in ``hash-file``."""

    UNPADDED = "unpadded"  # the vendor's client: byte by byte without leading zeros
    PADDED = "padded"  # the usual 64 characters


class HeaderValues(Protocol):
    """What ``verify`` reads: every value of a header, whatever the letter case of its name."""

    def getall(self, key: str) -> Sequence[str]: ...

    def __contains__(self, key: object) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Distrust:
    """Why a request's signature is not believed; ``text`` is unaccented, for the wire."""

    code: str
    text: str


def timestamp(now: datetime) -> str:
    """``ddMMyyyy'T'HHmmss+SSSS`` in Vietnamese time; SSSS are milliseconds, not a zone."""
    local = now.astimezone(VIETNAM)
    return f"{local:%d%m%YT%H%M%S}+{local.microsecond // 1000:04d}"


def read_timestamp(text: str) -> datetime | None:
    try:
        moment = datetime.strptime(text[:15], "%d%m%YT%H%M%S").replace(tzinfo=VIETNAM)
        return moment + timedelta(milliseconds=int(text[16:]))
    except ValueError:
        return None


def signed_headers(
    params: Mapping[str, str], *, content_type: str, system_id: str, secret: str, now: datetime
) -> dict[str, str]:
    """A fresh header set for one call; ``params`` are named without prefix, in ASCII.

    Raises AxisError ``AXIS_HEADER_TEXT`` for a value that cannot stand in a header: a client that sends
    such a value signs other bytes than arrive.
    """
    signed = {
        "systemid": system_id,
        **params,
        "timestamp": timestamp(now),
        "Content-Type": content_type,
    }
    for name, value in signed.items():
        if not value.isascii() or not value.isprintable():
            raise AxisError(
                "AXIS_HEADER_TEXT",
                f"Giá trị của tham số {name} có ký tự không gửi được lên trục.",
                blame="ours",
                transient=False,
            )
    prefixed = {PREFIX + name: value for name, value in signed.items()}
    text = json.dumps(prefixed, ensure_ascii=False, separators=(",", ":"))
    return prefixed | {
        "Content-Type": content_type,
        SIGN_KEYS: ";".join(signed),
        SIGN_HEADER: text,
        HASH_HEADER: sign(text, secret),
        f"{PREFIX}version": VERSION,
    }


def sign(text: str, secret: str) -> str:
    return hmac.new(secret.encode(), text.encode("utf-8", "surrogateescape"), "sha256").hexdigest()


def verify(headers: HeaderValues, secrets: Iterable[str]) -> Mapping[str, str] | Distrust:
    """The parameters that one of the live ``secrets`` signed, without prefix, or why they are not believed.

    Every signed value must equal one of the values of that header name: clients of the field send
    left-over headers beside the signed ones.
    """
    text = _single(headers, SIGN_HEADER)
    digest = _single(headers, HASH_HEADER)
    keys = _single(headers, SIGN_KEYS)
    if text is None or digest is None or keys is None:
        return Distrust(code="15", text="Thieu thong tin ky so trong header")
    if not text.isascii():
        return Distrust(code="15", text="Header co ky tu khong phai ASCII")
    try:
        signed = json.loads(text)
    except ValueError:
        return Distrust(code="15", text="sign-header khong dung dinh dang")
    if not isinstance(signed, dict) or {PREFIX + key for key in keys.split(";")} != set(signed):
        return Distrust(code="15", text="sign-header khong khop sign-header-key")
    if not any(hmac.compare_digest(sign(text, secret), digest.lower()) for secret in secrets):
        return Distrust(code="15", text="Sai SystemId/SecretKey")
    return _compare(headers, signed) or {name.removeprefix(PREFIX): value for name, value in signed.items()}


def _compare(headers: HeaderValues, signed: Mapping[str, object]) -> Distrust | None:
    for name in (f"{PREFIX}systemid", f"{PREFIX}timestamp"):
        if name not in signed:
            return Distrust(code="15", text=f"Header {name} chua duoc ky")
    for name, value in signed.items():
        if value not in _values(headers, name):
            return Distrust(code="15", text=f"Header {name} khong khop chu ky")
    return None


def _single(headers: HeaderValues, name: str) -> str | None:
    return next(iter(_values(headers, name)), None)


def _values(headers: HeaderValues, name: str) -> Sequence[str]:
    return headers.getall(name) if name in headers else ()


def printed_hash(sha256: bytes, form: HashForm) -> str:
    if form is HashForm.PADDED:
        return sha256.hex()
    return "".join(f"{byte:x}" for byte in sha256)


def hash_file(path: Path, form: HashForm = HashForm.UNPADDED) -> str:
    """``hash-file`` of a file of any size, read in blocks of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while block := source.read(BLOCK):
            digest.update(block)
    return printed_hash(digest.digest(), form)
