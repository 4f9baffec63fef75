"""Signing by the producing profile of signatures.md 2: form, leader, number and date, agency, long-term data.

Knows boxes, keys and pictures, and never which document it signs. Blocking: call it outside an event loop.
Source: Nghị định 30/2020/NĐ-CP, Điều 32.2.d and Phụ lục I, Phần I, II.7.d, II.8.
"""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.timestamps.api import TimeStamper
from pyhanko.stamp import StaticStampStyle

from .applying import pdf_errors_translated
from .keys import SigningKey
from .looks import TextContent, look, without_frame
from .paths import Evidence
from .preparing import SignatureBoxes, fill, prepare, whole
from .sign_job import AGENCY_FIELD, DATE_FIELD, LEADER_FIELD, NUMBER_FIELD
from .stamps import Box
from .trust import TrustStore

# Room for the CMS with chain and timestamp token; given, it spares pyHanko's size estimate (platform.md 7.4).
BYTES_RESERVED: Final = 20480


@dataclass(frozen=True, slots=True, kw_only=True)
class StampImages:
    """Transparent PNG: the leader's blue handwriting and the agency's red seal."""

    leader: bytes
    seal: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What makes a signature last: the timestamp, and the revocation data of the store put beside it (B-LT)."""

    timestamper: TimeStamper | None = None
    store: TrustStore | None = None
    now: datetime | None = None

    def metadata(self, **settings: Any) -> PdfSignatureMetadata:
        if self.store is not None and self.now is not None:
            settings["embed_validation_info"] = True
            settings["validation_context"] = Evidence(store=self.store, now=self.now).context(self.now)
        return PdfSignatureMetadata(subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256", **settings)


def sign_document(
    unsigned: Path,
    signed: Path,
    *,
    leader: SigningKey,
    agency: SigningKey,
    boxes: SignatureBoxes,
    images: StampImages,
    proof: Proof,
    number: str | None = None,
    date_text: str | None = None,
) -> None:
    """Leader certifies, number and date are filled into their fields, the agency signs and locks all.

    Raises SigningError SIG_SIGN_FAILED, or the key's own.
    """
    with pdf_errors_translated():
        prepared = prepare(unsigned, boxes)
    document = leader_signs(prepared, leader, images.leader, proof)
    values = {NUMBER_FIELD: number, DATE_FIELD: date_text}
    given = {name: value for name, value in values.items() if value is not None}
    if given:
        document = fill(document, given, text_size=boxes.text_size)
    signed.write_bytes(agency_signs(document, agency, images.seal, proof))


def sign_leader_only(
    unsigned: Path,
    signed: Path,
    *,
    leader: SigningKey,
    boxes: SignatureBoxes,
    images: StampImages,
    proof: Proof,
) -> None:
    """The first half of ``sign_document``: what waits for the number and the agency."""
    with pdf_errors_translated():
        prepared = prepare(unsigned, boxes)
    signed.write_bytes(leader_signs(prepared, leader, images.leader, proof))


def leader_signs(document: bytes, key: SigningKey, picture: bytes, proof: Proof) -> bytes:
    """Certify with P=2: never P=1, it would forbid the agency's signature (signatures.md 4, #4)."""
    metadata = proof.metadata(
        field_name=LEADER_FIELD, certify=True, docmdp_permissions=MDPPerm.FILL_FORMS, reason="Ký ban hành"
    )
    return _sign(document, key, metadata, look(picture=picture, text=(), box=None), proof)


def agency_signs(document: bytes, key: SigningKey, picture: bytes, proof: Proof) -> bytes:
    """Approve; the field's own lock covers all fields, so that the number cannot change afterwards (#9)."""
    return _sign(
        document, key, proof.metadata(field_name=AGENCY_FIELD), look(picture=picture, text=(), box=None), proof
    )


def sign_annex(unsigned: Path, signed: Path, *, agency: SigningKey, box: Box, text: str, proof: Proof) -> None:
    """A separate annex file, case D: text only, top right of the first page, black, 10 pt, agency's key."""
    field = SigFieldSpec(AGENCY_FIELD, on_page=0, box=whole(box), field_mdp_spec=FieldMDPSpec(FieldMDPAction.ALL))
    metadata = proof.metadata(field_name=AGENCY_FIELD)
    style = without_frame(TextContent(text, box))
    signed.write_bytes(_sign(unsigned.read_bytes(), agency, metadata, style, proof, new_field=field))


def _sign(
    document: bytes,
    key: SigningKey,
    metadata: PdfSignatureMetadata,
    style: StaticStampStyle,
    proof: Proof,
    *,
    new_field: SigFieldSpec | None = None,
) -> bytes:
    signer = PdfSigner(
        metadata,
        signer=key.signer(),
        timestamper=proof.timestamper,
        stamp_style=style,
        new_field_spec=new_field,
    )
    output = io.BytesIO()
    with pdf_errors_translated():
        asyncio.run(
            signer.async_sign_pdf(
                IncrementalPdfFileWriter(io.BytesIO(document)),
                existing_fields_only=new_field is None,
                bytes_reserved=BYTES_RESERVED,
                output=output,
            )
        )
    return output.getvalue()
