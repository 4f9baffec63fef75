"""The five cases of appearance on the rendered page (signatures.md 8.1, NA-7.4, NA-7.5): one fault, one warning."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from lienthong.signing.appearance import appearance_warnings
from lienthong.signing.appearance_request import AppearanceRequest, Profile
from lienthong.signing.copies import CopyForm
from lienthong.signing.ink import look_at
from lienthong.signing.preparing import AGENCY_FIELD, LEADER_FIELD, SignatureBoxes
from lienthong.signing.producing import Proof, StampImages, sign_annex, sign_document
from lienthong.signing.rendered import RenderedFile
from lienthong.signing.report import SignerRole
from lienthong.signing.stamp_texts import Clock, annex_text, copy_text
from lienthong.signing.stamps import POINTS_PER_MM, Box, handwriting_png, seal_box, seal_png

from .desk import BOXES, LEADER_BOX, Desk

PREFIX = "SIG_WARN_APPEARANCE_"
ISSUED = ((LEADER_FIELD, SignerRole.LEADER), (AGENCY_FIELD, SignerRole.AGENCY))
ALONE = ((AGENCY_FIELD, SignerRole.AGENCY),)
CORNER: Box = (300.0, 800.0, 580.0, 826.0)
RED, BLUE = (215, 25, 30), (20, 50, 170)


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def repainted(content: bytes, ink: tuple[int, int, int]) -> bytes:
    """The same drawing in another ink."""
    picture = Image.open(io.BytesIO(content)).convert("RGBA")
    painted = Image.new("RGBA", picture.size, (*ink, 0))
    painted.putalpha(picture.getchannel("A"))
    return png(painted)


def on_white(content: bytes) -> bytes:
    """As it comes from a scanner: the paper is part of the picture."""
    picture = Image.open(io.BytesIO(content)).convert("RGBA")
    paper = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    paper.alpha_composite(picture)
    return png(paper)


def with_words(content: bytes) -> bytes:
    picture = Image.open(io.BytesIO(content)).convert("RGBA")
    for line in range(6):
        ImageDraw.Draw(picture).rectangle((90, 300 + line * 20, 380, 306 + line * 20), fill=(0, 0, 0, 255))
    return png(picture)


EMPTY = png(Image.new("RGBA", (200, 100), (255, 255, 255, 0)))
HAND, SEAL = handwriting_png("Nguyễn Văn An"), seal_png("Sở Tài chính")


@pytest.fixture
def issued(desk: Desk, tmp_path: Path) -> Any:
    """Sign a document by leader and agency; answer the warnings about it."""

    def warn(*, hand: bytes = HAND, seal: bytes = SEAL, boxes: SignatureBoxes = BOXES, **changes: Any) -> list[str]:
        source, target = tmp_path / "blank.pdf", tmp_path / "signed.pdf"
        source.write_bytes(desk.blank)
        sign_document(
            source,
            target,
            leader=desk.leader.software_key(),
            agency=desk.agency.software_key(),
            boxes=boxes,
            images=StampImages(leader=hand, seal=seal),
            proof=Proof(now=desk.now),
        )
        asked = {"path": str(target), "roles": ISSUED, "policy": "ND30", "diameter_mm": 36.0, **changes}
        return codes(AppearanceRequest(**asked))

    return warn


@pytest.fixture
def annexed(desk: Desk, tmp_path: Path) -> Any:
    """Sign a separate file by the agency; answer the warnings about it."""

    def warn(text: str, *, box: Box = CORNER, **changes: Any) -> list[str]:
        source, target = tmp_path / "blank.pdf", tmp_path / "annex.pdf"
        source.write_bytes(desk.blank)
        sign_annex(source, target, agency=desk.agency.software_key(), box=box, text=text, proof=Proof(now=desk.now))
        asked = {"path": str(target), "roles": ALONE, "policy": "AGENCY_ONLY", **changes}
        return codes(AppearanceRequest(**asked))

    return warn


def codes(request: AppearanceRequest) -> list[str]:
    warnings = appearance_warnings(request)
    assert all(warning.code.startswith(PREFIX) and warning.message for warning in warnings)
    return [warning.code.removeprefix(PREFIX) for warning in warnings]


def shifted(share: float, *, diameter: float = 36) -> SignatureBoxes:
    """The seal covers this share of the signature's box from the left."""
    edge = LEADER_BOX[0] + (LEADER_BOX[2] - LEADER_BOX[0]) * share
    box = seal_box(LEADER_BOX, diameter)
    return replace(BOXES, seal=(edge - (box[2] - box[0]), box[1], edge, box[3]))


def test_what_we_produce_gives_no_warning(issued: Any) -> None:  # cases A and B
    assert issued() == []
    assert issued(boxes=shifted(0.26)) == []
    assert issued(boxes=shifted(0.44)) == []


@pytest.mark.parametrize("ink", [RED, (10, 10, 10), (20, 140, 40)], ids=["red", "black", "green"])
def test_leader_in_another_colour(issued: Any, ink: tuple[int, int, int]) -> None:  # NA-7.4.a
    assert issued(hand=repainted(HAND, ink)) == ["LEADER_COLOUR"]


@pytest.mark.parametrize("ink", [BLUE, (10, 10, 10)], ids=["blue", "black"])
def test_seal_in_another_colour(issued: Any, ink: tuple[int, int, int]) -> None:  # NA-7.5
    assert issued(seal=repainted(SEAL, ink)) == ["SEAL_COLOUR"]


