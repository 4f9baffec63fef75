"""Tables and JSON on standard output. Times are shown in Vietnamese time, widths count characters, not bytes."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Final

from ..checks.plain import plain

VIETNAM: Final = timezone(timedelta(hours=7))


def say(text: str = "") -> None:
    print(text)


def moment(value: datetime | None) -> str:
    return "" if value is None else value.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M:%S")


def size(count: int) -> str:
    """Bytes as people read them, decimal comma."""
    if count < 1000:
        return f"{count} byte"
    for unit in ("KB", "MB"):
        count_in_unit = count / (1000 if unit == "KB" else 1_000_000)
        if count_in_unit < 1000:
            break
    return f"{count_in_unit:.1f} {unit}".replace(".", ",")


def table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns as wide as their widest cell."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(row[column]) for row in [list(titles), *cells]) for column in range(len(titles))]
    for row in [list(titles), ["-" * width for width in widths], *cells]:
        say("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    text = moment(value) if isinstance(value, datetime) else "" if value is None else str(value)
    return unicodedata.normalize("NFC", text).replace("\n", " ")


def say_json(value: object) -> None:
    say(json.dumps(plain(value), ensure_ascii=False, indent=2))
