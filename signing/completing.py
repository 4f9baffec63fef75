"""What happens once the key has signed: timestamp, value into the gap, late evidence, archive timestamp, last look."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from asn1crypto import cms, x509
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
from .tsa_client import HttpTimestamper, timestamp

LONGEST_WAIT: Final = timedelta(hours=24)  # beyond it the authority's clock, or ours, is wrong


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
        if isinstance(timestamper, HttpTimestamper):
            timestamper.forget()
        certificate: x509.Certificate = begun.parts.certificate
        store = load_store(job.trust_folder, job.trust_store)
        add_evidence(content, lasting_evidence(store, certificate, evidence.certificates, token, job.now))
    if level_reached(job) is Level.B_LTA and timestamper is not None:
        add_archive_timestamp(content, timestamper)
    return release(_at_signing(job, token), rule, field, content.getvalue(), begun.parts.certificate)


def _at_signing(job: SignJob, token: cms.ContentInfo | None) -> SignJob:
    """A job may wait in a queue, and a holder takes minutes to sign: the authority says how late it is by now."""
    if token is None:
        return job
    generated: datetime = token["content"]["encap_content_info"]["content"].parsed["gen_time"].native
    late = timedelta() < generated - job.now <= LONGEST_WAIT
    return replace(job, now=generated) if late else job
