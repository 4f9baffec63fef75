"""What the worker processes do for a check besides verifying: read a stranger's package, draw the printed report.

JSON in, JSON out; imported inside worker processes only. Nothing of a stranger's file is parsed in the node itself.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from ...edxml.errors import EdxmlError
from ...edxml.limits import Limits
from ...edxml.model import DocumentPackage
from ..envelope_sections import EnvelopePeer
from .outcome_json import facts_to_json, outcome_from_json, sender_to_json
from .package_facts import facts_of, sender_of
from .paper import draw_paper
from .plain import plain
from .reading import read_for_check
from .rules import HEAD, looks_like_pdf


def read(value: dict[str, Any]) -> dict[str, Any]:
    """``path`` into the folder ``into``. What cannot be read at all comes back as ``refused``."""
    path, limits = Path(value["path"]), Limits(**value["limits"])
    try:
        peers = [EnvelopePeer(**peer) for peer in value["peers"]]
        reading, strict = read_for_check(path, Path(value["into"]), limits=limits, peers=peers)
    except EdxmlError as error:
        return {"refused": {"code": error.code, "message": error.message, "findings": plain(error.findings)}}
    attachments = reading.package.attachments if isinstance(reading.package, DocumentPackage) else ()
    return {
        "facts": facts_to_json(facts_of(reading, strict)),
        "sender": sender_to_json(sender_of(reading.package)),
        "attachments": [
            {"name": one.name, "path": str(one.path), "sha256": one.sha256, "pdf": _is_pdf(one.path)}
            for one in attachments
        ],
    }


def draw(value: dict[str, Any]) -> dict[str, Any]:
    """The printed report of ``outcome`` under the name ``node``."""
    return {"pdf": base64.b64encode(draw_paper(outcome_from_json(value["outcome"]), node=value["node"])).decode()}


def _is_pdf(path: Path) -> bool:
    with path.open("rb") as stream:
        return looks_like_pdf(stream.read(HEAD))
