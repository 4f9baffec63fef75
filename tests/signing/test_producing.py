"""The producing profile (signatures.md 2 and 8): pictures, places, fields, locks."""

from __future__ import annotations

import colorsys
import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import FieldMDPAction, MDPPerm
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from lienthong.deploy.demo.pki import Holder, load_key, write_holders
from lienthong.signing.errors import SigningError
from lienthong.signing.keys import SoftwareKey
from lienthong.signing.preparing import fill
from lienthong.signing.producing import agency_signs, sign_annex, sign_leader_only
from lienthong.signing.report import Overall, Question, SignerRole
from lienthong.signing.request import RegisteredCertificate
from lienthong.signing.sign_job import AGENCY_FIELD, DATE_FIELD, LEADER_FIELD, NUMBER_FIELD
from lienthong.signing.stamps import POINTS_PER_MM, handwriting_png, seal_box, seal_png

from .desk import BOXES, SENDER, SENDER_NAME, Desk, answer_of, registered


@pytest.fixture(scope="module")
def signatures(desk: Desk) -> list[EmbeddedPdfSignature]:
    return list(PdfFileReader(io.BytesIO(desk.profile)).embedded_regular_signatures)


def test_leader_certifies_and_leaves_number_date_and_agency_open(signatures: list[EmbeddedPdfSignature]) -> None:
    leader = signatures[0]
    assert leader.field_name == LEADER_FIELD
    assert leader.docmdp_level is MDPPerm.FILL_FORMS
    assert leader.fieldmdp is not None
    assert leader.fieldmdp.action is FieldMDPAction.EXCLUDE
    assert leader.fieldmdp.fields == [NUMBER_FIELD, DATE_FIELD, AGENCY_FIELD]


def test_agency_locks_everything(signatures: list[EmbeddedPdfSignature]) -> None:
    agency = signatures[1]
    assert agency.field_name == AGENCY_FIELD
    assert agency.fieldmdp is not None
    assert agency.fieldmdp.action is FieldMDPAction.ALL


def test_signatures_are_pades_with_sha256(signatures: list[EmbeddedPdfSignature]) -> None:
    assert {str(s.sig_object["/SubFilter"]) for s in signatures} == {"/ETSI.CAdES.detached"}
    assert {s.md_algorithm for s in signatures} == {"sha256"}


def test_seal_covers_the_left_third_at_its_real_size(signatures: list[EmbeddedPdfSignature]) -> None:  # NA-7.5
    leader, seal = ([float(n.get_object()) for n in s.sig_field["/Rect"]] for s in signatures)
    overlap = (seal[2] - leader[0]) / (leader[2] - leader[0])
    assert 0.25 <= overlap <= 0.45
    assert seal[0] < leader[0]
    assert seal[2] - seal[0] == pytest.approx(36 * POINTS_PER_MM, rel=0.05)
    assert (seal[1] + seal[3]) / 2 == pytest.approx((leader[1] + leader[3]) / 2, abs=1)


@pytest.mark.parametrize(
    ("png", "hue"),
    [(handwriting_png("Nguyễn Văn An"), 227 / 360), (seal_png("Sở Tài chính"), 358 / 360)],
    ids=["blue handwriting", "red seal"],
)
def test_pictures_are_transparent_and_of_the_right_colour(png: bytes, hue: float) -> None:  # NA-7.4, NA-7.5
    picture = Image.open(io.BytesIO(png))
    assert picture.format == "PNG"
    assert picture.mode == "RGBA"
    colours = picture.getcolors(maxcolors=1 << 22)
    assert colours is not None
    clear = sum(count for count, pixel in colours if pixel[3] == 0)
    assert clear > 0.6 * picture.width * picture.height
    _, ink = max((count, pixel) for count, pixel in colours if pixel[3] > 200)
    assert colorsys.rgb_to_hsv(*(part / 255 for part in ink[:3]))[0] == pytest.approx(hue, abs=0.03)


def test_picture_depends_on_the_name_alone() -> None:
    assert handwriting_png("An") == handwriting_png("An") != handwriting_png("Bình")


