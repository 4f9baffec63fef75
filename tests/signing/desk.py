"""Test material made by real signing: one PKI, two agencies, and every way to sign a PDF rightly or wrongly."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from reportlab.pdfgen.canvas import Canvas

from lienthong.deploy.demo.pki import STORE, Holder, Pki, make_pki
from lienthong.deploy.demo.pki_parts import Issued
from lienthong.signing.jobs import quicken
from lienthong.signing.preparing import SignatureBoxes, fill, prepare
from lienthong.signing.producing import Proof, StampImages, sign_document
from lienthong.signing.report import Answer, FileReport, Question, SignerRole
from lienthong.signing.request import RegisteredCertificate, VerificationRequest
from lienthong.signing.sign_job import NUMBER_FIELD
from lienthong.signing.stamps import handwriting_png, seal_box, seal_png
from lienthong.signing.trust import load_store
from lienthong.signing.verification import verify_file

SENDER = "H50.11"
SENDER_NAME = "Sở Tài chính tỉnh Mẫu"
OTHER = "H50.12"
LEADER_BOX = (350.0, 200.0, 480.0, 260.0)
AGENCY_BOX = (290, 190, 393, 293)
BOXES = SignatureBoxes(
    leader=LEADER_BOX,
    seal=seal_box(LEADER_BOX, 36),
    number=(100.0, 740.0, 220.0, 758.0),
    date=(320.0, 740.0, 560.0, 758.0),
)


@dataclass(slots=True, kw_only=True)
class Desk:
    """Where documents are signed and checked. ``now``: the hour of the whole test run."""

    folder: Path
    now: datetime
    pki: Pki
    leader: Issued
    agency: Issued
    stranger: Issued  # leader of the other agency
    blank: bytes
    images: StampImages
    foreign: Pki  # of somebody whom no store trusts
    profile: bytes = b""
    kept: dict[str, bytes] = field(default_factory=dict)

    @property
    def registry(self) -> tuple[RegisteredCertificate, ...]:
        return (
            registered(self.leader, SignerRole.LEADER),
            registered(self.agency, SignerRole.AGENCY),
            registered(self.stranger, SignerRole.LEADER, agency=OTHER),
        )

    def proof(self, *, at: datetime | None = None, lasting: bool = True) -> Proof:
        store = load_store(str(self.folder), STORE) if lasting else None
        return Proof(timestamper=self.pki.timestamper(at), store=store, now=self.now)

    def check(self, document: bytes | Path, **changes: Any) -> FileReport:
        """Verify as a worker does, with the sender's registry and ND30, unless ``changes`` say otherwise."""
        quicken()
        path = document
        if isinstance(document, bytes):
            path = self.folder / "in-check.pdf"
            path.write_bytes(document)
        asked: dict[str, Any] = {
            "path": str(path),
            "policy": "ND30",
            "now": self.now,
            "trust_folder": str(self.folder),
            "trust_store": STORE,
            "sender_code": SENDER,
            "sender_name": SENDER_NAME,
            "registry": self.registry,
        }
        return verify_file(VerificationRequest(**{**asked, **changes}))

    def both(self, **settings: Any) -> bytes:
        """Leader, then agency, each bringing its own visible field (the pattern of VGCA-made files)."""
        asked = repr(sorted(settings.items())) if "timestamper" not in settings else ""
        if asked and asked in self.kept:
            return self.kept[asked]
        first = self.sign(self.blank, self.leader, "Signature1", certify=True, **settings)
        second = self.sign(first, self.agency, "Signature2", box=AGENCY_BOX, **settings)
        if asked:
            self.kept[asked] = second
        return second

    def sign(
        self,
        document: bytes,
        by: Issued,
        name: str,
        *,
        box: Any = (350, 200, 480, 260),
        certify: bool = False,
        permission: MDPPerm = MDPPerm.FILL_FORMS,
        digest: str = "sha256",
        timestamp: bool = True,
        at: datetime | None = None,
        with_chain: bool = False,
        pades: bool = False,
        pss: bool = False,
        lock: Any = None,
        existing: bool = False,
        timestamper: Any = None,
        strict: bool = True,
        **more: Any,
    ) -> bytes:
        """Sign as VGCA tools do by default: adbe.pkcs7.detached, leaf only, no revocation data."""
        metadata = PdfSignatureMetadata(
            field_name=name,
            certify=certify,
            docmdp_permissions=permission,
            md_algorithm=digest,
            subfilter=SigSeedSubFilter.PADES if pades else SigSeedSubFilter.ADOBE_PKCS7_DETACHED,
            **more,
        )
        signer = by.software_key(with_chain=with_chain).signer()
        signer.prefer_pss = pss
        stamper = timestamper or (self.pki.timestamper(at) if timestamp else None)
        spec = None if existing else SigFieldSpec(name, on_page=0, box=box, field_mdp_spec=lock)
        output = io.BytesIO()
        pdf_signer = PdfSigner(metadata, signer=signer, timestamper=stamper, new_field_spec=spec)
        asyncio.run(
            pdf_signer.async_sign_pdf(
                IncrementalPdfFileWriter(io.BytesIO(document), strict=strict), bytes_reserved=20480, output=output
            )
        )
        return output.getvalue()

    def form(self) -> bytes:
        """Prepared for signing: number filled in, both signature fields empty."""
        source = self.folder / "blank.pdf"
        source.write_bytes(self.blank)
        return fill(prepare(source, BOXES), {NUMBER_FIELD: "Số: 7"}, text_size=13)

    def produce(self, name: str = "produced.pdf", **changes: Any) -> Path:
        source, target = self.folder / "blank.pdf", self.folder / name
        source.write_bytes(self.blank)
        settings: dict[str, Any] = {
            "leader": self.leader.software_key(),
            "agency": self.agency.software_key(),
            "boxes": BOXES,
            "images": self.images,
            "proof": self.proof(),
            "number": "Số: 12/STC-VP",
            "date_text": "Mẫu, ngày 21 tháng 11 năm 2026",
        }
        sign_document(source, target, **{**settings, **changes})
        return target


