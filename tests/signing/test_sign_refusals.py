"""What is not signed: files that could show something else later, strangers' signatures, wrong turns, bad keys."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pikepdf
import pytest
from cryptography.x509 import ReasonFlags
from PIL import Image
from pyhanko.sign.fields import MDPPerm

from lienthong.deploy.demo.pki import STORE, Holder
from lienthong.signing.json_values import from_json, to_json
from lienthong.signing.sign_job import (
    AGENCY_FIELD,
    DATE_FIELD,
    NUMBER_FIELD,
    Capacity,
    Flow,
    Level,
    PrepareJob,
    SignerBlock,
    SignJob,
    SignStep,
    Subfilter,
)
from lienthong.signing.sign_jobs import fill_pdf, prepare_pdf

from .desk import SENDER, SENDER_NAME, blank_pdf
from .office import Office, refused


def rewritten(content: bytes, change: Callable[[pikepdf.Pdf], None], **saving: object) -> bytes:
    output = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as pdf:
        change(pdf)
        pdf.save(output, **saving)
    return output.getvalue()


def script(pdf: pikepdf.Pdf) -> None:
    action = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert('x')")
    pdf.Root.Names = pikepdf.Dictionary(JavaScript=pikepdf.Dictionary(Names=pikepdf.Array(["x", action])))


def opens_script(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert('x')")


def xfa(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array(), XFA=pdf.make_stream(b"<xdp/>"))


def nothing(_pdf: pikepdf.Pdf) -> None:
    pass


def scrolls(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = pikepdf.Array([pdf.pages[0].obj, pikepdf.Name.Fit])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (rewritten(blank_pdf(), script), "SIG_SOURCE_ACTIVE"),
        (rewritten(blank_pdf(), opens_script), "SIG_SOURCE_ACTIVE"),
        (rewritten(blank_pdf(), xfa), "SIG_SOURCE_ACTIVE"),
        (rewritten(blank_pdf(), nothing, encryption=pikepdf.Encryption(user="", owner="x")), "SIG_ENCRYPTED"),
        (b"%PDF-1.3" + blank_pdf()[8:], "SIG_SOURCE_OLD"),
        (blank_pdf()[:500], "SIG_SOURCE_UNREADABLE"),
        (b"PK\x03\x04 a word processor's file", "SIG_NOT_PDF"),
        (b"", "SIG_NOT_PDF"),
    ],
    ids=["script", "script at opening", "XFA", "encrypted", "PDF 1.3", "cut off", "no PDF", "empty"],
)
def test_source(office: Office, content: bytes, code: str) -> None:
    office.paper.write_bytes(content)
    refused(code, office.prepare)
    refused(code, office.leader)


def test_view_at_opening_is_no_script(office: Office) -> None:
    office.paper.write_bytes(rewritten(office.desk.blank, scrolls))
    office.prepare()
    office.leader()


def test_source_that_is_gone(office: Office) -> None:
    office.paper.unlink()
    refused("SIG_SOURCE_MISSING", office.prepare)


def test_first_signature_that_allows_nothing(office: Office) -> None:  # signatures.md 4, #4
    office.paper.write_bytes(
        office.desk.sign(
            office.desk.blank, office.desk.leader, "Signature1", certify=True, permission=MDPPerm.NO_CHANGES
        )
    )
    refused("SIG_SOURCE_LOCKED", office.agency)


def test_signature_of_a_stranger(office: Office) -> None:
    foreign = office.desk.foreign.issue(Holder(agency_code="X", agency_name="Công ty TEST", person="Ai Đó"))
    office.paper.write_bytes(office.desk.sign(office.desk.blank, foreign, "Signature1"))
    refused("SIG_SOURCE_SIGNED", office.prepare)
    refused("SIG_SOURCE_SIGNED", office.leader)


def test_file_that_is_prepared_already(office: Office) -> None:
    office.prepare()
    refused("SIG_SOURCE_SIGNED", office.prepare)


def test_file_that_was_not_prepared(office: Office) -> None:
    refused("SIG_FIELD_MISSING", office.leader)
    refused("SIG_FIELD_MISSING", office.fill, number="1")


def test_signed_twice(office: Office) -> None:
    office.prepare()
    office.leader()
    refused("SIG_FIELD_SIGNED", office.leader)
    office.fill(number="5")
    office.agency()
    refused("SIG_SIGNED_AFTER_AGENCY", office.agency)
    refused("SIG_SIGNED_AFTER_AGENCY", office.leader)


def test_initials_without_a_field(office: Office) -> None:
    office.prepare()
    refused("SIG_FIELD_MISSING", office.sign, SignStep.INITIALS, office.desk.leader)


def test_step_of_another_flow(office: Office) -> None:
    office.prepare()
    refused("SIG_STEP_NOT_IN_FLOW", office.leader, flow=Flow.PAPER_SCAN)
    refused("SIG_STEP_NOT_IN_FLOW", office.sign, SignStep.DIGITISED, office.desk.agency)


def test_name_of_a_field_under_another(office: Office) -> None:  # platform.md 7.1
    refused("SIG_FIELD_MISSING", office.leader, field="KySo.LanhDao", box=(10.0, 10.0, 90.0, 50.0))


@pytest.mark.parametrize("value", ["", "  ", "12\x00", "x" * 300])
def test_number_that_is_none(office: Office, value: str) -> None:
    office.prepare()
    refused("SIG_FIELD_TEXT", office.fill, number=value)


def picture(folder: Path, kind: str, mode: str) -> str:
    path = folder / f"picture.{kind.lower()}"
    Image.new(mode, (60, 30)).save(path, kind)
    return str(path)


def test_pictures_that_are_none(office: Office) -> None:  # Phụ lục I, Phần I, II.7.d
    office.prepare()
    for path in (
        picture(office.folder, "JPEG", "RGB"),
        picture(office.folder, "PNG", "RGB"),
        str(office.paper),
        str(office.folder / "absent.png"),
    ):
        refused("SIG_PICTURE_UNSUITABLE", office.leader, picture=path)


def test_archive_level_in_the_older_form(office: Office) -> None:
    office.prepare()
    refused("SIG_LEVEL_UNSUITABLE", office.leader, level=Level.B_LTA, subfilter=Subfilter.ADOBE)


def test_certificates_that_do_not_hold(office: Office) -> None:
    desk, now = office.desk, office.desk.now
    holder = Holder(agency_code=SENDER, agency_name=SENDER_NAME, person="Người TEST")
    office.prepare()
    expired = desk.pki.issue(holder, not_before=now - timedelta(days=9), not_after=now - timedelta(days=1))
    stranger = desk.foreign.issue(holder)
    for by in (expired, stranger):
        refused("SIG_SIGNER_NOT_TRUSTED", office.sign, SignStep.LEADER, by, registry=())
        refused("SIG_RELEASE_REFUSED", office.sign, SignStep.LEADER, by, registry=(), level=Level.B_T)


def test_certificate_that_was_revoked(office: Office, tmp_path: Path) -> None:
    desk, now = office.desk, office.desk.now
    by = desk.pki.issue(Holder(agency_code=SENDER, agency_name=SENDER_NAME, person="Người TEST"))
    office.prepare()
    own = tmp_path / "trust"
    own.mkdir()
    desk.pki.write_store(own)
    settings = {"registry": (), "trust_folder": str(own), "trust_store": STORE}
    office.sign(SignStep.LEADER, by, **settings)
    desk.pki.sub.revoke(by, now - timedelta(hours=1), ReasonFlags.certificate_hold)
    desk.pki.write_store(own, at=now + timedelta(seconds=1))
    office.paper = tmp_path / "1.pdf"
    # The evidence gathered a moment ago is not taken for granted once the lists have changed.
    refused("SIG_SIGNER_NOT_TRUSTED", office.sign, SignStep.LEADER, by, **settings)
    desk.pki.sub.revoked.pop()


def test_signer_that_the_register_knows_in_another_role(office: Office) -> None:
    office.prepare()
    refused("SIG_SIGNER_ROLE", office.sign, SignStep.LEADER, office.desk.agency)
    refused("SIG_SIGNER_ROLE", office.sign, SignStep.LEADER, office.drafter)


def test_jobs_travel_as_json(office: Office) -> None:
    job = SignJob(
        **office.settings,
        step=SignStep.LEADER,
        source="a",
        target="b",
        box=(1.0, 2.0, 3.0, 4.5),
        signer_block=SignerBlock(title="PHÓ GIÁM ĐỐC", capacity=Capacity.KT, principal="GIÁM ĐỐC"),
        document_date=office.desk.now.date(),
    )
    assert from_json(SignJob, to_json(job)) == job
    assert job.signer_block is not None
    assert job.signer_block.text == "KT. GIÁM ĐỐC – PHÓ GIÁM ĐỐC"


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"source": "a"},
        {"source": "a", "target": "b", "colour": "red"},
        {"source": "a", "target": "b", "flow": "SIDEWAYS"},
        {"source": "a", "target": "b", "places": [{"name": "x", "page": 0, "box": [1, 2, 3]}]},
    ],
)
def test_job_that_is_none(value: dict[str, object]) -> None:
    refused("SIG_JOB_MALFORMED", from_json, PrepareJob, value)


def test_worker_jobs(office: Office) -> None:
    prepared, filled = office.folder / "p.pdf", office.folder / "f.pdf"
    answer = prepare_pdf({"source": str(office.paper), "target": str(prepared)})
    assert {field["name"] for field in answer["fields"]} >= {NUMBER_FIELD, DATE_FIELD, AGENCY_FIELD}
    assert fill_pdf({"source": str(prepared), "target": str(filled), "number": "9"})["filled"] == [NUMBER_FIELD]
