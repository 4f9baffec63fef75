"""What was changed after a signature: pyHanko's difference analysis with the house's own rules around it.

The policy accepts the pattern of VGCA-made files (first signature certifies, the next one brings its own visible
field; signatures.md 4, #2) and, against the shadow attacks of 4.1, never an appearance stream replaced in place,
a filled field as large as a page, or an unsigned visible field put over a signed page.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.xref import XRefSectionType
from pyhanko.sign.diff_analysis import (
    DEFAULT_DIFF_POLICY,
    DiffResult,
    FieldComparisonContext,
    FieldComparisonSpec,
    FormUpdate,
    FormUpdatingRule,
    GenericFieldModificationRule,
    ModificationLevel,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    SuspiciousModification,
)

from .document import Document, FormField, entry
from .refused import DocumentRefused

# A number or date line is about 250 x 18 points; a filled field beyond this area can hide text.
LARGEST_FILLED_FIELD: Final = 20_000.0  # square points, 4 % of an A4 page
FORM_LOOK: Final = ("/DR", "/DA", "/Q", "/NeedAppearances", "/XFA")
DOCUMENT_TIMESTAMP: Final = "/ETSI.RFC3161"
CORNERS: Final = 4
SHOWN_TYPES: Final = ("/Font", "/FontDescriptor", "/XObject", "/ExtGState", "/Pattern")


class UntouchedFieldsPass(GenericFieldModificationRule):
    """A locked field that was not touched is not "changed" because it has an appearance (signatures.md 4.1)."""

    def check_form_field(
        self, fq_name: str, spec: FieldComparisonSpec, context: FieldComparisonContext
    ) -> Iterable[tuple[ModificationLevel, FormUpdate]]:
        if _untouched(spec, context):
            return ()
        return super().check_form_field(fq_name, spec, context)


class NotReviewed(SuspiciousModification):
    """The analysis stumbled over the file: no word on the changes, while the other questions keep their answers."""


class CarefulPolicy(StandardDiffPolicy):
    """In the strict reading a stumble leads to the tolerant one (verification.py); there it is a finding."""

    def review_file(
        self, reader: Any, base_revision: Any, field_mdp_spec: Any = None, doc_mdp: Any = None
    ) -> DiffResult | SuspiciousModification:
        try:
            return super().review_file(reader, base_revision, field_mdp_spec, doc_mdp)
        except (MemoryError, DocumentRefused):
            raise
        except Exception as cause:
            if reader.strict:
                raise
            return NotReviewed(type(cause).__name__)


def _untouched(spec: FieldComparisonSpec, context: FieldComparisonContext) -> bool:
    reference = spec.new_field_ref
    if reference is None or reference != spec.old_field_ref:
        return False
    xrefs, revision = context.old.reader.xrefs, context.old.revision
    parts = [reference, *_appearance_refs(spec.new_field)]
    return all((xrefs.get_last_change(part) or 0) <= revision for part in parts)


def _appearance_refs(field: Any) -> Iterator[Any]:
    for owner, keys in ((field, ("/AP", "/V", "/MK")), (entry(field, "/AP"), ("/N", "/R", "/D"))):
        if not isinstance(owner, generic.DictionaryObject):
            continue
        for key in keys:
            value = owner.raw_get(key) if key in owner else None
            if isinstance(value, generic.IndirectObject):
                yield value.reference


def difference_policy() -> StandardDiffPolicy:
    return CarefulPolicy(
        global_rules=DEFAULT_DIFF_POLICY.global_rules,
        form_rule=FormUpdatingRule(
            field_rules=[
                SigFieldCreationRule(allow_new_visible_after_certify=True),
                SigFieldModificationRule(allow_in_place_appearance_stream_changes=False),
                UntouchedFieldsPass(allow_in_place_appearance_stream_changes=False),
            ]
        ),
    )


def shadow_change(document: Document, signed_revision: int, changed: Iterable[str]) -> str | None:
    """Say what of the page's look an update after ``signed_revision`` replaces, or None."""
    replaced = _replaced_objects(document, signed_revision)
    if replaced:
        return replaced
    by_name = {field.name: field for field in document.fields}
    for name in changed:
        field = by_name.get(name)
        if field is not None and field.kind != "/Sig" and _area(field) > LARGEST_FILLED_FIELD:
            return f"ô {name} quá lớn"
    return _unsigned_cover(document, signed_revision)


