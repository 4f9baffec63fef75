"""Strict writer of edXML packages: one profile, deterministic bytes, attachments streamed (edxml.md 1.4).

The package is completed (profile.py), checked (checks.py), composed and validated against the strict schema before
the first byte leaves; what is not writable raises, nothing is repaired silently.
"""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

import pybase64

from .checks import check_writable
from .composing import Label, compose, list_number
from .envelope_signature import EnvelopeKey
from .envelope_signing import UnsignedEnvelope, prepare_signature
from .errors import EdxmlError
from .findings import Finding, Severity
from .model import Attachment, DocumentPackage, Package
from .profile import complete
from .serialising import serialise
from .tree import Element
from .validation import validate_tree
from .wrapping import check_unchanged, is_raw, wire_type, wrap

_SLICE = 57 * 1024  # a multiple of 3, so that slices of base64 join


class TypeStyle(StrEnum):
    """How the kind of document is numbered (edxml.md row 6)."""

    CLASS_AND_LIST = "class_and_list"  # Type 1 or 2, TypeDetail the number in list A or B
    LIST_NUMBER = "list_number"  # Type the number in list B, for .NET peers


class Newline(StrEnum):
    """Line ends between elements."""

    LF = "\n"
    CRLF = "\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """What differs per peer or call."""

    newline: Newline = Newline.LF
    type_style: TypeStyle = TypeStyle.CLASS_AND_LIST
    document_id_limit: int = 200  # characters; 75 where a Bkav axis is on the path
    today: date | None = None  # refuses a later promulgation date; not judged when None
    wrap_in: Path | None = None  # folder of the temporary ZIPs; beside each attachment when None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What went into the sink."""

    sha256: str
    size: int  # bytes


def write_package(package: Package, sink: BinaryIO, *, options: WriteOptions = WriteOptions()) -> Written:
    """Write the package; the same package and options give the same bytes.

    Raises EdxmlError: EDXML_NOT_WRITABLE with findings, before anything is written;
    EDXML_ATTACHMENT_CHANGED when a file is not what the package says (the sink's content is then void).
    """
    root, attachments = _composed(package, options)
    return _pour(serialise(root, options.newline), attachments, sink, options)


def prepare_signed(package: Package, key: EnvelopeKey, *, options: WriteOptions = WriteOptions()) -> UnsignedEnvelope:
    """Compose the package with a signature that lacks its value; whoever has the key signs ``to_sign``.

    Raises EdxmlError as ``write_package`` does.
    """
    root, attachments = _composed(package, options)
    return prepare_signature(root, attachments, key, options.wrap_in)


def write_signed(
    unsigned: UnsignedEnvelope, value: bytes, sink: BinaryIO, *, options: WriteOptions = WriteOptions()
) -> Written:
    """Write what ``prepare_signed`` composed, with the signature's value. Raises EDXML_ATTACHMENT_CHANGED."""
    return _pour(unsigned.sealed(value), unsigned.attachments, sink, options)


def _composed(package: Package, options: WriteOptions) -> tuple[Element, tuple[Attachment, ...]]:
    ready = complete(package)
    refuse(check_writable(ready, today=options.today, document_id_limit=options.document_id_limit))
    attachments = ready.attachments if isinstance(ready, DocumentPackage) else ()
    root = compose(
        _styled(ready, options), [Label(attachment=one, content_type=wire_type(one.name)) for one in attachments]
    )
    refuse(validate_tree(root))
    return root, attachments


def _pour(pieces: list[bytes], attachments: tuple[Attachment, ...], sink: BinaryIO, options: WriteOptions) -> Written:
    hashed = _HashedSink(sink)
    for piece, attachment in zip(pieces, attachments, strict=False):
        hashed.write(piece)
        _write_content(attachment, hashed, options.wrap_in)
    hashed.write(pieces[-1])
    return Written(sha256=hashed.digest.hexdigest(), size=hashed.size)


def refuse(findings: Iterable[Finding]) -> None:
    """Raise EDXML_NOT_WRITABLE when one of them is an error."""
    errors = tuple(finding for finding in findings if finding.severity is Severity.ERROR)
    if errors:
        message = "Gói tin chưa đạt yêu cầu để gửi: " + " ".join(error.message for error in errors[:3])
        first = errors[0]
        raise EdxmlError("EDXML_NOT_WRITABLE", message, xpath=first.xpath, line=first.line, findings=errors)


class _HashedSink:
    """Counts and hashes what passes."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self._sink.write(data)
        self.digest.update(data)
        self.size += len(data)


def _styled(package: Package, options: WriteOptions) -> Package:
    if not isinstance(package, DocumentPackage) or options.type_style is TypeStyle.CLASS_AND_LIST:
        return package
    return dataclasses.replace(package, document_type=list_number(package.document_type))


def _write_content(attachment: Attachment, sink: _HashedSink, folder: Path | None) -> None:
    if is_raw(attachment.name):
        with attachment.path.open("rb") as source:
            size, sha256 = _encode(source, sink)
        check_unchanged(attachment, size, sha256)
        return
    with tempfile.TemporaryFile(dir=folder or attachment.path.parent) as packed:
        wrap(attachment, packed)
        packed.seek(0)
        _encode(packed, sink)


def _encode(source: BinaryIO, sink: _HashedSink) -> tuple[int, str]:
    """Base64 on one line: a strict decoder refuses line breaks (edxml.md 3.3)."""
    digest, size = hashlib.sha256(), 0
    while data := source.read(_SLICE):
        digest.update(data)
        size += len(data)
        sink.write(pybase64.b64encode(data))
    return size, digest.hexdigest()
