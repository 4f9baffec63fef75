"""Timestamps over HTTP: a real exchange, and every way in which an authority fails us."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.timestamps.api import TimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore

from lienthong.deploy.demo.pki_parts import asn1, authority_name, key_usage
from lienthong.deploy.demo.time_authority import time_authority
from lienthong.signing.errors import SigningError
from lienthong.signing.sign_job import Level, SignJob, SignResult, SignStep
from lienthong.signing.sign_jobs import run_sign_job
from lienthong.signing.timestamps import LocalTimestamper
from lienthong.signing.tsa_client import LARGEST_ANSWER, HttpTimestamper, any_token

from .desk import Desk
from .office import Office, refused


class Counter(TimeStamper):
    """Counts what it is asked; ``stamper`` may be exchanged for another."""

    def __init__(self, stamper: TimeStamper) -> None:
        super().__init__()
        self.stamper = stamper
        self.asked = 0

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        self.asked += 1
        return await self.stamper.async_request_tsa_response(req)


@contextmanager
def authority(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Somebody who takes one connection at a time and answers as he likes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()

        def serve() -> None:
            while not done.is_set():
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    try:
                        answer(peer)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/tsa"
        finally:
            done.set()
            socket.create_connection(server.getsockname()).close()
            thread.join()


def sign_with(office: Office, url: str, **changes: object) -> SignResult:
    asked = {**office.settings, "step": SignStep.LEADER, "source": str(office.paper), "target": office.target}
    job = SignJob(**{**asked, "tsa_url": url, "tsa_seconds": 2.0, **changes})
    return run_sign_job(job, office.desk.leader.software_key())


def test_timestamps_of_an_authority_on_the_network(office: Office) -> None:
    office.prepare()
    counter = Counter(office.timestamper)
    with time_authority(counter) as url:
        for level, asked in ((Level.B_LT, 2), (Level.B_LT, 3), (Level.B_T, 4)):
            result = sign_with(office, url, level=level)
            # The authority's certificate is asked for once, then one request for each signature.
            assert counter.asked == asked
            assert result.signing_time == office.desk.now
    report = office.desk.check(Path(office.folder / result_name(office)))
    assert report.signatures[0].time_source == "timestamp"


def result_name(office: Office) -> str:
    return max(path.name for path in office.folder.glob("*.pdf") if path != office.paper and path.stem.isdigit())


def test_signing_time_is_the_authoritys(office: Office) -> None:
    office.prepare()
    later = office.desk.now + timedelta(seconds=40)
    with time_authority(office.desk.pki.timestamper(later)) as url:
        result = sign_with(office, url, now=later + timedelta(seconds=1))
    assert result.signing_time == later


def garbage(peer: socket.socket) -> None:
    peer.recv(4096)
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")


def refuses(peer: socket.socket) -> None:
    peer.recv(4096)
    peer.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")


def endless(peer: socket.socket) -> None:
    peer.recv(4096)
    peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(2 * LARGEST_ANSWER // 4096):
        peer.sendall(bytes(4096))


def silent(peer: socket.socket) -> None:
    while peer.recv(4096):
        pass


def hangs_up(peer: socket.socket) -> None:
    peer.recv(4096)


@pytest.mark.parametrize("answer", [garbage, refuses, endless, silent, hangs_up])
def test_authority_that_fails(office: Office, answer: Callable[[socket.socket], None]) -> None:
    office.prepare()
    with authority(answer) as url:
        refused("SIG_TSA_FAILED", sign_with, office, url, tsa_seconds=0.5)
    assert not Path(office.target).exists()


def test_authority_that_is_not_there(office: Office) -> None:
    office.prepare()
    refused("SIG_TSA_FAILED", sign_with, office, "http://127.0.0.1:1/tsa")


def test_authority_that_nobody_trusts(office: Office) -> None:
    office.prepare()
    with time_authority(office.desk.foreign.timestamper()) as url:
        refused("SIG_TSA_NOT_TRUSTED", sign_with, office, url)
        refused("SIG_RELEASE_REFUSED", sign_with, office, url, level=Level.B_T)


@pytest.mark.parametrize("url", ["ftp://tsa.example/", "file:///etc/passwd", "tsa.example", ""])
def test_address_that_is_none(url: str) -> None:
    with pytest.raises(SigningError) as caught:
        HttpTimestamper(url, seconds=1)
    assert caught.value.code == "SIG_TSA_ADDRESS"


def test_no_authority_at_all(office: Office) -> None:
    office.prepare()
    refused("SIG_TSA_NEEDED", sign_with, office, "", tsa_url=None)


def test_authority_that_changes_its_certificate(desk: Desk, office: Office) -> None:
    """What was gathered for the old certificate does not do: the new one's path goes into a revision of its own."""
    office.prepare()
    counter = Counter(office.timestamper)
    revisions = []
    with time_authority(counter) as url:
        for stamper in (counter.stamper, renewed := make_authority(desk), renewed):
            counter.stamper = stamper
            sign_with(office, url)
            signed = office.folder / result_name(office)
            assert desk.check(signed).missing_signatures_only
            revisions.append(PdfFileReader(io.BytesIO(signed.read_bytes())).xrefs.total_revisions)
    assert revisions == [3, 4, 3]
    store = DocumentSecurityStore.read_dss(PdfFileReader(io.BytesIO(signed.read_bytes())))
    assert "TEST TSA 2" in {c.subject.native["common_name"] for c in store.load_certs()}


def test_authority_that_brings_many_certificates(desk: Desk, office: Office) -> None:
    """Room is made for its tokens before anybody signs: afterwards it would be too late."""
    others = [asn1(office.elliptic(ec.SECP256R1()).certificate) for _ in range(14)]
    stamper = desk.pki.timestamper()
    stamper.certs_to_embed = [*stamper.certs_to_embed, *others]
    office.prepare()
    result = office.sign(SignStep.LEADER, desk.leader, level=Level.B_LT, stamper=stamper)
    assert result.level is Level.B_LT
    assert len(any_token(stamper).dump()) > 10_240


def make_authority(desk: Desk) -> LocalTimestamper:
    issued = desk.pki.sub.issue(
        authority_name("TEST TSA 2"),
        not_before=desk.now - timedelta(days=1),
        not_after=desk.now + timedelta(days=100),
        extensions=[
            (key_usage(digital_signature=True), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True),
        ],
    )
    return LocalTimestamper(asn1(issued.certificate), issued.key, now=lambda: desk.now)
