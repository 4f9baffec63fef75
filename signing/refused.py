"""A file judged before its signatures are: the finding on its way from the readers to the report."""

from __future__ import annotations


class DocumentRefused(Exception):  # noqa: N818 - a finding, not a fault
    """``code`` of answers.FILE_REASONS."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
