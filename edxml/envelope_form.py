"""The one form of signature that is relied upon, taken apart strictly: what is not expected is refused."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final

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
    SignatureMethod,
)

DS: Final = f"{{{wire.XMLDSIG}}}"
Q: Final = f"{{{wire.QCVN}}}"
TRANSFORMS: Final = {HEADER_ID: [ENVELOPED, EXCLUSIVE], BODY_ID: [EXCLUSIVE], FILES_ID: [EXCLUSIVE]}


class Broken(Exception):  # noqa: N818 - a verdict on its way out
    """The signature does not hold, for the reason named (Vietnamese)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedParts:
    """What the signature says."""

    certificate: bytes
    method: SignatureMethod
    value: bytes
    digests: dict[str, bytes]  # by Id
    files: dict[str, bytes]  # SHA-256 of the decoded bytes by ContentId


def read_form(root: Any) -> SignedParts:
    """Raises Broken."""
    header, body = _envelope(root)
    signature = _signature(root, header)
    signed, value, key, *objects = signature
    _require([one.tag for one in signature], [f"{DS}{name}" for name in _parts(body is not None)])
    _ids(root, header, body, signature)
    method, digests = _signed_info(signed, body is not None)
    return SignedParts(
        certificate=_certificate(key),
        method=method,
        value=_bytes(value),
        digests=digests,
        files=_files(objects[0]) if objects else {},
    )


def _parts(body: bool) -> list[str]:  # noqa: FBT001
    return ["SignedInfo", "SignatureValue", "KeyInfo", *(["Object"] if body else [])]


def _envelope(root: Any) -> tuple[Any, Any]:
    """The header and the body, in their places and without twins anywhere in the package."""
    for name in (wire.ENVELOPE, wire.HEADER, wire.MESSAGE_HEADER):
        _once(root, name)
    allowed = [[f"{Q}{wire.ENVELOPE}"], [f"{Q}{wire.ENVELOPE}", f"{Q}{wire.ATTACHMENTS}"]]
    if root.tag != f"{Q}{wire.ROOT}" or [one.tag for one in root] not in allowed:
        raise Broken("phần tử lạ đứng cạnh phần được ký")
    envelope = root[0]
    tags = [one.tag for one in envelope]
    if tags not in ([f"{Q}{wire.HEADER}"], [f"{Q}{wire.HEADER}", f"{Q}{wire.BODY}"]):
        raise Broken("phần tử lạ trong phong bì được ký")
    if len(tags) == 1 and (len(root) > 1 or _named(root, wire.BODY)):
        raise Broken("gói tin có tệp nhưng không có phần thân được ký")
    if len(tags) == 2:
        for name in (wire.BODY, wire.TRACE_LIST):
            _once(root, name)
    return envelope[0], envelope[1] if len(tags) == 2 else None


def _signature(root: Any, header: Any) -> Any:
    found = [one for one in root.iter() if _local(one) in wire.SIGNATURES]
    if len(found) != 1 or found[0].getparent() is not header or header[-1] is not found[0]:
        raise Broken("chữ ký không đứng duy nhất ở cuối phần đầu gói tin")
    if not len(found[0]) or found[0].tag != f"{DS}Signature" or len(found[0]) not in {3, 4}:
        raise Broken("chữ ký không có dạng đã thỏa thuận")
    return found[0]


def _ids(root: Any, header: Any, body: Any, signature: Any) -> None:
    """Each Id once and on the element that the reader uses; nobody else has one."""
    expected = [(header, HEADER_ID)]
    if body is not None:
        expected += [(body, BODY_ID), (next(iter(signature[3]), None), FILES_ID)]
    found = [
        (element, value)
        for element in root.iter()
        for name, value in element.attrib.items()
        if name.rpartition("}")[2].lower() == "id"
    ]
    if len(found) != len(expected) or any(
        not any(element is one and value == name for one, name in expected) for element, value in found
    ):
        raise Broken("định danh (Id) của phần được ký bị lặp, bị dời hoặc thừa")


def _signed_info(signed: Any, body: bool) -> tuple[SignatureMethod, dict[str, bytes]]:  # noqa: FBT001
    identifiers = [HEADER_ID, BODY_ID, FILES_ID] if body else [HEADER_ID]
    tags = ["CanonicalizationMethod", "SignatureMethod", *("Reference" for _ in identifiers)]
    _require([one.tag for one in signed], [f"{DS}{tag}" for tag in tags])
    canonicalization, method, *references = signed
    _require([canonicalization.get("Algorithm"), len(canonicalization)], [EXCLUSIVE, 0])
    try:
        chosen = SignatureMethod(method.get("Algorithm", ""))
    except ValueError as error:
        raise Broken("thuật toán chữ ký không được chấp nhận") from error
    _require(len(method), 0)
    digests = {}
    for identifier, reference in zip(identifiers, references, strict=True):
        kind = MANIFEST_TYPE if identifier == FILES_ID else None
        _require((reference.get("URI"), reference.get("Type")), (f"#{identifier}", kind))
        digests[identifier] = _digest(reference, TRANSFORMS[identifier])
    return chosen, digests


def _digest(reference: Any, transforms: list[str]) -> bytes:
    _require([one.tag for one in reference], [f"{DS}{tag}" for tag in ("Transforms", "DigestMethod", "DigestValue")])
    steps, method, value = reference
    _require(
        [(one.tag, one.get("Algorithm"), len(one)) for one in steps], [(f"{DS}Transform", t, 0) for t in transforms]
    )
    _require((method.get("Algorithm"), len(method)), (SHA256, 0))
    return _bytes(value)


def _certificate(key: Any) -> bytes:
    """One certificate and no other hint at a key (key confusion)."""
    _require([one.tag for one in key], [f"{DS}X509Data"])
    _require([one.tag for one in key[0]], [f"{DS}X509Certificate"])
    return _bytes(key[0][0])


def _files(holder: Any) -> dict[str, bytes]:
    _require([one.tag for one in holder], [f"{DS}Manifest"])
    files: dict[str, bytes] = {}
    for reference in holder[0]:
        uri = reference.get("URI") or ""
        if reference.tag != f"{DS}Reference" or not uri.startswith(wire.CID) or uri in files:
            raise Broken("danh mục tệp được ký không có dạng đã thỏa thuận")
        files[uri] = _digest(reference, [BASE64])
    return {uri.removeprefix(wire.CID): digest for uri, digest in files.items()}


def _bytes(element: Any) -> bytes:
    _require(len(element), 0)
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Broken("giá trị base64 trong chữ ký bị hỏng") from error


def _require(found: object, wanted: object) -> None:
    if found != wanted:
        raise Broken("chữ ký không có dạng đã thỏa thuận")


def _once(root: Any, name: str) -> None:
    if len(_named(root, name)) != 1:
        raise Broken(f"phần tử {name} phải có đúng một lần trong gói tin đã ký")


def _named(root: Any, name: str) -> list[Any]:
    return [one for one in root.iter() if _local(one) == name]


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]