def test_nothing_is_shown(issued: Any) -> None:
    assert issued(hand=EMPTY) == ["LEADER_MISSING"]
    assert issued(seal=EMPTY) == ["SEAL_MISSING"]


def test_pictures_without_transparency(issued: Any) -> None:
    assert issued(hand=on_white(HAND)) == ["OPAQUE"]
    assert issued(seal=on_white(SEAL)) == ["OPAQUE", "SEAL_HIDES"]


@pytest.mark.parametrize("share", [-0.2, 0.05, 0.7, 1.6])
def test_seal_that_covers_too_little_or_too_much(issued: Any, share: float) -> None:  # NA-7.5: 25 to 45 %
    assert issued(boxes=shifted(share)) == ["SEAL_OVERLAP"]


def test_seal_above_the_signature(issued: Any) -> None:
    box = BOXES.seal
    assert issued(boxes=replace(BOXES, seal=(box[0], box[1] + 150, box[2], box[3] + 150))) == ["SEAL_OVERLAP"]


@pytest.mark.parametrize(("shown", "faults"), [(35, []), (37, []), (33, ["SEAL_SIZE"]), (40, ["SEAL_SIZE"])])
def test_size_of_the_seal(issued: Any, shown: float, faults: list[str]) -> None:  # NA-7.5: ±5 % of 36 mm
    assert issued(boxes=shifted(0.33, diameter=shown)) == faults
    assert issued(boxes=shifted(0.33, diameter=shown), diameter_mm=None) == []


def test_leader_at_the_left(issued: Any) -> None:  # ô 7c
    left = (60.0, 200.0, 190.0, 260.0)
    assert issued(boxes=replace(BOXES, leader=left, seal=seal_box(left, 36))) == ["LEADER_PLACE"]


def test_words_in_the_seal_are_of_the_older_profile(issued: Any) -> None:  # C8
    assert issued(seal=with_words(SEAL)) == ["SEAL_WORDS"]
    assert issued(seal=with_words(SEAL), profile=Profile.TT01_2019) == []
    assert issued(profile=Profile.TT01_2019) == ["SEAL_NO_WORDS"]


@pytest.mark.parametrize("clock", Clock)
def test_annex_and_copy_as_we_produce_them(annexed: Any, desk: Desk, clock: Clock) -> None:  # cases D and E
    assert annexed(annex_text("12/QĐ-STC", desk.now, clock=clock)) == []
    assert annexed(copy_text(CopyForm.TRUE_COPY, "Sở Tài chính tỉnh Mẫu", desk.now, clock=clock)) == []


def test_annex_text_elsewhere(annexed: Any, desk: Desk) -> None:
    text = annex_text("12/QĐ-STC", desk.now)
    assert annexed(text, box=(300, 100, 580, 126)) == ["TEXT_PLACE"]
    assert annexed(text, box=(10, 800, 290, 826)) == ["TEXT_PLACE"]


def test_annex_with_other_words(annexed: Any) -> None:
    assert annexed("Đã ký") == ["TEXT_WORDS"]


def test_annex_in_small_letters(annexed: Any, desk: Desk) -> None:
    text = annex_text("12/QĐ-STC", desk.now)
    assert annexed(text, box=(500.0, 810.0, 580.0, 826.0)) == ["TEXT_SIZE"]  # no room: the text shrinks


def test_annex_with_a_seal(issued: Any) -> None:
    high = (400.0, 700.0, 530.0, 760.0)
    corner = replace(BOXES, leader=high, seal=(450.0, 730.0, 552.0, 832.0), page=0)
    found = issued(roles=ALONE, policy="AGENCY_ONLY", boxes=corner)
    assert found == ["PICTURE", "TEXT_MISSING"]


def test_size_of_letters_and_place_of_the_real_thing(desk: Desk, tmp_path: Path) -> None:
    """Words of an annex: measured, not believed."""
    source, target = tmp_path / "blank.pdf", tmp_path / "annex.pdf"
    source.write_bytes(desk.blank)
    text = annex_text("12/QĐ-STC", desk.now)
    sign_annex(source, target, agency=desk.agency.software_key(), box=CORNER, text=text, proof=Proof(now=desk.now))
    with RenderedFile(str(target)) as file:
        letters = file.letters(0, CORNER)
    assert letters.text.split() == text.split()
    assert (letters.sizes, letters.inks) == ({10.0}, {(0, 0, 0)})


def test_picture_is_where_the_page_shows_it(desk: Desk, tmp_path: Path) -> None:
    """The ink found in the rendered field is that of the picture, in points of the page."""
    path = tmp_path / "signed.pdf"
    path.write_bytes(desk.profile)
    region = (280.0, 150.0, 500.0, 300.0)
    with RenderedFile(str(path)) as file:
        page = 1  # the last one
        seal = look_at(file.draw(page, {AGENCY_FIELD}, region), region, BOXES.seal)
        assert look_at(file.draw(page, set(), region), region, BOXES.seal) is None
    assert seal is not None
    assert seal.box == pytest.approx(BOXES.seal, abs=1.5)
    assert (seal.box[2] - seal.box[0]) / POINTS_PER_MM == pytest.approx(36, rel=0.03)


def test_files_of_other_tools_are_looked_at_too(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "other.pdf"
    path.write_bytes(desk.both())
    roles = (("Signature1", SignerRole.LEADER), ("Signature2", SignerRole.AGENCY))
    found = codes(AppearanceRequest(path=str(path), roles=roles, policy="ND30"))
    assert "LEADER_COLOUR" in found
    assert "SEAL_COLOUR" in found
