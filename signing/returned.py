"""A file that came back from a signing tool in the holder's computer: only one signature more, and nothing else.

Such tools (signatures.md 9.1, 10) get a file and return a file. What we handed out must stand at its beginning byte
for byte; behind it there may be one new signature by the expected certificate, its field and look, and long-term data.
A signature covers what was changed just before it, so the changes are judged from our own last revision on.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asn1crypto import x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.diff_analysis import (
    CatalogModificationRule,
    FormUpdatingRule,
    ModificationLevel,
    StandardDiffPolicy,
    SuspiciousModification,
)
from pyhanko.sign.diff_analysis.constants import ROOT_EXEMPT_STRICT_COMPARISON
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from .applying import pdf_errors_translated
from .difference import DOCUMENT_TIMESTAMP, difference_policy, filled_fields_redrawn, shadow_change
from .document import Document, FormField, entry
from .errors import SigningError
from .jobs import quicken
from .json_values import from_json, to_json
from .preparing import prepare_form
from .releasing import release, write_result
from .report import SignerRole
from .sign_job import Flow, SignJob, SignResult
from .sign_plan import read
from .sign_steps import STEPS, refuse_out_of_order
from .sources import open_bytes, open_source, parsing

# A first signature that certifies enters itself into the catalogue.
EXEMPT: Final = frozenset(ROOT_EXEMPT_STRICT_COMPARISON) | {"/Perms"}
FORM_EXEMPT: Final = {"/Fields", "/SigFlags", "/DR", "/DA", "/Q", "/NeedAppearances"}  # the last four: difference.py


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedFile:
    """``job.source`` was handed out, ``returned`` came back; ``job.target`` is where it goes when all is well.

    ``certificates``: SHA-256 (lower-case hex) of those that may have signed; empty: whom the register has in the
    step's role.
    """

    job: SignJob
    returned: str
    certificates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOut:
    sha256: str
    size: int


def hand_out(source: str, target: str) -> HandedOut:
    """Make of ``source`` the file that a tool gets, ``job.source`` later on: it has a form, be it an empty one.

    What a tool adds to a form that exists can be told from what it changes. Raises SigningError (sources.py).
    """
    content = read(source)
    document = open_source(content).document
    if entry(document.reader.root, "/AcroForm") is None:
        with pdf_errors_translated():
            content = prepare_form(document.reader, (), Flow.LEADER_NUMBER_AGENCY)
    return HandedOut(sha256=write_result(Path(target), content), size=len(content))


@parsing()
def check_externally_signed(asked: ReturnedFile) -> SignResult:
    """Raises SigningError SIG_RETURNED_REWRITTEN, _UNSIGNED, _CHANGED, SIG_RETURNED_OTHER_SIGNER, or of the step."""
    quicken()
    job, rule = asked.job, STEPS[asked.job.step]
    before, after = read(job.source), read(asked.returned)
    # 1. it was this step's turn
    source = open_source(before, job.registry)
    refuse_out_of_order(job.step, job.flow, source.roles)
    if entry(source.document.reader.root, "/AcroForm") is None:
        raise SigningError("SIG_FIELD_MISSING", "Tệp đã giao không có biểu mẫu; giao tệp bằng hand_out trước")
    # 2. what we handed out is still there, untouched
    if not after.startswith(before):
        raise SigningError(
            "SIG_RETURNED_REWRITTEN",
            "Tệp gửi về không giữ nguyên tệp đã giao (phải ký ở chế độ ghi thêm)",
            blame="peer",
        )
    # 3. one signature more, by whom we expect
    document = open_bytes(io.BytesIO(after))
    field = _new_signature(document, source.signed)
    certificate = _signer(document, field, asked, rule.role)
    # 4. and nothing else
    _refuse_changes(document, source.document.reader.xrefs.total_revisions - 1, field.name)
    return release(job, rule, field.name, after, certificate)


def _new_signature(document: Document, known: frozenset[str]) -> FormField:
    new = [
        field
        for field in document.signed_fields
        if field.name not in known and str(entry(entry(field.node, "/V"), "/SubFilter")) != DOCUMENT_TIMESTAMP
    ]
    if len(new) != 1:
        raise SigningError("SIG_RETURNED_UNSIGNED", f"Tệp gửi về có {len(new)} chữ ký mới, cần đúng 1", blame="peer")
    return new[0]


def _signer(document: Document, field: FormField, asked: ReturnedFile, role: SignerRole) -> x509.Certificate:
    try:
        certificate: x509.Certificate = EmbeddedPdfSignature(document.reader, field.node, field.name).signer_cert
        digest = certificate.sha256.hex()
    except (PdfError, ValueError, LookupError, TypeError, AttributeError) as cause:
        raise SigningError("SIG_RETURNED_UNSIGNED", "Không đọc được chữ ký trong tệp gửi về", blame="peer") from cause
    expected = asked.certificates or tuple(c.sha256 for c in asked.job.registry if c.role is role)
    if digest not in expected:
        raise SigningError(
            "SIG_RETURNED_OTHER_SIGNER",
            f"Người ký tệp gửi về không phải người được chờ ({certificate.subject.human_friendly})",
            blame="peer",
        )
    return certificate


def _refuse_changes(document: Document, ours: int, field: str) -> None:
    """``ours``: the last revision that we handed out."""
    try:
        result: Any = _policy().review_file(document.reader, ours)
        shadow = shadow_change(document, ours, (field,))
    except (PdfError, ValueError, LookupError, TypeError, AttributeError) as cause:
        raise _changed(type(cause).__name__) from cause
    if isinstance(result, SuspiciousModification):
        raise _changed(str(result))
    other = set(result.changed_form_fields) - {field}
    if result.modification_level > ModificationLevel.FORM_FILLING or other or shadow:
        raise _changed(shadow or ", ".join(sorted(other)))
    if filled_fields_redrawn(document, ours):
        raise _changed("cách hiển thị biểu mẫu")


def _policy() -> StandardDiffPolicy:
    usual = difference_policy()
    rules = [rule for rule in usual.global_rules if not isinstance(rule, CatalogModificationRule)]
    fields = usual.form_rule.field_rules if usual.form_rule else []
    return StandardDiffPolicy(
        global_rules=[CatalogModificationRule(ignored_keys=EXEMPT), *rules],
        form_rule=FormUpdatingRule(field_rules=fields, ignored_acroform_keys=FORM_EXEMPT),
    )


def _changed(detail: str) -> SigningError:
    return SigningError("SIG_RETURNED_CHANGED", f"Tệp gửi về có thay đổi khác ngoài chữ ký ({detail})", blame="peer")


def hand_out_pdf(value: dict[str, Any]) -> dict[str, Any]:
    """``hand_out`` as a job of a worker process: ``{source, target}``."""
    answer: dict[str, Any] = to_json(hand_out(str(value["source"]), str(value["target"])))
    return answer


def check_returned_pdf(value: dict[str, Any]) -> dict[str, Any]:
    """``check_externally_signed`` as a job of a worker process."""
    answer: dict[str, Any] = to_json(check_externally_signed(from_json(ReturnedFile, value)))
    return answer
