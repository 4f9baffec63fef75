"""A drawer with real tokens: SoftHSM holds a leader's and an agency's key, made there and certified by the TEST PKI.

The folder is private to the test run. Tokens, keys and certificates are made by Debian's tools and the bare library,
so that what we read was not written by what we test.
"""

from __future__ import annotations

import subprocess
import sys
from base64 import b64decode
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from asn1crypto import keys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lienthong.deploy.demo.pki import Holder, Pki
from lienthong.deploy.demo.pki_parts import builder_for, crl_point, issuer_key, key_usage, subject_of
from lienthong.signing.tokens import TokenAddress

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
SO_PIN = "87654321"
KEY_MAKER = Path(__file__).with_name("key_maker.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftToken:
    """``pin`` is a TEST PIN. ``certificates``: label of the key to its certificate."""

    label: str
    pin: str
    serial: str
    certificates: dict[str, x509.Certificate]
    module: str = MODULE

    @property
    def address(self) -> TokenAddress:
        return TokenAddress(module=self.module, serial=self.serial)

    def sha256(self, label: str) -> str:
        return self.certificates[label].fingerprint(hashes.SHA256()).hex()

    def der(self, label: str) -> bytes:
        return self.certificates[label].public_bytes(serialization.Encoding.DER)


@dataclass(slots=True, kw_only=True)
class Drawer:
    """All tokens of one SoftHSM folder. ``environment`` is what a process needs to see them."""

    folder: Path
    environment: dict[str, str]
    module: str = MODULE

    def new_token(self, label: str, pin: str) -> str:
        """Initialise a token; its serial number."""
        self._run("softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", SO_PIN, "--pin", pin)
        shown = self._run("softhsm2-util", "--show-slots").split("Slot ")
        part = next(slot for slot in shown if f"Label:            {label}" in slot)
        return next(line.split(":")[1].strip() for line in part.splitlines() if "Serial number" in line)

    def new_keys(self, label: str, pin: str, kinds: dict[str, str]) -> list[Any]:
        """Make key pairs on the token, ids 01, 02…; their public halves."""
        wanted = [f"{name}={kind}:{number:02x}" for number, (name, kind) in enumerate(kinds.items(), start=1)]
        printed = self._run(sys.executable, str(KEY_MAKER), MODULE, label, *wanted, entered=pin)
        return [public_half(b64decode(line)) for line in printed.split()]

    def put_certificate(self, label: str, pin: str, certificate: x509.Certificate, name: str, key_id: str) -> None:
        path = self.folder / f"{label}-{name}-cert.der"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.DER))
        self._tool(label, pin, "--write-object", str(path), "--type", "cert", "--label", name, "--id", key_id)

    def _tool(self, label: str, pin: str, *arguments: str) -> None:
        self._run("pkcs11-tool", "--module", MODULE, "--token-label", label, "--login", "--pin", pin, *arguments)

    def _run(self, *command: str, entered: str = "") -> str:
        environment = {**self.environment, "PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, env=environment, input=entered, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@dataclass(slots=True, kw_only=True)
class RogueModule:
    """The module of ``rogue_module.c`` in front of the drawer's tokens, and what it was told and saw."""

    path: str
    folder: Path
    drawer: Drawer

    @property
    def environment(self) -> dict[str, str]:
        own = {"ROGUE_REAL": MODULE, "ROGUE_ORDERS": str(self.folder / "orders"), "ROGUE_LOG": str(self.folder / "log")}
        return {**self.drawer.environment, **own}

    def order(self, *words: str) -> None:
        """What it does from the next call on."""
        (self.folder / "orders").write_text(" ".join(words))

    def log(self) -> list[str]:
        path = self.folder / "log"
        return path.read_text().split("\n")[:-1] if path.exists() else []


@dataclass(frozen=True, slots=True)
class Public:
    """The certificate builder asks a key for its public half only."""

    half: Any

    def public_key(self) -> Any:
        return self.half


def open_drawer(folder: Path) -> Drawer:
    (folder / "tokens").mkdir(parents=True)
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    return Drawer(folder=folder, environment={"SOFTHSM2_CONF": str(settings)})


def certify(pki: Pki, holder: Holder, public: Any) -> x509.Certificate:
    """A holder's certificate over a key that never leaves its token."""
    subject = subject_of(agency_name=holder.agency_name, person=holder.person, title=holder.title)
    builder = builder_for(
        subject,
        pki.sub.own.certificate.subject,
        Public(public),  # type: ignore[arg-type]
        pki.now - timedelta(days=30),
        pki.now + timedelta(days=700),
    )
    usage = key_usage(digital_signature=True, content_commitment=True)
    builder = builder.add_extension(usage, critical=True).add_extension(crl_point("sub"), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return builder.add_extension(issuer_key(pki.sub.own.key), critical=False).sign(pki.sub.own.key, hashes.SHA256())


def furnish(drawer: Drawer, pki: Pki, holder: Holder, label: str, pin: str, kinds: dict[str, str]) -> SoftToken:
    """A token with one certified key for each kind (RSA bits or a curve), and the sub-CA beside them."""
    serial = drawer.new_token(label, pin)
    certificates = {}
    for number, (name, public) in enumerate(zip(kinds, drawer.new_keys(label, pin, kinds), strict=True), start=1):
        certificates[name] = certify(pki, holder, public)
        drawer.put_certificate(label, pin, certificates[name], name, f"{number:02x}")
    drawer.put_certificate(label, pin, pki.sub.own.certificate, "sub", "ff")
    return SoftToken(label=label, pin=pin, serial=serial, certificates=certificates)


def public_half(der: bytes) -> Any:
    """SubjectPublicKeyInfo (EC) or a bare RSAPublicKey of PKCS#1, as the library writes them."""
    try:
        return serialization.load_der_public_key(der)
    except ValueError:
        numbers = keys.RSAPublicKey.load(der)
        return rsa.RSAPublicNumbers(numbers["public_exponent"].native, numbers["modulus"].native).public_key()
