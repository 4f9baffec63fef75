"""With ``KILL=1``: the node dies on stage, twice, while documents travel both ways; then everything is counted."""

from __future__ import annotations

from .show import Show


def kill_on_stage(show: Show) -> None:
    del show
