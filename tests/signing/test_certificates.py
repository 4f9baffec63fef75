"""Trust, revocation, time and identity of certificates (signatures.md 3.2 questions 2 to 5, experiments 17 to 21)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from shutil import copytree

import pytest
from cryptography.x509 import ReasonFlags

from lienthong.deploy.demo.pki import STORE, Holder
from lienthong.deploy.demo.pki_parts import Issued
from lienthong.signing.report import FileReport, Overall, Question, SignerRole, Verdict

from .desk import AGENCY_BOX, OTHER, SENDER, SENDER_NAME, Desk, answer_of, codes, registered


@pytest.fixture
def store(desk: Desk, tmp_path: Path) -> Path:
    """A copy of the trust folder that the test may spoil."""
    copytree(desk.folder / STORE, tmp_path / STORE)
    (tmp_path / f"{STORE}.toml").write_bytes((desk.folder / f"{STORE}.toml").read_bytes())
    return tmp_path


@contextmanager
def revoked(desk: Desk, store: Path, issued: Issued, **span: float) -> Iterator[None]:
    reason = ReasonFlags.certificate_hold if span.pop("hold", 0) else ReasonFlags.key_compromise
    desk.pki.sub.revoke(issued, desk.now - timedelta(**span), reason)
    try:
        desk.pki.write_store(store)
        yield
    finally:
        desk.pki.sub.revoked.pop()


def test_no_sub_ca(desk: Desk, store: Path) -> None:  # 17
    (store / STORE / "intermediates" / "sub.pem").unlink()
    report = desk.check(desk.both(timestamp=False), trust_folder=str(store))
    assert codes(report)["trust_path"] == "SIG_CHAIN_INCOMPLETE"
    assert report.overall is Overall.UNDETERMINED
    whole = desk.both(timestamp=False, with_chain=True)
    assert desk.check(whole, trust_folder=str(store)).overall is Overall.VALID


@pytest.mark.parametrize("gone", ["sub.crl", "root.crl"])
def test_no_revocation_list(desk: Desk, store: Path, gone: str) -> None:  # 18, 19
    (store / STORE / "crls" / gone).unlink()
    for document in (desk.both(), desk.both(timestamp=False)):
        report = desk.check(document, trust_folder=str(store))
        assert codes(report)["validity"] == "SIG_REVOCATION_UNKNOWN"
        assert report.overall is Overall.UNDETERMINED
        assert report.legal_value is None


def test_stale_revocation_list(desk: Desk) -> None:
    signed = desk.both(timestamp=False)
    report = desk.check(signed, now=desk.now + timedelta(days=60))
    assert report.overall is Overall.UNDETERMINED
    assert desk.check(signed, now=desk.now + timedelta(days=60), received_at=desk.now).overall is Overall.VALID


def test_revoked_before_signing(desk: Desk, store: Path) -> None:  # 20
    with revoked(desk, store, desk.leader, hours=6):
        for document in (desk.both(), desk.profile):
            report = desk.check(document, trust_folder=str(store))
            assert answer_of(report, Question.VALIDITY, 0).code == "SIG_REVOKED"
            assert report.overall is Overall.INVALID


def test_revoked_after_signing(desk: Desk, store: Path) -> None:  # 20, 21
    signed = desk.both(at=desk.now - timedelta(hours=12))
    with revoked(desk, store, desk.leader, hours=6):
        assert desk.check(signed, trust_folder=str(store)).overall is Overall.VALID


def test_revoked_and_no_timestamp_proves_the_time(desk: Desk, store: Path) -> None:
    signed = desk.both(timestamp=False)  # its signer says "now"
    with revoked(desk, store, desk.leader, hours=-1):
        later = desk.now + timedelta(hours=2)
        report = desk.check(signed, trust_folder=str(store), now=later)
        assert answer_of(report, Question.VALIDITY, 0).code == "SIG_REVOKED_TIME_UNPROVEN"
        assert report.overall is Overall.UNDETERMINED


def test_suspended_certificate(desk: Desk, store: Path) -> None:  # TN-4.2
    with revoked(desk, store, desk.agency, hours=6, hold=1):
        report = desk.check(desk.both(), trust_folder=str(store))
        assert answer_of(report, Question.VALIDITY, 1).code == "SIG_SUSPENDED"
        assert report.overall is Overall.INVALID


def test_revoked_sub_ca(desk: Desk, store: Path) -> None:
    sub = desk.pki.sub.own
    desk.pki.root.revoke(sub, desk.now - timedelta(days=1))
    try:
        desk.pki.write_store(store)
        assert desk.check(desk.both(timestamp=False), trust_folder=str(store)).overall is Overall.INVALID
    finally:
        desk.pki.root.revoked.pop()


def test_revoked_timestamp_authority(desk: Desk, store: Path) -> None:
    with revoked(desk, store, desk.pki.tsa, hours=6):
        report = desk.check(desk.profile, trust_folder=str(store))
        assert codes(report)["time"] == "SIG_TIMESTAMP_UNTRUSTED"
        assert report.overall is Overall.UNDETERMINED


def test_another_pki(desk: Desk) -> None:  # NA-7.2
    person = desk.foreign.issue(Holder(agency_code="x", agency_name=SENDER_NAME, person="Nguyễn Văn An"))
    signed = desk.sign(desk.blank, person, "A", with_chain=True, timestamp=False)
    report = desk.check(signed, registry=())
    assert report.overall is not Overall.VALID
    assert answer_of(report, Question.TRUST_PATH).verdict is not Verdict.VALID


def test_timestamp_by_an_untrusted_authority(desk: Desk) -> None:
    report = desk.check(desk.both(timestamper=desk.foreign.timestamper()))
    assert codes(report)["time"] == "SIG_TIMESTAMP_UNTRUSTED"
    assert report.overall is Overall.UNDETERMINED
    assert all(s.time_source == "self_reported" for s in report.signatures)
    assert {w.code for w in report.warnings} == {"SIG_WARN_TIMESTAMP_UNPROVEN"}  # stamped, but nothing is proven


def test_timestamp_of_the_future(desk: Desk) -> None:
    report = desk.check(desk.both(at=desk.now + timedelta(days=1)))
    assert codes(report)["time"] == "SIG_TIME_FUTURE"
    assert report.overall is Overall.UNDETERMINED


def test_expired_without_timestamp(desk: Desk) -> None:
    term = {"not_before": desk.now - timedelta(days=400), "not_after": desk.now - timedelta(days=20)}
    old = desk.pki.issue(Holder(agency_code="x", agency_name="Sở", person="Lê Văn Cũ"), **term)
    registry = (registered(old, SignerRole.LEADER),)
    report = desk.check(desk.sign(desk.blank, old, "A", timestamp=False), registry=registry, policy="NA_ANY_ONE")
    assert codes(report)["validity"] == "SIG_EXPIRED"
    assert codes(report)["trust_path"] == "SIG_TRUST_OK"
    stamped = desk.check(desk.sign(desk.blank, old, "A"), registry=registry, policy="NA_ANY_ONE")
    assert codes(stamped)["validity"] == "SIG_EXPIRED"


def test_not_expired_when_received(desk: Desk) -> None:
    soon = desk.pki.issue(
        Holder(agency_code="x", agency_name="Sở", person="Lê Văn Cũ"), not_after=desk.now + timedelta(days=5)
    )
    signed = desk.sign(desk.blank, soon, "A", timestamp=False)
    asked = {"registry": (registered(soon, SignerRole.LEADER),), "policy": "NA_ANY_ONE"}
    after = desk.now + timedelta(days=10)
    assert desk.check(signed, now=after, received_at=desk.now, **asked).overall is Overall.VALID
    report = desk.check(signed, now=after, **asked)
    assert codes(report)["validity"] == "SIG_EXPIRED_TIME_UNPROVEN"


def test_certificate_of_another_agency(desk: Desk) -> None:
    first = desk.sign(desk.blank, desk.stranger, "A", certify=True)
    report = desk.check(desk.sign(first, desk.agency, "B", box=AGENCY_BOX))
    assert answer_of(report, Question.IDENTITY, 0).code == "SIG_IDENTITY_OTHER_AGENCY"
    assert report.overall is Overall.INVALID


def test_same_name_in_another_certificate(desk: Desk) -> None:
    """The stranger bears the leader's name; only the certificate's digest tells them apart."""
    own = desk.check(desk.sign(desk.blank, desk.leader, "A"), policy="NA_ANY_ONE")
    other = desk.check(desk.sign(desk.blank, desk.stranger, "A"), policy="NA_ANY_ONE")
    assert own.signatures[0].signer_name == other.signatures[0].signer_name
    assert (own.overall, other.overall) == (Overall.VALID, Overall.INVALID)


def test_registered_for_another_term(desk: Desk) -> None:
    past = registered(desk.leader, SignerRole.LEADER, valid_to=desk.now - timedelta(days=1))
    report = desk.check(desk.both(), registry=(past, desk.registry[1]))
    assert codes(report)["identity"] == "SIG_IDENTITY_OUT_OF_TERM"


@pytest.mark.parametrize(
    ("minutes", "old", "new"),
    [(-10, Overall.VALID, Overall.INVALID), (10, Overall.VALID, Overall.VALID), (61, Overall.INVALID, Overall.VALID)],
    ids=["before the change", "in the overlap of an hour", "after it"],
)
def test_a_change_of_certificates_with_an_overlap(desk: Desk, minutes: int, old: Overall, new: Overall) -> None:
    """B14: each signs in its own term, and in the overlap both do."""
    changed = desk.now - timedelta(hours=2)
    successor = desk.pki.issue(Holder(agency_code=SENDER, agency_name=SENDER_NAME, person="Nguyễn Văn An"))
    registry = (
        registered(desk.leader, SignerRole.LEADER, valid_to=changed + timedelta(hours=1)),
        registered(successor, SignerRole.LEADER, valid_from=changed),
    )
    at = changed + timedelta(minutes=minutes)
    verdicts = [
        desk.check(desk.sign(desk.blank, signer, "A", at=at), registry=registry, policy="NA_ANY_ONE").overall
        for signer in (desk.leader, successor)
    ]
    assert verdicts == [old, new]


def undetermined(report: FileReport, code: str) -> bool:
    return report.overall is Overall.UNDETERMINED and codes(report)["identity"] == code


def test_sender_not_told(desk: Desk) -> None:
    unknown = {"sender_code": None, "sender_name": None}
    assert undetermined(desk.check(desk.both(), **unknown), "SIG_SENDER_UNKNOWN")
    assert undetermined(desk.check(desk.both(), registry=(), **unknown), "SIG_SENDER_UNKNOWN")


def test_unregistered_certificate_of_a_sender_with_registered_ones(desk: Desk) -> None:
    only_agency = (registered(desk.agency, SignerRole.AGENCY),)
    assert undetermined(desk.check(desk.both(), registry=only_agency), "SIG_IDENTITY_UNKNOWN")


def test_name_that_merely_contains_the_senders(desk: Desk) -> None:
    report = desk.check(desk.both(), registry=(), sender_name="Sở Tài chính", sender_code=OTHER)
    assert undetermined(report, "SIG_IDENTITY_UNKNOWN")


def test_empty_trust_store_trusts_nobody(desk: Desk, store: Path) -> None:
    (store / STORE / "roots" / "root.pem").unlink()
    report = desk.check(desk.profile, trust_folder=str(store))
    assert codes(report)["trust_path"] == "SIG_TRUST_STORE_EMPTY"
    assert report.overall is Overall.UNDETERMINED


def test_national_store_without_certificates_trusts_nobody(desk: Desk, tmp_path: Path) -> None:
    for name in ("bcy", "neac"):
        report = desk.check(desk.profile, trust_folder=str(tmp_path), trust_store=name)
        assert report.overall is Overall.UNDETERMINED
