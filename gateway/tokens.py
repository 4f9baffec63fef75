"""The settings of the token desk as the operator wrote them. Which holder may open what is decided elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..signing.certificates import certificate_der
from ..signing.token_desk import TokenDeskSettings
from .sections import SigningSettings

_MB: Final = 1024 * 1024
CERTIFICATE_FILES: Final = frozenset({".pem", ".der", ".crt", ".cer"})


def token_desk_settings(signing: SigningSettings) -> TokenDeskSettings:
    """For ``TokenDesk``: the listed modules and nothing else, each in a process of its own."""
    return TokenDeskSettings(
        modules=signing.modules,
        environment=dict(_pair(line) for line in signing.module_environment),
        seconds=signing.token_limit_s,
        memory_bytes=signing.memory_limit_mb * _MB,
        trial_keys=signing.trial_keys,
        certificates=_certificates(signing.certificates_dir),
    )


def _certificates(folder: Path | None) -> tuple[bytes, ...]:
    """Of holders whose tokens show none. Raises SigningError SIG_CERTIFICATE_UNREADABLE."""
    if folder is None:
        return ()
    files = sorted(path for path in folder.iterdir() if path.suffix in CERTIFICATE_FILES)
    return tuple(certificate_der(path.read_bytes()) for path in files)


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    return name, value
