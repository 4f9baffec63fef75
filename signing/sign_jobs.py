"""Preparing, signing and filling as jobs: a value in, files read and written, a value out. Blocking.

Nothing leaves a job that the own verifier does not find in order: the result is written beside its target,
verified, and only then takes the target's name (signatures.md 2.9).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyhanko.sign.timestamps.api import TimeStamper

from .applying import begin, pdf_errors_translated, sign
from .completing import complete
from .errors import SigningError
from .filling import fill_fields
from .jobs import quicken
from .json_values import from_json, to_json
from .keys import SigningKey
from .placing import place_fields
from .preparing import FILLED, prepare_form
from .releasing import write_result
from .sign_job import FillJob, FillResult, PrepareJob, PrepareResult, SignJob, SignResult
from .sign_plan import open_for, plan, read, timestamper_for
from .signed_data import signer_parts
from .sources import open_source


def prepare_job(job: PrepareJob) -> PrepareResult:
    """Give the document its form. Raises SigningError (sources.py, placing.py)."""
    quicken()
    source = open_source(read(job.source))
    if source.signed or source.empty:
        raise SigningError("SIG_SOURCE_SIGNED", "Tệp đã có ô chữ ký; chỉ chuẩn bị tệp chưa ký", blame="document")
    placed = place_fields(job)
    present = {field.name for field in source.document.fields}  # a template may bring its number field
    missing = [field for field in placed.fields if field.name not in present]
    with pdf_errors_translated():
        content = prepare_form(source.document.reader, missing, job.flow, filled=present.intersection(FILLED))
    digest = write_result(Path(job.target), content)
    return PrepareResult(
        sha256=digest, size=len(content), fields=placed.fields, signer_block=placed.block, warnings=placed.warnings
    )


def fill_job(job: FillJob) -> FillResult:
    """Fill number and date. Raises SigningError SIG_NUMBER_AFTER_AGENCY, SIG_NUMBER_LOCKED, SIG_FIELD_MISSING."""
    quicken()
    with pdf_errors_translated():
        content, filled = fill_fields(read(job.source), job)
    return FillResult(sha256=write_result(Path(job.target), content), size=len(content), filled=filled)


def run_sign_job(job: SignJob, key: SigningKey, *, timestamper: TimeStamper | None = None) -> SignResult:
    """Sign one file by one step and verify what came out.

    ``timestamper``: instead of the one at ``job.tsa_url`` (tests, demo). Raises SigningError, or the key's own.
    """
    quicken()
    # 1. what is there, and whether it is this step's turn
    source = open_for(job)
    # 2. how to sign
    signer = key.signer()
    if job.prefer_pss:
        signer.prefer_pss = True
    stamper = timestamper_for(job, timestamper)
    how = plan(job, source, key.certificate, list(signer.cert_registry), stamper)
    # 3. sign
    begun = begin(source.content, source.document.reader, signer_parts(signer, key.certificate), how)
    signature = sign(begun, signer)
    # 4. timestamp and verify; only what is in order takes the target's name
    return complete(job, begun, signature, stamper, how.evidence, field=how.field)


def prepare_pdf(value: dict[str, Any]) -> dict[str, Any]:
    """``prepare_job`` as a job of a worker process: JSON in, JSON out."""
    answer: dict[str, Any] = to_json(prepare_job(from_json(PrepareJob, value)))
    return answer


def fill_pdf(value: dict[str, Any]) -> dict[str, Any]:
    """``fill_job`` as a job of a worker process."""
    answer: dict[str, Any] = to_json(fill_job(from_json(FillJob, value)))
    return answer
