"""One document on its way through the hands of an agency, by the jobs that tokens and cases run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.sign.timestamps.api import TimeStamper

from lienthong.deploy.demo.pki import Holder
from lienthong.deploy.demo.pki_parts import Issued, crl_point, issuer_key, key_usage, subject_of
from lienthong.signing.errors import SigningError
from lienthong.signing.sign_job import FillJob, FillResult, PrepareJob, PrepareResult, SignJob, SignResult, SignStep
from lienthong.signing.sign_jobs import fill_job, prepare_job, run_sign_job

from .desk import SENDER, SENDER_NAME, Desk

R = TypeVar("R")


@dataclass(kw_only=True)
class Office:
    """One document on its way through the hands of an agency."""

    desk: Desk
    folder: Path
    paper: Path
    settings: dict[str, Any]

    @cached_property
    def drafter(self) -> Issued:
        holder = Holder(agency_code=SENDER, agency_name=SENDER_NAME, person="Trần Văn Soạn")
        return self.desk.pki.issue(holder)

    def elliptic(self, curve: ec.EllipticCurve) -> Issued:
        """A leader whose key is an elliptic one."""
        key, now, sub = ec.generate_private_key(curve), self.desk.now, self.desk.pki.sub
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject_of(agency_name=SENDER_NAME, person="Lê Thị Elip", title=None))
            .issuer_name(sub.own.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=300))
            .add_extension(key_usage(digital_signature=True, content_commitment=True), critical=True)
            .add_extension(crl_point("sub"), critical=False)
            .add_extension(issuer_key(sub.own.key), critical=False)
        )
        certificate = builder.sign(sub.own.key, hashes.SHA256())
        return Issued(certificate=certificate, key=key, chain=(sub.own.certificate,))

    @property
    def timestamper(self) -> TimeStamper:
        return self.desk.pki.timestamper()

    @property
    def target(self) -> str:
        return str(self.folder / f"{len(list(self.folder.glob('*.pdf')))}.pdf")

    def prepare(self, **changes: Any) -> PrepareResult:
        return self._next(lambda target: prepare_job(PrepareJob(source=str(self.paper), target=target, **changes)))

    def fill(self, **values: Any) -> FillResult:
        return self._next(lambda target: fill_job(FillJob(source=str(self.paper), target=target, **values)))

    def sign(self, step: SignStep, by: Issued, **changes: Any) -> SignResult:
        stamper = changes.pop("stamper", None) or self.timestamper

        def run(target: str) -> SignResult:
            job = SignJob(**{**self.settings, "step": step, "source": str(self.paper), "target": target, **changes})
            return run_sign_job(job, by.software_key(), timestamper=stamper)

        return self._next(run)

    def leader(self, **changes: Any) -> SignResult:
        picture = self.folder / "leader.png"
        picture.write_bytes(self.desk.images.leader)
        return self.sign(SignStep.LEADER, self.desk.leader, **{"picture": str(picture), **changes})

    def agency(self, **changes: Any) -> SignResult:
        picture = self.folder / "seal.png"
        picture.write_bytes(self.desk.images.seal)
        return self.sign(SignStep.AGENCY, self.desk.agency, **{"picture": str(picture), **changes})

    def _next(self, work: Callable[[str], R]) -> R:
        target = self.target
        result = work(target)
        self.paper = Path(target)
        return result


def refused(code: str, work: Any, *args: Any, **changes: Any) -> None:
    with pytest.raises(SigningError) as caught:
        work(*args, **changes)
    assert caught.value.code == code, caught.value.message
