"""Verifies the XML signature of an envelope and binds it to exactly the elements that the reader uses.

General verifiers tell whether something was signed; here the question is whether *this* header, *this* body and
*these* attachments were. So: one envelope, one header, one body, each Id once, three references of fixed form, and the
signed names, types and digests of the attachments equal to those carried (platform.md 8.6). What an axis adds on its
way (TraceHeaders at the end, white space between elements) is taken out again and told apart from tampering.
"""

from __future__ import annotations

import copy
import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lxml import etree

from . import dialects as wire
from .envelope_binding import bound_attachments, same_tree
from .envelope_form import Broken, SignedParts, read_form
from .envelope_signature import (
    BODY_ID,
    FILES_ID,
    HEADER_ID,
    EnvelopeVerdict,
    SignatureState,
    ValueCheck,
)
from .envelope_signing import canonical, digests
from .envelope_skeleton import skeleton
from .errors import EdxmlError
from .limits import Limits
from .manifest import attachment_elements
from .stream import Parsed
from .tree import Element

MAX_RELAYS: Final = 8  # TraceHeaders that systems on the way may have added
Carried = Callable[[Element], str | None]  # SHA-256 (hex) of a content's decoded bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    relayed: bool
    added_traces: int


def check_envelope(
    path: Path, parsed: Parsed, carried: Carried, valid: ValueCheck, limits: Limits
) -> EnvelopeVerdict | None:
    """The verdict on the package in ``path``, of which ``parsed`` is the reader's tree; None when it has none."""
    signatures = [one for one in _everything(parsed.root) if one.name in wire.SIGNATURES and one.children]
    if not signatures:
        return None
    if not any(_ours(one) for one in signatures):
        return _foreign(signatures[0])
    try:
        return _check(path, parsed, carried, valid, limits)
    except Broken as reason:
        return _broken(str(reason))
    except EdxmlError as error:
        return _broken(error.message)


def _check(path: Path, parsed: Parsed, carried: Carried, valid: ValueCheck, limits: Limits) -> EnvelopeVerdict:
    if parsed.encoding != "utf-8":
        raise Broken("gói tin đã ký được viết lại bằng bảng mã khác UTF-8")
    # 1. The same bytes, parsed for canonicalisation, must be the tree that the reader walks.
    root = _tree(skeleton(path, list(_contents(parsed.root)), limits))
    if not same_tree(root, parsed.root):
        raise Broken("hai bộ đọc XML hiểu gói tin khác nhau")
    # 2. One of each, signature of fixed form in its place.
    parts = read_form(root)
    # 3. What was signed: as it stands, else without what a relay adds.
    whole = _whole(root, parts, valid)
    # 4. Attachments are those that the signed manifest and the signed body name.
    bound_attachments(parsed.root, parts.files, carried)
    return _verdict(whole, parts)


def _whole(root: Any, parts: SignedParts, valid: ValueCheck) -> _Whole:
    named = False
    for relayed, tree in ((False, root), (True, _without_blanks(root))):
        signed = canonical(tree[0][0][-1][0])  # the place that read_form looked at, never one found by name
        if not valid(parts.certificate, parts.method, signed, parts.value):
            continue
        named = True
        for added, candidate in _without_traces(tree):
            if _same(digests(candidate), parts.digests):
                return _Whole(relayed=relayed or added > 0, added_traces=added)
    if not named:
        raise Broken("giá trị chữ ký không khớp với nội dung được ký")
    raise Broken("phần đầu, phần thân hoặc danh mục tệp đã bị sửa sau khi ký")


