"""Certificate paths that were found good, remembered inside a worker process with the span in which they stay good.

The same few signers, authorities and lists come again in every document; pyHanko walks the path and reads the lists
each time. Remembered is a success only, under everything it rests on: the digest of the evidence (pins, certificates,
lists of the store and of the file), all certificates the path could be built from, the certificate, the key usage
asked for, and the algorithm policy. The outcome depends on the moment only through comparisons with the instants
written in these certificates and lists; between two neighbouring instants it cannot change, so a success counts for
that span and no further. Failures, and files that bring OCSP answers, are judged anew every time.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from asn1crypto import crl, x509
from pyhanko.sign.validation import generic_cms
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.policy_decl import FRESHNESS_FALLBACK_VALIDITY_DEFAULT

from .errors import SigningError
from .revocation_speed import written_serial

PATHS_MAX: Final = 512
SPANS_MAX: Final = 8  # of one path
# certvalidator compares with a tolerance of one second on either side.
GUARD: Final = timedelta(seconds=2)
_NAME: Final = "validate_cert_usage"
Check = Callable[..., Awaitable[Any]]
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Both ends belong to it."""

    begin: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        return self.begin <= moment <= self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodPath:
    span: Span
    result: Any  # pyHanko's CertvalidatorOperationResult
    sha1_used: bool  # what the policy noted for the warning


class NotingPolicy(Protocol):
    used: bool


class RememberedContext(ValidationContext):
    """``evidence_key``: digest of the evidence and the settings of the context; None: nothing is remembered."""

    evidence_key: Key | None = None
    lists: tuple[crl.CertificateList, ...] = ()
    policy: NotingPolicy

    def key(self, cert: x509.Certificate, usage: Any) -> Key | None:
        if self.evidence_key is None:
            return None
        others = frozenset(other.sha256 for other in self.certificate_registry)
        return (*self.evidence_key, cert.sha256, others, repr(usage))


@dataclass(slots=True, kw_only=True)
class PathMemory:
    """Wraps pyHanko's check of one certificate; equals it for every input."""

    original: Check
    _known: OrderedDict[Key, deque[GoodPath]] = field(default_factory=OrderedDict)

    async def __call__(
        self,
        cert: x509.Certificate,
        validation_context: ValidationContext,
        key_usage_settings: Any,
        paths: Any,
        pkix_validation_params: Any = None,
    ) -> Any:
        key = None
        if isinstance(validation_context, RememberedContext) and pkix_validation_params is None:
            key = validation_context.key(cert, key_usage_settings)
            found = self._remembered(key, validation_context.moment)
            if found is not None:
                await paths.cancel()
                validation_context.policy.used |= found.sha1_used
                return found.result
        result = await self.original(
            cert,
            validation_context,
            key_usage_settings=key_usage_settings,
            paths=paths,
            pkix_validation_params=pkix_validation_params,
        )
        if key is not None and result.success_result is not None and isinstance(validation_context, RememberedContext):
            self._remember(key, cert, validation_context, result)
        return result

    def _remembered(self, key: Key | None, moment: datetime) -> GoodPath | None:
        if key is None or key not in self._known:
            return None
        self._known.move_to_end(key)
        return next((good for good in self._known[key] if good.span.holds(moment)), None)

    def _remember(self, key: Key, cert: x509.Certificate, context: RememberedContext, result: Any) -> None:
        certificates = [cert, *context.certificate_registry]
        span = span_around(context.moment, instants(certificates, context.lists))
        good = GoodPath(span=span, result=result, sha1_used=context.policy.used)
        self._known.setdefault(key, deque(maxlen=SPANS_MAX)).append(good)
        while len(self._known) > PATHS_MAX:
            self._known.popitem(last=False)


def install() -> None:
    """Replace the check in this process. Raises SigningError SIG_SPEED_UNSUITABLE on another pyHanko."""
    original = getattr(generic_cms, _NAME, None)
    if original is None:
        raise SigningError("SIG_SPEED_UNSUITABLE", "Phiên bản pyHanko không còn hàm kiểm tra chứng thư đã biết")
    if not isinstance(original, PathMemory):
        setattr(generic_cms, _NAME, PathMemory(original=original))


def instants(certificates: Iterable[x509.Certificate], lists: Iterable[crl.CertificateList]) -> Iterator[datetime]:
    """Every time that a path of these certificates under these lists can be compared with."""
    serials: dict[bytes, int] = {}  # as written in lists
    for certificate in certificates:
        serials[written_serial(certificate)] = certificate.serial_number
        yield certificate.not_valid_before
        yield certificate.not_valid_after
    for listed in lists:
        body = listed["tbs_cert_list"]
        this_update, next_update = body["this_update"].native, body["next_update"].native
        yield this_update
        yield next_update or this_update + FRESHNESS_FALLBACK_VALIDITY_DEFAULT
        content = listed.dump()
        named = {number for written, number in serials.items() if written in content}
        for entry in body["revoked_certificates"] if named else ():
            if entry["user_certificate"].native in named:
                yield entry["revocation_date"].native


def span_around(moment: datetime, times: Iterable[datetime]) -> Span:
    """The stretch around ``moment`` that touches none of ``times``; too near to one of them, that moment alone."""
    times = list(times)
    begin = max((time for time in times if time <= moment), default=None)
    end = min((time for time in times if time > moment), default=None)
    if begin is not None and end is not None and begin + GUARD <= moment <= end - GUARD:
        return Span(begin=begin + GUARD, end=end - GUARD)
    return Span(begin=moment, end=moment)
