"""A small TEST public-key infrastructure: root, sub-CA, agencies, leaders, a time-stamping authority, CRLs.

Everything it makes says TEST; the trust store it writes has a name of its own and is read like any site's store.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ...signing.keys import SoftwareKey
from ...signing.timestamps import LocalTimestamper

STORE = "demo"
ORGANIZATION = "TEST Ban Cơ yếu giả lập"
CRL_URL = "http://pki.example/crl/{}.crl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who gets a certificate: an agency (``person`` absent) or a person of it."""

    agency_code: str
    agency_name: str
    person: str | None = None
    title: str | None = None

    @property
    def file_name(self) -> str:
        return f"{self.agency_code}-{'leader' if self.person else 'agency'}"


@dataclass(slots=True, kw_only=True)
class Issued:
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    chain: tuple[x509.Certificate, ...] = ()

    def software_key(self, *, with_chain: bool = True) -> SoftwareKey:
        return SoftwareKey(
            certificate=_asn1(self.certificate),
            private_key=asn1_keys.PrivateKeyInfo.load(_key_der(self.key)),
            chain=tuple(_asn1(c) for c in self.chain) if with_chain else (),
        )

    @property
    def sha256(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()


@dataclass(slots=True, kw_only=True)
class Authority:
    """A CA that issues, revokes and lists. ``issued`` is kept in memory only."""

    name: str
    own: Issued
    key_size: int
    revoked: list[tuple[int, datetime, x509.ReasonFlags]] = field(default_factory=list)

    def issue(
        self,
        subject: x509.Name,
        *,
        not_before: datetime,
        not_after: datetime,
        extensions: Sequence[tuple[x509.ExtensionType, bool]],
        key_size: int | None = None,
    ) -> Issued:
        key = rsa.generate_private_key(public_exponent=65537, key_size=key_size or self.key_size)
        builder = _builder(subject, self.own.certificate.subject, key, not_before, not_after)
        for extension, critical in (*extensions, (_crl_point(self.name), False)):
            builder = builder.add_extension(extension, critical=critical)
        builder = builder.add_extension(_issuer_key(self.own.key), critical=False)
        certificate = builder.sign(self.own.key, hashes.SHA256())
        return Issued(certificate=certificate, key=key, chain=(self.own.certificate, *self.own.chain))

    def revoke(
        self,
        issued: Issued,
        at: datetime,
        reason: x509.ReasonFlags = x509.ReasonFlags.cessation_of_operation,
    ) -> None:
        self.revoked.append((issued.certificate.serial_number, at, reason))

    def crl(self, *, at: datetime, next_update: datetime) -> x509.CertificateRevocationList:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.own.certificate.subject)
            .last_update(at)
            .next_update(next_update)
            .add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
            .add_extension(_issuer_key(self.own.key), critical=False)
        )
        for serial, moment, reason in self.revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(moment)
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.own.key, hashes.SHA256())


@dataclass(slots=True, kw_only=True)
class Pki:
    """The authorities and the clock they were made with."""

    root: Authority
    sub: Authority
    tsa: Issued
    now: datetime

    def issue(
        self,
        holder: Holder,
        *,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        non_repudiation: bool = True,
    ) -> Issued:
        usage = key_usage(digital_signature=True, content_commitment=non_repudiation)
        return self.sub.issue(
            _subject(holder),
            not_before=not_before or self.now - timedelta(days=30),
            not_after=not_after or self.now + timedelta(days=700),
            extensions=[(usage, True), (x509.BasicConstraints(ca=False, path_length=None), True)],
        )

    def timestamper(self, now: datetime | None = None) -> LocalTimestamper:
        """A clock that stands still at ``now`` (default: the moment the PKI was made)."""
        moment = now or self.now
        chain = [_asn1(c) for c in self.tsa.chain]
        return LocalTimestamper(_asn1(self.tsa.certificate), self.tsa.key, chain=chain, now=lambda: moment)

    def write_store(self, folder: Path, *, name: str = STORE, at: datetime | None = None, days: int = 30) -> None:
        """Write pins, certificates and fresh CRLs as ``signing.trust`` reads them."""
        moment = at or self.now
        home = folder / name
        for part in ("roots", "intermediates", "crls"):
            (home / part).mkdir(parents=True, exist_ok=True)
        (home / "roots" / "root.pem").write_bytes(_pem(self.root.own.certificate))
        (home / "intermediates" / "sub.pem").write_bytes(_pem(self.sub.own.certificate))
        for authority in (self.root, self.sub):
            listed = authority.crl(at=moment, next_update=moment + timedelta(days=days))
            path = home / "crls" / f"{authority.name}.crl"
            path.write_bytes(listed.public_bytes(serialization.Encoding.DER))
        (folder / f"{name}.toml").write_text(
            f'name = "{name}"\ntitle = "{ORGANIZATION}"\n\n[[root]]\n'
            f'name = "TEST Root"\nsha256 = "{self.root.own.sha256}"\n',
            encoding="utf-8",
        )


