"""Looking at signatures is bounded and settles no verdict (registers.md C7): files that make no sense, or worse."""

from __future__ import annotations

import random
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from lienthong.signing.appearance import appearance_job
from lienthong.signing.appearance_request import AppearanceRequest
from lienthong.signing.remarks import APPEARANCE
from lienthong.signing.report import Overall
from lienthong.signing.verifying import VerificationPool, VerificationSettings
from lienthong.signing.workers import WorkerError

from .desk import Desk
from .test_appearance import ISSUED, PREFIX, codes
from .test_workers import request_for


def spoilt(path: Path, spoil: Any) -> Path:
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        for field in pdf.Root.AcroForm.Fields:
            if field.get("/FT") == "/Sig":
                spoil(pdf, field)
        pdf.save(path)
    return path


def _box(*sides: Any) -> Any:
    return lambda _pdf, field: setattr(field, "Rect", pikepdf.Array(sides))


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (_box(0, 0, 10**9, 10**9), ["LEADER_MISSING", "SEAL_MISSING"]),
        (_box(0, 0, 10**9, 2), ["LEADER_MISSING", "SEAL_MISSING"]),
        (_box(0, 0, 0, 0), ["LEADER_MISSING", "SEAL_MISSING"]),
        (_box(0, 0, 1), ["NOT_CHECKED"]),
        (_box(*[pikepdf.Name.A] * 4), ["NOT_CHECKED"]),
        (lambda _pdf, field: field.__delitem__("/AP"), ["LEADER_MISSING", "SEAL_MISSING"]),
        (lambda _pdf, field: setattr(field, "Kids", pikepdf.Array([field])), ["LEADER_MISSING", "SEAL_MISSING"]),
        (
            lambda pdf, _field: setattr(pdf.pages[-1].obj, "Annots", pikepdf.Array([1])),
            ["LEADER_MISSING", "SEAL_MISSING"],
        ),
        (lambda pdf, field: pdf.pages[-1].obj.Annots.extend([field] * 400), ["NOT_CHECKED"]),
        (lambda pdf, _field: setattr(pdf.pages[-1].obj, "Rotate", 90), []),
    ],
)
def test_boxes_that_make_no_sense(desk: Desk, tmp_path: Path, spoil: Any, found: list[str]) -> None:
    path = tmp_path / "signed.pdf"
    path.write_bytes(desk.profile)
    assert codes(AppearanceRequest(path=str(spoilt(path, spoil)), roles=ISSUED, policy="ND30")) == found


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7 nothing", b"\x00" * 100])
def test_a_file_that_cannot_be_drawn(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    asked = {"path": str(path), "roles": [["x", "leader"]], "policy": "ND30", "profile": "ND30", "diameter_mm": None}
    assert [w["code"] for w in appearance_job(asked)["warnings"]] == [f"{PREFIX}NOT_CHECKED"]


async def test_the_pool_adds_the_warnings_and_leaves_the_verdict(desk: Desk, tmp_path: Path) -> None:  # C7
    path = tmp_path / "signed.pdf"
    path.write_bytes(desk.profile)
    request = replace(request_for(desk, path), appearance=True, seal_diameter_mm=30.0)
    async with VerificationPool(VerificationSettings(workers=1)) as pool:
        report = await pool.verify(request)
        plain = await pool.verify(replace(request, appearance=False))
    assert report.overall is plain.overall is Overall.VALID
    assert [w.code for w in report.warnings if w not in plain.warnings] == [f"{PREFIX}SEAL_SIZE"]
    assert replace(report, warnings=()) == replace(plain, warnings=())


async def test_bytes_changed_at_random_cost_no_verdict(desk: Desk, tmp_path: Path) -> None:
    """The renderer may say anything, and answers each time."""
    path, source = tmp_path / "changed.pdf", random.Random(7)
    async with VerificationPool(VerificationSettings(workers=1)) as pool:
        for _ in range(40):
            content = bytearray(desk.profile)
            for _ in range(source.choice((1, 20, 400))):
                content[source.randrange(len(content))] = source.randrange(256)
            path.write_bytes(content)
            request = AppearanceRequest(path=str(path), roles=ISSUED, policy=source.choice(("ND30", "AGENCY_ONLY")))
            answer = await pool.run("appearance", asdict(request), seconds=5)
            assert {warning["code"] for warning in answer["warnings"]} <= APPEARANCE.keys()


async def test_a_form_that_draws_itself_is_cut_off(desk: Desk, tmp_path: Path) -> None:
    def endless(_pdf: pikepdf.Pdf, field: Any) -> None:
        field.AP.N.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(A=field.AP.N))
        field.AP.N.write(b"/A Do /A Do /A Do /A Do")

    path = tmp_path / "signed.pdf"
    path.write_bytes(desk.profile)
    request = AppearanceRequest(path=str(spoilt(path, endless)), roles=ISSUED, policy="ND30")
    async with VerificationPool(VerificationSettings(workers=1)) as pool:
        with pytest.raises(WorkerError) as caught:
            await pool.run("appearance", asdict(request), seconds=1)
    assert caught.value.code == "SIG_TIMEOUT"


async def test_a_renderer_that_dies_costs_a_warning(desk: Desk, tmp_path: Path) -> None:  # C7
    path = tmp_path / "signed.pdf"
    path.write_bytes(desk.profile)
    dying = {"appearance": "lienthong.tests.signing.sandbox_jobs:die"}
    async with VerificationPool(VerificationSettings(workers=1, extra_jobs=dying)) as pool:
        report = await pool.verify(replace(request_for(desk, path), appearance=True))
    assert report.overall is Overall.VALID
    assert [w.code for w in report.warnings][-1] == f"{PREFIX}NOT_CHECKED"
