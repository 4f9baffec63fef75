"""Evidence reproduces the verdict offline, years later, without the lists of today; altered evidence is found out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import pytest
from cryptography.x509 import ReasonFlags

from lienthong.deploy.demo.pki import STORE
from lienthong.signing.errors import SigningError
from lienthong.signing.evidence_bundle import Bundle, collect
from lienthong.signing.evidence_files import bundle_json, read_bundle, write_folder
from lienthong.signing.report import Overall
from lienthong.signing.reproducing import reproduce_verdict
from lienthong.signing.request import VerificationRequest
from lienthong.signing.verification import verify_file

from .desk import SENDER, SENDER_NAME, Desk


@pytest.fixture
def office(desk: Desk, tmp_path: Path) -> Path:
    """A trust folder that the test empties."""
    folder = tmp_path / "trust"
    copytree(desk.folder / STORE, folder / STORE)
    (folder / f"{STORE}.toml").write_bytes((desk.folder / f"{STORE}.toml").read_bytes())
    return folder


def judged(desk: Desk, office: Path, document: bytes, **changes: Any) -> tuple[Path, Bundle]:
    path = office.parent / "văn bản.pdf"
    path.write_bytes(document)
    asked: dict[str, Any] = {
        "path": str(path),
        "policy": "ND30",
        "now": desk.now,
        "trust_folder": str(office),
        "trust_store": STORE,
        "sender_code": SENDER,
        "sender_name": SENDER_NAME,
        "registry": desk.registry,
    }
    request = VerificationRequest(**{**asked, **changes})
    report = verify_file(request)
    return path, collect(request, report, made_at=desk.now, program="test")


def again(path: Path, evidence: Path, office: Path) -> dict[str, Any]:
    return reproduce_verdict({"path": str(path), "evidence": str(evidence), "trust_folder": str(office)})


@pytest.fixture
def emptied(office: Path) -> Iterator[Path]:
    """Years later: of the trust folder only the pins are left."""
    yield office
    assert not (office / STORE).exists()


@pytest.mark.parametrize("form", ["folder", "file"])
@pytest.mark.parametrize("timestamp", [True, False])
def test_verdict_is_reproduced_without_any_list(desk: Desk, emptied: Path, form: str, *, timestamp: bool) -> None:
    path, bundle = judged(desk, emptied, desk.both(timestamp=timestamp))
    place = emptied.parent / "chung-cu"
    if form == "folder":
        write_folder(bundle, place)
    else:
        place.write_bytes(bundle_json(bundle))
    rmtree(emptied / STORE)
    answer = again(path, place, emptied)
    assert answer["same"]
    assert answer["report"]["overall"] == Overall.VALID
    assert answer["evidence"] == bundle.sha256
    # Without evidence nothing can be said any more.
    (emptied / STORE / "roots").mkdir(parents=True)
    late = desk.check(path, trust_folder=str(emptied), now=desk.now + timedelta(days=3650))
    assert late.overall is Overall.UNDETERMINED
    rmtree(emptied / STORE)


def test_invalid_stays_invalid(desk: Desk, emptied: Path) -> None:
    desk.pki.sub.revoke(desk.leader, desk.now - timedelta(hours=6), ReasonFlags.key_compromise)
    try:
        desk.pki.write_store(emptied)
    finally:
        desk.pki.sub.revoked.pop()
    path, bundle = judged(desk, emptied, desk.both())
    place = emptied.parent / "chung-cu"
    write_folder(bundle, place)
    rmtree(emptied / STORE)
    answer = again(path, place, emptied)
    assert (answer["same"], answer["report"]["reason_code"]) == (True, "SIG_REVOKED")


def test_documents_of_a_day_share_their_lists(desk: Desk, office: Path) -> None:
    place = office.parent / "chung-cu"
    _path, first = judged(desk, office, desk.both())
    write_folder(first, place)
    before = {file.name for file in (place / "objects").iterdir()}
    _path, second = judged(desk, office, desk.profile)
    write_folder(second, place)
    new = {file.name for file in (place / "objects").iterdir()} - before
    stamps = set(second.manifest["objects"]["timestamp"])
    assert new == stamps, "all but the timestamps was there"
    assert {one.split(".")[0] for one in (file.name for file in place.glob("*.json"))} == {
        first.manifest["file"]["sha256"],
        second.manifest["file"]["sha256"],
    }


def test_evidence_holds_what_the_law_names(desk: Desk, office: Path) -> None:
    """TT41 Điều 9.1: signer's certificate, chain, revocation data used, timestamp, policy, verdict, time."""
    _path, bundle = judged(desk, office, desk.both())
    kinds = {kind: len(digests) for kind, digests in bundle.manifest["objects"].items()}
    assert kinds["certificate"] >= 2
    assert (kinds["root"], kinds["intermediate"], kinds["list"], kinds["timestamp"]) == (1, 1, 2, 2)
    assert {desk.leader.sha256, desk.agency.sha256} <= set(bundle.manifest["objects"]["certificate"])
    assert bundle.manifest["policy_version"]
    assert bundle.manifest["report"]["overall"] == Overall.VALID
    assert bundle.manifest["asked"]["now"] == desk.now.isoformat()


