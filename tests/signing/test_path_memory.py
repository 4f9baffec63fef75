"""A remembered certificate path answers as the path itself would: same evidence, same span, same question."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import x509
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.sign.validation import generic_cms
from pyhanko.sign.validation.settings import KeyUsageConstraints

from lienthong.deploy.demo.pki import STORE
from lienthong.signing.certificate_memory import once, parsed_once, sharing
from lienthong.signing.path_memory import PathMemory, instants, span_around
from lienthong.signing.paths import KEY_USAGE, Evidence
from lienthong.signing.trust import load_store

from .desk import Desk, later

ORIGINAL = getattr(generic_cms.validate_cert_usage, "original", generic_cms.validate_cert_usage)
TIMESTAMPING = KeyUsageConstraints(extd_key_usage={"time_stamping"})


@dataclass(slots=True, kw_only=True)
class Counted:
    """pyHanko's own check, and how often it was asked."""

    asked: int = 0
    memory: PathMemory = field(init=False)

    def __post_init__(self) -> None:
        self.memory = PathMemory(original=self._check)

    async def _check(self, *values: Any, **named: Any) -> Any:
        self.asked += 1
        return await ORIGINAL(*values, **named)

    async def good(self, certificate: x509.Certificate, evidence: Evidence, moment: datetime, **settings: Any) -> bool:
        usage = settings.pop("usage", KEY_USAGE)
        context = evidence.context(moment, **settings)
        paths = context.path_builder.async_build_paths_lazy(certificate)
        result = await self.memory(certificate, context, key_usage_settings=usage, paths=paths)
        return result.success_result is not None


@pytest.fixture
def folder(desk: Desk, tmp_path: Path) -> Path:
    desk.pki.write_store(tmp_path)
    return tmp_path


def evidence_of(desk: Desk, folder: Path) -> Evidence:
    return Evidence(store=load_store(str(folder), STORE), now=desk.now)


def leaf(desk: Desk) -> x509.Certificate:
    return desk.leader.software_key().certificate


async def test_second_sight_asks_nobody(desk: Desk, folder: Path) -> None:
    counted, evidence = Counted(), evidence_of(desk, folder)
    for hours in (1, 2, 30, 600):
        assert await counted.good(leaf(desk), evidence, later(desk, hours=hours))
    assert counted.asked == 1


async def test_other_question_is_asked_anew(desk: Desk, folder: Path) -> None:
    counted, evidence = Counted(), evidence_of(desk, folder)
    moment = later(desk, hours=1)
    assert await counted.good(leaf(desk), evidence, moment)
    assert not await counted.good(leaf(desk), evidence, moment, usage=TIMESTAMPING)
    assert await counted.good(leaf(desk), evidence, moment, revocation=False)
    assert await counted.good(leaf(desk), evidence, moment, timestamps=True)
    assert await counted.good(desk.agency.software_key().certificate, evidence, moment)
    assert counted.asked == 5


async def test_span_ends_with_the_list_and_with_the_certificate(desk: Desk, folder: Path) -> None:
    counted, evidence = Counted(), evidence_of(desk, folder)
    assert await counted.good(leaf(desk), evidence, later(desk, hours=1))
    next_update = max(listed.next_update for listed in evidence.store.lists if listed.next_update)
    assert not await counted.good(leaf(desk), evidence, next_update + timedelta(seconds=2))
    assert not await counted.good(leaf(desk), evidence, leaf(desk).not_valid_before - timedelta(seconds=2))
    assert counted.asked == 3


async def test_failure_is_never_remembered(desk: Desk, folder: Path) -> None:
    counted, evidence = Counted(), evidence_of(desk, folder)
    moment = later(desk, hours=1)
    foreign = desk.foreign.tsa.software_key().certificate
    for _ in range(2):
        assert not await counted.good(foreign, evidence, moment)
    assert counted.asked == 2


