"""What the person in front of the demonstration sees: headings, lines, tables, and progress while something is awaited.

A spinner on a terminal; elsewhere whole lines only, no control characters.
"""

from __future__ import annotations

import os
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from ...gateway.cli.printing import VIETNAM

T = TypeVar("T")

WIDTH = 110
_STEP_SECONDS = 0.1
_FIRST_WORD_SECONDS = 2.0  # nothing is said of what is over before
_NEXT_WORD_SECONDS = 5.0
_SPINNER = "|/-\\"


class TooLateError(Exception):
    """What was awaited did not come within its time."""


def prepare() -> None:
    """Vietnamese goes out as UTF-8 and line by line, wherever it goes."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", line_buffering=True)  # type: ignore[union-attr]


def heading(text: str) -> None:
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ
    print()
    print(text if plain else f"\033[1m{text}\033[0m")
    print("=" * len(text))


def say(text: str = "", *, indent: int = 0) -> None:
    """A paragraph, wrapped to the width."""
    margin = " " * indent
    for line in text.splitlines() or [""]:
        print(_wrapper(margin).fill(line))


def _wrapper(margin: str) -> textwrap.TextWrapper:
    wrapper = textwrap.TextWrapper(width=WIDTH, initial_indent=margin, subsequent_indent=margin + "  ")
    wrapper.break_long_words = wrapper.break_on_hyphens = wrapper.replace_whitespace = False
    return wrapper


def exactly(text: str, *, indent: int = 4) -> None:
    """A command or an address, to be copied: never wrapped."""
    print(" " * indent + text)


def rows(titles: Sequence[str], cells: Sequence[Sequence[object]], *, indent: int = 2) -> None:
    """A table as wide as its widest cells; the last column may run on."""
    texts = [[str(cell if cell is not None else "") for cell in row] for row in cells]
    widths = [max(len(row[n]) for row in [list(titles), *texts]) for n in range(len(titles))]
    rule = ["-" * width for width in widths]
    for row in [list(titles), rule, *texts]:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        print(" " * indent + line)


def at(moment: str | None) -> str:
    """A time of the API as a clock shows it in Viet Nam."""
    return datetime.fromisoformat(moment).astimezone(VIETNAM).strftime("%H:%M:%S") if moment else ""


def await_it(what: str, condition: Callable[[], T | None], *, seconds: float = 30.0) -> T:
    """Ask ``condition`` until it answers something true, and show that time passes. Raises TooLateError."""
    began = said = time.monotonic()
    turn = 0
    while not (answer := condition()):
        now = time.monotonic()
        if now - began > seconds:
            _wipe()
            raise TooLateError(f"Quá {seconds:.0f} giây mà chưa thấy: {what}.")
        if sys.stdout.isatty():
            sys.stdout.write(f"\r  {_SPINNER[turn % len(_SPINNER)]} {what} … {now - began:.0f} giây ")
            sys.stdout.flush()
        elif now - said > (_NEXT_WORD_SECONDS if said > began else _FIRST_WORD_SECONDS):
            print(f"  … {what} ({now - began:.0f} giây)")
            said = now
        turn += 1
        time.sleep(_STEP_SECONDS)
    _wipe()
    return answer


def meanwhile(what: str, work: Callable[[], T]) -> T:
    """Do long work on a thread of its own, and show that time passes; what it answers or raises."""
    answers: list[T] = []
    errors: list[BaseException] = []

    def play() -> None:
        try:
            answers.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            errors.append(error)

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    await_it(what, lambda: not thread.is_alive(), seconds=600.0)
    if errors:
        raise errors[0]
    return answers[0]


def _wipe() -> None:
    if sys.stdout.isatty():
        sys.stdout.write("\r" + " " * (WIDTH - 1) + "\r")
        sys.stdout.flush()