def make_pki(now: datetime, *, key_size: int = 2048) -> Pki:
    """Root, sub-CA and TSA, valid ten years around ``now``."""
    start, end = now - timedelta(days=3650), now + timedelta(days=3650)
    root = Authority(name="root", own=_self_signed("TEST Root CA", start, end, key_size), key_size=key_size)
    ca = [(x509.BasicConstraints(ca=True, path_length=0), True), (key_usage(ca=True), True)]
    own = root.issue(_name("TEST CA cơ quan nhà nước"), not_before=start, not_after=end, extensions=ca)
    sub = Authority(name="sub", own=Issued(certificate=own.certificate, key=own.key), key_size=key_size)
    stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    tsa = sub.issue(
        _name("TEST TSA"),
        not_before=start,
        not_after=end,
        extensions=[(key_usage(digital_signature=True), True), (stamping, True)],
    )
    return Pki(root=root, sub=sub, tsa=tsa, now=now)


def write_holders(pki: Pki, folder: Path, holders: Sequence[Holder]) -> list[dict[str, str]]:
    """Write key and certificate of each holder, and ``registry.json`` as the node reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    registry = []
    for holder in holders:
        issued = pki.issue(holder)
        (folder / f"{holder.file_name}.key.pem").write_bytes(_key_pem(issued.key))
        (folder / f"{holder.file_name}.cert.pem").write_bytes(_pem(issued.certificate))
        role = "leader" if holder.person else "agency"
        registry.append({"sha256": issued.sha256, "agency_code": holder.agency_code, "role": role})
    (folder / "tsa.key.pem").write_bytes(_key_pem(pki.tsa.key))
    (folder / "tsa.cert.pem").write_bytes(_pem(pki.tsa.certificate))
    (folder / "sub.cert.pem").write_bytes(_pem(pki.sub.own.certificate))
    (folder / "registry.json").write_text(json.dumps(registry, ensure_ascii=False, indent=2), encoding="utf-8")
    return registry


def load_key(folder: Path, name: str) -> SoftwareKey:
    """One holder's key as ``write_holders`` wrote it, e.g. ``"H50.11-leader"``."""
    return SoftwareKey.from_pem(folder / f"{name}.key.pem", folder / f"{name}.cert.pem", [folder / "sub.cert.pem"])


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


def _self_signed(name: str, start: datetime, end: datetime, key_size: int) -> Issued:
    key = rsa.generate_private_key(public_exponent=65537, key_size=key_size)
    builder = _builder(_name(name), _name(name), key, start, end)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
    builder = builder.add_extension(key_usage(ca=True), critical=True)
    return Issued(certificate=builder.sign(key, hashes.SHA256()), key=key)


def _builder(
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


def _subject(holder: Holder) -> x509.Name:
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, holder.agency_name),
    ]
    if holder.title:
        attributes.append(x509.NameAttribute(NameOID.TITLE, holder.title))
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, holder.person or holder.agency_name))
    return x509.Name(attributes)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _crl_point(name: str) -> x509.CRLDistributionPoints:
    where = [x509.UniformResourceIdentifier(CRL_URL.format(name))]
    return x509.CRLDistributionPoints(
        [x509.DistributionPoint(full_name=where, relative_name=None, reasons=None, crl_issuer=None)]
    )


def _issuer_key(key: rsa.RSAPrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_der(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _key_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