async def test_revocation_is_another_evidence(desk: Desk, folder: Path) -> None:
    counted, moment = Counted(), later(desk, hours=1)
    assert await counted.good(leaf(desk), evidence_of(desk, folder), moment)
    desk.pki.sub.revoke(desk.leader, desk.now - timedelta(hours=6))
    try:
        desk.pki.write_store(folder)
    finally:
        desk.pki.sub.revoked.pop()
    assert not await counted.good(leaf(desk), evidence_of(desk, folder), moment)


async def test_list_inside_the_file_is_another_evidence(desk: Desk, folder: Path) -> None:
    counted, evidence, moment = Counted(), evidence_of(desk, folder), later(desk, hours=1)
    assert await counted.good(leaf(desk), evidence, moment)
    desk.pki.sub.revoke(desk.leader, desk.now - timedelta(hours=6))
    try:
        desk.pki.write_store(folder)
    finally:
        desk.pki.sub.revoked.pop()
    carried = replace(evidence, crls=evidence_of(desk, folder).store.crls)
    assert not await counted.good(leaf(desk), carried, moment)


async def test_revocation_later_than_the_moment_ends_the_span(desk: Desk, folder: Path) -> None:
    """Signed before it was revoked: good then, not good after, from one remembered answer each."""
    desk.pki.sub.revoke(desk.leader, desk.now + timedelta(hours=6))
    try:
        desk.pki.write_store(folder)
    finally:
        desk.pki.sub.revoked.pop()
    counted, evidence = Counted(), evidence_of(desk, folder)
    assert await counted.good(leaf(desk), evidence, later(desk, hours=1))
    assert await counted.good(leaf(desk), evidence, later(desk, hours=5))
    assert not await counted.good(leaf(desk), evidence, later(desk, hours=7))
    assert counted.asked == 2


SECONDS = st.integers(0, 40)
START = datetime(2026, 11, 21, tzinfo=UTC)


@given(st.lists(SECONDS, max_size=6), SECONDS, SECONDS)
def test_nothing_changes_inside_a_span(times: list[int], moment: int, other: int) -> None:
    written = [START + timedelta(seconds=time) for time in times]
    now, then = START + timedelta(seconds=moment), START + timedelta(seconds=other)
    span = span_around(now, written)
    assert span.holds(now)
    if span.holds(then) and then != now:
        for time in written:  # certvalidator compares with a second on either side
            for tolerance in (-1, 0, 1):
                moved = time + timedelta(seconds=tolerance)
                assert ((now < moved), (now > moved)) == ((then < moved), (then > moved))


def test_instants_name_the_revocation(desk: Desk, folder: Path) -> None:
    at = desk.now - timedelta(hours=6)
    desk.pki.sub.revoke(desk.leader, at)
    try:
        desk.pki.write_store(folder)
    finally:
        desk.pki.sub.revoked.pop()
    crls = evidence_of(desk, folder).store.crls
    assert at in set(instants([leaf(desk)], crls))
    assert at not in set(instants([desk.agency.software_key().certificate], crls))


def test_certificates_are_shared_and_extracted_once(desk: Desk) -> None:
    import io

    from pyhanko.pdf_utils.reader import PdfFileReader

    original = getattr(generic_cms.extract_certificate_info, "replaced", generic_cms.extract_certificate_info)
    extract = sharing(original)
    signed = [PdfFileReader(io.BytesIO(desk.profile)).embedded_regular_signatures[0].signed_data for _ in range(2)]
    found = [extract(one) for one in signed]
    assert found[0].signer_cert is found[1].signer_cert is parsed_once(leaf(desk).dump())
    plain = original(signed[0])
    assert found[0].signer_cert.dump() == plain.signer_cert.dump()
    assert [c.dump() for c in found[0].other_certs] == [c.dump() for c in plain.other_certs]
    calls: list[Any] = []
    known = once(lambda one: calls.append(one) or object())
    assert known(signed[0]) is known(signed[0])
    assert known(signed[1]) is not known(signed[0])
    assert len(calls) == 2