def _replaced_objects(document: Document, signed_revision: int) -> str | None:
    """An object of the signed revision that paints (page content, image, font) and was defined again later."""
    xrefs = document.reader.xrefs
    for revision in range(signed_revision + 1, xrefs.total_revisions):
        for reference in xrefs.explicit_refs_in_revision(revision):
            if xrefs.get_historical_ref(reference, signed_revision) is None:
                continue
            old = document.reader.get_historical_resolver(signed_revision)(reference)
            if _paints(old) and not _same(old, document.reader.get_historical_resolver(revision)(reference)):
                return f"đối tượng {reference.idnum}"
    return None


def _same(old: Any, new: Any) -> bool:
    """Some writers write an unchanged object again."""
    if isinstance(old, generic.StreamObject):
        return isinstance(new, generic.StreamObject) and old.encoded_data == new.encoded_data and dict(old) == dict(new)
    return bool(old == new)


def _paints(obj: Any) -> bool:
    if not isinstance(obj, generic.DictionaryObject):
        return False
    kind = str(entry(obj, "/Type"))
    if isinstance(obj, generic.StreamObject):
        return kind not in ("/Metadata", "/XRef", "/ObjStm")
    return kind in SHOWN_TYPES


def _unsigned_cover(document: Document, signed_revision: int) -> str | None:
    """A signature field that nobody answers for, put visibly over a signed page: empty, or a bare timestamp."""
    xrefs = document.reader.xrefs
    for field in document.fields:
        if field.kind != "/Sig" or field.reference is None or _signed_by_someone(field):
            continue
        if xrefs.get_introducing_revision(field.reference) > signed_revision and _area(field):
            return f"ô chữ ký {field.name} thêm sau khi ký"
    return None


def _signed_by_someone(field: FormField) -> bool:
    value = entry(field.node, "/V")
    return value is not None and str(entry(value, "/SubFilter")) != DOCUMENT_TIMESTAMP


def form_look_changed(document: Document, signed_revision: int) -> bool:
    """How viewers draw filled fields was changed: pyHanko clears that as a long-term update."""
    before, after = _forms(document, signed_revision)
    return any(_raw(before, key) != _raw(after, key) for key in FORM_LOOK)


def filled_fields_redrawn(document: Document, signed_revision: int) -> bool:
    """The same where a later signer's tool may add its fonts: what fields of the signed revision look like counts."""
    xrefs = document.reader.xrefs
    if not any(
        field.kind != "/Sig" and field.reference and xrefs.get_introducing_revision(field.reference) <= signed_revision
        for field in document.fields
    ):
        return False
    before, after = _forms(document, signed_revision)
    if any(_raw(before, key) != _raw(after, key) for key in FORM_LOOK if key != "/DR"):
        return True
    fonts = [entry(entry(form, "/DR"), "/Font") for form in (before, after)]
    return any(_raw(fonts[0], name) != _raw(fonts[1], name) for name in fonts[0] or ())


def _forms(document: Document, signed_revision: int) -> tuple[Any, Any]:
    before = entry(document.reader.get_historical_resolver(signed_revision).root, "/AcroForm")
    return before, entry(document.reader.root, "/AcroForm")


def hybrid_since(document: Document, signed_revision: int) -> bool:
    """A later revision hides objects from older viewers behind a hybrid cross-reference."""
    xrefs = document.reader.xrefs
    later = range(signed_revision + 1, xrefs.total_revisions)
    hybrid = (XRefSectionType.HYBRID_MAIN, XRefSectionType.HYBRID_STREAM)
    return any(xrefs.get_xref_container_info(n).xref_section_type in hybrid for n in later)


def _raw(node: Any, key: str) -> Any:
    return node.raw_get(key) if isinstance(node, generic.DictionaryObject) and key in node else None


def _area(field: FormField) -> float:
    kids = entry(field.node, "/Kids")
    widgets = [kid.get_object() for kid in kids] if isinstance(kids, generic.ArrayObject) else []
    return max(_node_area(node) for node in (field.node, *widgets))


def _node_area(node: Any) -> float:
    """Square points. What is no proper rectangle counts as endless: pyHanko takes it for invisible."""
    box = entry(node, "/Rect")
    if box is None:
        return 0.0
    if not isinstance(box, generic.ArrayObject) or len(box) != CORNERS:
        return math.inf
    try:
        left, bottom, right, top = (float(n.get_object()) for n in box)
    except (TypeError, ValueError):
        return math.inf
    return abs(right - left) * abs(top - bottom)
