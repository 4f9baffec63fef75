"""XML signatures over envelopes as the node uses them: whose they are, and the key that makes ours.

A signature over an envelope proves which system sent the bytes; it never replaces the signatures on the documents.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Protocol

from ..edxml.envelope_signature import EnvelopeKey, EnvelopeVerdict, SignatureMethod, SignatureState
from ..edxml.findings import Finding, Severity
from ..edxml.identifiers import OrganCode
from ..edxml.reader import Reading
from ..signing.certificates import certificate_der
from ..signing.envelope_keys import digest_of, method_of, xml_value
from ..signing.errors import SigningError
from ..signing.token_desk import OpenToken, TokenDesk, TokenDeskSettings
from ..signing.tokens import TokenAddress
from .envelope_sections import EnvelopePeer, ServiceKeySettings
from .errors import GatewayError

RULE: Final = "platform 8.6"
PROOF: Final = b"lienthong: thu khoa dich vu"  # signed to see whether the key works, and thrown away
LOOK_SECONDS: Final = 2.0
# Findings that say: these bytes are not from whom they name. Nothing happens by itself on their word.
FALSE_SENDERS: Final = frozenset({"EDXML_SIGNATURE_BROKEN", "EDXML_SIGNATURE_OTHER_KEY", "EDXML_SIGNATURE_MISSING"})


class EnvelopeSigner(Protocol):
    """Signs what ``prepare_signed`` asks for."""

    @property
    def key(self) -> EnvelopeKey: ...

    async def value(self, data: bytes) -> bytes:
        """The SignatureValue over ``data``. Raises GatewayError SERVICE_KEY_UNAVAILABLE."""
        ...

    async def trouble(self) -> str | None:
        """Code of why nothing can be signed at present; None: it can."""
        ...


class ServiceKeyError(GatewayError):
    """The token is away; the work waits and is done again."""

    transient = True


@dataclass(slots=True, kw_only=True)
class TokenSigner:
    """The service key on its token. Opened again after a lost session, but never after a refused PIN."""

    settings: ServiceKeySettings
    key: EnvelopeKey
    desk: TokenDesk
    _open: OpenToken | None = None
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    _refused: bool = False
    _last: str | None = None  # the trouble of the last try

    async def value(self, data: bytes) -> bytes:
        async with self._one_at_a_time:
            try:
                signed = await self._signed(data)
            except SigningError as cause:
                await self._forget(cause)
                message = f"Khóa dịch vụ không ký được phong bì: {cause.message}"
                raise ServiceKeyError("SERVICE_KEY_UNAVAILABLE", message) from cause
            self._last = None
            return signed

    async def trouble(self) -> str | None:
        """Asks the token; what was lost is opened again, as for a signature. While it signs, its last word stands."""
        if not self._one_at_a_time.locked():
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS), self._one_at_a_time:
                    await self._look()
        return self._last

    async def _look(self) -> None:
        try:
            if self._open is None:
                await self._signed(PROOF)
            else:
                await self.desk.look(self._open.handle)
        except SigningError as cause:
            await self._forget(cause)
        else:
            self._last = None

    async def _signed(self, data: bytes) -> bytes:
        if self._refused:
            raise SigningError("SIG_PIN_REFUSED_BEFORE", "Mã PIN đã bị từ chối; sửa tệp mã PIN rồi khởi động lại nút.")
        if self._open is None:
            address = TokenAddress(module=self.settings.module, serial=self.settings.serial)
            self._open = await self.desk.open(
                address,
                self.settings.pin_file.read(),
                certificate_sha256=sha256(self.key.certificate).hexdigest(),
                certificate=self.key.certificate,
            )
        raw = await self.desk.sign_bytes(self._open.handle, data, digest_of(self.key.method))
        return xml_value(self.key.certificate, raw)

    async def _forget(self, cause: SigningError) -> None:
        self._refused = self._refused or cause.code.startswith("SIG_PIN_")
        self._last = cause.code
        if self._open is not None:
            handle, self._open = self._open.handle, None
            await self.desk.close(handle)


@asynccontextmanager
async def open_signer(settings: ServiceKeySettings | None) -> AsyncIterator[EnvelopeSigner | None]:
    """The service key, tried once, so that a wrong PIN or certificate stops the start and not the first document."""
    if settings is None:
        yield None
        return
    certificate = certificate_der(settings.certificate_file.read_bytes())
    key = EnvelopeKey(certificate=certificate, method=SignatureMethod(method_of(certificate)))
    async with TokenDesk(
        settings=TokenDeskSettings(modules=(settings.module,), environment=settings.environment)
    ) as desk:
        signer = TokenSigner(settings=settings, key=key, desk=desk)
        await signer.value(PROOF)
        yield signer


def judged(reading: Reading, peers: Sequence[EnvelopePeer]) -> Reading:
    """The reading with what its envelope's signature means for this sender; an ERROR holds the package."""
    peer = _peer_of(reading.package.sender.code, peers)
    finding = _finding(reading.signature, peer)
    return dataclasses.replace(reading, findings=(*reading.findings, finding)) if finding else reading


def _peer_of(code: OrganCode, peers: Sequence[EnvelopePeer]) -> EnvelopePeer | None:
    return next((peer for peer in peers if OrganCode.parse(peer.agency).key == code.key), None)


def _finding(verdict: EnvelopeVerdict | None, peer: EnvelopePeer | None) -> Finding | None:
    if verdict is not None and verdict.state is SignatureState.BROKEN:
        return _error(verdict.code, verdict.message)
    if verdict is None or verdict.state is SignatureState.FOREIGN or verdict.certificate is None:
        if peer is None or not peer.required:
            return None
        return _error(
            "EDXML_SIGNATURE_MISSING", "Nơi gửi này phải ký phong bì nhưng gói tin không có chữ ký dùng được."
        )
    if peer is None:
        message = "Chữ ký XML nguyên vẹn nhưng chứng thư chưa được khai cho nơi gửi này; không dựa vào."
        return Finding(code="EDXML_SIGNATURE_UNKNOWN_KEY", severity=Severity.INFO, message=message, rule=RULE)
    if sha256(verdict.certificate).hexdigest() not in peer.certificates:
        return _error("EDXML_SIGNATURE_OTHER_KEY", "Phong bì được ký bằng chứng thư không thuộc nơi gửi đã khai.")
    return Finding(code=verdict.code, severity=Severity.INFO, message=verdict.message, rule=RULE)


def _error(code: str, message: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, message=message, rule=RULE)
