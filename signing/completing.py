"""What happens once the key has signed: timestamp, value into the gap, late evidence, archive timestamp, last look."""

from __future__ import annotations

from asn1crypto import x509
from pyhanko.sign.timestamps.api import TimeStamper

from .applying import (
    Begun,
    add_archive_timestamp,
    add_evidence,
    finish,
    from_known_authority,
)
from .lasting import LastingEvidence, lasting_evidence
from .releasing import level_reached, release
from .sign_job import Level, SignJob, SignResult
from .sign_steps import STEPS
from .trust import load_store
from .tsa_client import timestamp


def complete(
    job: SignJob,
    begun: Begun,
    signature: bytes,
    timestamper: TimeStamper | None,
    evidence: LastingEvidence | None,
    *,
    field: str,
) -> SignResult:
    """Raises SigningError; nothing stands under the target's name then."""
    rule = STEPS[job.step]
    token = timestamp(timestamper, signature) if timestamper is not None else None
    content = finish(begun, signature, token)
    if token is not None and evidence is not None and not from_known_authority(token, evidence):
        # The authority has another certificate than when we last asked it.
        certificate: x509.Certificate = begun.parts.certificate
        store = load_store(job.trust_folder, job.trust_store)
        add_evidence(content, lasting_evidence(store, certificate, evidence.certificates, token, job.now))
    if level_reached(job) is Level.B_LTA and timestamper is not None:
        add_archive_timestamp(content, timestamper)
    return release(job, rule, field, content.getvalue(), begun.parts.certificate)
