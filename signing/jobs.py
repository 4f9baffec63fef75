"""The verification as a job of the worker: JSON in, JSON out. Imported inside worker processes only."""

from __future__ import annotations

from typing import Any

from . import certificate_memory, name_speed, path_memory, pyhanko_speed, revocation_speed
from .report_json import report_to_json
from .request import request_from_json
from .verification import verify_file


def verify(value: dict[str, Any]) -> dict[str, Any]:
    quicken()
    return verify_plainly(value)


def quicken() -> None:
    """Put the short ways of this folder into pyHanko's place in this process; each gives what the original gives."""
    pyhanko_speed.install()
    name_speed.install()
    revocation_speed.install()
    certificate_memory.install()
    path_memory.install()


def verify_plainly(value: dict[str, Any]) -> dict[str, Any]:
    """The same with pyHanko as it is installed (platform.md D6 asks for a switch)."""
    return report_to_json(verify_file(request_from_json(value)), materials=True)


def appearance(value: dict[str, Any]) -> dict[str, Any]:
    """How the signatures look: a job of its own, so that whatever becomes of it leaves the verdict alone."""
    from .appearance import appearance_job

    return appearance_job(value)
