"""Who signed: a certificate mapped to the sending agency, and the role it signs in. Pure rules.

First the node's own register, by SHA-256 of the certificate (signatures.md 7). When the sender has registered
certificates and this is none of them, the answer is CHƯA XÁC ĐỊNH. For a sender without any, names are judged,
and only an EXACT match (case, diacritics and spacing aside) of the sending agency's name with CN, O or OU
counts: "UBND tỉnh" stands inside the names of many other bodies. CN = agency: its agency certificate. Agency in
O or OU and a CN that names no body: a person of it, taken as leader, and said so in a warning. Everything else
is CHƯA XÁC ĐỊNH.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from .answers import answer
from .report import Answer, SignerRole
from .request import RegisteredCertificate, VerificationRequest

# Beginnings that only bodies have. "Trương", "Bàn", "Phòng" are also family names, so those words stand with more.
BODY_WORDS: Final = (
    "uy ban", "ubnd", "hdnd", "hoi dong", "so ", "van phong", "chi cuc", "cuc ", "tong cuc", "bo ",
    "phong tai", "phong noi", "phong giao", "phong van h", "phong y", "phong tu", "phong kinh", "phong quan",
    "ban quan", "ban chi", "ban co", "ban dan", "ban to chuc", "ban tuyen", "ban noi", "trung tam",
    "truong mam", "truong tieu", "truong th", "truong trung", "truong dai", "truong cao", "truong chinh",
    "cong an", "vien ", "thanh tra", "kho bac", "bao hiem", "chi nhanh", "ngan hang", "benh vien", "toa an",
    "dang uy", "tinh uy", "huyen uy", "thanh uy",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateNames:
    common_name: str
    organizations: tuple[str, ...]  # O and OU


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    role: SignerRole
    answer: Answer
    by_name: bool = False


def identify(
    sha256: str, names: CertificateNames, signing_time: datetime | None, request: VerificationRequest
) -> Identity:
    entries = [entry for entry in request.registry if entry.sha256.lower() == sha256]
    if entries:
        return _by_register(entries, names, signing_time or request.reference_time, request.sender_code)
    if any(entry.agency_code == request.sender_code for entry in request.registry):
        # The sender's certificates are known here, and this is none of them: a name proves nothing then.
        guess = SignerRole.AGENCY if names_a_body(names.common_name) else SignerRole.LEADER
        return Identity(role=guess, answer=answer("SIG_IDENTITY_UNKNOWN", names.common_name))
    return _by_name(names, request)


def _by_register(
    entries: list[RegisteredCertificate], names: CertificateNames, moment: datetime, sender: str | None
) -> Identity:
    role, name = entries[0].role, names.common_name
    if sender is None:
        return Identity(role=role, answer=answer("SIG_SENDER_UNKNOWN", name))
    own = [entry for entry in entries if entry.agency_code == sender]
    if not own:
        return Identity(
            role=SignerRole.OTHER, answer=answer("SIG_IDENTITY_OTHER_AGENCY", f"{name}, {entries[0].agency_code}")
        )
    for entry in own:
        if (entry.valid_from or moment) <= moment <= (entry.valid_to or moment):
            return Identity(role=entry.role, answer=answer("SIG_IDENTITY_REGISTERED", name))
    return Identity(role=own[0].role, answer=answer("SIG_IDENTITY_OUT_OF_TERM", name))


def _by_name(names: CertificateNames, request: VerificationRequest) -> Identity:
    looks_like_body = names_a_body(names.common_name)
    guess = SignerRole.AGENCY if looks_like_body else SignerRole.LEADER
    if request.sender_name is None:
        return Identity(role=guess, answer=answer("SIG_SENDER_UNKNOWN", names.common_name), by_name=True)
    wanted = fold(request.sender_name)
    if wanted and fold(names.common_name) == wanted:
        role = SignerRole.AGENCY
    elif wanted and not looks_like_body and wanted in {fold(o) for o in names.organizations}:
        role = SignerRole.LEADER
    else:
        return Identity(role=guess, answer=answer("SIG_IDENTITY_UNKNOWN", names.common_name), by_name=True)
    return Identity(role=role, answer=answer("SIG_IDENTITY_BY_NAME", names.common_name), by_name=True)


def names_a_body(common_name: str) -> bool:
    folded = f"{fold(common_name)} "
    return folded.startswith(BODY_WORDS)


def fold(name: str) -> str:
    """Without case, diacritics and doubled spaces: older certificates write names without diacritics."""
    decomposed = unicodedata.normalize("NFKD", name.casefold().replace("đ", "d"))
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).split())
