"""One signature of a PDF, asked the questions 1 to 5 and 7 (the sixth is the file's). Adapter of pyHanko.

Any answer that pyHanko's own bottom line does not share is taken back to CHƯA XÁC ĐỊNH.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from asn1crypto import parser, x509
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel, StandardDiffPolicy
from pyhanko.sign.validation import generic_cms
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature, async_validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel

from .answers import answer, warning
from .difference import form_look_changed, hybrid_since, shadow_change
from .document import Document, entry
from .evidence import with_embedded
from .identity import CertificateNames, Identity, identify
from .moments import SigningMoment, TokenStatus, signing_moment
from .paths import KEY_USAGE, Evidence, PathVerdict, PinnedSha1Policy, explain, listed_revocation
from .report import Answer, Question, SignerRole, Verdict, Warning  # noqa: A004 - the report's own word
from .request import VerificationRequest

STRONG_DIGESTS: Final = frozenset(
    ("sha256", "sha384", "sha512", "sha512_224", "sha512_256", "sha3_256", "sha3_384", "sha3_512")
)
STRONG_CURVES: Final = frozenset(("secp256r1", "secp384r1", "secp521r1"))
STRONG_MECHANISMS: Final = frozenset(("rsassa_pkcs1v15", "rsassa_pss", "ecdsa"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all signatures of one file share."""

    document: Document
    request: VerificationRequest
    evidence: Evidence
    policy: StandardDiffPolicy
    trailing: int
    last_revision: int
    shared_values: frozenset[str]  # names of fields whose signature value another field uses too


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Six answers, and what the report shows beside them."""

    embedded: EmbeddedPdfSignature
    certificate: x509.Certificate | None
    role: SignerRole
    moment: SigningMoment | None
    answers: tuple[Answer, ...]
    warnings: tuple[Warning, ...] = field(default=())

    certifies: bool = False
    subfilter: str = ""

    @property
    def counts(self) -> bool:
        """Integrity and identity stand: its author, known to us, did sign this document."""
        return all(self._verdict(q) is Verdict.VALID for q in (Question.INTEGRITY, Question.IDENTITY))

    @property
    def denied(self) -> bool:
        """It can never come to count, whatever is still found out."""
        return any(self._verdict(q) is Verdict.INVALID for q in (Question.INTEGRITY, Question.IDENTITY))

    def _verdict(self, question: Question) -> Verdict:
        return next(a.verdict for a in self.answers if a.question is question)


async def check_signature(embedded: EmbeddedPdfSignature, around: Surroundings) -> Checked:
    evidence = with_embedded(around.evidence, embedded.signer_info)
    generated = _claimed_timestamp(embedded)
    contexts = (
        evidence.context(generated or around.request.reference_time),
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
    path = await _path(embedded, status, evidence, moment, around)
    identity = identify(embedded.signer_cert.sha256.hex(), names_of(embedded.signer_cert), moment.time, around.request)
    checked = Checked(
        embedded=embedded,
        certificate=embedded.signer_cert,
        role=identity.role,
        moment=moment,
        answers=(
            _integrity(embedded, status, around),
            identity.answer,
            path.trust,
            path.validity,
            moment.answer,
            _later_changes(embedded, status, around),
        ),
        warnings=_warnings(embedded, identity, moment, contexts),
        certifies=_certifies(embedded),
        subfilter=subfilter_of(embedded),
    )
    return _agreeing(checked, status)


def _agreeing(checked: Checked, status: PdfSignatureStatus) -> Checked:
    if status.bottom_line or any(a.verdict in (Verdict.INVALID, Verdict.UNKNOWN) for a in checked.answers):
        return checked
    doubt = answer("SIG_CHANGES_NOT_CHECKED", "ràng buộc của ô chữ ký")
    return replace(checked, answers=(*checked.answers[:-1], doubt))


def unreadable(embedded: EmbeddedPdfSignature, cause: Exception) -> Checked:
    wrong = "FORMAT_FAILURE" in str(getattr(cause, "ades_subindication", ""))
    return Checked(
        embedded=embedded,
        certificate=None,
        role=SignerRole.OTHER,
        moment=None,
        subfilter=subfilter_of(embedded),
        answers=not_checked(answer("SIG_FORMAT" if wrong else "SIG_UNREADABLE_SIGNATURE", type(cause).__name__)),
    )


def not_checked(integrity: Answer) -> tuple[Answer, ...]:
    return (
        integrity,
        answer("SIG_IDENTITY_UNKNOWN", "chữ ký chưa đọc được"),
        answer("SIG_TRUST_NOT_CHECKED"),
        answer("SIG_VALIDITY_NOT_CHECKED"),
        answer("SIG_TIME_NOT_CHECKED"),
        answer("SIG_CHANGES_NOT_CHECKED", "chữ ký chưa đọc được"),
    )


def subfilter_of(embedded: EmbeddedPdfSignature) -> str:
    return str(entry(embedded.sig_object, "/SubFilter") or "").removeprefix("/")


def _certifies(embedded: EmbeddedPdfSignature) -> bool:
    references = entry(embedded.sig_object, "/Reference") or ()
    return any(entry(r.get_object(), "/TransformMethod") == "/DocMDP" for r in references)


def names_of(certificate: x509.Certificate) -> CertificateNames:
    native = certificate.subject.native
    return CertificateNames(
        common_name=_text(native.get("common_name")),
        organizations=tuple(
            part for key in ("organizational_unit_name", "organization_name") for part in _texts(native.get(key))
        ),
    )


def _texts(value: Any) -> Sequence[str]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(str(v) for v in value)


def _text(value: Any) -> str:
    return ", ".join(_texts(value))


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
    revoked = listed_revocation(token.signing_cert, evidence.store)
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
    revoked = listed_revocation(embedded.signer_cert, evidence.store)
    if revoked and revoked[0] <= when and verdict.validity.verdict is Verdict.VALID:
        code = "SIG_SUSPENDED" if revoked[1] == "certificate_hold" else "SIG_REVOKED"
        verdict = replace(verdict, validity=answer(code, f"{revoked[0]:%d/%m/%Y %H:%M} UTC"))
    return verdict


def _integrity(embedded: EmbeddedPdfSignature, status: PdfSignatureStatus, around: Surroundings) -> Answer:
    if not _fills_its_room(embedded.pkcs7_content):
        return answer("SIG_FORMAT", "dữ liệu thừa sau giá trị chữ ký")
    weak = weak_algorithm(embedded)
    if not status.intact:
        return answer("SIG_ALTERED")
    if not status.valid:
        return answer("SIG_VALUE_WRONG")
    if weak:
        return answer("SIG_WEAK_ALGORITHM", weak)
    if embedded.coverage is None or embedded.coverage < SignatureCoverageLevel.ENTIRE_REVISION:
        return answer("SIG_COVERAGE")
    if embedded.field_name in around.shared_values:
        return answer("SIG_DUPLICATED_VALUE", embedded.field_name)
    return answer("SIG_INTEGRITY_OK")


def _fills_its_room(content: bytes) -> bool:
    """The room kept for the CMS is signed by nobody: behind the CMS there may only be zeros."""
    parts = parser.parse(content, strict=False)
    used = sum(len(part) for part in parts[3:])
    return not content[used:].strip(b"\x00")


def weak_algorithm(embedded: EmbeddedPdfSignature) -> str | None:
    """Name of an algorithm that is too weak, by the signature alone (not left to the trust verdict)."""
    key = embedded.signer_cert.public_key
    mechanism = embedded.signer_info["signature_algorithm"]
    if embedded.md_algorithm not in STRONG_DIGESTS:
        return str(embedded.md_algorithm)
    if mechanism.signature_algo not in STRONG_MECHANISMS:
        return str(mechanism.signature_algo)
    if key.algorithm in ("rsa", "rsassa_pss"):
        return f"RSA {key.bit_size}" if int(key.bit_size) < 2048 else None
    if key.algorithm == "ec":
        return None if key.curve[1] in STRONG_CURVES else str(key.curve[1])
    return str(key.algorithm)


def _later_changes(embedded: EmbeddedPdfSignature, status: PdfSignatureStatus, around: Surroundings) -> Answer:
    if around.trailing:
        return answer("SIG_TRAILING_BYTES", str(around.trailing))
    if embedded.coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return answer("SIG_NO_CHANGES")
    result = status.diff_result
    if not isinstance(result, DiffResult):
        locked = "locked" in str(result)
        return answer("SIG_CHANGED", "ô đã khóa bị sửa" if locked else "nội dung tài liệu bị sửa")
    if not status.docmdp_ok:
        return answer("SIG_CHANGED", "vượt mức người ký cho phép")
    hidden = shadow_change(around.document, embedded.signed_revision, result.changed_form_fields)
    if hidden:
        return answer("SIG_SHADOW", hidden)
    changed = ", ".join(sorted(result.changed_form_fields))
    is_last = embedded.signed_revision >= around.last_revision
    if is_last and result.modification_level > ModificationLevel.LTA_UPDATES:
        return answer("SIG_CHANGED_AFTER_LAST", changed or "biểu mẫu")
    if is_last and form_look_changed(around.document, embedded.signed_revision):
        return answer("SIG_CHANGED_AFTER_LAST", "cách trình bày biểu mẫu")
    if hybrid_since(around.document, embedded.signed_revision):
        return answer("SIG_CHANGES_NOT_CHECKED", "bảng tham chiếu chéo lai trong bản cập nhật")
    if not around.document.strict and not around.document.hybrid:
        return answer("SIG_CHANGES_NOT_CHECKED", "cú pháp tệp sai chuẩn")
    if result.modification_level == ModificationLevel.NONE:
        return answer("SIG_NO_CHANGES")
    return answer("SIG_PERMITTED_CHANGES", changed or "dữ liệu kiểm chứng lâu dài")


def _warnings(
    embedded: EmbeddedPdfSignature, identity: Identity, moment: SigningMoment, contexts: Sequence[Any]
) -> tuple[Warning, ...]:
    name = embedded.field_name
    sha1 = any(isinstance(c.algorithm_policy, PinnedSha1Policy) and c.algorithm_policy.used for c in contexts)
    told = {
        "SIG_WARN_NOT_TIMESTAMPED": not moment.proven,
        "SIG_WARN_SKEW": moment.skewed,
        "SIG_WARN_SHA1_CHAIN": sha1,
        "SIG_WARN_BY_NAME": identity.by_name,
    }
    return tuple(warning(code, name) for code, applies in told.items() if applies)
