"""Writes a package whose envelope is signed with the node's service key, and reads it back like a stranger would."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from ...edxml.envelope_signature import SignatureState
from ...edxml.errors import EdxmlError
from ...edxml.limits import Limits
from ...edxml.model import Package
from ...edxml.reader import Reading, read_package
from ...edxml.writer import WriteOptions, prepare_signed, write_package, write_signed
from ...signing.envelope_keys import value_holds
from ..envelopes import EnvelopeSigner
from ..errors import GatewayError


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the bytes go, and how they are written and read back."""

    file: Path
    folder: Path  # for what must be unpacked while it is read back
    options: WriteOptions
    limits: Limits


async def write_and_read(package: Package, target: Target, signer: EnvelopeSigner | None) -> Reading:
    """What was written, as the tolerant reader reads it. Raises GatewayError PACKAGE_REFUSED, SERVICE_KEY_UNAVAILABLE.

    ``signer`` None: without a signature.
    """
    try:
        if signer is None:
            return await asyncio.to_thread(_plainly, package, target)
        unsigned = await asyncio.to_thread(prepare_signed, package, signer.key, options=target.options)
        value = await signer.value(unsigned.to_sign)
        with target.file.open("wb") as sink:
            await asyncio.to_thread(write_signed, unsigned, value, sink, options=target.options)
        reading = await asyncio.to_thread(
            read_package, target.file, target.folder, limits=target.limits, valid=value_holds, keep=False
        )
    except EdxmlError as error:
        reasons = " ".join(finding.message for finding in error.findings) or error.message
        raise GatewayError("PACKAGE_REFUSED", f"Không đóng gói được văn bản: {reasons}") from error
    verdict = reading.signature
    if verdict is None or verdict.state is not SignatureState.INTACT or verdict.certificate != signer.key.certificate:
        raise GatewayError("PACKAGE_DIFFERS", "Chữ ký phong bì vừa tạo không kiểm tra lại được; không gửi.")
    return reading


def _plainly(package: Package, target: Target) -> Reading:
    with target.file.open("wb") as sink:
        write_package(package, sink, options=target.options)
    return read_package(target.file, target.folder, limits=target.limits, keep=False)
