"""Attachments of 200 MB pass through writer, reader, validation and transit in constant memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MIB = 1024 * 1024
GROWTH = 24  # MiB above the peak of a small package


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs the peak of /proc")
@pytest.mark.parametrize(("name", "size"), [("ban-ve.pdf", 200), ("ban-ve.tif", 48)], ids=["raw", "wrapped"])
def test_memory_is_constant(name: str, size: int, tmp_path: Path) -> None:
    block = bytes(range(1, 251)) * 4096  # not a divisor of any buffer
    with (tmp_path / "big").open("wb") as file:
        while file.tell() < size * MIB:
            file.write(block)
    run = subprocess.run(
        [sys.executable, HERE / "passing.py", name, tmp_path / "big", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    small, large = (int(kib) for kib in run.stdout.split())
    assert large - small < GROWTH * 1024, f"{small} -> {large} KiB"
