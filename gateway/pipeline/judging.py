"""One verdict on one file, with what it may still want: whose certificate it is, and fresh revocation data.

Only the sender's own entries of the register travel with the request; when a signer is none of them, the register is
asked for just these certificates and the file is judged again. A verdict that lacks revocation data waits a few seconds
for the node to fetch them (gateway/revocation/).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from ...signing.errors import SigningError
from ...signing.evidence_bundle import Bundle
from ...signing.report import FileReport, Overall, SignerRole
from ...signing.request import RegisteredCertificate, VerificationRequest
from ..evidence import EvidenceRoom, collected
from ..node import Node

# Answers that better revocation data may change: the signer's, or the timestamp authority's.
LACKING: Final = frozenset(("SIG_REVOCATION_UNKNOWN", "SIG_TIMESTAMP_UNTRUSTED", "SIG_CHAIN_INCOMPLETE"))
_UNPLACED: Final = frozenset(("SIG_IDENTITY_UNKNOWN", "SIG_IDENTITY_BY_NAME", "SIG_SENDER_UNKNOWN"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    report: FileReport
    evidence: Bundle | None = None  # of a final verdict


async def judge(node: Node, request: VerificationRequest, *, sha256: str, keep: bool = True) -> Judged:
    """``keep``: with its evidence."""
    report = await node.verifier.verify(request, sha256=sha256)
    others = await _registered_to_others(node, report)
    if others:
        request = replace(request, registry=(*request.registry, *others))
        report = await node.verifier.verify(request, sha256=sha256)
    if node.revocation is not None:
        await node.revocation.remember(report.materials)
        if lacks_revocation_data(report) and await node.revocation.supply(report.materials):
            report = await node.verifier.verify(request, sha256=sha256)
    if node.evidence is None or not keep:
        return Judged(report=report)
    return await _with_evidence(node, node.evidence, request, report, sha256)


async def _with_evidence(
    node: Node, room: EvidenceRoom, request: VerificationRequest, report: FileReport, sha256: str
) -> Judged:
    try:
        return Judged(report=report, evidence=await room.collect(request, report))
    except SigningError:  # a list was replaced just now: the verdict of the new one is the better one anyway
        report = await node.verifier.verify(request, sha256=sha256)
        return Judged(report=report, evidence=await collected(room, request, report))


def lacks_revocation_data(report: FileReport) -> bool:
    """Undetermined, and for a reason that fetched data may remove."""
    if report.overall is not Overall.UNDETERMINED:
        return False
    return any(answer.code in LACKING for signature in report.signatures for answer in signature.answers)


async def _registered_to_others(node: Node, report: FileReport) -> list[RegisteredCertificate]:
    digests = [s.certificate_sha256 for s in report.signatures if any(a.code in _UNPLACED for a in s.answers)]
    if not digests:
        return []
    async with node.db.unit(None) as conn:
        rows = node.db.queries.certificates_named(conn, digests=digests)
        return [registered(row) async for row in rows]


def registered(row: Any, sender_code: str | None = None) -> RegisteredCertificate:
    """``sender_code``: the code the document names, where the row's is another code of the same agency."""
    return RegisteredCertificate(
        sha256=row["sha256"],
        agency_code=sender_code or row["agency_code"],
        role=SignerRole(row["role"]),
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
    )
