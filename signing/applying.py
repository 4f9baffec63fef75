"""One signature put into one document, in two halves with the key's work between them. Adapter of pyHanko.

``begin`` writes the revision with a gap and says which bytes the key signs; ``finish`` puts the CMS value into the
gap. Knows fields, locks and levels, and not which step of which flow it is. Blocking.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from asn1crypto import cms, core
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import FieldMDPSpec, MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.general import SigningError as PdfSigningError
from pyhanko.sign.general import simple_cms_attribute
from pyhanko.sign.signers import cms_embedder, constants
from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest, SignatureObject
from pyhanko.sign.signers.pdf_cms import Signer
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper
from pyhanko.sign.timestamps.api import TimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator.errors import PathBuildingError, ValidationError

from .document import entry
from .errors import SigningError
from .lasting import LastingEvidence, authority_of
from .looks import Look, draw
from .preparing import box_of
from .sign_job import Level, Subfilter
from .signed_data import DIGEST, SignerParts, signed_attributes, signed_data
from .tsa_client import token_size

VIETNAM: Final = timezone(timedelta(hours=7))
LARGEST_INSIDE: Final = 200_000  # bytes of revocation lists that still go into an adbe.pkcs7.detached value
HEX_RESERVED: Final = 20480  # hex digits for the CMS value with chain and timestamp token, at least (platform.md 7.4)
MARGIN: Final = 2048  # bytes of a CMS value beside certificates, lists and token
SUBFILTERS: Final = {
    Subfilter.ADOBE: SigSeedSubFilter.ADOBE_PKCS7_DETACHED,
    Subfilter.CADES: SigSeedSubFilter.PADES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """How to sign. ``evidence``: what is embedded, needed from B-LT on."""

    field: str
    certify: bool
    reason: str | None
    level: Level
    subfilter: Subfilter
    now: datetime
    look: Look
    new_field: SigFieldSpec | None = None
    evidence: LastingEvidence | None = None
    token_size: int = 0  # bytes of a timestamp of the authority that will be asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A document that lacks nothing but the value over ``attributes`` (DER), which the key signs."""

    content: io.BytesIO
    gap: PreparedByteRangeDigest
    attributes: bytes
    parts: SignerParts


def begin(content: io.BytesIO, reader: PdfFileReader, parts: SignerParts, how: Signing) -> Begun:
    """Append the revision of the signature to ``content``, which ``reader`` reads. Raises SigningError."""
    with pdf_errors_translated():
        writer = IncrementalPdfFileWriter.from_reader(reader)
        embedder = cms_embedder.PdfCMSEmbedder(new_field_spec=how.new_field).write_cms(
            field_name=how.field, writer=writer, existing_fields_only=how.new_field is None
        )
        field = next(embedder).get_object()
        _extensions(writer, parts, how)
        _show(writer, field, how.look)
        if how.evidence is not None and not _inside(how):
            _embed(writer, how.evidence)
        embedder.send(_setup(field, parts, how))
        gap, _ = embedder.send(cms_embedder.SigIOSetup(md_algorithm=DIGEST, in_place=True))
    attributes = signed_attributes(parts, gap.document_digest, _extra_attributes(parts, how))
    return Begun(content=content, gap=gap, attributes=attributes, parts=parts)


def sign(begun: Begun, signer: Signer) -> bytes:
    """The raw signature of a key that is at hand."""
    return asyncio.run(signer.async_sign_raw(begun.attributes, DIGEST))


def finish(begun: Begun, signature: bytes, token: cms.ContentInfo | None) -> io.BytesIO:
    """Close the gap. Raises SigningError SIG_SIGN_FAILED when it is too small."""
    value = signed_data(begun.parts, begun.attributes, signature, token.dump() if token is not None else None)
    with pdf_errors_translated():
        begun.gap.fill_with_cms(begun.content, value)
    return begun.content


def add_evidence(content: io.BytesIO, evidence: LastingEvidence) -> None:
    """A revision of its own for what was not known when the signature began."""
    with pdf_errors_translated():
        writer = IncrementalPdfFileWriter(content)
        _embed(writer, evidence)
        writer.write_in_place()


def add_archive_timestamp(content: io.BytesIO, timestamper: TimeStamper) -> None:
    """B-LTA: a document timestamp over everything (ETSI EN 319 142-1, 5.4.3)."""
    with pdf_errors_translated():
        asyncio.run(
            PdfTimeStamper(timestamper).async_timestamp_pdf(
                IncrementalPdfFileWriter(content), DIGEST, bytes_reserved=_token_room(timestamper), in_place=True
            )
        )


