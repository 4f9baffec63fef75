"""The locking cure: two threads sign through one module at the same time, and nothing crashes, hangs or mixes.

Without the cure SoftHSM dies of the first of these in every run (platform.md 6.2).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .softhsm import Drawer, RogueModule, SoftToken

PROGRAM = Path(__file__).with_name("two_threads.py")
EACH = 400


def signed(environment: dict[str, str], number: int, sessions: int, *places: tuple[str, SoftToken, str]) -> int:
    """Signatures made, by a process of its own."""
    words = [f"{module}={token.serial}={label}" for module, token, label in places]
    pins = "".join(f"{token.pin}\n" for _, token, _ in places)
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(number), str(sessions), *words],
        env={**environment, "PYTHONPATH": ":".join(filter(None, sys.path))},
        input=pins,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_two_tokens(drawer: Drawer, leader: SoftToken, agency: SoftToken) -> None:
    places = [(drawer.module, leader, "ky"), (drawer.module, agency, "dau")]
    assert signed(drawer.environment, EACH, 2, *places) == 2 * EACH


@pytest.mark.parametrize("sessions", [2, 1], ids=["two sessions of one token", "one shared session"])
def test_one_token(drawer: Drawer, leader: SoftToken, sessions: int) -> None:
    assert signed(drawer.environment, EACH, sessions, (drawer.module, leader, "cu")) == 2 * EACH


def test_a_module_that_cannot_lock_is_called_by_one_thread_at_a_time(
    rogue: RogueModule, leader: SoftToken, agency: SoftToken
) -> None:
    rogue.order("cant_lock")
    places = [(rogue.path, leader, "cu"), (rogue.path, agency, "dau")]
    assert signed(rogue.environment, 50, 2, *places) == 100
    assert rogue.log() == ["initialize", "initialize", "login", "login"]


def test_a_module_is_initialised_with_locks_once(rogue: RogueModule, leader: SoftToken) -> None:
    assert signed(rogue.environment, 5, 2, (rogue.path, leader, "cu")) == 10
    assert rogue.log() == ["initialize", "initialize with locks", "login"]
