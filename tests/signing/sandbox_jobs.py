"""Jobs that misbehave, each in its own way; run inside worker processes."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any


def echo(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "pid": os.getpid(), "environment": sorted(os.environ)}


def hang(value: dict[str, Any]) -> dict[str, Any]:
    while True:
        signal.pause()


def hog(value: dict[str, Any]) -> dict[str, Any]:
    kept = []
    while True:
        kept.append(bytearray(16 * 1024 * 1024))


def litter(value: dict[str, Any]) -> dict[str, Any]:
    """Leave 150 MB behind that only the collector of circles finds."""
    circle: list[Any] = [bytes(150 * 1024 * 1024).replace(b"\x00", b"x")]
    circle.append(circle)
    return {"pid": os.getpid()}


def die(value: dict[str, Any]) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return value


def fail(value: dict[str, Any]) -> dict[str, Any]:
    raise ZeroDivisionError


def chat(value: dict[str, Any]) -> dict[str, Any]:
    print("chuyện phiếm")
    sys.stdout.flush()
    return {"said": "xong"}
