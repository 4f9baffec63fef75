"""The words of a page and where each letter of them stands. Adapter of pypdfium2.

Knows lines and columns, and nothing of documents. Bounded: few pages, and so many letters on each.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pypdfium2

from .errors import SigningError
from .sign_job import Box

MOST_LETTERS: Final = 20_000  # of one page
WIDE: Final = 1.6  # letter heights of emptiness that end a run
SAME_LINE: Final = 0.45  # of a letter height that base lines may differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Letters of one line without a wide gap. ``edges``: left and right of each letter of ``text`` (NFC)."""

    text: str
    box: Box
    edges: tuple[tuple[float, float], ...]

    @property
    def centre(self) -> float:
        return (self.box[0] + self.box[2]) / 2

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """``runs`` from the top down, then from the left."""

    number: int  # from 0
    width: float
    height: float
    turned: bool  # shown rotated: places in user space are not where a reader sees them
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class _Letter:
    text: str
    left: float
    bottom: float
    right: float
    top: float


def read_pages(path: Path, wanted: Sequence[int]) -> tuple[int, list[PageText]]:
    """Number of pages, and those of ``wanted`` (negative: from the end) that exist, each once, in ascending order.

    Raises SigningError SIG_SOURCE_UNREADABLE.
    """
    try:
        with pypdfium2.PdfDocument(path) as document:
            count = len(document)
            numbers = sorted({n % count if -count <= n < 0 else n for n in wanted} & set(range(count)))
            return count, [_page(document, number) for number in numbers]
    except (pypdfium2.PdfiumError, OSError, ValueError) as cause:
        raise SigningError(
            "SIG_SOURCE_UNREADABLE", f"Không đọc được chữ trong tệp: {cause}", blame="document"
        ) from cause


def _page(document: pypdfium2.PdfDocument, number: int) -> PageText:
    page = document[number]
    left, bottom, right, top = page.get_mediabox()
    letters = list(_letters(page))
    runs = [run for line in _lines(letters) for run in _runs(line)]
    return PageText(
        number=number,
        width=right - left,
        height=top - bottom,
        turned=page.get_rotation() != 0,
        runs=tuple(sorted(runs, key=lambda run: (-round(run.box[1]), run.box[0]))),
    )


def _letters(page: pypdfium2.PdfPage) -> Iterator[_Letter]:
    text = page.get_textpage()
    whole = text.get_text_range(0, min(text.count_chars(), MOST_LETTERS))
    waiting: _Letter | None = None
    for index, letter in enumerate(whole):
        if letter in "\r\n\x00\ufffe" or index >= text.count_chars():
            continue
        if waiting is not None and unicodedata.combining(letter):  # a mark that stands as a letter of its own
            waiting = replace(waiting, text=unicodedata.normalize("NFC", waiting.text + letter))
            continue
        if waiting is not None:
            yield waiting
        waiting = _Letter(unicodedata.normalize("NFC", letter), *text.get_charbox(index, loose=True))
    if waiting is not None:
        yield waiting


def _lines(letters: Sequence[_Letter]) -> Iterator[list[_Letter]]:
    """Letters whose base lines are about the same, in the order of the file (lines of one column come together)."""
    line: list[_Letter] = []
    for letter in letters:
        if line and abs(letter.bottom - line[-1].bottom) > SAME_LINE * max(letter.top - letter.bottom, 1.0):
            yield line
            line = []
        line.append(letter)
    if line:
        yield line


def _runs(line: Sequence[_Letter]) -> Iterator[Run]:
    run: list[_Letter] = []
    for letter in sorted(line, key=lambda one: one.left):
        if run and letter.left - run[-1].right > WIDE * max(letter.top - letter.bottom, 1.0):
            yield from _run(run)
            run = []
        run.append(letter)
    yield from _run(run)


def _run(letters: list[_Letter]) -> Iterator[Run]:
    while letters and letters[-1].text.isspace():
        letters = letters[:-1]
    while letters and letters[0].text.isspace():
        letters = letters[1:]
    if not letters:
        return
    text = "".join(one.text for one in letters)
    edges = tuple((one.left, one.right) for one in letters for _ in one.text)
    box = (
        letters[0].left,
        min(one.bottom for one in letters),
        letters[-1].right,
        max(one.top for one in letters),
    )
    yield Run(text=text, box=box, edges=edges)
