"""Tolerant reader of edXML packages (QCVN 102:2016): bytes of a file -> values, files of attachments, findings.

Reads in one pass and holds a window of an attachment, never the whole. What is tolerated becomes a finding; only
what cannot be read or routed raises ``EdxmlError``. A finding of severity ERROR means: not without a person.
The original bytes are the caller's to keep.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from .content_types import HEAD
from .contents import DecodedContents
from .digest import content_digest
from .envelope_signature import EnvelopeVerdict, SignatureState, ValueCheck
from .envelope_verifying import check_envelope
from .fields import Notes
from .findings import Finding
from .header import read_header as header_values
from .limits import DEFAULT_LIMITS, Limits
from .manifest import attachment_elements, read_attachments
from .model import Attachment, DocumentPackage, Package
from .stream import SkippedContents, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a package says, and what had to be tolerated."""

    package: Package
    findings: tuple[Finding, ...]
    content_digest: str | None  # None when the attachments were not read
    encoding: str  # "utf-8", "utf-16-le" or "utf-16-be"
    attachment_count: int  # as carried, readable or not
    signature: EnvelopeVerdict | None = None  # of the envelope; None when it has none or nobody asked
    sha256: str | None = None  # of the whole file, lower-case hex; only of a package that is read to be compared
    size: int = 0  # bytes of the whole file


def read_package(
    path: Path, into: Path, *, limits: Limits = DEFAULT_LIMITS, valid: ValueCheck | None = None, keep: bool = True
) -> Reading:
    """Read ``path``; attachments go to new files in the folder ``into``, which are removed again on failure.

    ``keep`` False: for comparing only. Every attachment is decoded and hashed all the same, but nothing is written
    except what must be unwrapped, and the paths of the attachments name no file that lasts. The file itself is hashed
    in the same pass.
    ``valid`` checks signature values: with it the envelope's own XML signature is judged as well.
    Raises EdxmlError: EDXML_EMPTY, EDXML_NOT_WELL_FORMED, EDXML_ENCODING, EDXML_DOCTYPE, EDXML_NAMESPACE,
    EDXML_OLD_FORMAT, EDXML_LIMIT, EDXML_REQUIRED, EDXML_BUSINESS_TYPE.
    """
    with DecodedContents(into, limits, HEAD, only_packed=not keep) as contents:
        parsed = parse(path, limits, contents, hashed=not keep)
        notes = Notes(parsed.findings)
        package = header_values(parsed.root, notes)
        elements = attachment_elements(parsed.root)
        attachments: tuple[Attachment, ...] = ()
        if isinstance(package, DocumentPackage):
            attachments = read_attachments(parsed.root, contents, limits, notes)
            package = dataclasses.replace(package, attachments=attachments)
        elif elements:
            notes.warn("EDXML_STATUS_ATTACHMENT", "Gói tin trạng thái có tệp đính kèm; bỏ qua.", elements[0])
        signature = None
        if valid is not None:
            signature = check_envelope(path, parsed, contents.carried_sha256, valid, limits)
        contents.keep({one.path for one in attachments} if keep else set())
    return Reading(
        package=package,
        findings=_without_doubts(notes.findings, signature),
        content_digest=content_digest(package),
        encoding=parsed.encoding,
        attachment_count=len(elements),
        signature=signature,
        sha256=parsed.sha256,
        size=parsed.size,
    )


def read_header(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Reading:
    """Read ``path`` without its attachments: ``package.attachments`` is empty, ``content_digest`` None.

    Raises EdxmlError as ``read_package`` does.
    """
    parsed = parse(path, limits, SkippedContents())
    notes = Notes(parsed.findings)
    package = header_values(parsed.root, notes)
    return Reading(
        package=package,
        findings=notes.findings,
        content_digest=None,
        encoding=parsed.encoding,
        attachment_count=len(attachment_elements(parsed.root)),
    )


def _without_doubts(findings: tuple[Finding, ...], signature: EnvelopeVerdict | None) -> tuple[Finding, ...]:
    """Once a signature was judged, "not relied upon" is no longer what there is to say about it."""
    if signature is None or signature.state is SignatureState.FOREIGN:
        return findings
    return tuple(one for one in findings if one.code != "EDXML_SIGNATURE_PRESENT")
