"""What makes a signature last: certificates and revocation data of its signer and of the time-stamping authority.

Adapter of pyhanko-certvalidator. The paths are checked before anything is signed; who signs two hundred documents in
a session is checked once in a few minutes, and after each signing by the verifier anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from asn1crypto import cms, crl, ocsp, x509
from pyhanko_certvalidator import CertificateValidator
from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError, ValidationError
from pyhanko_certvalidator.path import ValidationPath

from .errors import SigningError
from .evidence import with_answers
from .paths import KEY_USAGE, Evidence
from .trust import TrustStore

SPAN: Final = 300  # seconds that a checked path stands for


@dataclass(frozen=True, slots=True, kw_only=True)
class LastingEvidence:
    """``authority``: DER of the certificate that the timestamps must come from; absent: none was asked."""

    certificates: tuple[x509.Certificate, ...]
    crls: tuple[crl.CertificateList, ...]
    ocsps: tuple[ocsp.OCSPResponse, ...] = ()
    authority: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """The moment is left out of the comparison; its span of minutes is not."""

    store: TrustStore
    certificate: bytes
    chain: tuple[bytes, ...]
    token: bytes | None
    answers: tuple[bytes, ...]  # OCSP, which the store does not count as its own content
    span: int
    now: datetime = field(compare=False)


def lasting_evidence(
    store: TrustStore,
    certificate: x509.Certificate,
    chain: Iterable[x509.Certificate],
    token: cms.ContentInfo | None,
    now: datetime,
) -> LastingEvidence:
    """``token``: some timestamp of the authority. Raises SigningError SIG_SIGNER_NOT_TRUSTED, SIG_TSA_NOT_TRUSTED."""
    chain = tuple(chain)
    carried = authority_of(token)[1] if token is not None else ()
    asked = with_answers(Evidence(store=store, now=now), (certificate, *chain, *carried))
    return _evidence(
        _Question(
            store=store,
            certificate=certificate.dump(),
            chain=tuple(sorted(c.dump() for c in chain)),
            answers=tuple(answer.dump() for answer in asked.ocsps),
            token=token.dump() if token is not None else None,
            span=int(now.timestamp()) // SPAN,
            now=now,
        )
    )


def authority_of(token: cms.ContentInfo) -> tuple[x509.Certificate | None, tuple[x509.Certificate, ...]]:
    """The certificate that signed a timestamp, and those that came along."""
    content = token["content"]
    carried = tuple(c.chosen for c in content["certificates"] if c.name == "certificate")
    wanted = content["signer_infos"][0]["sid"].chosen
    for one in carried:
        if (one.issuer.dump(), one.serial_number) == (wanted["issuer"].dump(), wanted["serial_number"].native):
            return one, carried
    return None, carried


@lru_cache(maxsize=64)
def _evidence(asked: _Question) -> LastingEvidence:
    paths = [_signer_path(asked)]
    authority = None
    if asked.token is not None:
        authority, path = _authority_path(asked, cms.ContentInfo.load(asked.token))
        paths.append(path)
    certificates = {c.dump(): c for path in paths for c in _without_root(path)}
    issuers = {c.issuer.hashable for c in certificates.values()}
    return LastingEvidence(
        certificates=tuple(certificates.values()),
        crls=tuple(listed for listed in asked.store.crls if listed.issuer.hashable in issuers),
        ocsps=tuple(
            ocsp.OCSPResponse.load(held)
            for certificate in certificates.values()
            if (held := asked.store.answer(certificate.sha256.hex())) is not None
        ),
        authority=authority.dump() if authority is not None else None,
    )


def _signer_path(asked: _Question) -> ValidationPath:
    certificate = x509.Certificate.load(asked.certificate)
    try:
        KEY_USAGE.validate(certificate)
        return _path(asked, certificate, [x509.Certificate.load(c) for c in asked.chain], None)
    except (PathBuildingError, PathValidationError, ValidationError) as cause:
        raise SigningError(
            "SIG_SIGNER_NOT_TRUSTED",
            f"Chứng thư ký không hợp lệ tại thời điểm ký hoặc thiếu dữ liệu thu hồi: {cause}",
            blame="peer",
        ) from cause


def _authority_path(asked: _Question, token: cms.ContentInfo) -> tuple[x509.Certificate, ValidationPath]:
    authority, carried = authority_of(token)
    if authority is None:
        raise _authority_unknown("dấu thời gian không kèm chứng thư")
    try:
        return authority, _path(asked, authority, carried, {"time_stamping"})
    except (PathBuildingError, PathValidationError, ValidationError) as cause:
        raise _authority_unknown(str(cause)) from cause


def _authority_unknown(detail: str) -> SigningError:
    return SigningError(
        "SIG_TSA_NOT_TRUSTED", f"Chứng thư của máy chủ dấu thời gian không hợp lệ: {detail}", blame="network"
    )


def _path(
    asked: _Question,
    certificate: x509.Certificate,
    others: Iterable[x509.Certificate],
    purposes: set[str] | None,
) -> ValidationPath:
    answers = tuple(ocsp.OCSPResponse.load(answer) for answer in asked.answers)
    evidence = Evidence(store=asked.store, now=asked.now, ocsps=answers)
    context = evidence.context(asked.now, timestamps=purposes is not None)
    validator = CertificateValidator(certificate, intermediate_certs=list(others), validation_context=context)
    path: ValidationPath = asyncio.run(validator.async_validate_usage(set(), purposes))
    return path


def _without_root(path: ValidationPath) -> Iterator[x509.Certificate]:
    parts = iter(path)
    next(parts, None)
    yield from parts
