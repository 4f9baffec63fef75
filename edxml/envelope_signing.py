"""Signs an envelope in two steps: what is to be signed goes out, the value comes back. No key is ever here.

Signed packages are written without indentation, so that a relay that indents can be told from one that tampers.
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lxml import etree

from . import dialects as wire
from .envelope_signature import (
    BASE64,
    BODY_ID,
    ENVELOPED,
    EXCLUSIVE,
    FILES_ID,
    HEADER_ID,
    MANIFEST_TYPE,
    SHA256,
    EnvelopeKey,
)
from .model import Attachment
from .serialising import serialise
from .tree import Element
from .wrapping import is_raw, wrap

_COPY: Final = 64 * 1024
_BLANK: Final = base64.b64encode(bytes(32)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsignedEnvelope:
    """A composed package whose signature lacks its value: ``to_sign`` is the canonical SignedInfo."""

    root: Element
    to_sign: bytes
    attachments: tuple[Attachment, ...]

    def sealed(self, value: bytes) -> list[bytes]:
        """The pieces between the contents, with the signature's value in its place."""
        _only(self.root, "SignatureValue").text = base64.b64encode(value).decode()
        return _pieces(self.root)


def prepare_signature(
    root: Element, attachments: tuple[Attachment, ...], key: EnvelopeKey, folder: Path | None
) -> UnsignedEnvelope:
    """Put the signature element into the composed tree ``root``; its digests are of the bytes as they will stand."""
    header, bodies = _only(root, wire.HEADER), list(_descendants(root, wire.BODY))
    header.attributes["Id"] = HEADER_ID
    for body in bodies:
        body.attributes["Id"] = BODY_ID
    header.add(_signature(key, [(a.content_id, carried_sha256(a, folder)) for a in attachments], body=bool(bodies)))
    first = _parsed(root)
    for uri, digest in digests(first).items():
        _reference_to(root, uri).text = base64.b64encode(digest).decode()
    return UnsignedEnvelope(root=root, to_sign=canonical(_parsed(root)[0][0][-1][0]), attachments=attachments)


def carried_sha256(attachment: Attachment, folder: Path | None) -> bytes:
    """Of the bytes that will travel: the file's own, or those of the ZIP around it."""
    if is_raw(attachment.name):
        return bytes.fromhex(attachment.sha256)
    digest = hashlib.sha256()
    with tempfile.TemporaryFile(dir=folder or attachment.path.parent) as packed:
        wrap(attachment, packed)
        packed.seek(0)
        while data := packed.read(_COPY):
            digest.update(data)
    return digest.digest()


def canonical(element: Any) -> bytes:
    """Exclusive canonical XML without comments."""
    result: bytes = etree.tostring(element, method="c14n", exclusive=True, with_comments=False, with_tail=False)
    return result


def digests(root: Any) -> dict[str, bytes]:
    """SHA-256 of what the references name, by their Ids. Changes ``root``: the signature leaves the header."""
    header, *bodies = root[0]
    signature = header[-1]
    found = {}
    for body in bodies:
        found[BODY_ID] = hashlib.sha256(canonical(body)).digest()
        found[FILES_ID] = hashlib.sha256(canonical(signature[3][0])).digest()
    cut(signature)
    found[HEADER_ID] = hashlib.sha256(canonical(header)).digest()
    return found


def cut(element: Any) -> None:
    """Take an element out and leave the white space behind it, as the enveloped-signature transform does."""
    parent, before = element.getparent(), element.getprevious()
    tail = element.tail or ""
    if before is None:
        parent.text = (parent.text or "") + tail
    else:
        before.tail = (before.tail or "") + tail
    element.tail = None
    parent.remove(element)


def _signature(key: EnvelopeKey, files: list[tuple[str, bytes]], *, body: bool) -> Element:
    references = [_reference(HEADER_ID, [ENVELOPED, EXCLUSIVE])]
    if body:
        references.append(_reference(BODY_ID, [EXCLUSIVE]))
        references.append(_reference(FILES_ID, [EXCLUSIVE], kind=MANIFEST_TYPE))
    signed = _ds("SignedInfo", _ds("CanonicalizationMethod", Algorithm=EXCLUSIVE))
    signed.add(_ds("SignatureMethod", Algorithm=key.method.value))
    for reference in references:
        signed.add(reference)
    certificate = _ds("X509Certificate")
    certificate.text = base64.b64encode(key.certificate).decode()
    value = _ds("SignatureValue")
    value.text = _BLANK
    signature = _ds("Signature", signed, value, _ds("KeyInfo", _ds("X509Data", certificate)))
    if body:
        manifest = _ds("Manifest", *(_file(cid, digest) for cid, digest in files), Id=FILES_ID)
        signature.add(_ds("Object", manifest))
    return signature


def _reference(identifier: str, transforms: list[str], kind: str | None = None) -> Element:
    attributes = {"Type": kind} if kind else {}
    return _digested(f"#{identifier}", transforms, _BLANK, attributes)


def _file(content_id: str, digest: bytes) -> Element:
    return _digested(wire.CID + content_id, [BASE64], base64.b64encode(digest).decode(), {})


def _digested(uri: str, transforms: list[str], digest: str, attributes: dict[str, str]) -> Element:
    value = _ds("DigestValue")
    value.text = digest
    steps = _ds("Transforms", *(_ds("Transform", Algorithm=one) for one in transforms))
    return _ds("Reference", steps, _ds("DigestMethod", Algorithm=SHA256), value, **attributes, URI=uri)


def _ds(name: str, *children: Element, **attributes: str) -> Element:
    element = Element(name=name, uri=wire.XMLDSIG, attributes=dict(attributes), always=True)
    for child in children:
        element.add(child)
    return element


def _pieces(root: Element) -> list[bytes]:
    return serialise(root, newline="", indent="")


def _parsed(root: Element) -> Any:
    """What a receiver parses, contents left out."""
    return etree.fromstring(b"".join(_pieces(root)), etree.XMLParser(resolve_entities=False, no_network=True))


def _descendants(element: Element, name: str) -> list[Element]:
    here = [element] if element.name == name else []
    return here + [found for child in element.children for found in _descendants(child, name)]


def _only(root: Element, name: str) -> Element:
    (found,) = _descendants(root, name)
    return found


def _reference_to(root: Element, identifier: str) -> Element:
    signed = _only(root, "SignedInfo")
    reference = next(r for r in signed.named("Reference") if r.attributes["URI"] == f"#{identifier}")
    return next(reference.named("DigestValue"))