def open_desk(folder: Path, now: datetime) -> Desk:
    pki = make_pki(now)
    pki.write_store(folder)
    person, office = "Nguyễn Văn An", SENDER_NAME
    desk = Desk(
        folder=folder,
        now=now,
        pki=pki,
        leader=pki.issue(Holder(agency_code=SENDER, agency_name=office, person=person)),
        agency=pki.issue(Holder(agency_code=SENDER, agency_name=office)),
        stranger=pki.issue(Holder(agency_code=OTHER, agency_name="Sở Y tế tỉnh Mẫu", person=person)),
        blank=blank_pdf(),
        foreign=make_pki(now),
        images=StampImages(leader=handwriting_png(person), seal=seal_png(office)),
    )
    desk.profile = desk.produce().read_bytes()
    return desk


def registered(issued: Issued, role: SignerRole, *, agency: str = SENDER, **term: Any) -> RegisteredCertificate:
    return RegisteredCertificate(sha256=issued.sha256, agency_code=agency, role=role, **term)


def blank_pdf(pages: int = 2) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(595, 842), pdfVersion=(1, 7), invariant=1)
    for page in range(pages):
        canvas.drawString(100, 700, f"Trang {page + 1}")
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def answer_of(report: FileReport, question: Question, signature: int | None = None) -> Answer:
    answers = report.answers if signature is None else report.signatures[signature].answers
    return next(a for a in answers if a.question is question)


def codes(report: FileReport) -> dict[str, str]:
    """Question to code, for the whole file."""
    return {a.question.value: a.code for a in report.answers}


def later(desk: Desk, **span: int) -> datetime:
    return desk.now + timedelta(**span)
