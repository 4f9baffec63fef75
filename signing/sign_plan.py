"""From a job to how it is signed: field, lock, look, level, and the evidence gathered before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from asn1crypto import x509
from pyhanko.sign.fields import SigFieldSpec
from pyhanko.sign.timestamps.api import TimeStamper

from .applying import Signing
from .digitised import SIGNED_MARK, check_digitised, written_anew
from .errors import SigningError
from .lasting import LastingEvidence, lasting_evidence
from .looks import TEXT_SIZE, Look, read_picture
from .placing import CORNER_WIDTH, corner_box, corner_seal
from .preparing import FILLED, lock_of, page_size, whole
from .report import SignerRole
from .sign_job import Flow, Level, SignJob, SignStep, Subfilter
from .sign_steps import STEPS, StepRule, field_of, refuse_out_of_order
from .sources import Source, open_source
from .stamps import wrapped
from .trust import load_store
from .tsa_client import HttpTimestamper, any_token, token_size

LARGEST: Final = 256 * 1024 * 1024  # bytes, as request.VerificationLimits
LASTING: Final = (Level.B_LT, Level.B_LTA)


def open_for(job: SignJob) -> Source:
    """The source, when it is this step's turn. Raises SigningError (sources.py, sign_steps.py)."""
    if job.subfilter is Subfilter.ADOBE and job.level is Level.B_LTA:
        raise SigningError("SIG_LEVEL_UNSUITABLE", "Mức B-LTA chỉ dùng với ETSI.CAdES.detached", blame="peer")
    digitised = job.step is SignStep.DIGITISED
    source = _open_scan(job) if digitised else open_source(read(job.source), job.registry)
    refuse_out_of_order(job.step, job.flow, source.roles)
    if digitised:
        _refuse_bad_scan(job.source)
    return source


def _open_scan(job: SignJob) -> Source:
    """Scanners write loose syntax. What nobody signed yet is written anew, as the check of the scan has read it."""
    content = read(job.source)
    try:
        return open_source(content, job.registry)
    except SigningError as refused:
        if refused.code != "SIG_SOURCE_UNREADABLE" or SIGNED_MARK in content:
            raise
        return open_source(written_anew(content), job.registry)


def _refuse_bad_scan(path: str) -> None:
    """Raises the first fault's code (digitised.py), its text naming all: only a digitised document may be signed so."""
    faults = check_digitised(path)
    if faults:
        text = " ".join(fault.message for fault in faults)
        raise SigningError(faults[0].code, text, blame="document")


def plan(
    job: SignJob,
    source: Source,
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    timestamper: TimeStamper | None,
) -> Signing:
    """Raises SigningError: no field, no trust, no timestamp, an unsuitable picture."""
    rule = STEPS[job.step]
    _refuse_other_role(job, rule, certificate)
    name = field_of(job.step, job.field, source.empty, source.signed)
    return Signing(
        field=name,
        certify=rule.certifies and not source.signed,
        reason=job.signer_block.text if job.signer_block else rule.reason,
        level=job.level,
        subfilter=job.subfilter,
        now=job.now,
        look=Look(picture=read_picture(job.picture) if job.picture else None, text=job.text),
        new_field=_new_field(job, rule, source, name),
        evidence=evidence_for(job, certificate, chain, timestamper),
        token_size=token_size(timestamper),
    )


def _refuse_other_role(job: SignJob, rule: StepRule, certificate: x509.Certificate) -> None:
    """Whose certificate it is says the register (signatures.md 7); who may initial is the agency's own affair."""
    if not job.registry:
        return
    digest = certificate.sha256.hex()
    roles = {listed.role for listed in job.registry if listed.sha256 == digest}
    fits = rule.role in roles or (rule.role is SignerRole.INITIALS and roles - {SignerRole.AGENCY})
    if not fits:
        raise SigningError(
            "SIG_SIGNER_ROLE",
            f"Chứng thư {certificate.subject.human_friendly} không được đăng ký cho bước ký {job.step.value}",
            blame="peer",
        )


def evidence_for(
    job: SignJob, certificate: x509.Certificate, chain: Sequence[x509.Certificate], timestamper: TimeStamper | None
) -> LastingEvidence | None:
    """What B-LT embeds, from the trust folder that the node keeps fresh."""
    if job.level not in LASTING or timestamper is None:
        return None
    store = load_store(job.trust_folder, job.trust_store)
    return lasting_evidence(store, certificate, chain, any_token(timestamper), job.now)


def timestamper_for(job: SignJob, given: TimeStamper | None) -> TimeStamper | None:
    """Raises SigningError SIG_TSA_NEEDED or SIG_TSA_ADDRESS."""
    if job.level is Level.B_B:
        return None
    if given is None and job.tsa_url is None:
        raise SigningError("SIG_TSA_NEEDED", f"Mức {job.level.value} cần dấu thời gian nhưng chưa đặt địa chỉ TSA")
    return given or _http(job.tsa_url or "", job.tsa_seconds)


@lru_cache(maxsize=8)
def _http(url: str, seconds: float) -> HttpTimestamper:
    """One for each authority: its certificate is asked for once."""
    return HttpTimestamper(url, seconds=seconds)


def read(path: str) -> bytes:
    """Raises SigningError SIG_SOURCE_MISSING or SIG_TOO_LARGE."""
    file = Path(path)
    try:
        if file.stat().st_size > LARGEST:
            raise SigningError("SIG_TOO_LARGE", f"Tệp lớn hơn {LARGEST} byte", blame="document")
        return file.read_bytes()
    except OSError as cause:
        raise SigningError("SIG_SOURCE_MISSING", f"Không đọc được tệp cần ký: {type(cause).__name__}") from cause


def _new_field(job: SignJob, rule: StepRule, source: Source, name: str) -> SigFieldSpec | None:
    if name in source.empty:
        return None
    box = job.box
    if box is None and rule.makes_field:
        width, height = page_size(source.document.reader, job.page)
        if job.picture:
            box = corner_seal(width, height, job.seal_diameter_mm, len(job.text))
        else:
            box = corner_box(width, height, len(wrapped(job.text, CORNER_WIDTH, TEXT_SIZE)), TEXT_SIZE)
    if box is None:
        raise SigningError("SIG_FIELD_MISSING", f"Văn bản không có ô {name}; hãy chuẩn bị trước", blame="document")
    lock = lock_of(rule.lock, () if job.flow is Flow.NUMBER_FIRST else FILLED)
    return SigFieldSpec(name, on_page=job.page, box=whole(box), field_mdp_spec=lock)
