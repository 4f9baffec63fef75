"""The figures of a run of ``bench/broker.py`` beside what is asked of them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lienthong.bench import broadcast
from lienthong.bench.kafka_away import Absence
from lienthong.bench.measuring import percentile
from lienthong.bench.message_load import STEADY_UNIT

STEADY: Final = 2000  # messages a second
LEAST_RATIO: Final = 0.5
KEPT: Final = 0.98
CATCH_UP_SECONDS: Final = 120.0
LEAST_WRITING: Final = 0.8
MOST_GROWN: Final = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one run found; rates in messages a second, times in ms unless said otherwise."""

    count: int
    embedded: float
    kafka: float
    bare: float  # with all writes of the way
    bare_rows: float  # with its new rows only: nothing marks what was sent or absorbed
    embedded_alone: Sequence[float]
    kafka_alone: Sequence[float]
    kept: float  # messages a second that the embedded broker absorbed of the steady stream
    embedded_steady: Sequence[float]
    away: Absence
    broadcasts: Sequence[float]  # seconds


def table(found: Figures) -> str:
    """What the issue asks, what was measured, and whether it is reached."""
    away, ratio = found.away, found.kafka / found.bare
    rows = [
        (
            "outbox → Kafka → inbox và hiệu ứng, so với aiokafka + asyncpg trần ghi cùng những gì, cùng lần chạy",
            "≥ 0,5",
            f"{ratio:.2f} ({found.kafka:.0f} và {found.bare:.0f} tin/giây)",
            ratio >= LEAST_RATIO,
        ),
        (
            "… so với thư viện trần chỉ thêm dòng, không đánh dấu đã gửi, đã nhận (mất là mất)",
            "≥ 0,5",
            f"{found.kafka / found.bare_rows:.2f} ({found.kafka:.0f} và {found.bare_rows:.0f} tin/giây)",
            found.kafka >= LEAST_RATIO * found.bare_rows,
        ),
        (
            "trễ thêm qua Kafka lúc vắng (một tin mỗi 20 ms), từ COMMIT tới hiệu ứng",
            "p50 < 30 ms, p99 < 150 ms",
            _times(found.kafka_alone),
            _within(found.kafka_alone, 30, 150),
        ),
        (
            "bộ chuyển nhúng, tin dồn sẵn",
            "≥ 2000 tin/giây",
            f"{found.embedded:.0f} tin/giây",
            found.embedded >= STEADY,
        ),
        (
            f"bộ chuyển nhúng, luồng đều {STEADY} tin/giây, {STEADY_UNIT} tin một giao dịch",
            "theo kịp, p99 < 100 ms",
            f"{found.kept:.0f} tin/giây, {_times(found.embedded_steady)}",
            found.kept >= KEPT * STEADY and _within(found.embedded_steady, 100, 100),
        ),
        (
            f"Kafka vắng rồi trở lại: {away.gathered} tin dồn lại tới hiệu ứng cuối cùng",
            "< 120 giây",
            f"{away.caught_up:.1f} giây",
            away.caught_up < CATCH_UP_SECONDS,
        ),
        (
            "… đúng thứ tự theo khóa, không thiếu",
            "0 sai, 0 thiếu",
            f"{away.disordered} sai, {away.missing} thiếu",
            not away.disordered and not away.missing,
        ),
        (
            "… người ghi không chậm lại (so với ghi khi không có bộ chuyển)",
            "≥ 0,8",
            f"{away.beside / away.alone:.2f} ({away.beside:.0f} và {away.alone:.0f} tin/giây)",
            away.beside >= LEAST_WRITING * away.alone,
        ),
        (
            "… giao dịch bỏ ngỏ quá 1 giây; bộ nhớ của tiến trình lớn thêm",
            "0; < 50 MB",
            f"{away.held}; {away.grown / 1e6:.0f} MB",
            not away.held and away.grown < MOST_GROWN,
        ),
    ]
    if found.broadcasts:
        each = ", ".join(f"{one:.1f}" for one in found.broadcasts)
        reached = max(found.broadcasts) < broadcast.LIMIT
        rows.append(("phát tới 700 nơi nhận, tới khi trục giả lập nhận gói cuối", "< 20 giây", f"{each} giây", reached))
    lines = ["| mục tiêu | cần | đo được | đạt |", "| --- | --- | --- | --- |"]
    lines += [f"| {what} | {asked} | {got} | {'đạt' if reached else 'CHƯA'} |" for what, asked, got, reached in rows]
    return "\n".join(lines)


def _times(taken: Sequence[float]) -> str:
    return f"p50 {statistics.median(taken):.1f} ms, p99 {percentile(taken, 99):.1f} ms"


def _within(taken: Sequence[float], middle: float, high: float) -> bool:
    return statistics.median(taken) < middle and percentile(taken, 99) < high
