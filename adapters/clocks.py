"""How far the clock of an axis may be from ours without a word, and the words when it is farther (axis.md F08)."""

from __future__ import annotations

from typing import Final

# Seconds. QĐ 28/2018 Điều 14.4: synchronised with the axis; a Date header has whole seconds and travels.
TOLERANCE: Final = 30.0
_MINUTE: Final = 60.0


def beyond(ahead: float | None) -> bool:
    """``ahead``: seconds by which the axis's clock is ahead of ours; None when it is not known."""
    return ahead is not None and abs(ahead) > TOLERANCE


def words(ahead: float | None) -> str:
    """For the operator: which clock is wrong by how much, as far as it is known."""
    if ahead is None or not beyond(ahead):
        return "Lệch giờ: trục không nhận dấu thời gian của nút. Hãy kiểm tra đồng bộ giờ (NTP) của máy chủ."
    size = f"{abs(ahead):.0f} giây" if abs(ahead) < 2 * _MINUTE else f"{abs(ahead) / _MINUTE:.0f} phút"
    way = "chậm" if ahead > 0 else "nhanh"
    return f"Lệch giờ: đồng hồ của nút {way} hơn trục {size}. Hãy kiểm tra đồng bộ giờ (NTP) của máy chủ."
