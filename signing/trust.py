"""Trust stores as data: pinned roots, sub-CAs, revocation lists. Knows files, no network, no clock.

A store is a TOML file of pins (``signing/trust/*.toml`` for the national ones, ``<folder>/<name>.toml`` for a site's or
a test's own) and the folder ``<folder>/<name>/`` with ``roots/``, ``intermediates/`` (PEM), ``crls/`` (DER or PEM),
``past/`` (what earlier lists said) and ``ocsp/`` (answers by the certificate's SHA-256). A certificate under ``roots/``
whose SHA-256 is not pinned stops the loading: adding a file to a folder must never add trust. Stores are never mixed
(registers.md C15).
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from asn1crypto import crl, pem, x509

from .errors import SigningError
from .past_revocations import PastRevocation, read_past
from .revocation_lists import RevocationList, newest, parse_list
from .trust_seal import seal_of, sealed_content

PACKAGED: Final = ("bcy", "neac")
_FOLDERS: Final = ("roots", "intermediates", "crls", "past")
_ANSWERS: Final = "ocsp"
_LARGEST_ANSWER: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One root the store may hold. ``sha1_until``: its key may have signed with SHA-1 until then (C14)."""

    name: str
    sha256: str
    sha1_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrustStore:
    """Equal and hashed by ``digest``: two stores of the same content are the same evidence."""

    name: str
    title: str
    digest: str  # SHA-256 over pins, certificates and lists, whatever their files are called
    pins: tuple[Pin, ...]
    roots: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...]
    lists: tuple[RevocationList, ...]
    past: tuple[PastRevocation, ...] = ()
    answers: Mapping[str, bytes] | Path = field(default_factory=dict)  # OCSP, by the certificate's SHA-256

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TrustStore) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def crls(self) -> tuple[crl.CertificateList, ...]:
        return tuple(listed.parsed for listed in self.lists)

    def sha1_keys(self, now: datetime) -> frozenset[bytes]:
        """Public keys (DER) of pinned roots whose SHA-1 signatures are still tolerated at ``now``."""
        until = {pin.sha256: pin.sha1_until for pin in self.pins if pin.sha1_until}
        return frozenset(
            root.public_key.dump()
            for root in self.roots
            if (limit := until.get(root.sha256.hex())) is not None and now < limit
        )

    def revocation(self, certificate: x509.Certificate, when: datetime | None = None) -> tuple[datetime, str] | None:
        """Time and reason of a revocation by the store's lists, whatever another list says.

        ``when``: only what was in force at that moment, a suspension that was lifted since then included.
        """
        serial, issuer = certificate.serial_number, certificate.issuer.hashable
        found = [listed.revocation(serial) for listed in self.lists if listed.covers(certificate)]
        entries = [entry for entry in found if entry is not None and (when is None or entry[0] <= when)]
        if when is not None:
            key_id = certificate.authority_key_identifier
            past = [entry for entry in self.past if entry.covers(issuer, key_id, serial, when)]
            entries += [(entry.since, entry.reason) for entry in past]
        return min(entries, default=None)

    def answer(self, sha256: str) -> bytes | None:
        """The OCSP answer (DER) held for a certificate."""
        if not isinstance(self.answers, Path):
            return self.answers.get(sha256)
        try:
            content = (self.answers / f"{sha256}.ocsp").read_bytes()
        except OSError:
            return None
        return content if len(content) <= _LARGEST_ANSWER else None


def load_store(folder: str, name: str) -> TrustStore:
    """Read a store; repeated calls read again only when a file has changed.

    Raises SigningError SIG_TRUST_STORE_MISSING, SIG_TRUST_STORE_BROKEN, SIG_ROOT_NOT_PINNED.
    """
    return _load(folder, name, _fingerprint(Path(folder), name))


def evidence_key(folder: str, name: str) -> str:
    """Changes whenever pins, certificates or revocation lists of the store change (for verdict caches)."""
    return repr(_fingerprint(Path(folder), name))


def pins_files(folder: Path, name: str) -> tuple[Path, ...]:
    """Where pins of a store may stand: a site's own file; for a national store the program's, then the folder's."""
    if not name.isidentifier():
        raise SigningError("SIG_TRUST_STORE_MISSING", f"Tên kho tin cậy không hợp lệ: {name!r}")
    laid = folder / f"{name}.toml"
    return (Path(__file__).parent / "trust" / laid.name, laid) if name in PACKAGED else (laid,)


def _fingerprint(folder: Path, name: str) -> tuple[tuple[str, int, int], ...]:
    home = folder / name
    first, *others = pins_files(folder, name)
    laid = [f for other in others for f in (other, seal_of(other)) if f.is_file()]
    files = [first, *laid, *(f for sub in _FOLDERS for f in _files(home / sub))]
    try:
        states = [(str(f), f.stat()) for f in files]
        # Answers come and go by renaming alone, so their folder's own time tells; there may be thousands.
        answers = home / _ANSWERS
        if answers.is_dir():
            states.append((str(answers), answers.stat()))
    except OSError as cause:
        raise SigningError("SIG_TRUST_STORE_MISSING", f"Không đọc được kho tin cậy {folder}") from cause
    return tuple((name, state.st_mtime_ns, state.st_size) for name, state in states)


def _files(folder: Path) -> list[Path]:
    return sorted(f for f in folder.iterdir() if f.is_file() and not f.name.startswith(".")) if folder.is_dir() else []


