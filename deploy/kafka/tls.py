"""A TEST authority and a server certificate for 127.0.0.1, for the TLS listener of a broker on loopback."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    authority: Path  # what clients trust, PEM
    server: Path  # the server's key and certificate, PEM


def write_tls(folder: Path) -> Tls:
    """Make both, good for a day."""
    root_key, server_key = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    root = _named("TEST Kafka authority")
    authority = _certificate(root, root, root_key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    server = _certificate(root, _named("127.0.0.1"), server_key.public_key()).add_extension(here, critical=False)
    made = Tls(authority=folder / "kafka-ca.pem", server=folder / "kafka-server.pem")
    made.authority.write_bytes(authority.sign(root_key, hashes.SHA256()).public_bytes(Encoding.PEM))
    made.server.touch(mode=0o600)
    made.server.write_bytes(
        server_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + server.sign(root_key, hashes.SHA256()).public_bytes(Encoding.PEM)
    )
    return made


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(issuer: x509.Name, subject: x509.Name, key: rsa.RSAPublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - timedelta(hours=1),
        not_valid_after=now + timedelta(days=1),
    )
