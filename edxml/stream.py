"""Streams a package through expat: a small tree for the envelope, attachment contents handed on piece by piece.

Knows XML, namespaces and bounds; not what an element means. No DOCTYPE, no entity beyond the five of XML, no
encoding but UTF-8 and UTF-16. Prefixes are resolved here and not by expat, so that an undeclared ``xlink:``
is read in the same pass (edxml.md row 18).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Never, Protocol
from xml.parsers import expat

from . import dialects as wire
from .errors import EdxmlError
from .findings import Finding, Severity
from .limits import Limits
from .source import CHUNK, Source, too_much
from .tree import Element

_ENCODINGS = {"utf-8", "utf8", "utf-16", "utf16", "utf-16le", "utf-16be"}


class ContentSink(Protocol):
    """Takes the text of each Attachment/ContentTransferEncoded; one at a time, in document order."""

    def begin(self, content: Element) -> None: ...

    def feed(self, text: str) -> None: ...

    def end(self) -> None: ...


class SkippedContents:
    """Leaves attachment contents out."""

    def begin(self, content: Element) -> None:
        pass

    def feed(self, text: str) -> None:
        pass

    def end(self) -> None:
        pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The envelope without attachment contents."""

    root: Element
    encoding: str
    findings: tuple[Finding, ...]
    sha256: str | None  # of the file, lower-case hex, when it was asked for
    size: int  # bytes of the file


def parse(path: Path, limits: Limits, sink: ContentSink, *, hashed: bool = False) -> Parsed:
    """Raises EdxmlError for whatever is no well-formed QCVN 102 package within the bounds."""
    with path.open("rb") as file:
        source = Source(file, limits, digest=hashlib.sha256() if hashed else None)
        builder = _Builder(source, limits, sink)
        builder.run(source.chunks())
    if builder.root is None:
        raise EdxmlError("EDXML_EMPTY", "Gói tin rỗng.")
    if builder.root.uri == wire.SOAP:
        raise _foreign(builder.root)
    return Parsed(
        root=builder.root,
        encoding=source.encoding,
        findings=tuple(builder.findings),
        sha256=source.digest.hexdigest() if source.digest else None,
        size=source.size,
    )


