"""Question 7: what happened to the file after this signature. The strictest finding speaks."""

from __future__ import annotations

from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel

from .answers import answer
from .checked import Surroundings
from .coverage import unnamed_revision
from .difference import NotReviewed, filled_fields_redrawn, form_look_changed, hybrid_since, shadow_change
from .report import Answer


def later_changes(embedded: EmbeddedPdfSignature, status: PdfSignatureStatus, around: Surroundings) -> Answer:
    if around.trailing:
        return answer("SIG_TRAILING_BYTES", str(around.trailing))
    if embedded.coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return answer("SIG_NO_CHANGES")
    skipped = unnamed_revision(embedded)
    if skipped is not None:
        return answer("SIG_REVISION_SKIPPED", skipped)
    result = status.diff_result
    if isinstance(result, NotReviewed):
        return answer("SIG_CHANGES_NOT_CHECKED", str(result))
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
    if filled_fields_redrawn(around.document, embedded.signed_revision):
        return answer("SIG_CHANGED", "cách trình bày biểu mẫu")
    if hybrid_since(around.document, embedded.signed_revision):
        return answer("SIG_CHANGES_NOT_CHECKED", "bảng tham chiếu chéo lai trong bản cập nhật")
    if not around.document.strict and not around.document.hybrid:
        return answer("SIG_CHANGES_NOT_CHECKED", "cú pháp tệp sai chuẩn")
    if result.modification_level == ModificationLevel.NONE:
        return answer("SIG_NO_CHANGES")
    return answer("SIG_PERMITTED_CHANGES", changed or "dữ liệu kiểm chứng lâu dài")
