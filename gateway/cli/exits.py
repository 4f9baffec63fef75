"""What the command line ends with: the exit statuses, and every error of ours as one Vietnamese line with its code."""

from __future__ import annotations

import errno
import re
import sys
from enum import IntEnum
from typing import Final

from ...adapters.errors import AxisError
from ...edxml.errors import EdxmlError
from ...queue.errors import QueueError
from ...signing.errors import SigningError
from ...signing.report import Overall
from ..errors import GatewayError
from ..files.errors import FileError
from ..identifiers import IdentifierError
from ..postgres.errors import DatabaseError
from ..settings import SettingsError


class Exit(IntEnum):
    """Exit statuses of every command."""

    DONE = 0  # xong; văn bản hợp lệ
    INVALID = 1  # không hợp lệ
    UNDETERMINED = 2  # chưa xác định
    UNREADABLE = 3  # không đọc được, không làm được
    USAGE = 64  # sai cú pháp dòng lệnh
    INTERNAL = 70  # lỗi của chương trình
    SETTINGS = 78  # cấu hình không dùng được


OURS: Final = (
    AxisError,
    DatabaseError,
    EdxmlError,
    FileError,
    GatewayError,
    IdentifierError,
    QueueError,
    SigningError,
)

BY_OVERALL: Final = {
    Overall.VALID: Exit.DONE,
    Overall.NOT_APPLICABLE: Exit.DONE,
    Overall.INVALID: Exit.INVALID,
    Overall.UNDETERMINED: Exit.UNDETERMINED,
}


def complain(code: str, message: str) -> None:
    print(f"Lỗi {code}: {message}", file=sys.stderr)


def explain(error: BaseException) -> Exit:
    """Print an error of ours, or the operating system's, and say which status it ends with."""
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        complain("SYSTEM", f"{place}{reason_of(error)}.")
        return Exit.UNREADABLE
    complain(str(getattr(error, "code", "")), str(getattr(error, "message", error)))
    for fault in getattr(error, "faults", ()):
        if not isinstance(error, SettingsError):  # its message names every key already
            print(f"  {fault.place}: {fault.message} ({fault.code})", file=sys.stderr)
    for finding in getattr(error, "findings", ()):
        print(f"  {finding.message} ({finding.code})", file=sys.stderr)
    return Exit.SETTINGS if isinstance(error, SettingsError) else Exit.UNREADABLE


def leaves(error: BaseException) -> list[BaseException]:
    """The errors inside of nested groups."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in leaves(inner)]
    return [error]


_REASONS: Final = {
    errno.ENOENT: "không có tệp hay thư mục này",
    errno.EACCES: "không có quyền",
    errno.EISDIR: "đây là thư mục",
    errno.ENOTDIR: "đường dẫn đi qua một tệp",
    errno.ENOSPC: "đĩa đầy",
    errno.EROFS: "chỉ đọc",
    errno.EADDRINUSE: "địa chỉ và cổng đang có chương trình khác dùng",
    errno.EADDRNOTAVAIL: "máy này không có địa chỉ đó",
}


def reason_of(error: OSError) -> str:
    """The operating system's refusal in Vietnamese where it is a common one."""
    return _REASONS.get(error.errno or 0, error.strerror or str(error))


# What the command line library says, and how we say it.
_USAGE: Final = (
    (re.compile(r"Missing option (.+)\.$"), r"Thiếu tùy chọn \1."),
    (re.compile(r"Missing argument (.+)\.$"), r"Thiếu tham số \1."),
    (re.compile(r"Missing command\.$"), r"Thiếu tên lệnh; xem --help."),
    (re.compile(r"No such option:? '?([^' ]+?)'?\.?( .*)?$"), r"Không có tùy chọn \1."),
    (re.compile(r"No such command (.+)\.$"), r"Không có lệnh \1; xem --help."),
    (re.compile(r"Invalid value for (.+?): (.+)$", re.DOTALL), r"Giá trị của \1 không dùng được: \2"),
    (re.compile(r"Got unexpected extra argument(?:\(s\)|s)? \((.+)\)$"), r"Thừa tham số: \1."),
    (re.compile(r"Option (.+) requires an argument\.$"), r"Tùy chọn \1 cần một giá trị."),
)


def usage_in_vietnamese(message: str) -> str:
    for pattern, text in _USAGE:
        if pattern.match(message):
            return pattern.sub(text, message)
    return message
