"""The one exception family of edxml/: bytes that cannot be read or values that cannot be written at all."""

from __future__ import annotations

from .findings import Finding


class EdxmlError(Exception):
    """The input is no edXML package that could be read, or the package may not be written.

    ``code`` is stable and stands in the error catalogue; ``blame`` is always the document.
    """

    blame = "document"
    transient = False

    def __init__(
        self,
        code: str,
        message: str,
        *,
        xpath: str | None = None,
        line: int | None = None,
        findings: tuple[Finding, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message  # Vietnamese
        self.xpath = xpath
        self.line = line
        self.findings = findings
