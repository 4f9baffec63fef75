"""Signing a PDF as a job of a token's process: JSON in, JSON out. Imported inside token processes only."""

from __future__ import annotations

from typing import Any

from .json_values import from_json, to_json
from .keys import SigningKey
from .sign_job import SignJob
from .sign_jobs import run_sign_job


def sign_pdf(value: dict[str, Any], key: SigningKey) -> dict[str, Any]:
    """``run_sign_job`` with the key that its holder opened."""
    answer: dict[str, Any] = to_json(run_sign_job(from_json(SignJob, value), key))
    return answer
