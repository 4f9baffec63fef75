"""What an S3 server or the way to it says, as FileError: one place, and no text of the server in the message."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from .errors import FileError, not_found

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# Words of error answers (XML element Code); providers differ.
_NO_BUCKET = ("NoSuchBucket",)
_FULL = ("StorageFull", "QuotaExceeded", "QuotaExceed", "InsufficientStorage", "507 Insufficient")
_TRUST = ("certificate", "UnknownIssuer", "tls handshake")


@contextlib.asynccontextmanager
async def s3_errors(seconds: float) -> AsyncIterator[None]:
    """Translate refusals; what takes longer than ``seconds`` is an outage."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except (BaseError, OSError) as error:
        raise translated(error) from error


def translated(error: Exception) -> FileError:
    text = str(error)
    if any(word in text for word in _NO_BUCKET):
        return _ours("FILE_STORE_BUCKET", "Máy chủ S3 không có bucket đã khai ở files.s3.bucket.")
    if isinstance(error, FileNotFoundError):
        return not_found()
    if any(word in text for word in _FULL):
        return _ours("FILE_STORE_FULL", "Kho tệp S3 hết dung lượng, tạm thời không nhận thêm.")
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return _ours("FILE_STORE_REFUSED", "Máy chủ S3 từ chối khóa truy cập, hoặc khóa không đủ quyền trên bucket.")
    if any(word in text for word in _TRUST):
        return _ours("FILE_STORE_TRUST", "Chứng thư TLS của máy chủ S3 không được tin; xem files.s3.ca_file.")
    return _ours("FILE_STORE_FAILED", "Máy chủ S3 không trả lời hoặc báo lỗi; sẽ thử lại.")


def _ours(code: str, message: str) -> FileError:
    """All of them pass once the operator or the network mends what is wrong: nothing is given up for them."""
    return FileError(code, message, blame="ours", transient=True)
