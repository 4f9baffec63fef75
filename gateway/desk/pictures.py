"""The picture of a handwriting or a seal: a transparent PNG, kept for one certificate of one agency.

NĐ 30/2020/NĐ-CP Phụ lục I, Phần I, II.7.d and II.8.a: .png, nền trong suốt; blue handwriting, red seal in real size.
"""

from __future__ import annotations

import struct
from typing import Final
from uuid import UUID

from ..errors import GatewayError
from ..files.layout import StoredFile
from ..node import Node

LARGEST: Final = 180_000  # bytes
_HEADER: Final = struct.Struct(">8sI4sIIBB")
_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
_WITH_ALPHA: Final = (4, 6)  # colour types of PNG (ISO/IEC 15948, table 11.1)
_SIDE: Final = 4000  # pixels


async def set_picture(
    node: Node, agency_id: UUID, certificate_sha256: str, content: bytes, *, actor: str
) -> StoredFile:
    """Raise SIGNING_PICTURE for what is no transparent PNG of a bearable size."""
    _refuse_other(content)
    async with node.files.receive(agency_id, limit=LARGEST) as incoming:
        await incoming.write(content)
        stored = await incoming.commit()
    async with node.db.unit(agency_id) as conn:
        await node.db.queries.set_signing_picture(
            conn,
            agency_id=agency_id,
            certificate_sha256=certificate_sha256,
            sha256=stored.sha256,
            size=stored.size,
            actor=actor,
        )
    return stored


def _refuse_other(content: bytes) -> None:
    if len(content) > LARGEST or len(content) < _HEADER.size:
        raise _refusal(f"phải nhỏ hơn {LARGEST} byte")
    magic, _, kind, width, height, _, colour = _HEADER.unpack_from(content)
    if magic != _MAGIC or kind != b"IHDR":
        raise _refusal("phải là tệp PNG")
    if not (0 < width <= _SIDE and 0 < height <= _SIDE):
        raise _refusal(f"mỗi cạnh tối đa {_SIDE} điểm ảnh")
    if colour not in _WITH_ALPHA and b"tRNS" not in content:
        raise _refusal("phải có nền trong suốt")


def _refusal(what: str) -> GatewayError:
    return GatewayError("SIGNING_PICTURE", f"Hình chữ ký hoặc con dấu không dùng được: {what}.")
