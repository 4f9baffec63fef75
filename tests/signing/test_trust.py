"""Trust stores: pins decide, folders add nothing; SHA-1 only for the pinned G1 key, and until a date (C14)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import algos, keys, pem, x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lienthong.deploy.demo.pki import STORE
from lienthong.deploy.demo.pki_parts import Issued
from lienthong.signing import trust
from lienthong.signing.errors import SigningError
from lienthong.signing.paths import Evidence, PinnedSha1Policy
from lienthong.signing.report import Overall, Verdict
from lienthong.signing.trust import PACKAGED, evidence_key, load_store, view_store
from lienthong.signing.trust_seal import seal, seal_of, sealed_content

from .desk import Desk, codes

G1 = "f7bc89054cec7f12730d7b8cd3eb7955b163835087e5eb873edfb584763b3f90"
G2 = "f04ba4b459a7c9a1b971ad9b1cb833e695a80c79aea63b174b66a70edfe2fdb8"


def test_national_pins_come_with_the_program(tmp_path: Path) -> None:
    (tmp_path / "bcy.toml").write_text('name = "bcy"\ntitle = "giả"\nroot = []\n', encoding="utf-8")
    store = load_store(str(tmp_path), "bcy")
    assert [pin.sha256 for pin in store.pins] == [G1, G2]
    assert store.pins[0].sha1_until == datetime.fromisoformat("2030-03-01T00:00:00+07:00")
    assert store.pins[1].sha1_until is None
    assert store.roots == ()


def test_unpinned_root_is_refused(desk: Desk, tmp_path: Path) -> None:
    desk.pki.write_store(tmp_path)
    desk.foreign.write_store(tmp_path / "other")
    foreign = (tmp_path / "other" / STORE / "roots" / "root.pem").read_bytes()
    (tmp_path / STORE / "roots" / "second.pem").write_bytes(foreign)
    with pytest.raises(SigningError) as caught:
        load_store(str(tmp_path), STORE)
    assert caught.value.code == "SIG_ROOT_NOT_PINNED"


def test_no_root_of_ours_enters_the_national_store(desk: Desk, tmp_path: Path) -> None:
    desk.pki.write_store(tmp_path, name="bcy")
    with pytest.raises(SigningError) as caught:
        load_store(str(tmp_path), "bcy")
    assert caught.value.code == "SIG_ROOT_NOT_PINNED"


@pytest.mark.parametrize("name", ["missing", "../demo", ""])
def test_missing_store(tmp_path: Path, name: str) -> None:
    with pytest.raises(SigningError) as caught:
        load_store(str(tmp_path), name)
    assert caught.value.code == "SIG_TRUST_STORE_MISSING"


@pytest.mark.parametrize("content", ["", "name = ", 'name = "demo"\ntitle = "x"\n[[root]]\nname = "x"\n'])
def test_broken_store(tmp_path: Path, content: str) -> None:
    (tmp_path / "demo.toml").write_text(content, encoding="utf-8")
    with pytest.raises(SigningError) as caught:
        load_store(str(tmp_path), "demo")
    assert caught.value.code == "SIG_TRUST_STORE_BROKEN"


def test_new_list_changes_the_evidence(desk: Desk, tmp_path: Path) -> None:
    desk.pki.write_store(tmp_path)
    before, first = evidence_key(str(tmp_path), STORE), load_store(str(tmp_path), STORE)
    assert load_store(str(tmp_path), STORE) is first
    (tmp_path / STORE / "crls" / "more.crl").write_bytes((tmp_path / STORE / "crls" / "sub.crl").read_bytes())
    assert evidence_key(str(tmp_path), STORE) != before
    assert load_store(str(tmp_path), STORE) == first, "the same list twice is the same evidence"
    desk.pki.write_store(tmp_path, at=desk.now + timedelta(minutes=1))
    after = load_store(str(tmp_path), STORE)
    assert after != first
    assert len(after.crls) == len(first.crls), "the older list beside the newer one no longer speaks"


def test_stores_are_equal_by_content_and_hashable(desk: Desk, tmp_path: Path) -> None:
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        desk.pki.write_store(tmp_path / place)
    one, other = (load_store(str(tmp_path / place), STORE) for place in ("a", "b"))
    assert one is not other
    assert one.digest == other.digest
    assert {one: "verdict"}[other] == "verdict"
    judged = [Evidence(store=store, now=desk.now).digest for store in (one, other)]
    assert judged[0] == judged[1]
    carried = Evidence(store=one, now=desk.now, certificates=one.intermediates)
    assert carried.digest != judged[0]


def test_sub_ca_signed_with_sha1_by_the_pinned_root(desk: Desk, tmp_path: Path) -> None:
    """As G1: accepted with a warning until the date, refused afterwards and without the exception."""
    signed = desk.both(timestamp=False)
    desk.pki.write_store(tmp_path)
    resign_with_sha1(tmp_path / STORE / "intermediates" / "sub.pem", desk.pki.root.own)
    pins = tmp_path / f"{STORE}.toml"
    without = pins.read_text(encoding="utf-8")
    asked = {"trust_folder": str(tmp_path)}
    assert codes(desk.check(signed, **asked))["trust_path"] == "SIG_WEAK_CHAIN"

    until = (desk.now + timedelta(days=1)).isoformat()
    pins.write_text(f"{without}sha1_until = {until}\n", encoding="utf-8")
    report = desk.check(signed, **asked)
    assert report.overall is Overall.VALID, report.reason
    assert "SIG_WARN_SHA1_CHAIN" in {w.code for w in report.warnings}

    late = desk.check(signed, now=desk.now + timedelta(days=2), **asked)
    assert codes(late)["trust_path"] == "SIG_WEAK_CHAIN"
    assert late.overall is Overall.INVALID


def resign_with_sha1(file: Path, root: Issued) -> None:
    certificate = x509.Certificate.load(pem.unarmor(file.read_bytes())[2])
    body = certificate["tbs_certificate"]
    body["signature"] = algos.SignedDigestAlgorithm({"algorithm": "sha1_rsa"})
    value = root.key.sign(body.dump(force=True), padding.PKCS1v15(), hashes.SHA1())
    made = x509.Certificate(
        {"tbs_certificate": body, "signature_algorithm": body["signature"], "signature_value": value}
    )
    file.write_bytes(pem.armor("CERTIFICATE", made.dump(force=True)))


def test_sha1_is_a_matter_of_the_key() -> None:
    pinned, other = (public_key() for _ in range(2))
    policy = PinnedSha1Policy(frozenset((pinned.dump(),)))
    sha1 = algos.SignedDigestAlgorithm({"algorithm": "sha1_rsa"})
    md5 = algos.SignedDigestAlgorithm({"algorithm": "md5_rsa"})
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert policy.signature_algorithm_allowed(sha1, now, pinned)
    assert not policy.signature_algorithm_allowed(md5, now, pinned)
    assert not policy.signature_algorithm_allowed(sha1, now, other)
    assert not policy.signature_algorithm_allowed(sha1, now, None)
    assert not policy.digest_algorithm_allowed(algos.DigestAlgorithm({"algorithm": "sha1"}), now)


def public_key() -> keys.PublicKeyInfo:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    return keys.PublicKeyInfo.load(
        key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def test_store_hands_no_verdict_to_a_broken_request(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(SigningError) as caught:
        desk.check(desk.blank, policy="NO_SUCH")
    assert caught.value.code == "SIG_POLICY_UNKNOWN"
    report = desk.check(tmp_path / "gone.pdf")
    assert report.reason_code == "SIG_FILE_MISSING"
    assert {a.verdict for a in report.answers} == {Verdict.UNKNOWN}


# The seal of the national stores --------------------------------------------------------------------------------------


def test_packaged_lists_bear_the_seal() -> None:
    for name in PACKAGED:
        view, _store = view_store("/nowhere", name)
        assert (view.sealed, view.issued) == (True, "2026-11-21")
    view, _store = view_store("/nowhere", "bcy")
    assert [str(pin["sha256"]) for pin in view.pins] == [G1, G2]
    assert all({"not_before", "not_after", "generation"} <= pin.keys() for pin in view.pins)
    assert len(view.authorities) == 7
    assert len(view.missing_roots) == 2


@pytest.mark.parametrize("spoil", ["content", "seal", "foreign seal", "empty seal"])
def test_list_with_a_wrong_seal_stops_the_loading(tmp_path: Path, spoil: str) -> None:
    packaged = Path(trust.__file__).parent / "trust" / "bcy.toml"
    content, own = packaged.read_bytes(), seal_of(packaged).read_bytes()
    made = content.replace(G2.encode(), b"0" * 64).replace(b"issued = 2026", b"issued = 2027")
    seals = {
        "content": own,
        "seal": own[:8] + b"AAAA" + own[12:],
        "foreign seal": seal(made, TEST_SEAL_KEY),
        "empty seal": b"",
    }
    (tmp_path / "bcy.toml").write_bytes(made)
    (tmp_path / "bcy.toml.sig").write_bytes(seals[spoil])
    with pytest.raises(SigningError) as caught:
        load_store(str(tmp_path), "bcy")
    assert caught.value.code == "SIG_TRUST_STORE_SEAL"


def test_sealed_list_that_is_not_newer_changes_nothing(tmp_path: Path) -> None:
    packaged = Path(trust.__file__).parent / "trust" / "bcy.toml"
    for file in (packaged, seal_of(packaged)):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert load_store(str(tmp_path), "bcy").digest == load_store("/nowhere", "bcy").digest


def test_the_newer_of_two_sealed_lists_counts(tmp_path: Path) -> None:
    private = serialization.load_pem_private_key(TEST_SEAL_KEY, password=None)
    assert isinstance(private, Ed25519PrivateKey)
    key = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex()
    lists = {}
    for name, day in (("old", "2026-11-21"), ("new", "2027-01-01")):
        lists[name] = tmp_path / name / "bcy.toml"
        lists[name].parent.mkdir()
        lists[name].write_text(f'name = "bcy"\ntitle = "{name}"\nissued = {day}\nroot = []\n', encoding="utf-8")
        seal_of(lists[name]).write_bytes(seal(lists[name].read_bytes(), TEST_SEAL_KEY))
    new = lists["new"].read_bytes()
    assert sealed_content(lists["old"], lists["new"], key=key) == new
    assert sealed_content(lists["new"], lists["old"], key=key) == new
    seal_of(lists["new"]).unlink()  # laid there without a seal: as if it were not there
    assert sealed_content(lists["old"], lists["new"], key=key) == lists["old"].read_bytes()


def test_seal_key_is_ed25519() -> None:
    with pytest.raises(SigningError) as caught:
        seal(b"x", b"no key")
    assert caught.value.code == "SIG_SEAL_KEY"


TEST_SEAL_KEY = Ed25519PrivateKey.generate().private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
