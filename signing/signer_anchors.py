"""The block of who signs: quyền hạn, chức vụ, họ tên, and the room between them; and the end of the content. Pure.

Source: Nghị định 30/2020/NĐ-CP, Phụ lục I, Phần I, II.7 (ô 7a to 7c); TN-14.2: no typed name, at least 4 cm;
ST-9.2: initials after "./.".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .page_text import PageText, Run
from .sign_job import Box, Capacity, SignerBlock
from .stamps import POINTS_PER_MM

MM: Final = POINTS_PER_MM
WITHOUT_NAME: Final = 40 * MM  # TN-14.2
SMALLEST: Final = 20 * MM
WIDEST: Final = 65 * MM
NARROWEST: Final = 10 * MM  # to each side, for a block at the very edge
HIGHEST: Final = 40 * MM
FARTHEST: Final = 90 * MM  # from the title down to the name
ASIDE: Final = 18 * MM  # of the centres of the lines of one block
CLEAR: Final = 1.0 * MM
INITIALS: Final = (20 * MM, 8 * MM)
END_OF_CONTENT: Final = "./."
_CAPACITY: Final = re.compile(r"^(?P<how>KT|TL|TUQ|TM|Q)\s*\.\s*(?P<whom>.*)$")
TITLE: Final = re.compile(
    r"(CHỦ TỊCH|GIÁM ĐỐC|BỘ TRƯỞNG|THỦ TƯỚNG|THỨ TRƯỞNG|CỤC TRƯỞNG|VỤ TRƯỞNG|CHÁNH|TRƯỞNG|CHỦ NHIỆM|VIỆN TRƯỞNG"
    r"|HIỆU TRƯỞNG|BÍ THƯ|KIỂM TOÁN|THANH TRA|CHI CỤC|ĐỘI TRƯỞNG)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerPlace:
    """``box``: room for the picture; ``tight``: less than the rules ask for. ``anchor``: the title's line."""

    page: int
    box: Box
    block: SignerBlock
    anchor: str
    tight: bool


def signer_place(pages: Sequence[PageText], ratio: float | None) -> SignerPlace | None:
    """The last block of the last pages. ``ratio``: width to height of the picture, whose shape the box then takes."""
    for page in sorted(pages, key=lambda one: -one.number):
        titles = [] if page.turned else _titles(page)
        if titles:
            return _place(page, titles, ratio)
    return None


def end_of_content(pages: Sequence[PageText], number: int) -> list[tuple[int, Box]]:
    """Places of ``number`` initials behind the last "./.", side by side; empty when the content has no such end."""
    for page in sorted(pages, key=lambda one: -one.number):
        ends = [run for run in page.runs if run.text.rstrip().endswith(END_OF_CONTENT)]
        if ends and not page.turned:
            return [(page.number, box) for box in _beside(page, ends[-1], number)]
    return []


def _titles(page: PageText) -> list[Run]:
    """The lowest group of capital lines in the right half that ends in a title; lines from the top down."""
    right = [run for run in page.runs if run.centre > page.width * 0.5 and _capitals(run.text)]
    lowest = next((run for run in reversed(right) if TITLE.search(run.text)), None)
    if lowest is None or lowest.box[1] > page.height * 0.9:
        return []
    group = [lowest]
    for run in reversed(right[: right.index(lowest)]):
        near = run.box[1] - group[0].box[3] < group[0].height * 0.8
        if near and abs(run.centre - lowest.centre) < ASIDE and (_CAPACITY.match(run.text) or TITLE.search(run.text)):
            group.insert(0, run)
    return group if TITLE.search(group[0].text) or _CAPACITY.match(group[0].text) else []


def _capitals(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    return bool(letters) and sum(c.isupper() for c in letters) > 0.8 * len(letters)


def _place(page: PageText, titles: list[Run], ratio: float | None) -> SignerPlace:
    top = titles[-1].box[1] - CLEAR
    name = _name(page, titles[-1])
    if name is not None:
        bottom, enough = name.box[3] + CLEAR, SMALLEST
    else:
        bottom, enough = max(top - HIGHEST, _highest_below(page, titles[-1]) + CLEAR), WITHOUT_NAME - CLEAR
    room = max(top - bottom, 1.0)
    centre = sum(run.centre for run in titles) / len(titles)
    return SignerPlace(
        page=page.number,
        box=_shaped((centre, (top + bottom) / 2), room, page.width - centre - 12 * MM, ratio),
        block=_block(titles, name),
        anchor=titles[-1].text,
        tight=room < enough - 1,
    )


def _shaped(centre: tuple[float, float], room: float, half: float, ratio: float | None) -> Box:
    """Half: points from the centre to the edge of the text."""
    width, height = min(WIDEST, 2 * max(half, NARROWEST)), min(room, HIGHEST)
    if ratio is not None:
        height = min(height, width / ratio)
        width = height * ratio
    return (centre[0] - width / 2, centre[1] - height / 2, centre[0] + width / 2, centre[1] + height / 2)


def _name(page: PageText, title: Run) -> Run | None:
    """Họ tên: the next line of the block's column, every word with a capital, "Nguyễn Văn An"."""
    below = [
        run
        for run in page.runs
        if run.box[3] < title.box[1] and title.box[1] - run.box[3] < FARTHEST and abs(run.centre - title.centre) < ASIDE
    ]
    for run in below:
        words = run.text.replace(".", " ").split()
        if 2 <= len(words) <= 8 and all(word[0].isupper() for word in words) and not _capitals(run.text):
            return run
    return None


def _highest_below(page: PageText, title: Run) -> float:
    """Upper edge of the next words under the title in its column, else the bottom margin."""
    tops = [r.box[3] for r in page.runs if r.box[3] < title.box[1] and r.box[2] > title.box[0] - ASIDE]
    return max((*tops, 15 * MM))


def _block(titles: list[Run], name: Run | None) -> SignerBlock:
    first = _CAPACITY.match(titles[0].text)
    title = titles[-1].text if len(titles) > 1 or first is None else first["whom"]
    between = " ".join(run.text for run in titles[1:-1])
    return SignerBlock(
        title=title,
        capacity=Capacity(f"{first['how']}.") if first else None,
        principal=f"{first['whom']} {between}".strip() if first and len(titles) > 1 else None,
        name=name.text if name is not None else None,
    )


def _beside(page: PageText, end: Run, number: int) -> list[Box]:
    width, height = INITIALS
    free = page.width - 10 * MM - (end.box[2] + CLEAR)
    if free < width:  # the line is full: under its end
        left, top = end.box[2] - width, end.box[1] - CLEAR
    else:
        left, top = end.box[2] + CLEAR, (end.box[1] + end.box[3] + height) / 2
        width = min(width, free / max(number, 1))
    return [(left + n * width, top - height, left + (n + 1) * width - CLEAR, top) for n in range(number)]
