"""The settings of the token desk as the operator wrote them. Which holder may open what is decided elsewhere."""

from __future__ import annotations

from typing import Final

from ..signing.token_desk import JOBS, TokenDeskSettings
from .sections import SigningSettings

_MB: Final = 1024 * 1024


def token_desk_settings(signing: SigningSettings) -> TokenDeskSettings:
    """For ``TokenDesk``: the listed modules and nothing else, each in a process of its own."""
    return TokenDeskSettings(
        jobs={**JOBS, "sign_pdf": "lienthong.signing.token_job:sign_pdf"},
        modules=signing.modules,
        environment=dict(_pair(line) for line in signing.module_environment),
        seconds=signing.token_limit_s,
        memory_bytes=signing.memory_limit_mb * _MB,
        trial_keys=signing.trial_keys,
    )


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    return name, value
