"""The one exception family of gateway/files/: bytes that cannot be stored, found or read back."""

from __future__ import annotations


class FileError(Exception):
    """A file could not be received, stored or served.

    ``code`` is stable and stands in the error catalogue: FILE_TOO_LARGE, FILE_NOT_FOUND, FILE_KEY,
    FILE_DAMAGED, FILE_STORE_FULL, FILE_STORE_FAILED; of an S3 server FILE_STORE_REFUSED, FILE_STORE_BUCKET,
    FILE_STORE_TRUST.
    """

    def __init__(self, code: str, message: str, *, blame: str = "document", transient: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message  # Vietnamese
        self.blame = blame  # ours | peer | document | network
        self.transient = transient


def not_found() -> FileError:
    return FileError("FILE_NOT_FOUND", "Không tìm thấy tệp trong kho.", blame="ours")


def damaged() -> FileError:
    return FileError("FILE_DAMAGED", "Nội dung trong kho khác mã băm đã ghi khi lưu.", blame="ours")
