"""Is a fetched revocation list or OCSP answer fit for the store? Judges bytes, fetches nothing, writes nothing.

A list enters only when its authority signed it, when it is fresh and when it is no older than what the store holds:
whoever sits on the plain HTTP in between can withhold news, never bring false or old ones. What a newer list no longer
names is handed back as a past entry, because authorities drop entries of expired certificates and lift suspensions,
while a signature is judged at the time it was made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from asn1crypto import algos, ocsp, x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509 import load_der_x509_certificate
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, RevokedError, ValidationError
from pyhanko_certvalidator.revinfo.validate_ocsp import verify_ocsp_response

from .errors import SigningError
from .past_revocations import PastRevocation, vanished
from .paths import PinnedSha1Policy
from .revocation_lists import RevocationList, fresh, parse_list
from .trust import TrustStore

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedList:
    """``unchanged``: the store holds these very bytes. ``past``: what the list it replaces said beyond it."""

    listed: RevocationList
    unchanged: bool
    past: tuple[PastRevocation, ...]


def accept_list(content: bytes, store: TrustStore, now: datetime, *, chain: Sequence[bytes] = ()) -> AcceptedList:
    """``chain``: CA certificates met in files; they count when an authority of the store issued them.

    Raises SigningError SIG_CRL_UNREADABLE, SIG_CRL_INDIRECT, SIG_CRL_DELTA, SIG_CRL_ISSUER_UNKNOWN, SIG_CRL_SIGNATURE,
    SIG_CRL_STALE, SIG_CRL_OLDER.
    """
    listed = parse_list(content)
    issuers = [one for one in authorities(store, chain) if _may_have_issued(one, listed)]
    if not issuers:
        raise _refused("SIG_CRL_ISSUER_UNKNOWN", "Danh sách thu hồi không do tổ chức nào trong kho tin cậy phát hành.")
    if not any(_signed_by(listed, issuer, store, now) for issuer in issuers):
        raise _refused("SIG_CRL_SIGNATURE", "Chữ ký trên danh sách thu hồi không đúng.")
    if not fresh(listed, now, early=CLOCK_TOLERANCE):
        raise _refused("SIG_CRL_STALE", "Danh sách thu hồi đã hết hạn, chưa tới hạn hoặc không ghi hạn.")
    known = next((one for one in store.lists if one.place == listed.place), None)
    if known is None:
        return AcceptedList(listed=listed, unchanged=False, past=())
    if known.sha256 == listed.sha256:
        return AcceptedList(listed=listed, unchanged=True, past=())
    if listed.age <= known.age or (listed.number or 0) < (known.number or 0):
        raise _refused("SIG_CRL_OLDER", "Danh sách thu hồi cũ hơn danh sách đang có.")
    return AcceptedList(listed=listed, unchanged=False, past=vanished(known, listed))


def authorities(store: TrustStore, chain: Iterable[bytes]) -> list[x509.Certificate]:
    """CA certificates of the store, and those of ``chain`` that one of them issued (directly or through another)."""
    known = [*store.roots, *store.intermediates]
    waiting = [one for one in map(_authority, chain) if one is not None]
    while waiting:
        issued = [one for one in waiting if any(_issued_by(one, ca) for ca in known)]
        if not issued:
            break
        known += issued
        waiting = [one for one in waiting if one not in issued]
    return known


def _authority(content: bytes) -> x509.Certificate | None:
    certificate = x509.Certificate.load(content)
    return certificate if certificate.ca else None


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if certificate.issuer != issuer.subject:
        return False
    try:
        load_der_x509_certificate(certificate.dump()).verify_directly_issued_by(
            load_der_x509_certificate(issuer.dump())
        )
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _may_have_issued(certificate: x509.Certificate, listed: RevocationList) -> bool:
    if certificate.subject.hashable != listed.issuer:
        return False
    usage, key_id = certificate.key_usage_value, certificate.key_identifier
    if usage is not None and "crl_sign" not in usage.native:
        return False
    return not (listed.key_id and key_id and listed.key_id != key_id)


def _signed_by(listed: RevocationList, issuer: x509.Certificate, store: TrustStore, now: datetime) -> bool:
    # The same rule as for certificates: SHA-1 by the pinned key of G1 alone, and until its date (C14).
    policy = PinnedSha1Policy(store.sha1_keys(now))
    algorithm: algos.SignedDigestAlgorithm = listed.parsed["signature_algorithm"]
    if not policy.signature_algorithm_allowed(algorithm, now, issuer.public_key):
        return False
    key = load_der_x509_certificate(issuer.dump()).public_key()
    try:
        return listed.quick.is_signature_valid(key)  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False


def _refused(code: str, message: str) -> SigningError:
    return SigningError(code, message, blame="network")


# OCSP ----------------------------------------------------------------------------------------------------------------


def ask(certificate: bytes, store: TrustStore, chain: Sequence[bytes] = ()) -> bytes:
    """The OCSP request (DER) for one certificate. Raises SigningError SIG_OCSP_ISSUER_UNKNOWN."""
    wanted = x509.Certificate.load(certificate)
    issuer = _issuer_of(wanted, store, chain)
    identifier = ocsp.CertId(
        {
            "hash_algorithm": {"algorithm": "sha1"},  # an identifier, as every responder knows it; nothing is signed
            "issuer_name_hash": issuer.subject.sha1,
            "issuer_key_hash": issuer.public_key.sha1,
            "serial_number": wanted.serial_number,
        }
    )
    request = ocsp.OCSPRequest({"tbs_request": {"request_list": [{"req_cert": identifier}]}})
    made: bytes = request.dump()
    return made


def _issuer_of(certificate: x509.Certificate, store: TrustStore, chain: Sequence[bytes]) -> x509.Certificate:
    for one in authorities(store, chain):
        if _issued_by(certificate, one):
            return one
    raise _refused("SIG_OCSP_ISSUER_UNKNOWN", "Không có chứng thư của tổ chức cấp để hỏi trạng thái (OCSP).")


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedResponse:
    this_update: datetime
    next_update: datetime


def accept_response(
    content: bytes, certificate: bytes, store: TrustStore, now: datetime, *, chain: Sequence[bytes] = ()
) -> AcceptedResponse:
    """Blocking. A good or revoked answer for this certificate, signed by its authority or its delegate, fresh, and no
    older than what the store holds about it.

    Raises SigningError SIG_OCSP_UNREADABLE, SIG_OCSP_REFUSED, SIG_OCSP_STALE, SIG_OCSP_OLDER.
    """
    wanted = x509.Certificate.load(certificate)
    response, this_update, next_update = _parse_response(content)
    if next_update is None or next_update <= now or this_update > now + CLOCK_TOLERANCE:
        raise _refused("SIG_OCSP_STALE", "Trả lời trạng thái chứng thư (OCSP) đã hết hạn hoặc không ghi hạn.")
    context = ValidationContext(
        trust_roots=list(store.roots),
        other_certs=authorities(store, chain),
        ocsps=[response],
        moment=now,
        allow_fetching=False,
        revocation_mode="require",
        retroactive_revinfo=True,
        algorithm_usage_policy=PinnedSha1Policy(store.sha1_keys(now)),
        time_tolerance=CLOCK_TOLERANCE,
    )
    asyncio.run(_verify_response(wanted, context))
    if this_update < _held_since(store, wanted):
        raise _refused("SIG_OCSP_OLDER", "Trả lời trạng thái chứng thư (OCSP) cũ hơn trả lời đang có.")
    return AcceptedResponse(this_update=this_update, next_update=next_update)


def _parse_response(content: bytes) -> tuple[ocsp.OCSPResponse, datetime, datetime | None]:
    """The response with the times of its first answer."""
    try:
        response = ocsp.OCSPResponse.load(content)
        single = response.response_data["responses"][0]
        return response, single["this_update"].native, single["next_update"].native
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as cause:
        raise _refused("SIG_OCSP_UNREADABLE", "Không đọc được trả lời trạng thái chứng thư (OCSP).") from cause


def _held_since(store: TrustStore, certificate: x509.Certificate) -> datetime:
    """Of when the answer is that the store holds; what it accepted once, it can read."""
    held = store.answer(certificate.sha256.hex())
    return _NEVER if held is None else _parse_response(held)[1]


async def _verify_response(certificate: x509.Certificate, context: ValidationContext) -> None:
    try:
        path = (await context.path_builder.async_build_paths(certificate))[0]
        await verify_ocsp_response(certificate, path, context)
    except RevokedError:
        return  # a bad answer about the certificate is a good answer of the responder
    except (ValidationError, PathBuildingError, IndexError) as cause:
        raise _refused("SIG_OCSP_REFUSED", "Trả lời trạng thái chứng thư (OCSP) không xác minh được.") from cause
