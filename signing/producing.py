"""Signing by the producing profile of signatures.md 2: form, leader, number and date, agency, long-term data.

Knows boxes, keys and pictures, and never which document it signs. Blocking: call it outside an event loop.
Source: Nghị định 30/2020/NĐ-CP, Điều 32.2.d and Phụ lục I, Phần I, II.7.d, II.8.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from PIL import Image
from pyhanko.pdf_utils.content import PdfContent
from pyhanko.pdf_utils.images import PdfImage
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import AxisAlignment, InnerScaling, Margins, SimpleBoxLayoutRule
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.timestamps.api import TimeStamper
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator.errors import PathBuildingError, ValidationError

from .errors import SigningError
from .keys import SigningKey
from .paths import Evidence
from .preparing import (
    AGENCY_FIELD,
    DATE_FIELD,
    LEADER_FIELD,
    NUMBER_FIELD,
    SignatureBoxes,
    fill,
    prepare,
    whole,
)
from .stamps import Box, text_pdf
from .trust import TrustStore

# Room for the CMS with chain and timestamp token; given, it spares pyHanko's size estimate (platform.md 7.4).
BYTES_RESERVED: Final = 20480
ANNEX_TEXT_SIZE: Final = 10.0  # Phụ lục I, Phần I, II.8.b


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
    with _translated():
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
    with _translated():
        prepared = prepare(unsigned, boxes)
    signed.write_bytes(leader_signs(prepared, leader, images.leader, proof))


def leader_signs(document: bytes, key: SigningKey, picture: bytes, proof: Proof) -> bytes:
    """Certify with P=2: never P=1, it would forbid the agency's signature (signatures.md 4, #4)."""
    metadata = proof.metadata(
        field_name=LEADER_FIELD, certify=True, docmdp_permissions=MDPPerm.FILL_FORMS, reason="Ký ban hành"
    )
    return _sign(document, key, metadata, _picture(picture), proof)


def agency_signs(document: bytes, key: SigningKey, picture: bytes, proof: Proof) -> bytes:
    """Approve; the field's own lock covers all fields, so that the number cannot change afterwards (#9)."""
    return _sign(document, key, proof.metadata(field_name=AGENCY_FIELD), _picture(picture), proof)


def sign_annex(unsigned: Path, signed: Path, *, agency: SigningKey, box: Box, text: str, proof: Proof) -> None:
    """A separate annex file, case D: text only, top right of the first page, black, 10 pt, agency's key."""
    field = SigFieldSpec(AGENCY_FIELD, on_page=0, box=whole(box), field_mdp_spec=FieldMDPSpec(FieldMDPAction.ALL))
    metadata = proof.metadata(field_name=AGENCY_FIELD)
    style = _without_frame(_TextContent(text, box))
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
    with _translated():
        asyncio.run(
            signer.async_sign_pdf(
                IncrementalPdfFileWriter(io.BytesIO(document)),
                existing_fields_only=new_field is None,
                bytes_reserved=BYTES_RESERVED,
                output=output,
            )
        )
    return output.getvalue()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as cause:  # the time-stamping authority
        raise SigningError("SIG_SIGN_FAILED", f"Không ký được tệp PDF: {cause}", blame="network") from cause
    except (PdfError, ValidationError, PathBuildingError, ValueError) as cause:
        raise SigningError("SIG_SIGN_FAILED", f"Không ký được tệp PDF: {cause}", blame="document") from cause


def _picture(png: bytes) -> StaticStampStyle:
    return _without_frame(PdfImage(Image.open(io.BytesIO(png))))


def _without_frame(content: PdfContent) -> StaticStampStyle:
    """As large as its box: a seal is shown at its real size (II.8.a)."""
    layout = SimpleBoxLayoutRule(
        x_align=AxisAlignment.ALIGN_MID,
        y_align=AxisAlignment.ALIGN_MID,
        margins=Margins(0, 0, 0, 0),
        inner_content_scaling=InnerScaling.STRETCH_TO_FIT,
    )
    return StaticStampStyle(border_width=0, background=content, background_opacity=1, background_layout=layout)


class _TextContent(PdfContent):
    """Lines of text as the background of a stamp."""

    def __init__(self, text: str, box: Box) -> None:
        super().__init__()
        self._page = text_pdf(text.splitlines(), box, size=ANNEX_TEXT_SIZE, right=True)
        self.set_box(width=box[2] - box[0], height=box[3] - box[1])

    def set_box(self, *, width: float, height: float) -> None:
        self.box.width = round(width)
        self.box.height = round(height)

    def render(self) -> bytes:
        page = PdfFileReader(io.BytesIO(self._page))
        drawing = self._ensure_writer.import_page_as_xobject(page)
        self.resources.xobject["/Lines"] = drawing
        return b"/Lines Do"
