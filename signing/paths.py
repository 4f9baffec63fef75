"""Certificate paths: to which pinned root, and was the certificate good at the moment of signing.

Adapter of pyhanko-certvalidator. No network: revocation data come from the file's DSS and the store's folder.
Where the library says only "failed", the path is walked again without revocation to tell a wrong issuer
(KHÔNG HỢP LỆ) from missing data (CHƯA XÁC ĐỊNH).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from asn1crypto import algos, crl, keys, ocsp, x509
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import (
    DisallowedAlgorithmError,
    ExpiredError,
    InvalidCertificateError,
    NotYetValidError,
    PathBuildingError,
    PathValidationError,
    RevokedError,
    ValidationError,
)
from pyhanko_certvalidator.policy_decl import AlgorithmUsageConstraint, DisallowWeakAlgorithmsPolicy
from pyhanko_certvalidator.validate import async_validate_path

from .answers import answer
from .path_memory import RememberedContext
from .report import Answer
from .trust import TrustStore

# digitalSignature alone is enough: no leaf of the field has been seen (signatures.md 3.5, 7).
KEY_USAGE: Final = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False)
WEAK: Final = frozenset({"md2", "md5"})
MAX_PATHS: Final = 4


class PinnedSha1Policy(DisallowWeakAlgorithmsPolicy):
    """SHA-1 is refused, but for signatures by the pinned root keys of G1 (registers.md C14), and remembered.

    ``document_key``: the signer's key of a file that a timestamp puts before the date of the same rule.
    """

    def __init__(
        self, sha1_keys: frozenset[bytes], *, digests: bool = False, document_key: bytes | None = None
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._keys = sha1_keys
        self._digests = digests and bool(sha1_keys)  # timestamp tokens of the same provider
        self._document_key = document_key
        self.used = False

    def digest_algorithm_allowed(
        self, algo: algos.DigestAlgorithm, moment: datetime | None
    ) -> AlgorithmUsageConstraint:
        if self._digests and algo["algorithm"].native == "sha1":
            self.used = True
            return AlgorithmUsageConstraint(allowed=True)
        if self._document_key is not None and algo["algorithm"].native == "sha1":
            return AlgorithmUsageConstraint(allowed=True)
        return super().digest_algorithm_allowed(algo, moment)

    def signature_algorithm_allowed(
        self,
        algo: algos.SignedDigestAlgorithm,
        moment: datetime | None,
        public_key: keys.PublicKeyInfo | None,
    ) -> AlgorithmUsageConstraint:
        if public_key is not None and algo["algorithm"].native == "sha1_rsa":
            key = public_key.dump()
            if key in self._keys:
                self.used = True
            if key in self._keys or key == self._document_key:
                return AlgorithmUsageConstraint(allowed=True)
        return super().signature_algorithm_allowed(algo, moment, public_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Certificates and revocation data to judge with: the store's and the file's own (DSS)."""

    store: TrustStore
    now: datetime
    certificates: Sequence[x509.Certificate] = ()
    crls: Sequence[crl.CertificateList] = ()
    ocsps: Sequence[ocsp.OCSPResponse] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of all that a path is judged with, but for the certificate and the moment themselves."""
        carried = (*self.certificates, *self.crls, *self.ocsps)
        parts = [self.store.digest, *sorted(hashlib.sha256(item.dump()).hexdigest() for item in carried)]
        parts += sorted(key.hex() for key in self.store.sha1_keys(self.now))
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def context(
        self,
        moment: datetime,
        *,
        revocation: bool = True,
        timestamps: bool = False,
        document_key: bytes | None = None,
    ) -> ValidationContext:
        policy = PinnedSha1Policy(self.store.sha1_keys(self.now), digests=timestamps, document_key=document_key)
        context = RememberedContext(
            trust_roots=list(self.store.roots),
            other_certs=[*self.store.intermediates, *self.certificates],
            crls=[*self.store.crls, *self.crls],
            ocsps=list(self.ocsps),
            moment=moment,
            allow_fetching=False,
            revocation_mode="require" if revocation else "none",
            retroactive_revinfo=True,
            algorithm_usage_policy=policy,
        )
        context.policy = policy
        if not self.ocsps:
            context.evidence_key = (self.digest, revocation, timestamps, document_key)
            context.lists = (*self.store.crls, *self.crls)
        return context


@dataclass(frozen=True, slots=True, kw_only=True)
class PathVerdict:
    trust: Answer
    validity: Answer


async def explain(
    certificate: x509.Certificate,
    others: Iterable[x509.Certificate],
    evidence: Evidence,
    moment: datetime,
    *,
    proven: bool,
    claimed: datetime | None,
) -> PathVerdict:
    """Why a path was not accepted. ``proven``: a trusted timestamp shows ``moment``; ``claimed``: signingTime."""
    others = list(others)
    trust = await _trust(certificate, others, evidence, moment)
    if trust.code != "SIG_TRUST_OK":
        return PathVerdict(trust=trust, validity=answer("SIG_VALIDITY_NOT_CHECKED"))
    fault = await _fault(certificate, others, evidence.context(moment))
    if fault is None:
        return PathVerdict(trust=trust, validity=answer("SIG_VALIDITY_OK"))
    return PathVerdict(trust=trust, validity=_validity(fault, certificate, proven=proven, claimed=claimed))


async def _trust(
    certificate: x509.Certificate, others: list[x509.Certificate], evidence: Evidence, moment: datetime
) -> Answer:
    if not evidence.store.roots:
        return answer("SIG_TRUST_STORE_EMPTY", evidence.store.name)
    fault = await _fault(certificate, others, evidence.context(moment, revocation=False))
    if isinstance(fault, ExpiredError | NotYetValidError):
        # Expiry is question 4; the path itself is asked about in the middle of the certificate's life.
        life = certificate.not_valid_after - certificate.not_valid_before
        middle = certificate.not_valid_before + min(life / 2, timedelta(days=180))
        fault = await _fault(certificate, others, evidence.context(middle, revocation=False))
    if fault is None:
        return answer("SIG_TRUST_OK", evidence.store.title)
    if isinstance(fault, PathBuildingError):
        return _no_path(certificate, others, evidence)
    if isinstance(fault, InvalidCertificateError):
        return answer("SIG_KEY_USAGE", certificate.subject.human_friendly)
    if isinstance(fault, DisallowedAlgorithmError):
        return answer("SIG_WEAK_CHAIN")
    return answer("SIG_PATH_INVALID", type(fault).__name__)


def _no_path(certificate: x509.Certificate, others: list[x509.Certificate], evidence: Evidence) -> Answer:
    known = {c.subject.hashable: c for c in [*evidence.store.intermediates, *evidence.certificates, *others]}
    current, name = certificate, certificate.issuer.human_friendly
    for _ in range(len(known) + 1):
        if current.issuer.hashable == current.subject.hashable:
            return answer("SIG_UNTRUSTED_ROOT", name)
        issuer = known.get(current.issuer.hashable)
        if issuer is None:
            return answer("SIG_CHAIN_INCOMPLETE", current.issuer.human_friendly)
        current, name = issuer, issuer.subject.human_friendly
    return answer("SIG_UNTRUSTED_ROOT", name)


async def _fault(
    certificate: x509.Certificate, others: list[x509.Certificate], context: ValidationContext
) -> Exception | None:
    """None when some path holds; else the fault of the last path tried, of another kind than its siblings."""
    context.certificate_registry.register_multiple(others)
    fault: Exception | None = None
    tried = 0
    try:
        async for path in context.path_builder.async_build_paths_lazy(certificate):
            tried += 1
            if tried > MAX_PATHS:
                break
            try:
                await async_validate_path(context, path)
                KEY_USAGE.validate(certificate)
            except (ValidationError, PathValidationError) as cause:
                fault = cause
            else:
                return None
    except PathBuildingError as cause:
        fault = fault or cause
    return fault or PathBuildingError("no path")


def _validity(fault: Exception, certificate: x509.Certificate, *, proven: bool, claimed: datetime | None) -> Answer:
    if isinstance(fault, RevokedError):
        detail = f"{fault.revocation_dt:%d/%m/%Y %H:%M} UTC"
        if fault.reason.native == "certificate_hold":
            return answer("SIG_SUSPENDED", detail)
        unproven = not proven and claimed is not None and claimed < fault.revocation_dt
        return answer("SIG_REVOKED_TIME_UNPROVEN" if unproven else "SIG_REVOKED", detail)
    if isinstance(fault, ExpiredError | NotYetValidError):
        detail = f"{certificate.not_valid_before:%d/%m/%Y}–{certificate.not_valid_after:%d/%m/%Y}"
        within = claimed is not None and certificate.not_valid_before <= claimed <= certificate.not_valid_after
        return answer("SIG_EXPIRED_TIME_UNPROVEN" if within and not proven else "SIG_EXPIRED", detail)
    return answer("SIG_REVOCATION_UNKNOWN")
