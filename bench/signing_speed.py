"""Signing (leader, B-LT, visible) against pyHanko as it is installed: same file, key, picture, evidence, authority.

Both sides sign with a key that is loaded once and ask the same time-stamping authority in this process, whose own work
is measured and can be taken out: a real one does it elsewhere. Processor time, medians, rounds taking turns.
"""

from __future__ import annotations

import asyncio
import io
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from asn1crypto import tsp, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from PIL import Image
from pyhanko.pdf_utils.images import PdfImage
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers.pdf_cms import Signer
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore

from ..deploy.demo.compose import compose_letter
from ..deploy.demo.letter import Letter
from ..deploy.demo.pki import STORE, Holder, make_pki
from ..deploy.demo.pki_parts import Issued, asn1
from ..signing.applying import begin, finish, sign
from ..signing.paths import Evidence
from ..signing.placing import place_fields
from ..signing.preparing import prepare_form
from ..signing.sign_job import LEADER_FIELD, Flow, PrepareJob, SignJob, SignStep
from ..signing.sign_jobs import run_sign_job
from ..signing.sign_plan import open_for, plan
from ..signing.signed_data import signer_parts
from ..signing.stamps import handwriting_png
from ..signing.timestamps import LocalTimestamper
from ..signing.trust import load_store
from ..signing.tsa_client import timestamp