def _token_room(timestamper: TimeStamper) -> int:
    return max(HEX_RESERVED, 2 * (token_size(timestamper) * 5 // 4 + MARGIN))


def from_known_authority(token: cms.ContentInfo, evidence: LastingEvidence) -> bool:
    """Whether the evidence was gathered for the authority that gave this token."""
    authority, _ = authority_of(token)
    return authority is not None and authority.dump() == evidence.authority


def _setup(field: Any, parts: SignerParts, how: Signing) -> cms_embedder.SigObjSetup:
    lock = entry(field, "/Lock")
    room = max(HEX_RESERVED, 2 * (len(parts.certificates) + how.token_size * 5 // 4 + MARGIN))
    room += 2 * sum(len(listed) + 64 for listed in _inside(how))
    return cms_embedder.SigObjSetup(
        sig_placeholder=SignatureObject(
            bytes_reserved=room,
            subfilter=SUBFILTERS[how.subfilter],
            timestamp=how.now.astimezone(VIETNAM),
            reason=how.reason,
        ),
        mdp_setup=cms_embedder.SigMDPSetup(
            md_algorithm=DIGEST,
            certify=how.certify,
            field_lock=FieldMDPSpec.from_pdf_object(lock) if lock is not None else None,
            # Never NO_CHANGES: it would forbid the agency's signature (signatures.md 4, #4).
            docmdp_perms=MDPPerm.FILL_FORMS if how.certify else None,
        ),
    )


def _inside(how: Signing) -> tuple[bytes, ...]:
    """Revocation lists that travel inside of the signature, Adobe's way; large ones go where PAdES puts them."""
    if how.evidence is None or how.subfilter is not Subfilter.ADOBE:
        return ()
    lists = tuple(listed.dump() for listed in (*how.evidence.crls, *how.evidence.ocsps))
    return lists if sum(map(len, lists)) <= LARGEST_INSIDE else ()


def _extensions(writer: IncrementalPdfFileWriter, parts: SignerParts, how: Signing) -> None:
    """What a reader must know to judge the signature (ISO 32002 for elliptic curves; ESIC for PAdES)."""
    if parts.certificate.public_key.algorithm == "ec":
        writer.ensure_output_version(version=(2, 0))
        writer.register_extension(constants.ISO32002)
    if how.subfilter is Subfilter.CADES:
        writer.ensure_output_version(version=(1, 7))
        if writer.output_version < (2, 0):
            writer.register_extension(constants.ESIC_EXTENSION_1)


def _show(writer: IncrementalPdfFileWriter, field: Any, look: Look) -> None:
    if look.picture is None and not look.text:
        return
    field["/AP"] = generic.DictionaryObject({pdf_name("/N"): draw(writer, look, box_of(field))})
    writer.update_container(field)


def _embed(writer: IncrementalPdfFileWriter, evidence: LastingEvidence) -> None:
    DocumentSecurityStore.supply_dss_in_writer(
        writer, None, certs=evidence.certificates, crls=evidence.crls, ocsps=evidence.ocsps
    )


def _extra_attributes(parts: SignerParts, how: Signing) -> tuple[bytes, ...]:
    """adbe.pkcs7.detached says the time itself, and carries revocation data inside of the signature."""
    if how.subfilter is Subfilter.CADES:
        return ()
    time = cms.Time({"utc_time": core.UTCTime(how.now)})
    attributes = [simple_cms_attribute("signing_time", time)]
    if how.evidence is not None and _inside(how):
        archived = Signer.format_revinfo(list(how.evidence.ocsps), list(how.evidence.crls))
        attributes.append(simple_cms_attribute("adobe_revocation_info_archival", archived))
    return (parts.protection, *(attribute.dump() for attribute in attributes))


@contextmanager
def pdf_errors_translated() -> Iterator[None]:
    """What pyHanko raises while writing, as SigningError."""
    try:
        yield
    except OSError as cause:  # the time-stamping authority
        raise SigningError("SIG_SIGN_FAILED", f"Không ký được tệp PDF: {cause}", blame="network") from cause
    except (PdfError, PdfSigningError, ValidationError, PathBuildingError, ValueError) as cause:
        raise SigningError("SIG_SIGN_FAILED", f"Không ký được tệp PDF: {cause}", blame="document") from cause
