"""A small TEST public-key infrastructure: root, sub-CA, agencies, leaders, a time-stamping authority, CRLs.

Everything it makes says TEST; the trust store it writes has a name of its own and is read like any site's store.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from ...signing.keys import SoftwareKey
from ...signing.timestamps import LocalTimestamper
from .pki_parts import (
    ORGANIZATION,
    Issued,
    asn1,
    authority_name,
    builder_for,
    crl_point,
    issuer_key,
    key_pem,
    key_usage,
    pem,
    responder,
    self_signed,
    subject_of,
)

STORE = "demo"


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
class Authority:
    """A CA that issues, revokes and lists. ``issued`` is kept in memory only."""

    name: str
    own: Issued
    key_size: int
    revoked: list[tuple[int, datetime, x509.ReasonFlags]] = field(default_factory=list)
    made: list[x509.Certificate] = field(default_factory=list)

    def issue(
        self,
        subject: x509.Name,
        *,
        not_before: datetime,
        not_after: datetime,
        extensions: Sequence[tuple[x509.ExtensionType, bool]],
        key_size: int | None = None,
        with_lists: bool = True,
    ) -> Issued:
        key = rsa.generate_private_key(public_exponent=65537, key_size=key_size or self.key_size)
        builder = builder_for(subject, self.own.certificate.subject, key, not_before, not_after)
        places = (
            ((crl_point(self.name), False), (responder(self.name), False))
            if with_lists
            else ((responder(self.name), False),)
        )
        for extension, critical in (*extensions, *places):
            builder = builder.add_extension(extension, critical=critical)
        builder = builder.add_extension(issuer_key(self.own.key), critical=False)
        certificate = builder.sign(self.own.key, hashes.SHA256())
        self.made.append(certificate)
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
            .add_extension(issuer_key(self.own.key), critical=False)
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
        with_lists: bool = True,
    ) -> Issued:
        usage = key_usage(digital_signature=True, content_commitment=non_repudiation)
        return self.sub.issue(
            subject_of(agency_name=holder.agency_name, person=holder.person, title=holder.title),
            not_before=not_before or self.now - timedelta(days=30),
            not_after=not_after or self.now + timedelta(days=700),
            extensions=[(usage, True), (x509.BasicConstraints(ca=False, path_length=None), True)],
            with_lists=with_lists,
        )

    def timestamper(self, now: datetime | None = None) -> LocalTimestamper:
        """A clock that stands still at ``now`` (default: the moment the PKI was made)."""
        moment = now or self.now
        chain = [asn1(c) for c in self.tsa.chain]
        return LocalTimestamper(asn1(self.tsa.certificate), self.tsa.key, chain=chain, now=lambda: moment)

    def write_store(self, folder: Path, *, name: str = STORE, at: datetime | None = None, days: int = 30) -> None:
        """Write pins, certificates and fresh CRLs as ``signing.trust`` reads them."""
        moment = at or self.now
        home = folder / name
        for part in ("roots", "intermediates", "crls"):
            (home / part).mkdir(parents=True, exist_ok=True)
        (home / "roots" / "root.pem").write_bytes(pem(self.root.own.certificate))
        (home / "intermediates" / "sub.pem").write_bytes(pem(self.sub.own.certificate))
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
    root = Authority(name="root", own=self_signed("TEST Root CA", start, end, key_size), key_size=key_size)
    ca = [(x509.BasicConstraints(ca=True, path_length=0), True), (key_usage(ca=True), True)]
    own = root.issue(authority_name("TEST CA cơ quan nhà nước"), not_before=start, not_after=end, extensions=ca)
    sub = Authority(name="sub", own=Issued(certificate=own.certificate, key=own.key), key_size=key_size)
    stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    tsa = sub.issue(
        authority_name("TEST TSA"),
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
        (folder / f"{holder.file_name}.key.pem").write_bytes(key_pem(issued.key))
        (folder / f"{holder.file_name}.cert.pem").write_bytes(pem(issued.certificate))
        role = "leader" if holder.person else "agency"
        registry.append({"sha256": issued.sha256, "agency_code": holder.agency_code, "role": role})
    (folder / "tsa.key.pem").write_bytes(key_pem(pki.tsa.key))
    (folder / "tsa.cert.pem").write_bytes(pem(pki.tsa.certificate))
    (folder / "sub.cert.pem").write_bytes(pem(pki.sub.own.certificate))
    (folder / "registry.json").write_text(json.dumps(registry, ensure_ascii=False, indent=2), encoding="utf-8")
    return registry


def load_key(folder: Path, name: str) -> SoftwareKey:
    """One holder's key as ``write_holders`` wrote it, e.g. ``"H50.11-leader"``."""
    return SoftwareKey.from_pem(folder / f"{name}.key.pem", folder / f"{name}.cert.pem", [folder / "sub.cert.pem"])
