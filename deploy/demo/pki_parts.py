"""Parts of the TEST certificates: its names, its extensions, its files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from ...signing.keys import SoftwareKey

ORGANIZATION = "TEST Ban Cơ yếu giả lập"
CRL_URL = "http://pki.example/crl/{}.crl"
OCSP_URL = "http://ocsp.pki.example/ocsp/{}"


@dataclass(slots=True, kw_only=True)
class Issued:
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    chain: tuple[x509.Certificate, ...] = ()

    def software_key(self, *, with_chain: bool = True) -> SoftwareKey:
        return SoftwareKey(
            certificate=asn1(self.certificate),
            private_key=asn1_keys.PrivateKeyInfo.load(key_der(self.key)),
            chain=tuple(asn1(c) for c in self.chain) if with_chain else (),
        )

    @property
    def sha256(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()


def key_usage(*, digital_signature: bool = False, content_commitment: bool = False, ca: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def self_signed(name: str, start: datetime, end: datetime, key_size: int) -> Issued:
    key = rsa.generate_private_key(public_exponent=65537, key_size=key_size)
    builder = builder_for(authority_name(name), authority_name(name), key, start, end)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
    builder = builder.add_extension(key_usage(ca=True), critical=True)
    return Issued(certificate=builder.sign(key, hashes.SHA256()), key=key)


def builder_for(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def subject_of(*, agency_name: str, person: str | None, title: str | None) -> x509.Name:
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, agency_name),
    ]
    if title:
        attributes.append(x509.NameAttribute(NameOID.TITLE, title))
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, person or agency_name))
    return x509.Name(attributes)


def authority_name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def crl_point(name: str) -> x509.CRLDistributionPoints:
    where = [x509.UniformResourceIdentifier(CRL_URL.format(name))]
    return x509.CRLDistributionPoints(
        [x509.DistributionPoint(full_name=where, relative_name=None, reasons=None, crl_issuer=None)]
    )


def responder(name: str) -> x509.AuthorityInformationAccess:
    where = x509.UniformResourceIdentifier(OCSP_URL.format(name))
    return x509.AuthorityInformationAccess(
        [x509.AccessDescription(access_method=AuthorityInformationAccessOID.OCSP, access_location=where)]
    )


def issuer_key(key: rsa.RSAPrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_der(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def key_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