def test_seal_box_of_a_small_signature() -> None:
    left, _, right, _ = seal_box((300.0, 100.0, 360.0, 130.0), 30)
    assert right == pytest.approx(320)
    assert right - left == pytest.approx(30 * POINTS_PER_MM)


def test_number_and_date_stand_in_their_fields(desk: Desk) -> None:
    form = PdfFileReader(io.BytesIO(desk.profile)).root["/AcroForm"]
    fields = {str(f.get_object()["/T"]): f.get_object() for f in form["/Fields"]}
    assert fields[NUMBER_FIELD]["/V"] == "Số: 12/STC-VP"
    assert fields[DATE_FIELD]["/V"] == "Mẫu, ngày 21 tháng 11 năm 2026"


def test_number_comes_between_leader_and_agency(desk: Desk) -> None:  # C6
    """What waits after the leader: numbered later, then signed by the agency, in another session."""
    source, target = desk.folder / "waiting-blank.pdf", desk.folder / "waiting.pdf"
    source.write_bytes(desk.blank)
    sign_leader_only(
        source, target, leader=desk.leader.software_key(), boxes=BOXES, images=desk.images, proof=desk.proof()
    )
    assert desk.check(target).missing_signatures_only
    numbered = fill(target.read_bytes(), {NUMBER_FIELD: "Số: 13/STC-VP"}, text_size=13)
    done = agency_signs(numbered, desk.agency.software_key(), desk.images.seal, desk.proof())
    report = desk.check(done)
    assert report.overall is Overall.VALID, report.reason
    assert NUMBER_FIELD in answer_of(report, Question.LATER_CHANGES, 0).message


def test_number_that_is_given_before(desk: Desk) -> None:
    path = desk.produce("given.pdf", number=None, date_text=None)
    assert desk.check(path).overall is Overall.VALID


def test_unreadable_document_is_refused(desk: Desk, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7 nothing")
    with pytest.raises(SigningError) as caught:
        sign_annex(
            broken,
            tmp_path / "out.pdf",
            agency=desk.agency.software_key(),
            box=(1, 1, 9, 9),
            text="Số",
            proof=desk.proof(),
        )
    assert caught.value.code == "SIG_SIGN_FAILED"
    assert not (tmp_path / "out.pdf").exists()
    with pytest.raises(SigningError) as caught:
        sign_leader_only(
            broken,
            tmp_path / "out.pdf",
            leader=desk.leader.software_key(),
            boxes=BOXES,
            images=desk.images,
            proof=desk.proof(),
        )
    assert caught.value.code == "SIG_SIGN_FAILED"


def test_keys_written_for_the_demo_sign(desk: Desk, tmp_path: Path) -> None:
    holders = [
        Holder(agency_code=SENDER, agency_name=SENDER_NAME, person="Phạm Thị Chi"),
        Holder(agency_code=SENDER, agency_name=SENDER_NAME),
    ]
    entries = write_holders(desk.pki, tmp_path, holders)
    registry = tuple(registered_entry(desk, tmp_path, e["sha256"], e["agency_code"], e["role"]) for e in entries)
    leader, agency = (load_key(tmp_path, f"{SENDER}-{role}") for role in ("leader", "agency"))
    report = desk.check(desk.produce("demo.pdf", leader=leader, agency=agency), registry=registry)
    assert report.overall is Overall.VALID, report.reason
    assert report.signatures[0].signer_name == "Phạm Thị Chi"


def registered_entry(desk: Desk, folder: Path, sha256: str, agency: str, role: str) -> RegisteredCertificate:
    key = load_key(folder, f"{agency}-{role}")
    assert key.certificate.sha256.hex() == sha256
    return replace(registered(desk.leader, SignerRole(role), agency=agency), sha256=sha256)


def test_key_that_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("không phải khóa", encoding="utf-8")
    with pytest.raises(SigningError) as caught:
        SoftwareKey.from_pem(tmp_path / "x.pem", tmp_path / "x.pem")
    assert caught.value.code == "SIG_KEY_UNREADABLE"
