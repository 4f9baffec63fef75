"""The measured figures: measured.json beside this file, one section for each bench that wrote it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MEASURED = Path(__file__).with_name("measured.json")


def remember(section: str, figures: dict[str, Any]) -> None:
    """Replace one section."""
    known = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    known[section] = figures
    MEASURED.write_text(json.dumps(known, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


def measured() -> dict[str, Any]:
    return dict(json.loads(MEASURED.read_text()))
