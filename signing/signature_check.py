"""One signature of a PDF, asked the questions 1 to 5 and 7 (the sixth is the file's). Adapter of pyHanko.

Any answer that pyHanko's own bottom line does not share is taken back to CHƯA XÁC ĐỊNH.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pyhanko.sign.validation import generic_cms
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature, async_validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus

from .answers import answer, warning
from .checked import Checked, Surroundings, certifies, names_of, subfilter_of, unreadable
from .evidence import certificates_of, with_answers, with_embedded
from .identity import Identity, identify
from .integrity import integrity
from .later_changes import later_changes
from .moments import SigningMoment, TokenStatus, signing_moment
from .paths import KEY_USAGE, Evidence, PathVerdict, PinnedSha1Policy, explain
from .report import Verdict, Warning  # noqa: A004 - the report's own word


async def check_signature(embedded: EmbeddedPdfSignature, around: Surroundings) -> Checked:
    evidence = with_answers(with_embedded(around.evidence, embedded.signer_info), certificates_of(embedded))
    generated = _claimed_timestamp(embedded)
    contexts = (
        evidence.context(
            generated or around.request.reference_time,
            document_key=embedded.signer_cert.public_key.dump() if _old_enough(generated, around) else None,
        ),
        evidence.context(generated or around.request.reference_time, timestamps=True),
    )
    try:
        status = await async_validate_pdf_signature(
            embedded,
            signer_validation_context=contexts[0],
            ts_validation_context=contexts[1],
            diff_policy=around.policy,
            key_usage_settings=KEY_USAGE,
        )
    except SignatureValidationError as cause:
        return unreadable(embedded, cause)
    moment = signing_moment(_token(status, generated, evidence), _claimed(status), around.request)
    old_enough = moment.proven and _old_enough(moment.time, around)
    path = await _path(embedded, status, evidence, moment, around)
    identity = identify(embedded.signer_cert.sha256.hex(), names_of(embedded.signer_cert), moment.time, around.request)
    checked = Checked(
        embedded=embedded,
        certificate=embedded.signer_cert,
        role=identity.role,
        moment=moment,
        answers=(
            integrity(embedded, status, around, old_enough=old_enough),
            identity.answer,
            path.trust,
            path.validity,
            moment.answer,
            later_changes(embedded, status, around),
        ),
        warnings=_warnings(embedded, status, identity, moment, contexts, around),
        certifies=certifies(embedded),
        subfilter=subfilter_of(embedded),
    )
    return _agreeing(checked, status)


def _agreeing(checked: Checked, status: PdfSignatureStatus) -> Checked:
    if status.bottom_line or any(a.verdict in (Verdict.INVALID, Verdict.UNKNOWN) for a in checked.answers):
        return checked
    doubt = answer("SIG_CHANGES_NOT_CHECKED", "ràng buộc của ô chữ ký")
    return replace(checked, answers=(*checked.answers[:-1], doubt))


def _old_enough(moment: datetime | None, around: Surroundings) -> bool:
    """Whether SHA-1 was still tolerated in documents at ``moment`` (registers.md C14)."""
    until = around.request.sha1_documents_until
    return until is not None and moment is not None and moment < until


def _claimed_timestamp(embedded: EmbeddedPdfSignature) -> datetime | None:
    for token in generic_cms.extract_tst_data_iter(embedded.signer_info, signed=False):
        generated: datetime = token["encap_content_info"]["content"].parsed["gen_time"].native
        return generated
    return None


def _claimed(status: PdfSignatureStatus) -> datetime | None:
    claimed = status.signer_reported_dt
    return claimed if claimed is not None and claimed.tzinfo is not None else None


def _token(status: PdfSignatureStatus, generated: datetime | None, evidence: Evidence) -> TokenStatus | None:
    token = status.timestamp_validity
    if token is None or generated is None:
        return None
    revoked = evidence.store.revocation(token.signing_cert)
    return TokenStatus(
        generated=generated,
        matches=bool(token.intact and token.valid and token.timestamp == generated),
        # A timestamp of an authority that was revoked at any time proves nothing any more.
        trusted=bool(token.trusted and revoked is None),
        authority=names_of(token.signing_cert).common_name,
    )


async def _path(
    embedded: EmbeddedPdfSignature,
    status: PdfSignatureStatus,
    evidence: Evidence,
    moment: SigningMoment,
    around: Surroundings,
) -> PathVerdict:
    proven = moment.proven
    when = moment.time if proven and moment.time else around.request.reference_time
    judged_then = proven or status.timestamp_validity is None
    if status.trusted and judged_then and evidence.store.roots:
        verdict = PathVerdict(trust=answer("SIG_TRUST_OK", evidence.store.title), validity=answer("SIG_VALIDITY_OK"))
    else:
        verdict = await explain(
            embedded.signer_cert,
            embedded.other_embedded_certs,
            evidence,
            when,
            proven=proven,
            claimed=_claimed(status),
        )
    # A newer list of the trusted folder outweighs an older one inside the file.
    revoked = evidence.store.revocation(embedded.signer_cert, when)
    if revoked and verdict.validity.verdict is Verdict.VALID:
        code = "SIG_SUSPENDED" if revoked[1] == "certificate_hold" else "SIG_REVOKED"
        verdict = replace(verdict, validity=answer(code, f"{revoked[0]:%d/%m/%Y %H:%M} UTC"))
    return verdict


def _warnings(
    embedded: EmbeddedPdfSignature,
    status: PdfSignatureStatus,
    identity: Identity,
    moment: SigningMoment,
    contexts: Sequence[Any],
    around: Surroundings,
) -> tuple[Warning, ...]:
    stamped = status.timestamp_validity is not None
    sha1 = any(isinstance(c.algorithm_policy, PinnedSha1Policy) and c.algorithm_policy.used for c in contexts)
    told = {
        "SIG_WARN_NOT_TIMESTAMPED": not stamped,
        "SIG_WARN_TIMESTAMP_UNPROVEN": stamped and not moment.proven,
        "SIG_WARN_SKEW": moment.skewed,
        "SIG_WARN_SHA1_CHAIN": sha1,
        "SIG_WARN_SHA1_DOCUMENT": embedded.md_algorithm == "sha1"
        and moment.proven
        and _old_enough(moment.time, around),
        "SIG_WARN_BY_NAME": identity.by_name,
    }
    return tuple(warning(code, embedded.field_name) for code, applies in told.items() if applies)