def refused(path: Path, evidence: Path, office: Path) -> str:
    with pytest.raises(SigningError) as caught:
        again(path, evidence, office)
    return caught.value.code


def test_altered_evidence_is_found_out(desk: Desk, office: Path) -> None:
    path, bundle = judged(desk, office, desk.both())
    place = office.parent / "chung-cu"
    manifest = write_folder(bundle, place)
    listed = place / "objects" / bundle.manifest["objects"]["list"][0]
    kept = listed.read_bytes()
    listed.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    assert refused(path, place, office) == "SIG_EVIDENCE_ALTERED"
    listed.unlink()
    assert refused(path, place, office) == "SIG_EVIDENCE_MISSING"
    listed.write_bytes(kept)
    assert again(path, place, office)["same"]
    manifest.write_text(bundle.text.replace("VALID", "INVALID"), encoding="utf-8")
    assert refused(path, place, office) == "SIG_EVIDENCE_ALTERED"

    whole = json.loads(bundle_json(bundle))
    whole["manifest"] = bundle.text.replace(SENDER, "H50.99")
    single = office.parent / "một.json"
    single.write_text(json.dumps(whole), encoding="utf-8")
    assert refused(path, single, office) == "SIG_EVIDENCE_ALTERED"


def test_forged_verdict_with_right_digests_does_not_come_out_the_same(desk: Desk, office: Path) -> None:
    """Whoever recomputes the digests still has to make the document say what he wrote."""
    path, bundle = judged(desk, office, desk.both(), now=desk.now)
    claimed = bundle.manifest
    claimed["report"]["overall"] = "INVALID"
    forged = replace(bundle, text=json.dumps(claimed, ensure_ascii=False))
    place = office.parent / "giả.json"
    place.write_bytes(bundle_json(forged))
    answer = again(path, place, office)
    assert not answer["same"]
    assert answer["evidence"] != bundle.sha256, "and the node's register knows another name"


def test_evidence_brings_no_trust_of_its_own(desk: Desk, office: Path) -> None:
    desk.foreign.write_store(office, name="foreign")
    path, bundle = judged(desk, office, desk.profile, trust_store="foreign")
    place = office.parent / "lạ.json"
    place.write_bytes(bundle_json(bundle))
    (office / "foreign.toml").write_bytes((office / f"{STORE}.toml").read_bytes())  # another root is pinned today
    assert refused(path, place, office) == "SIG_ROOT_NOT_PINNED"
    (office / "foreign.toml").unlink()
    assert refused(path, place, office) == "SIG_TRUST_STORE_MISSING"


def test_evidence_of_another_file(desk: Desk, office: Path) -> None:
    path, bundle = judged(desk, office, desk.both())
    single = office.parent / "một.json"
    single.write_bytes(bundle_json(bundle))
    path.write_bytes(desk.profile)
    assert refused(path, single, office) == "SIG_EVIDENCE_OTHER_FILE"
    assert refused(path, office, office) == "SIG_EVIDENCE_MISSING"


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"manifest": "x", "objects": {}, "sha256": ""}', b"\xff"])
def test_what_is_no_evidence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(content)
    with pytest.raises(SigningError) as caught:
        read_bundle(file, "0" * 64)
    assert caught.value.code in ("SIG_EVIDENCE_UNREADABLE", "SIG_EVIDENCE_ALTERED")


def test_list_replaced_meanwhile(desk: Desk, office: Path) -> None:
    request = VerificationRequest(
        path=str(office.parent / "a.pdf"), policy="ND30", now=desk.now, trust_folder=str(office), trust_store=STORE
    )
    Path(request.path).write_bytes(desk.both())
    report = verify_file(request)
    desk.pki.write_store(office, at=desk.now + timedelta(minutes=1))
    with pytest.raises(SigningError) as caught:
        collect(request, report, made_at=desk.now, program="test")
    assert caught.value.code == "SIG_EVIDENCE_MOVED"