def _without_traces(tree: Any) -> Iterator[tuple[int, Any]]:
    """Copies with 0, 1, 2 … TraceHeaders fewer at the end of the list."""
    for added in range(MAX_RELAYS + 1):
        candidate = copy.deepcopy(tree)
        traces = list(candidate.iter(f"{{{wire.QCVN}}}{wire.TRACE}"))
        if added and added >= len(traces):
            return
        for trace in traces[len(traces) - added :]:
            before = trace.getprevious()
            if len(trace) > 2 or before is None:  # a TraceHeader holds a code and a time
                return
            before.tail = trace.tail
            trace.tail = None
            trace.getparent().remove(trace)
        yield added, candidate


def _without_blanks(root: Any) -> Any:
    """Signed packages are written without white space between elements; texts beside elements are refused before."""
    tree = copy.deepcopy(root)
    for element in tree.iter():
        if len(element) and not (element.text or "").strip():
            element.text = None
        if not (element.tail or "").strip():
            element.tail = None
    for manifest in tree.iter(f"{{{wire.QCVN}}}{wire.MANIFEST}"):
        if not len(manifest) and not (manifest.text or "").strip():
            manifest.text = None
    return tree


def _same(found: dict[str, bytes], signed: dict[str, bytes]) -> bool:
    wanted = {HEADER_ID, BODY_ID, FILES_ID} if BODY_ID in signed else {HEADER_ID}
    return set(found) == set(signed) == wanted and all(hmac.compare_digest(found[k], signed[k]) for k in wanted)


def _tree(source: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(source, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Broken("gói tin không đọc được bằng bộ đọc XML chuẩn") from error
    document: Any = root.getroottree()
    if document.docinfo.doctype or any(not isinstance(one.tag, str) for one in root.iter()):
        raise Broken("gói tin đã ký có chú thích hoặc lệnh xử lý XML xen vào")
    return root


def _contents(root: Element) -> Iterator[Element]:
    return (one for attachment in attachment_elements(root) for one in attachment.named(wire.CONTENT_BYTES))


def _everything(element: Element) -> Iterator[Element]:
    yield element
    for child in element.children:
        yield from _everything(child)


def _ours(signature: Element) -> bool:
    """Whether somebody meant this form: a reference by one of its Ids."""
    meant = {f"#{one}" for one in (HEADER_ID, BODY_ID, FILES_ID)}
    return signature.uri == wire.XMLDSIG and any(
        one.name == "Reference" and one.attributes.get("URI") in meant for one in _everything(signature)
    )


def _foreign(signature: Element) -> EnvelopeVerdict:
    if signature.uri == wire.XMLDSIG:
        message = "Gói tin có chữ ký XML; phần mềm không dựa vào chữ ký này."
        return EnvelopeVerdict(state=SignatureState.FOREIGN, code="EDXML_SIGNATURE_PRESENT", message=message)
    message = "Phần tử Signature không thuộc namespace XMLDSig, không phải chữ ký thật."
    return EnvelopeVerdict(state=SignatureState.FOREIGN, code="EDXML_SIGNATURE_DUMMY", message=message)


def _broken(reason: str) -> EnvelopeVerdict:
    message = f"Chữ ký XML của gói tin không đúng: {reason.rstrip('.')}."
    return EnvelopeVerdict(state=SignatureState.BROKEN, code="EDXML_SIGNATURE_BROKEN", message=message)


def _verdict(whole: _Whole, parts: SignedParts) -> EnvelopeVerdict:
    state, code = SignatureState.INTACT, "EDXML_SIGNATURE_INTACT"
    message = "Chữ ký XML của gói tin nguyên vẹn: phần đầu, danh mục và từng tệp đúng như bên gửi đã ký."
    if whole.relayed:
        state, code = SignatureState.RELAYED, "EDXML_SIGNATURE_RELAYED"
        message = (
            f"Chữ ký XML của gói tin đúng; hệ thống trung gian đã thêm {whole.added_traces} dấu vết chuyển tiếp "
            "hoặc trình bày lại, không sửa nội dung."
        )
    return EnvelopeVerdict(
        state=state, code=code, message=message, certificate=parts.certificate, added_traces=whole.added_traces
    )
