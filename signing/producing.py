"""Signing by the producing profile of signatures.md 2: form, leader, number and date, agency, long-term data.

Knows boxes, keys and pictures, and never which document it signs. Blocking: call it outside an event loop.
Source: Nghị định 30/2020/NĐ-CP, Điều 32.2.d and Phụ lục I, Phần I, II.7.d, II.8.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, SigFieldSpec
from pyhanko.sign.timestamps.api import TimeStamper

from .applying import Signing, begin, finish, pdf_errors_translated, sign
from .keys import SigningKey
from .lasting import LastingEvidence, lasting_evidence
from .looks import Look
from .preparing import SignatureBoxes, fill, prepare, whole
from .sign_job import AGENCY_FIELD, DATE_FIELD, LEADER_FIELD, NUMBER_FIELD, Level, Subfilter
from .signed_data import signer_parts
from .stamps import Box
from .trust import TrustStore
from .tsa_client import any_token, timestamp, token_size


@dataclass(frozen=True, slots=True, kw_only=True)
class StampImages:
    """Transparent PNG: the leader's blue handwriting and the agency's red seal."""

    leader: bytes
    seal: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What makes a signature last: the timestamp, and the revocation data of the store put beside it (B-LT)."""

    now: datetime
    timestamper: TimeStamper | None = None
    store: TrustStore | None = None

    def evidence(self, key: SigningKey) -> LastingEvidence | None:
        if self.store is None:
            return None
        token = any_token(self.timestamper) if self.timestamper else None
        return lasting_evidence(self.store, key.certificate, key.signer().cert_registry, token, self.now)


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
    look = Look(picture=picture)
    return _sign(document, key, proof, field=LEADER_FIELD, look=look, certify=True, reason="Ký ban hành")


def agency_signs(document: bytes, key: SigningKey, picture: bytes, proof: Proof) -> bytes:
    """Approve; the field's own lock covers all fields, so that the number cannot change afterwards (#9)."""
    return _sign(document, key, proof, field=AGENCY_FIELD, look=Look(picture=picture))


def sign_annex(unsigned: Path, signed: Path, *, agency: SigningKey, box: Box, text: str, proof: Proof) -> None:
    """A separate annex file, case D: text only, top right of the first page, black, 10 pt, agency's key."""
    spec = SigFieldSpec(AGENCY_FIELD, on_page=0, box=whole(box), field_mdp_spec=FieldMDPSpec(FieldMDPAction.ALL))
    look = Look(text=tuple(text.splitlines()))
    signed.write_bytes(_sign(unsigned.read_bytes(), agency, proof, field=AGENCY_FIELD, look=look, new_field=spec))


def _sign(
    document: bytes,
    key: SigningKey,
    proof: Proof,
    *,
    field: str,
    look: Look,
    certify: bool = False,
    reason: str | None = None,
    new_field: SigFieldSpec | None = None,
) -> bytes:
    with pdf_errors_translated():
        content = io.BytesIO(document)
        reader = PdfFileReader(content)
    signer = key.signer()
    evidence = proof.evidence(key)
    how = Signing(
        field=field,
        certify=certify,
        reason=reason,
        level=Level.B_LT if evidence is not None else Level.B_T,
        subfilter=Subfilter.CADES,
        now=proof.now,
        look=look,
        new_field=new_field,
        evidence=evidence,
        token_size=token_size(proof.timestamper),
    )
    begun = begin(content, reader, signer_parts(signer, key.certificate), how)
    signature = sign(begun, signer)
    token = timestamp(proof.timestamper, signature) if proof.timestamper is not None else None
    return finish(begun, signature, token).getvalue()