FILE_BYTES = 200_000
LETTER = Letter(
    governing="UBND TỈNH MẪU",
    agency="SỞ TÀI CHÍNH",
    number=None,
    notation="STC-VP",
    place="Mẫu",
    day=None,
    subject="đo tốc độ ký số",
    recipients=("Sở Y tế",),
    paragraphs=("Đoạn văn dùng để đo. " * 30, "Trân trọng./."),
    capacity=("GIÁM ĐỐC",),
    signer="Nguyễn Văn TEST",
    copies_to=("Như trên", "Lưu: VT"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningFigures:
    """Milliseconds of processor time for one signature; ``authority`` is contained in each of the others."""

    plain: float
    ours: float
    with_verification: float  # the whole job, own verifier included, which plain pyHanko does not do
    authority: float

    @property
    def ratio(self) -> float:
        return self.plain / self.ours

    @property
    def ratio_without_authority(self) -> float:
        return (self.plain - self.authority) / (self.ours - self.authority)

    @property
    def ratio_with_verification(self) -> float:
        return self.plain / self.with_verification


class _TimedAuthority(LocalTimestamper):
    spent = 0.0
    asked = 0

    def request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        begun = time.process_time()
        response = super().request_tsa_response(req)
        self.spent += time.process_time() - begun
        self.asked += 1
        return response


class _LoadedSigner(Signer):
    """A key that is ready, as one on a token is: loading it is not signing."""

    def __init__(self, issued: Issued) -> None:
        own = asn1(issued.certificate)
        registry = SimpleCertificateStore()
        registry.register_multiple([own, *(asn1(c) for c in issued.chain)])
        super().__init__(signing_cert=own, cert_registry=registry, embed_roots=False)
        self._issued = issued

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:  # noqa: FBT001, FBT002
        if dry_run or digest_algorithm != "sha256":
            return bytes(self._issued.key.key_size // 8)
        return self._issued.key.sign(data, PKCS1v15(), hashes.SHA256())


@dataclass(frozen=True, slots=True, kw_only=True)
class _LoadedKey:
    issued: Issued

    @property
    def certificate(self) -> x509.Certificate:
        return asn1(self.issued.certificate)

    def signer(self) -> Signer:
        return _LoadedSigner(self.issued)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contest:
    job: SignJob
    issued: Issued
    authority: _TimedAuthority

    def plain(self) -> bytes:
        """As the documentation of pyHanko shows it."""
        store = load_store(self.job.trust_folder, self.job.trust_store)
        metadata = PdfSignatureMetadata(
            field_name=LEADER_FIELD,
            certify=True,
            docmdp_permissions=MDPPerm.FILL_FORMS,
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            embed_validation_info=True,
            validation_context=Evidence(store=store, now=self.job.now).context(self.job.now),
        )
        picture = PdfImage(Image.open(self.job.picture or ""))
        signer = PdfSigner(
            metadata,
            signer=_LoadedSigner(self.issued),
            timestamper=self.authority,
            stamp_style=StaticStampStyle(border_width=0, background=picture, background_opacity=1),
        )
        output = io.BytesIO()
        source = io.BytesIO(Path(self.job.source).read_bytes())
        asyncio.run(signer.async_sign_pdf(IncrementalPdfFileWriter(source), existing_fields_only=True, output=output))
        return output.getvalue()

    def ours(self) -> bytes:
        key = _LoadedKey(issued=self.issued)
        source, signer = open_for(self.job), key.signer()
        how = plan(self.job, source, key.certificate, list(signer.cert_registry), self.authority)
        begun = begin(source.content, source.document.reader, signer_parts(signer, key.certificate), how)
        value = sign(begun, signer)
        return finish(begun, value, timestamp(self.authority, value)).getvalue()

    def with_verification(self) -> bytes:
        run_sign_job(self.job, _LoadedKey(issued=self.issued), timestamper=self.authority)
        return Path(self.job.target).read_bytes()


def compare_signing(folder: Path, *, rounds: int = 30) -> SigningFigures:
    """Measure. The first rounds of each side are left out: both may keep what they like."""
    contest = _contest(folder)
    sides: dict[str, Callable[[], bytes]] = {
        # The last replaces functions of pyHanko in this process; the two before it find them as installed.
        "plain": contest.plain,
        "ours": contest.ours,
        "with_verification": contest.with_verification,
    }
    measured = {name: _median(side, rounds) for name, side in sides.items()}
    authority = 1000 * contest.authority.spent / contest.authority.asked
    return SigningFigures(**measured, authority=authority)


def _median(side: Callable[[], bytes], rounds: int) -> float:
    spent = []
    for turn in range(rounds + 3):
        begun = time.process_time()
        side()
        if turn >= 3:
            spent.append(time.process_time() - begun)
    return 1000 * statistics.median(spent)


def _contest(folder: Path) -> _Contest:
    now = datetime.now(UTC).replace(microsecond=0)
    pki = make_pki(now)
    pki.write_store(folder)
    draft, prepared, picture = folder / "draft.pdf", folder / "prepared.pdf", folder / "leader.png"
    compose_letter(draft, LETTER, pad_to=FILE_BYTES)
    picture.write_bytes(handwriting_png("TEST"))
    # Not by prepare_job, which replaces functions of pyHanko: the plain side must find it as it is installed.
    placed = place_fields(PrepareJob(source=str(draft), target="", leader_picture=str(picture)))
    reader = PdfFileReader(io.BytesIO(draft.read_bytes()))
    prepared.write_bytes(prepare_form(reader, placed.fields, Flow.LEADER_NUMBER_AGENCY))
    chain = [asn1(c) for c in pki.tsa.chain]
    return _Contest(
        job=SignJob(
            step=SignStep.LEADER,
            source=str(prepared),
            target=str(folder / "signed.pdf"),
            now=now,
            trust_folder=str(folder),
            trust_store=STORE,
            picture=str(picture),
        ),
        issued=pki.issue(Holder(agency_code="H00.01", agency_name="Sở TEST", person="Nguyễn Văn TEST")),
        authority=_TimedAuthority(asn1(pki.tsa.certificate), pki.tsa.key, chain=chain, now=lambda: now),
    )


def main() -> int:
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        figures = compare_signing(Path(folder))
    print(f"plain pyHanko            {figures.plain:6.1f} ms (its authority {figures.authority:.1f} ms)")
    print(f"ours                     {figures.ours:6.1f} ms, {figures.ratio:.2f} x")
    print(f"both without authority   {figures.ratio_without_authority:.2f} x")
    print(f"ours with verification   {figures.with_verification:6.1f} ms, {figures.ratio_with_verification:.2f} x")
    return 0


if __name__ == "__main__":
    sys.exit(main())
