"""What a holder's computer checks before its token signs: that the attributes belong to the document it was shown.

The node says which file it prepared and where the gap of the signature is. The prepared file must begin with the
document that was read, byte for byte, and the attributes' message digest (RFC 5652, section 11.2) must be that of
the prepared file without its gap. So a node that was taken over cannot have another document signed.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from asn1crypto import cms

from .errors import SigningError

LARGEST_GAP: Final = 1 << 20  # bytes of one signature value


def refuse_other_document(attributes: bytes, shown: bytes, prepared: bytes, gap: tuple[int, int]) -> None:
    """Raises SigningError SIG_EXTERNAL_NOT_SHOWN."""
    start, end = gap
    if not prepared.startswith(shown) or not len(shown) <= start < end <= len(prepared):
        raise _not_shown("tệp đã chuẩn bị không nối tiếp tệp đã hiển thị")
    if end - start > LARGEST_GAP:
        raise _not_shown("chỗ dành cho chữ ký lớn bất thường")
    digest = hashlib.sha256(prepared[:start])
    digest.update(prepared[end:])
    if not hmac.compare_digest(digest.digest(), _message_digest(attributes)):
        raise _not_shown("mã băm không phải của tệp đã hiển thị")


def _message_digest(attributes: bytes) -> bytes:
    try:
        for attribute in cms.CMSAttributes.load(attributes, strict=True):
            if attribute["type"].native == "message_digest":
                value: bytes = attribute["values"][0].native
                return value
    except (ValueError, TypeError, KeyError) as cause:
        raise _not_shown("dữ liệu cần ký không đọc được") from cause
    raise _not_shown("dữ liệu cần ký không nêu mã băm")


def _not_shown(detail: str) -> SigningError:
    return SigningError(
        "SIG_EXTERNAL_NOT_SHOWN",
        f"Nội dung cần ký khác với tệp đã hiển thị ({detail}); không ký.",
        blame="ours",
    )
