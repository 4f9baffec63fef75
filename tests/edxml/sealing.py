"""A service key of a TEST system, and packages signed with it."""

from __future__ import annotations

import functools
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from lienthong.edxml.envelope_signature import EnvelopeKey, SignatureMethod
from lienthong.edxml.model import Package
from lienthong.edxml.writer import WriteOptions, prepare_signed, write_signed
from lienthong.signing.envelope_keys import method_of

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@functools.cache
def private_key(kind: str) -> Private:
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1() if kind == "p256" else ec.SECP384R1())


@functools.cache
def certificate(kind: str) -> bytes:
    """A TEST certificate of this kind of key, signed by itself."""
    return certificate_over(private_key(kind).public_key(), private_key(kind))


def certificate_over(public: Any, issuer: Private) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST service")])
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=public,
        serial_number=7,
        not_valid_before=datetime(2024, 1, 1, tzinfo=UTC),
        not_valid_after=datetime(2034, 1, 1, tzinfo=UTC),
    )
    return builder.sign(issuer, hashes.SHA256()).public_bytes(Encoding.DER)


def value_by(kind: str, data: bytes) -> bytes:
    key = private_key(kind)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    size = key.curve.key_size
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256() if size == 256 else hashes.SHA384())))
    return r.to_bytes(size // 8) + s.to_bytes(size // 8)


def signed(package: Package, kind: str = "rsa", *, folder: Path | None = None) -> bytes:
    """The package's bytes with the envelope signed by the key of this kind."""
    options = WriteOptions(wrap_in=folder)
    key = EnvelopeKey(certificate=certificate(kind), method=SignatureMethod(method_of(certificate(kind))))
    unsigned, sink = prepare_signed(package, key, options=options), io.BytesIO()
    write_signed(unsigned, value_by(kind, unsigned.to_sign), sink, options=options)
    return sink.getvalue()
