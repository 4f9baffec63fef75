"""One signature put into one document: the pieces of pyHanko's signer, driven one by one. Adapter of pyHanko.

Blocking inside; knows fields, locks and levels, and not which step of which flow it is.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko.sign.signers.pdf_signer import DSSContentSettings, PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_signer import SigDSSPlacementPreference as Placement
from pyhanko.sign.timestamps.api import TimeStamper
from pyhanko.stamp import BaseStampStyle
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, ValidationError

from .errors import SigningError
from .keys import SigningKey
from .sign_job import Level, Subfilter
from .sources import Source

VIETNAM: Final = timezone(timedelta(hours=7))
# Hex digits for the CMS with chain and timestamp token; given, it spares pyHanko's size estimate (platform.md 7.4).
HEX_RESERVED: Final = 20480
LASTING: Final = (Level.B_LT, Level.B_LTA)
SUBFILTERS: Final = {
    Subfilter.ADOBE: SigSeedSubFilter.ADOBE_PKCS7_DETACHED,
    Subfilter.CADES: SigSeedSubFilter.PADES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """How to sign. ``context``: certificates and revocation data to embed; needed from B-LT on."""

    field: str
    certify: bool
    reason: str | None
    level: Level
    subfilter: Subfilter
    now: datetime
    look: BaseStampStyle
    new_field: SigFieldSpec | None = None
    timestamper: TimeStamper | None = None
    context: ValidationContext | None = None


async def apply_signature(source: Source, key: SigningKey, how: Signing) -> io.BytesIO:
    """Sign ``source`` in its own buffer and return it. Raises SigningError."""
    signer = PdfSigner(
        _metadata(how),
        signer=key.signer(),
        timestamper=how.timestamper,
        stamp_style=how.look,
        new_field_spec=how.new_field,
    )
    writer = IncrementalPdfFileWriter.from_reader(source.document.reader)
    session = signer.init_signing_session(writer, existing_fields_only=how.new_field is None)
    session.system_time = how.now.astimezone(VIETNAM)
    evidence = await session.perform_presign_validation(writer)
    prepared = session.prepare_tbs_document(evidence, HEX_RESERVED + _revocation_room(how))
    digest, output = prepared.digest_tbs_document(in_place=True)
    attributes = PdfCMSSignedAttributes(
        signing_time=session.system_time, adobe_revinfo_attr=evidence.adobe_revinfo_attr if evidence else None
    )
    signed = await prepared.perform_signature(digest.document_digest, attributes)
    await signed.post_signature_processing(output)
    return source.content


def _metadata(how: Signing) -> PdfSignatureMetadata:
    settings: dict[str, Any] = {}
    if how.level in LASTING:
        settings["embed_validation_info"] = True
        settings["validation_context"] = how.context
        # One revision instead of two: the signature then covers its own evidence too.
        settings["dss_settings"] = DSSContentSettings(
            include_vri=False, skip_if_unneeded=True, placement=Placement.TOGETHER_WITH_SIGNATURE
        )
    return PdfSignatureMetadata(
        field_name=how.field,
        certify=how.certify,
        docmdp_permissions=MDPPerm.FILL_FORMS,  # never NO_CHANGES, it would forbid the agency (signatures.md 4, #4)
        md_algorithm="sha256",
        subfilter=SUBFILTERS[how.subfilter],
        reason=how.reason,
        signer_key_usage=set(),  # judged with paths.KEY_USAGE by the verifier
        use_pades_lta=how.level is Level.B_LTA,
        **settings,
    )


def _revocation_room(how: Signing) -> int:
    """Hex digits for Adobe's revocation attribute, which is inside of the CMS."""
    if how.subfilter is not Subfilter.ADOBE or how.context is None or how.level not in LASTING:
        return 0
    return 2 * sum(len(listed.dump()) for listed in (*how.context.crls, *how.context.ocsps))


@contextmanager
def pdf_errors_translated() -> Iterator[None]:
    """What pyHanko raises while writing, as SigningError."""
    try:
        yield
    except OSError as cause:  # the time-stamping authority
        raise SigningError("SIG_SIGN_FAILED", f"Không ký được tệp PDF: {cause}", blame="network") from cause
    except (PdfError, ValidationError, PathBuildingError, ValueError) as cause:
        raise SigningError("SIG_SIGN_FAILED", f"Không ký được tệp PDF: {cause}", blame="document") from cause
