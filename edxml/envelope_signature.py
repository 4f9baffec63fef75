"""The XML signature over an envelope as values: methods, verdict, and the port of whoever knows keys (platform.md 8.6).

One ``ds:Signature`` as last child of the header. It covers the header, the body and, through a ``ds:Manifest``, the
decoded bytes of every attachment, so that nothing the reader uses stays unsigned and no attachment is canonicalised.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
BASE64: Final = "http://www.w3.org/2000/09/xmldsig#base64"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
MANIFEST_TYPE: Final = "http://www.w3.org/2000/09/xmldsig#Manifest"

HEADER_ID: Final = "hdr"
BODY_ID: Final = "body"
FILES_ID: Final = "files"


class SignatureMethod(StrEnum):
    """The algorithms that are written and accepted; SHA-1 and MAC methods are not among them."""

    RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
    ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
    ECDSA_SHA384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"


class SignatureState(StrEnum):
    """What became of the signature on the way."""

    FOREIGN = "foreign"  # another form than ours, or no real signature: never relied upon
    INTACT = "intact"
    RELAYED = "relayed"  # whole again without what a relay adds: TraceHeaders at the end, white space
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeVerdict:
    """``certificate`` (DER) is what the signature was made with; whose it is, the caller's register says."""

    state: SignatureState
    code: str
    message: str  # Vietnamese
    certificate: bytes | None = None
    added_traces: int = 0  # TraceHeaders at the end of the list that nobody signed


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeKey:
    """The public half of the key that will sign."""

    certificate: bytes  # DER
    method: SignatureMethod


class ValueCheck(Protocol):
    """Whether ``value`` is a signature over ``data`` by the certificate's key, by exactly this method."""

    def __call__(self, certificate: bytes, method: SignatureMethod, data: bytes, value: bytes) -> bool: ...
