"""The campaign's results as a table of Markdown, Vietnamese."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from lienthong.tests.chaos.playing import Result

HEAD: Final = (
    "| vòng | văn bản (đi + đến) | tiến trình bị giết | sự cố khác | tự dừng | yêu cầu lặp lại | bản trùng bị chặn "
    "| chờ lâu nhất (s) | phút | mất | trùng | sai nơi | nhảy số | bỏ dở |"
)
BEGIN: Final = "<!-- bảng -->"
END: Final = "<!-- hết bảng -->"
RULE: Final = "|---|" + "---:|" * 13


def table(results: Sequence[Result]) -> str:
    """One line for each round, and the sum."""
    lines = [HEAD, RULE, *(_line(one.title, [one]) for one in results)]
    if len(results) > 1:
        lines.append(_line("**Cả chiến dịch**", results))
    return "\n".join(lines)


def _line(title: str, those: Sequence[Result]) -> str:
    cells = [
        f"{_sum(those, 'documents')} ({_sum(those, 'outgoing')} + {_sum(those, 'incoming')})",
        _sum(those, "kills"),
        sum(_others(one) for one in those),
        *(_sum(those, name) for name in ("exits", "repeated", "absorbed")),
        f"{max(one.longest for one in those):.0f}",
        f"{sum(one.seconds for one in those) / 60:.1f}",
        *(_sum(those, name) for name in ("lost", "doubled", "wrong", "skipped", "left")),
    ]
    return f"| {title} | " + " | ".join(str(cell) for cell in cells) + " |"


def _sum(those: Sequence[Result], name: str) -> int:
    return sum(getattr(one, name) for one in those)


def _others(one: Result) -> int:
    """Troubles that killed no process of the node."""
    return sum(one.happened.values()) - one.kills


def troubles(results: Sequence[Result]) -> str:
    """How often each thing happened."""
    total: Counter[str] = Counter()
    for one in results:
        total.update(one.happened)
    return "\n".join(
        ["| điều đã xảy ra | lần |", "|---|---:|", *(f"| {name} | {n} |" for name, n in sorted(total.items()))]
    )


def write_into(page: str, results: Sequence[Result]) -> str:
    """The page with the tables between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(results)}\n\n{troubles(results)}\n{END}{after}"
