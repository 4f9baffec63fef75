"""One verdict on one file, with what it may still want: whose certificate it is, and fresh revocation data.

Only the sender's own entries of the register travel with the request; when a signer is none of them, the register is
asked for just these certificates and the file is judged again. A verdict that lacks revocation data waits a few seconds
for the node to fetch them (gateway/revocation/).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from ...signing.report import FileReport, Overall, SignerRole
from ...signing.request import RegisteredCertificate, VerificationRequest
from ..node import Node

# Answers that better revocation data may change: the signer's, or the timestamp authority's.
LACKING: Final = frozenset(("SIG_REVOCATION_UNKNOWN", "SIG_TIMESTAMP_UNTRUSTED", "SIG_CHAIN_INCOMPLETE"))
_UNPLACED: Final = frozenset(("SIG_IDENTITY_UNKNOWN", "SIG_IDENTITY_BY_NAME", "SIG_SENDER_UNKNOWN"))


async def judge(node: Node, request: VerificationRequest, *, sha256: str) -> FileReport:
    report = await node.verifier.verify(request, sha256=sha256)
    others = await _registered_to_others(node, report)
    if others:
        request = replace(request, registry=(*request.registry, *others))
        report = await node.verifier.verify(request, sha256=sha256)
    if node.revocation is None:
        return report
    await node.revocation.remember(report.materials)
    if lacks_revocation_data(report) and await node.revocation.supply(report.materials):
        report = await node.verifier.verify(request, sha256=sha256)
    return report


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
