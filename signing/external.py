"""Signing with a key in the holder's own computer, in two steps: the node prepares, the holder signs, the node embeds.

The state between the steps is a prepared file beside the target and one JSON value, so a restart loses nothing, and the
second step may be repeated; the prepared file is the caller's to remove. A signature is checked against the certificate
before it is embedded, and the result by the own verifier before it leaves.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asn1crypto import x509
from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest
from pyhanko.sign.signers.pdf_cms import ExternalSigner
from pyhanko.sign.timestamps.api import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from .applying import Begun, begin
from .completing import complete
from .errors import SigningError
from .jobs import quicken
from .json_values import from_json, to_json
from .raw_signatures import checked_signature
from .releasing import write_result
from .sign_job import SignJob, SignResult
from .sign_plan import evidence_for, open_for, plan, timestamper_for
from .signed_data import SignerParts, signer_parts


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalStart:
    """What waits for the holder. ``signed_attributes``: DER; ``digest``: its SHA-256, for keys that sign digests."""

    job: SignJob
    field: str
    prepared: str  # path
    prepared_sha256: str
    signed_attributes: bytes
    digest: str  # hex
    algorithm: str  # "sha256_rsa", "rsassa_pss", "sha256_ecdsa"
    certificate: bytes  # DER
    chain: tuple[bytes, ...]
    document_digest: bytes
    gap: tuple[int, int]


def begin_external(
    job: SignJob, certificate: bytes, chain: Sequence[bytes] = (), *, timestamper: TimeStamper | None = None
) -> ExternalStart:
    """Prepare the file with its gap. Raises SigningError as ``run_sign_job`` does, and SIG_CERTIFICATE_UNREADABLE."""
    quicken()
    own, others = _certificates(certificate, chain)
    source = open_for(job)
    stamper = timestamper_for(job, timestamper)
    how = plan(job, source, own, others, stamper)
    begun = begin(source.content, source.document.reader, _parts(job, own, others), how)
    prepared = Path(f"{job.target}.prepared")
    digest = write_result(prepared, begun.content.getvalue())
    return ExternalStart(
        job=job,
        field=how.field,
        prepared=str(prepared),
        prepared_sha256=digest,
        signed_attributes=begun.attributes,
        digest=hashlib.sha256(begun.attributes).hexdigest(),
        algorithm=begun.parts.mechanism,
        certificate=certificate,
        chain=tuple(chain),
        document_digest=begun.gap.document_digest,
        gap=(begun.gap.reserved_region_start, begun.gap.reserved_region_end),
    )


def finish_external(start: ExternalStart, signature: bytes, *, timestamper: TimeStamper | None = None) -> SignResult:
    """Embed the holder's signature. Raises SigningError SIG_EXTERNAL_SIGNATURE_WRONG, SIG_EXTERNAL_STATE_LOST…"""
    quicken()
    content = _prepared(start)
    own, others = _certificates(start.certificate, start.chain)
    parts = _parts(start.job, own, others)
    # 1. the signature is the holder's, over what we handed out
    value = checked_signature(start.certificate, parts.signature_algorithm, start.signed_attributes, signature)
    # 2. timestamp, embed, verify
    stamper = timestamper_for(start.job, timestamper)
    evidence = evidence_for(start.job, own, others, stamper)
    begun = Begun(
        content=io.BytesIO(content),
        gap=PreparedByteRangeDigest(start.document_digest, *start.gap),
        attributes=start.signed_attributes,
        parts=parts,
    )
    return complete(start.job, begun, value, stamper, evidence, field=start.field)


def _prepared(start: ExternalStart) -> bytes:
    try:
        content = Path(start.prepared).read_bytes()
    except OSError as cause:
        raise SigningError("SIG_EXTERNAL_STATE_LOST", "Tệp đã chuẩn bị không còn; hãy bắt đầu lại") from cause
    if hashlib.sha256(content).hexdigest() != start.prepared_sha256:
        raise SigningError("SIG_EXTERNAL_STATE_LOST", "Tệp đã chuẩn bị bị thay đổi; hãy bắt đầu lại")
    return content


def _parts(job: SignJob, own: x509.Certificate, others: Sequence[x509.Certificate]) -> SignerParts:
    registry = SimpleCertificateStore()
    registry.register_multiple([own, *others])
    return signer_parts(
        ExternalSigner(signing_cert=own, cert_registry=registry, prefer_pss=job.prefer_pss, embed_roots=False), own
    )


def _certificates(own: bytes, chain: Sequence[bytes]) -> tuple[x509.Certificate, list[x509.Certificate]]:
    try:
        parsed = [x509.Certificate.load(der, strict=True) for der in (own, *chain)]
        for certificate in parsed:
            _ = certificate.subject.native, certificate.public_key.algorithm
    except (ValueError, TypeError, KeyError) as cause:
        raise SigningError("SIG_CERTIFICATE_UNREADABLE", "Chứng thư gửi lên không đọc được", blame="peer") from cause
    return parsed[0], parsed[1:]


def begin_external_pdf(value: dict[str, Any]) -> dict[str, Any]:
    """``begin_external`` as a job of a worker process: ``{job, certificate, chain}``, certificates in base64."""
    asked = from_json(_Begin, value)
    answer: dict[str, Any] = to_json(begin_external(asked.job, asked.certificate, asked.chain))
    return answer


def finish_external_pdf(value: dict[str, Any]) -> dict[str, Any]:
    """``finish_external`` as a job of a worker process: ``{start, signature}``."""
    asked = from_json(_Finish, value)
    answer: dict[str, Any] = to_json(finish_external(asked.start, asked.signature))
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begin:
    job: SignJob
    certificate: bytes
    chain: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finish:
    start: ExternalStart
    signature: bytes
