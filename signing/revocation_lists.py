"""Revocation lists as the trust store holds them: the newest of each authority, key and scope. No clock, no network.

A list is kept twice: as certvalidator wants it, and as cryptography parses it, because looking up one serial number
among twenty thousand entries then costs two milliseconds instead of one second.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from asn1crypto import core, crl, pem, x509
from cryptography.x509 import (
    CertificateRevocationList,
    CRLReason,
    ExtensionNotFound,
    ReasonFlags,
    load_der_x509_crl,
)

from .errors import SigningError

HOLD: Final = "certificate_hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationList:
    """``number``: absent in lists that carry none. ``next_update``: absent when the list promises no successor."""

    sha256: str  # of the file, PEM or DER
    issuer: str  # comparable form of the name
    key_id: bytes | None  # of the issuing key, where the list names it
    scope: bytes  # DER of the issuing distribution point: a partitioned authority has a list for each part
    number: int | None
    this_update: datetime
    next_update: datetime | None
    parsed: crl.CertificateList
    quick: CertificateRevocationList

    @property
    def place(self) -> tuple[str, bytes | None, bytes]:
        """Lists of the same place replace each other."""
        return self.issuer, self.key_id, self.scope

    @property
    def age(self) -> tuple[datetime, int]:
        return self.this_update, self.number or 0

    def covers(self, certificate: x509.Certificate) -> bool:
        """Whether it is the list of the certificate's issuer, and of its key where both name one."""
        if certificate.issuer.hashable != self.issuer:
            return False
        wanted = certificate.authority_key_identifier
        return not (self.key_id and wanted and wanted != self.key_id)

    def revocation(self, serial: int) -> tuple[datetime, str] | None:
        """Time and reason (asn1crypto's word) of the entry for a serial number."""
        if serial <= 0 or core.Integer(serial).dump() not in self.parsed.dump():
            return None  # what is written nowhere need not be looked for, entry by entry
        entry = self.quick.get_revoked_certificate_by_serial_number(serial)
        if entry is None:
            return None
        try:
            reason = entry.extensions.get_extension_for_class(CRLReason).value.reason
        except (ExtensionNotFound, ValueError):
            return entry.revocation_date_utc, "unspecified"
        return entry.revocation_date_utc, HOLD if reason is ReasonFlags.certificate_hold else reason.name


def parse_list(content: bytes) -> RevocationList:
    """PEM or DER. Raises SigningError SIG_CRL_UNREADABLE, SIG_CRL_INDIRECT, SIG_CRL_DELTA."""
    try:
        der = pem.unarmor(content)[2] if pem.detect(content) else content
        parsed = crl.CertificateList.load(der)
        body = parsed["tbs_cert_list"]
        point = parsed.issuing_distribution_point_value
        number = parsed.crl_number_value
        made = RevocationList(
            sha256=hashlib.sha256(content).hexdigest(),
            issuer=parsed.issuer.hashable,
            key_id=_native(parsed.authority_key_identifier_value, "key_identifier"),
            scope=point.dump() if point else b"",
            number=number.native if number else None,
            this_update=body["this_update"].native,
            next_update=body["next_update"].native,
            parsed=parsed,
            quick=load_der_x509_crl(der),
        )
    except (ValueError, TypeError, KeyError, OverflowError) as cause:
        raise SigningError(
            "SIG_CRL_UNREADABLE", f"Không đọc được danh sách thu hồi ({type(cause).__name__}).", blame="network"
        ) from cause
    _refuse_strange(parsed, point)
    return made


def _refuse_strange(parsed: crl.CertificateList, point: Any) -> None:
    """Lists that speak for other authorities, or only of what changed, never stand in for the authority's own."""
    if point is not None and point["indirect_crl"].native:
        raise SigningError("SIG_CRL_INDIRECT", "Danh sách thu hồi gián tiếp không được chấp nhận.", blame="network")
    if parsed.delta_crl_indicator_value is not None:
        raise SigningError(
            "SIG_CRL_DELTA", "Danh sách thu hồi từng phần (delta) không được chấp nhận.", blame="network"
        )


def _native(extension: Any, name: str) -> Any:
    return None if extension is None else extension[name].native


def newest(lists: Iterable[RevocationList]) -> tuple[RevocationList, ...]:
    """The newest list of each place; an older one beside it would contradict it."""
    kept: dict[tuple[str, bytes | None, bytes], RevocationList] = {}
    for one in lists:
        known = kept.get(one.place)
        if known is None or one.age > known.age:
            kept[one.place] = one
    return tuple(kept.values())


def fresh(listed: RevocationList, now: datetime, *, early: timedelta = timedelta(0)) -> bool:
    """Whether the list is the authority's word at ``now``. One that promises no successor never is."""
    return listed.this_update <= now + early and listed.next_update is not None and now < listed.next_update