@lru_cache(maxsize=8)
def _load(folder: str, name: str, _fingerprint: tuple[object, ...]) -> TrustStore:
    here = Path(folder) / name
    try:
        title, pins = _declared(pins_content(Path(folder), name))
        store = make_store(
            name=name,
            title=title,
            pins=pins,
            roots=[f.read_bytes() for f in _files(here / "roots")],
            intermediates=[f.read_bytes() for f in _files(here / "intermediates")],
            crls=[f.read_bytes() for f in _files(here / "crls")],
            past=[f.read_bytes() for f in _files(here / "past")],
            answers=here / _ANSWERS,
        )
    except (OSError, ValueError, TypeError, KeyError) as cause:
        raise SigningError("SIG_TRUST_STORE_BROKEN", f"Kho tin cậy {name} hỏng: {cause}") from cause
    except SigningError as cause:
        if cause.code == "SIG_TRUST_STORE_SEAL":
            raise
        raise SigningError("SIG_TRUST_STORE_BROKEN", f"Kho tin cậy {name} hỏng: {cause.message}") from cause
    refuse_unpinned(name, store.pins, store.roots)
    return store


def make_store(
    *,
    name: str,
    title: str,
    pins: tuple[Pin, ...],
    roots: Iterable[bytes],
    intermediates: Iterable[bytes],
    crls: Iterable[bytes],
    past: Iterable[bytes] = (),
    answers: Mapping[str, bytes] | Path,
) -> TrustStore:
    """A store out of files' contents (PEM or DER). Whether the roots are pinned is for the caller to ask."""
    held = tuple(_certificate(content) for content in roots)
    others = tuple(_certificate(content) for content in intermediates)
    lists = newest(parse_list(content) for content in crls)
    earlier = tuple(entry for content in past for entry in read_past(content))
    return TrustStore(
        name=name,
        title=title,
        digest=_digest(name, pins, held, others, lists, earlier),
        pins=pins,
        roots=held,
        intermediates=others,
        lists=lists,
        past=earlier,
        answers=answers,
    )


def _digest(
    name: str,
    pins: tuple[Pin, ...],
    roots: tuple[x509.Certificate, ...],
    intermediates: tuple[x509.Certificate, ...],
    lists: tuple[RevocationList, ...],
    past: tuple[PastRevocation, ...],
) -> str:
    parts = (
        sorted((pin.sha256, str(pin.sha1_until)) for pin in pins),
        sorted(root.sha256.hex() for root in roots),
        sorted(one.sha256.hex() for one in intermediates),
        sorted(listed.sha256 for listed in lists),
        sorted(map(repr, past)),
    )
    return hashlib.sha256(repr((name, parts)).encode()).hexdigest()


def declared_pins(folder: str, name: str) -> tuple[str, tuple[Pin, ...]]:
    """Title and pins of a store, without its certificates. Raises SigningError SIG_TRUST_STORE_MISSING, _BROKEN."""
    try:
        return _declared(pins_content(Path(folder), name))
    except FileNotFoundError as cause:
        raise SigningError("SIG_TRUST_STORE_MISSING", f"Không có kho tin cậy {name}") from cause
    except (OSError, ValueError, TypeError, KeyError) as cause:
        raise SigningError("SIG_TRUST_STORE_BROKEN", f"Kho tin cậy {name} hỏng: {cause}") from cause


def pins_content(folder: Path, name: str) -> bytes:
    """The list of pins that counts. Raises SigningError SIG_TRUST_STORE_MISSING, SIG_TRUST_STORE_SEAL; OSError."""
    files = pins_files(folder, name)
    return files[0].read_bytes() if len(files) == 1 else sealed_content(*files)


def _declared(content: bytes) -> tuple[str, tuple[Pin, ...]]:
    declared = tomllib.loads(content.decode())
    return declared["title"], tuple(_pin(entry) for entry in declared["root"])


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreView:
    """A store as a person looks at it. ``sealed``: its pins carry the project's seal (national stores always do)."""

    name: str
    title: str
    issued: str | None
    sealed: bool
    pins: tuple[Mapping[str, Any], ...]  # as declared: name, generation, sha256, dates
    authorities: tuple[Mapping[str, Any], ...]
    missing_roots: tuple[str, ...]  # pinned, but no file is there


def view_store(folder: str, name: str) -> tuple[StoreView, TrustStore]:
    """Raises SigningError as ``load_store``."""
    store = load_store(folder, name)
    declared = tomllib.loads(pins_content(Path(folder), name).decode())
    held = {root.sha256.hex() for root in store.roots}
    view = StoreView(
        name=name,
        title=store.title,
        issued=declared["issued"].isoformat() if "issued" in declared else None,
        sealed=name in PACKAGED,
        pins=tuple(declared["root"]),
        authorities=tuple(declared.get("authority", ())),
        missing_roots=tuple(pin.name for pin in store.pins if pin.sha256 not in held),
    )
    return view, store


def refuse_unpinned(name: str, pins: tuple[Pin, ...], roots: tuple[x509.Certificate, ...]) -> None:
    """Raises SigningError SIG_ROOT_NOT_PINNED."""
    known = {pin.sha256 for pin in pins}
    for root in roots:
        if root.sha256.hex() not in known:
            raise SigningError(
                "SIG_ROOT_NOT_PINNED",
                f"Chứng thư gốc {root.subject.human_friendly} ({root.sha256.hex()}) không có trong danh sách "
                f"ghim của kho {name}",
            )


def _pin(entry: dict[str, Any]) -> Pin:
    return Pin(name=entry["name"], sha256=entry["sha256"].lower(), sha1_until=entry.get("sha1_until"))


def _certificate(content: bytes) -> x509.Certificate:
    der = pem.unarmor(content)[2] if pem.detect(content) else content
    certificate = x509.Certificate.load(der)
    _ = certificate.subject.native  # parse now, not in the middle of a verification
    return certificate
