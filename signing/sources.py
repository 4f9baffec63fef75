"""What may be signed: a PDF opened once, bounded, and refused when its signature could not be trusted later.

Adapter of pyHanko's reader. Encrypted, XFA and self-running content are refused (signatures.md 2.1), and so are
signatures of somebody who is not known: signing on top of them would vouch for them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import read_certification_data
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from .difference import DOCUMENT_TIMESTAMP
from .document import Document, active_content, entry, open_document
from .errors import SigningError
from .refused import DocumentRefused
from .report import SignerRole
from .request import RegisteredCertificate, VerificationLimits
from .sign_job import AGENCY_FIELD, INITIALS_FIELD, LEADER_FIELD

ROLES: Final = {LEADER_FIELD: SignerRole.LEADER, AGENCY_FIELD: SignerRole.AGENCY}
OLDEST: Final = (1, 4)  # PDF version; Phụ lục I, Phần II, I.2 and ST-9.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """``roles``: of the signatures there, by field name and by the register of certificates."""

    content: io.BytesIO
    document: Document
    signed: frozenset[str]  # names of signature fields
    empty: frozenset[str]
    roles: tuple[SignerRole, ...]


@contextmanager
def parsing() -> Iterator[None]:
    """What a PDF parser throws at broken files, as SigningError (signatures.md 4.1). Also a decorator."""
    try:
        yield
    except (PdfError, ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError) as cause:
        raise SigningError("SIG_SOURCE_UNREADABLE", f"Không đọc được tệp PDF: {cause}", blame="document") from cause


@parsing()
def open_source(content: bytes, registry: Sequence[RegisteredCertificate] = ()) -> Source:
    """Raises SigningError SIG_SOURCE_UNREADABLE, _OLD, _ACTIVE, _LOCKED, _SIGNED, SIG_ENCRYPTED, or a bound's."""
    stream = io.BytesIO(content)
    document = open_bytes(stream)
    _refuse_active(document)
    _refuse_locked(document)
    fields = [f for f in document.fields if f.kind == "/Sig"]
    signed = [f for f in fields if f.signed]
    known = {listed.sha256: listed.role for listed in registry}
    roles = tuple(
        _role(EmbeddedPdfSignature(document.reader, f.node, f.name), known)
        for f in signed
        if str(entry(entry(f.node, "/V"), "/SubFilter")) != DOCUMENT_TIMESTAMP
    )
    return Source(
        content=stream,
        document=document,
        signed=frozenset(f.name for f in signed),
        empty=frozenset(f.name for f in fields if not f.signed),
        roles=roles,
    )


@parsing()
def open_bytes(stream: io.BytesIO) -> Document:
    """Opened and bounded, nothing refused yet. Raises SigningError."""
    try:
        document = open_document(stream, VerificationLimits(), strict=True)
        if document.hybrid:  # of common office suites; what we append is plain
            document = open_document(stream, VerificationLimits(), strict=False)
    except DocumentRefused as refused:
        raise SigningError(refused.code, f"Không ký được tệp này ({refused.detail})", blame="document") from refused
    if document.reader.input_version < OLDEST:
        raise SigningError("SIG_SOURCE_OLD", "Tệp PDF phải từ phiên bản 1.4 trở lên", blame="document")
    return document


def _refuse_active(document: Document) -> None:
    active = [name for name in active_content(document) if name != "/OpenAction" or _runs(document)]
    if active:
        raise SigningError(
            "SIG_SOURCE_ACTIVE", f"Tệp có nội dung tự chạy hoặc biểu mẫu XFA ({', '.join(active)})", blame="document"
        )


def _refuse_locked(document: Document) -> None:
    """A first signer who allows no change (P=1) leaves nothing to sign for anybody (signatures.md 4, #4)."""
    certified = read_certification_data(document.reader)
    if certified is not None and certified.permission is MDPPerm.NO_CHANGES:
        raise SigningError(
            "SIG_SOURCE_LOCKED", "Chữ ký đầu tiên cấm mọi thay đổi; không ký thêm được", blame="document"
        )


def _runs(document: Document) -> bool:
    """An OpenAction that is a plain destination only scrolls; office suites write it."""
    action = entry(document.reader.root, "/OpenAction")
    kind = entry(action, "/S")
    return kind is not None and str(kind) != "/GoTo"


def _role(embedded: EmbeddedPdfSignature, known: dict[str, SignerRole]) -> SignerRole:
    """As registered; what stands in a field for initials is no more than that, whoever put it there."""
    certificate = embedded.signer_cert
    role = known.get(certificate.sha256.hex()) if known else ROLES.get(embedded.field_name)
    if embedded.field_name.startswith(INITIALS_FIELD.format("")) and (role or not known):
        return SignerRole.INITIALS
    if role is None:
        raise SigningError(
            "SIG_SOURCE_SIGNED",
            f"Tệp đã có chữ ký của người không rõ ({certificate.subject.human_friendly})",
            blame="document",
        )
    return role
