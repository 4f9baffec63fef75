"""Preparing, signing and filling as jobs: a value in, files read and written, a value out. Blocking.

Nothing leaves a job that the own verifier does not find in order: the result is written beside its target,
verified, and only then takes the target's name (signatures.md 2.9).
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any, Final

from pyhanko.sign.fields import SigFieldSpec
from pyhanko.sign.timestamps.api import TimeStamper
from pyhanko.stamp import BaseStampStyle
from pyhanko_certvalidator.context import ValidationContext

from . import name_speed, pyhanko_speed
from .applying import LASTING, Signing, apply_signature, pdf_errors_translated
from .errors import SigningError
from .filling import fill_fields
from .json_values import from_json, to_json
from .keys import SigningKey
from .looks import TEXT_SIZE, look, read_picture
from .paths import Evidence
from .placing import CORNER_WIDTH, corner_box, place_fields
from .preparing import FILLED, box_of, lock_of, page_size, prepare_form, whole
from .releasing import release, settle
from .sign_job import (
    FillJob,
    FillResult,
    Flow,
    Level,
    PrepareJob,
    PrepareResult,
    SignJob,
    SignResult,
)
from .sign_steps import STEPS, StepRule, field_of, refuse_out_of_order
from .sources import Source, open_source
from .stamps import wrapped
from .trust import load_store
from .tsa_client import HttpTimestamper

LARGEST: Final = 256 * 1024 * 1024  # bytes, as request.VerificationLimits


def prepare_job(job: PrepareJob) -> PrepareResult:
    """Give the document its form. Raises SigningError (sources.py, placing.py)."""
    _speed()
    source = open_source(read(job.source))
    if source.signed or source.empty:
        raise SigningError("SIG_SOURCE_SIGNED", "Tệp đã có ô chữ ký; chỉ chuẩn bị tệp chưa ký", blame="document")
    placed = place_fields(job)
    with pdf_errors_translated():
        content = prepare_form(source.document.reader, placed.fields, job.flow)
    digest = _written(Path(job.target), content)
    return PrepareResult(
        sha256=digest, size=len(content), fields=placed.fields, signer_block=placed.block, warnings=placed.warnings
    )


def fill_job(job: FillJob) -> FillResult:
    """Fill number and date. Raises SigningError SIG_NUMBER_AFTER_AGENCY, SIG_NUMBER_LOCKED, SIG_FIELD_MISSING."""
    _speed()
    with pdf_errors_translated():
        content, filled = fill_fields(read(job.source), job)
    return FillResult(sha256=_written(Path(job.target), content), size=len(content), filled=filled)


def run_sign_job(job: SignJob, key: SigningKey, *, timestamper: TimeStamper | None = None) -> SignResult:
    """Sign one file by one step and verify what came out.

    ``timestamper``: instead of the one at ``job.tsa_url`` (tests, demo). Raises SigningError, or the key's own.
    """
    _speed()
    rule = STEPS[job.step]
    # 1. what is there, and whether it is this step's turn
    source = open_source(read(job.source), job.registry)
    refuse_out_of_order(job.step, job.flow, source.roles)
    # 2. how to sign
    how = _how(job, rule, source, timestamper)
    # 3. sign
    with pdf_errors_translated():
        content = asyncio.run(apply_signature(source, key, how)).getvalue()
    # 4. verify; only what is in order takes the target's name
    return release(job, rule, how.field, content, key.certificate)


def _how(job: SignJob, rule: StepRule, source: Source, timestamper: TimeStamper | None) -> Signing:
    name = field_of(job.step, job.field, source.empty, source.signed)
    new_field = _new_field(job, rule, source, name)
    level = job.level if rule.closes or job.level is not Level.B_LTA else Level.B_LT
    return Signing(
        field=name,
        certify=rule.certifies and not source.signed,
        reason=job.signer_block.text if job.signer_block else rule.reason,
        level=level,
        subfilter=job.subfilter,
        now=job.now,
        look=_look(job, source, name, new_field),
        new_field=new_field,
        timestamper=_timestamper(job, timestamper),
        context=_context(job) if level in LASTING else None,
    )


def _timestamper(job: SignJob, given: TimeStamper | None) -> TimeStamper | None:
    if job.level is Level.B_B:
        return None
    if given is None and job.tsa_url is None:
        raise SigningError("SIG_TSA_NEEDED", f"Mức {job.level.value} cần dấu thời gian nhưng chưa đặt địa chỉ TSA")
    return given or HttpTimestamper(job.tsa_url or "", seconds=job.tsa_seconds)


def _context(job: SignJob) -> ValidationContext:
    return Evidence(store=load_store(job.trust_folder, job.trust_store), now=job.now).context(job.now)


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
        box = corner_box(width, height, len(wrapped(job.text, CORNER_WIDTH, TEXT_SIZE)), TEXT_SIZE)
    if box is None:
        raise SigningError("SIG_FIELD_MISSING", f"Văn bản không có ô {name}; hãy chuẩn bị trước", blame="document")
    lock = lock_of(rule.lock, () if job.flow is Flow.NUMBER_FIRST else FILLED)
    return SigFieldSpec(name, on_page=job.page, box=whole(box), field_mdp_spec=lock)


def _look(job: SignJob, source: Source, name: str, new: SigFieldSpec | None) -> BaseStampStyle:
    picture = read_picture(job.picture) if job.picture else None
    box = new.box if new is not None else box_of(next(f.node for f in source.document.fields if f.name == name))
    return look(picture=picture, text=job.text, box=box)


def _written(target: Path, content: bytes) -> str:
    beside = target.with_name(f"{target.name}.part")
    try:
        beside.write_bytes(content)
        settle(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    return hashlib.sha256(content).hexdigest()


def _speed() -> None:
    pyhanko_speed.install()
    name_speed.install()


def prepare_pdf(value: dict[str, Any]) -> dict[str, Any]:
    """``prepare_job`` as a job of a worker process: JSON in, JSON out."""
    answer: dict[str, Any] = to_json(prepare_job(from_json(PrepareJob, value)))
    return answer


def fill_pdf(value: dict[str, Any]) -> dict[str, Any]:
    """``fill_job`` as a job of a worker process."""
    answer: dict[str, Any] = to_json(fill_job(from_json(FillJob, value)))
    return answer
