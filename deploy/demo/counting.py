"""Counts lost, doubled and skipped from what stands at the axis, in the mailboxes and in the registers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .incoming import Brought
from .people import NEIGHBOUR, NGHE_AN, SENDER
from .show import Show

_FULL = ("01", "03", "04", "05", "06")


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    lost: int
    doubled: int
    jumps: int
    lines: list[tuple[str, int, int]]  # what, how many there must be, how many there are

    @property
    def clean(self) -> bool:
        return self.lost == self.doubled == self.jumps == 0


def count(show: Show, sent: Mapping[str, str], brought: Iterable[Brought]) -> Count:
    """``sent``: DocumentId -> id on the node."""
    came = [one.document_id for one in brought]
    numbers = {document_id.split(",")[2].split("/")[0] for document_id in sent}
    outgoing = [line["number"] for line in show.sender.register("outgoing", show.year)["items"]]
    book = show.sender.register("incoming", show.year)["items"]
    found: dict[str, tuple[Counter[Any], set[Any]]] = {
        "Văn bản đi tới trục": (_at_axis(show), set(sent)),
        "Văn bản đi tới hộp thư đơn vị cùng nút": (_in_mailbox(show.neighbour.mailbox("document")), set(sent)),
        "Dòng trong sổ văn bản đi": (Counter(outgoing), numbers),
        "Trạng thái từ nơi nhận về eOffice": (_statuses_back(show, sent), _expected_back(sent)),
        "Văn bản đến vào hộp thư": (_in_mailbox(show.sender.mailbox("document")), set(came)),
        "Dòng trong sổ văn bản đến": (Counter(line["cells"][3] for line in book), {_code(one) for one in came}),
        "Trạng thái 01, 03 tới trục": (_statuses_out(show), {(one, code) for one in came for code in ("01", "03")}),
    }
    lines = [(what, len(due), sum(seen[one] for one in due)) for what, (seen, due) in found.items()]
    allotted = sorted(int(line["number"]) for line in book)
    return Count(
        lost=sum(1 for seen, due in found.values() for one in due if not seen[one]),
        doubled=sum(seen[one] - 1 for seen, due in found.values() for one in due if seen[one] > 1),
        jumps=_jumps(allotted) + _jumps(sorted(int(number) for number in outgoing)),
        lines=lines,
    )


def _jumps(numbers: list[int]) -> int:
    """Numbers missing between the first and the last."""
    return numbers[-1] - numbers[0] + 1 - len(set(numbers)) if numbers else 0


def _code(document_id: str) -> str:
    return document_id.split(",")[2]


def _at_axis(show: Show) -> Counter[str]:
    found = show.axis.packages(kind="edoc", sender=SENDER.code, receiver=NGHE_AN.code)
    return Counter(one["document_id"] for one in found)


def _in_mailbox(items: list[dict[str, Any]]) -> Counter[str]:
    return Counter(one["detail"]["document_id"] for one in items)


def _statuses_back(show: Show, sent: Mapping[str, str]) -> Counter[tuple[str, str, str]]:
    known = set(sent.values())
    return Counter(
        (item["id"], item["detail"]["from_code"], item["detail"]["status_code"])
        for item in show.sender.mailbox("status")
        if item["id"] in known
    )


def _expected_back(sent: Mapping[str, str]) -> set[tuple[str, str, str]]:
    robot = {(one, NGHE_AN.code, code) for one in sent.values() for code in _FULL}
    return robot | {(one, NEIGHBOUR.code, "01") for one in sent.values()}


def _statuses_out(show: Show) -> Counter[tuple[str, str]]:
    return Counter(
        (one["document_id"], one["status_code"]) for one in show.axis.packages(kind="status", sender=SENDER.code)
    )
