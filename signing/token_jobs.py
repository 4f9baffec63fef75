"""What an opened key may be used for, as jobs of its token's process: JSON and the key in, JSON out."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from typing import Any, Final

from .json_values import from_json, to_json
from .opened_key import OpenedKey
from .report import Warning  # noqa: A004 - the report's own word
from .sign_job import SignJob
from .token_json import encoded
from .tokens import TokenError

LARGEST: Final = 1 << 20  # bytes of what is signed bare: attributes of a CMS or XML signature, never a document


def sign_pdf(value: dict[str, Any], key: OpenedKey) -> dict[str, Any]:
    """One signature into one PDF file, verified before it takes its name. Raises SigningError."""
    from .sign_jobs import run_sign_job  # pyHanko

    result = run_sign_job(from_json(SignJob, value), key)
    if key.trial:
        result = replace(result, warnings=(*result.warnings, trial_warning()))
    answer: dict[str, Any] = to_json(result)
    return answer


def sign_bytes(value: dict[str, Any], key: OpenedKey) -> dict[str, Any]:
    """The bare signature over ``data`` (base64), as external containers and XML signatures need it."""
    data = b64decode(value["data"])
    if len(data) > LARGEST:
        raise TokenError("SIG_TOKEN_FAILED", f"{len(data)} byte")
    return {"signature": encoded(key.sign(data, value["digest"], value["salt"]))}


def trial_warning() -> Warning:
    return Warning(code="SIG_KEY_TRIAL_ONLY", message=TokenError("SIG_KEY_TRIAL_ONLY", "chữ ký thử").message)