class _Builder:
    """expat's handlers for one package."""

    def __init__(self, source: Source, limits: Limits, sink: ContentSink) -> None:
        self.root: Element | None = None
        self.findings: list[Finding] = []
        self._source = source
        self._limits = limits
        self._sink = sink
        self._stack: list[Element] = []
        self._scopes: list[dict[str, str]] = [{"xml": wire.XML}]
        self._texts: list[list[str]] = []
        self._lengths: list[int] = []
        self._content: Element | None = None
        self._content_characters = 0
        self._elements = 0
        self._attachments = 0
        self._parser = self._make_parser()

    def _make_parser(self) -> expat.XMLParserType:
        # The encoding is settled by source.py; expat would otherwise follow any codec that a declaration names.
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.buffer_size = CHUNK
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        return parser

    def run(self, chunks: Iterable[bytes]) -> None:
        fed = 0
        try:
            for chunk in chunks:
                self._parser.Parse(chunk, False)
                fed += len(chunk)
                self._check_sizes(fed)
            if fed:
                self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            line = error.lineno + self._source.skipped_lines
            reason = expat.ErrorString(error.code) or "unknown"
            message = f"Gói tin không phải XML đúng chuẩn (dòng {line}: {reason})."
            raise EdxmlError("EDXML_NOT_WELL_FORMED", message, line=line) from error

    def _check_sizes(self, fed: int) -> None:
        # expat before 2.6 scans an unfinished tag or comment anew with every chunk.
        if fed - max(self._parser.CurrentByteIndex, 0) > self._limits.token_bytes + CHUNK:
            raise too_much("độ dài một thẻ", self._limits.token_bytes)
        if fed - self._content_characters > self._limits.header_bytes + CHUNK:
            raise too_much("phần đầu gói tin", self._limits.header_bytes)

    @property
    def _line(self) -> int:
        return self._parser.CurrentLineNumber + self._source.skipped_lines

    @property
    def _offset(self) -> int:
        return self._parser.CurrentByteIndex + self._source.skipped_bytes

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        declared = (encoding or "utf-8").lower()
        if declared not in _ENCODINGS:
            message = f"Gói tin khai bảng mã {encoding!r}; chỉ chấp nhận UTF-8 và UTF-16."
            raise EdxmlError("EDXML_ENCODING", message, line=self._line)
        if encoding is not None and ("16" in declared) != ("16" in self._source.encoding):
            message = f"Gói tin khai bảng mã {encoding} nhưng thực tế là {self._source.encoding}."
            self._warn("EDXML_ENCODING_DECLARED", message, "edxml 1.3")

    def _doctype(self, *_args: object) -> Never:
        message = "Gói tin chứa khai báo DOCTYPE; không được phép."
        raise EdxmlError("EDXML_DOCTYPE", message, line=self._line)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > self._limits.elements:
            raise too_much("số phần tử", self._limits.elements)
        if len(self._stack) >= self._limits.depth:
            raise too_much("độ sâu phần tử", self._limits.depth)
        if len(attributes) > self._limits.attributes:
            raise too_much("số thuộc tính của một phần tử", self._limits.attributes)
        self._open_scope(attributes)
        uri, name = self._resolve(tag, default=True)
        named = {self._key(key): text for key, text in attributes.items() if not _declares(key)}
        element = Element(name=name, uri=uri, line=self._line, attributes=named)
        self._attach(element)
        self._stack.append(element)
        self._texts.append([])
        self._lengths.append(0)
        if _is_content(element):
            element.content = True
            element.span = (self._offset, self._offset)
            self._content = element
            self._sink.begin(element)

    def _attach(self, element: Element) -> None:
        if self._stack:
            self._stack[-1].add(element)
            if self._stack[0].uri == wire.SOAP and element.uri == wire.OLD_FORMAT:
                raise _old_format()
        else:
            self.root = element
            _check_root(element)
        if element.name == wire.ATTACHMENT:
            self._attachments += 1
            if self._attachments > self._limits.attachments:
                raise too_much("số tệp đính kèm", self._limits.attachments)

    def _end(self, _tag: str) -> None:
        element = self._stack.pop()
        self._scopes.pop()
        self._lengths.pop()
        element.text = "".join(self._texts.pop())
        if element is self._content and element.span is not None:
            element.span = (element.span[0], self._offset)
            self._content = None
            self._sink.end()

    def _text(self, text: str) -> None:
        if self._stack[-1] is self._content:
            self._content_characters += len(text)
            self._sink.feed(text)
            return
        self._lengths[-1] += len(text)
        if self._lengths[-1] > self._limits.text_characters:
            raise too_much("độ dài một trường", self._limits.text_characters)
        self._texts[-1].append(text)

    def _open_scope(self, attributes: dict[str, str]) -> None:
        declared = {key[6:]: uri for key, uri in attributes.items() if _declares(key)}
        self._scopes.append({**self._scopes[-1], **declared} if declared else self._scopes[-1])

    def _resolve(self, tag: str, *, default: bool) -> tuple[str | None, str]:
        prefix, colon, name = tag.rpartition(":")
        if not colon:
            return (self._scopes[-1].get("") or None) if default else None, tag
        uri = self._scopes[-1].get(prefix)
        if uri and name and ":" not in prefix:
            return uri, name
        if prefix == "xlink" and name:
            self._warn_xlink()
            return wire.XLINK, name
        message = f"Gói tin không phải XML đúng chuẩn (dòng {self._line}: tiền tố {prefix!r} chưa khai báo)."
        raise EdxmlError("EDXML_NOT_WELL_FORMED", message, line=self._line)

    def _key(self, attribute: str) -> str:
        uri, name = self._resolve(attribute, default=False)
        return f"{{{uri}}}{name}" if uri else name

    def _warn_xlink(self) -> None:
        if all(finding.code != "EDXML_XLINK_PREFIX" for finding in self.findings):
            self._warn("EDXML_XLINK_PREFIX", "Tiền tố xlink chưa được khai báo.", "edxml 10/18")

    def _warn(self, code: str, message: str, rule: str) -> None:
        finding = Finding(code=code, severity=Severity.WARNING, message=message, line=self._line, rule=rule)
        self.findings.append(finding)


def _declares(attribute: str) -> bool:
    return attribute == "xmlns" or attribute.startswith("xmlns:")


def _is_content(element: Element) -> bool:
    parent = element.parent
    return (
        element.name == wire.CONTENT_BYTES
        and parent is not None
        and parent.name == wire.ATTACHMENT
        and parent.parent is not None
        and parent.parent.name == wire.ATTACHMENTS
    )


def _check_root(root: Element) -> None:
    """Row 1: QCVN 102 is read, the SOAP format of 2013 is recognised, anything else refused."""
    if root.uri == wire.OLD_FORMAT:
        raise _old_format()
    if (root.uri, root.name) not in {(wire.QCVN, wire.ROOT), (wire.SOAP, "Envelope")}:
        raise _foreign(root)


def _old_format() -> EdxmlError:
    message = "Gói tin theo định dạng cũ (công văn 512 và 2803/BTTTT, namespace e-doc.vn), chưa hỗ trợ."
    return EdxmlError("EDXML_OLD_FORMAT", message)


def _foreign(root: Element) -> EdxmlError:
    message = f"Phần tử gốc {root.name!r} (namespace {root.uri!r}) không phải gói tin QCVN 102:2016."
    return EdxmlError("EDXML_NAMESPACE", message, xpath=f"/{root.name}", line=root.line)
