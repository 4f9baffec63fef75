"""The published attack classes on PDF signatures: each file is refused, with the reason that fits it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyhanko.sign.fields import MDPPerm

from lienthong.signing.report import Overall, Question
from lienthong.signing.verifying import VerificationPool, VerificationSettings

from ..signing.desk import AGENCY_BOX, Desk, answer_of, open_desk
from .pdf_forgeries import FORGERIES, single
from .pdf_parts import MEGABYTE, Attack
from .pdf_shadows import SHADOWS, prepared, signed
from .pdf_structures import BURDENS, STRUCTURES
from .pdf_tricks import TRICKS, tricked
from .test_hostile_pdf import never_valid, request_for

pytestmark = pytest.mark.timeout(30)
ATTACKS: dict[str, Attack] = {**FORGERIES, **SHADOWS, **STRUCTURES}
SIGNED: dict[str, Callable[[Desk], bytes]] = {
    "approved": lambda desk: desk.sign(desk.blank, desk.leader, "A", pades=True),
    "certified, notes allowed": lambda desk: desk.sign(
        desk.blank, desk.leader, "A", certify=True, permission=MDPPerm.ANNOTATE
    ),
    "certified form": lambda desk: desk.sign(desk.form(), desk.leader, "A", certify=True),
    "two signatures": lambda desk: desk.both(),
    "two signatures, all locked": lambda desk: desk.profile,
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return open_desk(tmp_path_factory.mktemp("attacks"), datetime.now(UTC).replace(microsecond=0))


@pytest.fixture(scope="module")
def originals(desk: Desk) -> dict[str, bytes]:
    """Every kind of signed file, each valid as long as nobody touches it."""
    made = {kind: build(desk) for kind, build in SIGNED.items()}
    for kind, document in made.items():
        assert desk.check(document, policy="NA_ANY_ONE").overall is Overall.VALID, kind
    return made


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_refused_with_its_reason(desk: Desk, name: str) -> None:
    attack = ATTACKS[name]
    report = desk.check(attack.build(desk), policy=attack.policy)
    assert report.overall is not Overall.VALID
    assert report.reason_code == attack.code, report.reason


@pytest.mark.parametrize("name", TRICKS)
def test_trick_after_the_last_signature(desk: Desk, originals: dict[str, bytes], name: str) -> None:
    for kind in ("approved", "certified, notes allowed", "two signatures", "two signatures, all locked"):
        never_valid(desk.check(tricked(originals[kind], TRICKS[name]), policy="NA_ANY_ONE"), kind)


# Left out: what takes the first signature away, and the flag that pyHanko clears again when it signs.
UNDONE = {"form empty", "no form", "signature emptied", "form redraws"}


@pytest.mark.parametrize("name", sorted(set(TRICKS) - UNDONE))
def test_trick_between_leader_and_agency(desk: Desk, originals: dict[str, bytes], name: str) -> None:
    between = tricked(originals["certified form"], TRICKS[name])
    report = desk.check(desk.sign(between, desk.agency, "B", box=AGENCY_BOX))
    never_valid(report, name)
    assert answer_of(report, Question.LATER_CHANGES, 0).code in ("SIG_CHANGED", "SIG_SHADOW")


def test_what_is_prepared_for_shadows_is_valid_until_it_changes(desk: Desk) -> None:
    """The controls: the refusals above are owed to the update, not to the material."""
    for document in (signed(desk, prepared()), single(desk)):
        assert desk.check(document, policy="NA_ANY_ONE").overall is Overall.VALID


async def test_burdens_end_in_time_and_memory(desk: Desk, tmp_path: Path) -> None:
    limited = VerificationSettings(workers=1, seconds_per_file=8, memory_bytes=300 * MEGABYTE)
    async with VerificationPool(limited) as pool:
        for name, build in BURDENS.items():
            path = tmp_path / f"{name}.pdf"
            path.write_bytes(await asyncio.to_thread(build, desk))
            report = await pool.verify(request_for(desk, path))
            assert report.reason_code not in ("SIG_TIMEOUT", "SIG_MEMORY", "SIG_WORKER_DIED"), name
            assert (report.reason_code == "SIG_TOO_COMPLEX") is (name == "diamonds")
