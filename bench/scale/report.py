"""The tables of docs/scaling.md from measured.json: ``python bench/scale/report.py [--write]``.

``--write`` puts them between the two marks of the document; a test compares what stands there with what is computed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lienthong.bench.scale.figures import measured
from lienthong.bench.scale.generator import HOUR, QUARTER, SEED, Document, Habits, busiest, generate, slice_of
from lienthong.bench.scale.limits import limits
from lienthong.bench.scale.mixture import mix
from lienthong.bench.scale.model import DAY, PLACES, STORES, Assumptions, Need, catch_up_hours, fit, need
from lienthong.bench.scale.population import make_province

DOCUMENT = Path(__file__).parents[2] / "docs" / "scaling.md"
BEGIN, END = "<!-- bảng tính: bắt đầu -->", "<!-- bảng tính: hết -->"
GB, TB = 1e9, 1e12
AWAY_HOURS = 4
TOLD = {
    "outward": "gửi 1 nơi qua trục",
    "local": "gửi 1 nơi cùng nút, tới hộp thư, 01 về",
    "both": "gửi 1 nơi cùng nút và 1 nơi qua trục",
    "local_many": "gửi 20 nơi cùng nút",
    "outward_many": "gửi 20 nơi qua trục",
    "incoming": "nhận từ trục cho 1 đơn vị, 01 đi",
    "outward_large": "gửi 5 MB qua trục",
    "local_large": "gửi 5 MB cùng nút",
    "answered": "gửi 1 nơi qua trục, 01 và 03 về",
    "registration": "văn thư đọc hộp thư, vào sổ đến, 03 đi",
    "mailbox_look": "hỏi hộp thư khi không có gì mới",
}


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float, digits: int = 0) -> str:
    """With spaces between thousands and a comma, as the documents write numbers."""
    return f"{value:,.{digits}f}".replace(",", " ").replace(".", ",")


def the_day() -> list[Document]:
    return generate(make_province(), Habits(), seed=SEED)


def costs_table(section: Mapping[str, Any]) -> str:
    rows = []
    for name, told in TOLD.items():
        cost = section["costs"][name]
        used = cost["cpu_ms"]
        node = sum(value for program, value in used.items() if program not in STORES)
        rows.append(
            (
                told,
                number(node, 1),
                number(used.get("signatures", 0), 1),
                number(used.get("postgres", 0), 1),
                number(used.get("kafka", 0), 1) if "kafka" in used else "–",
                number(cost["wal_bytes"] / 1000, 1),
                number(cost["rows"].get("outbox", 0), 1),
                number(cost["rows"].get("event", 0), 1),
            )
        )
    titles = ("việc", "nút", "kiểm tra chữ ký", "PostgreSQL", "Kafka", "WAL (kB)", "tin", "dòng event")
    return table(titles, rows)


def needs_table(needs: Sequence[Need], given: Assumptions) -> str:
    def row(title: str, *cells: str) -> tuple[str, ...]:
        return (title, *cells)

    year = given.working_days
    lines = [
        row("đơn vị", *(number(one.place.agencies) for one in needs)),
        row("văn bản một ngày", *(number(one.place.documents) for one in needs)),
        *(row(f"lõi {name}", *(number(one.cores[name]) for one in needs)) for name in needs[0].cores),
        *(row(f"tiến trình {name}", *(number(one.processes[name]) for one in needs)) for name in needs[0].processes),
        row("kết nối PostgreSQL", *(number(one.connections) for one in needs)),
        row("tin mỗi giây lúc cao điểm", *(number(one.messages) for one in needs)),
        row("phân vùng Kafka mỗi chủ đề", *(number(one.partitions) for one in needs)),
        row("tệp, GB một ngày", *(number(one.file_bytes / GB, 1) for one in needs)),
        row("tệp, TB một năm", *(number(one.file_bytes * year / TB, 1) for one in needs)),
        row("cơ sở dữ liệu, GB một ngày", *(number(one.table_bytes / GB, 1) for one in needs)),
        row("cơ sở dữ liệu, TB một năm", *(number(one.table_bytes * year / TB, 2) for one in needs)),
        row("WAL, GB một ngày", *(number(one.wal_bytes / GB, 1) for one in needs)),
        row("Kafka, GB trên đĩa (7 ngày, 3 bản)", *(number(one.kafka_bytes / GB, 1) for one in needs)),
    ]
    return table(("", *(one.place.name for one in needs)), lines)


def away_table(day: Sequence[Document], backlog: Mapping[str, Any]) -> str:
    """The axis away for four hours from each hour of the morning and afternoon; the pile and how long it lasts."""
    rate = backlog["packages_per_second"]
    rows = []
    for start in (7.5, 13.0):
        away = slice_of(day, start, AWAY_HOURS * HOUR)
        beyond = mix(away)
        pile = beyond.get("beyond_only", 0) + beyond.get("both", 0)
        after = mix(slice_of(day, start + AWAY_HOURS, HOUR))
        inflow = (after.get("beyond_only", 0) + after.get("both", 0)) / HOUR
        hours = catch_up_hours(pile, rate, inflow)
        times = f"{number(start, 1)} giờ đến {number(start + AWAY_HOURS, 1)} giờ"
        rows.append((times, number(len(away)), number(pile), number(inflow, 2), number(hours * 60, 1)))
    titles = ("trục nghỉ", "văn bản trong lúc đó", "gói dồn lại", "gói mới mỗi giây sau đó", "hết sau (phút)")
    return table(titles, rows)


def backlog_table(backlog: Mapping[str, Any]) -> str:
    """Documents really accepted while the axis was stopped."""
    first, last = backlog["chunks"][0], backlog["chunks"][-1]
    rows = [
        ("gói dồn lại", number(backlog["pile"])),
        ("CPU của nút mỗi văn bản nhận vào, phần năm đầu → cuối (ms)", _pair(first, last, "node_ms")),
        ("CPU của PostgreSQL, cũng vậy (ms)", _pair(first, last, "postgres_ms")),
        ("bộ nhớ của nút, cũng vậy (MB)", _pair(first, last, "node_pss_mb")),
        ("trục trở lại, gói đầu tiên đi sau (giây; nhịp thăm dò của kênh)", number(backlog["first_after_s"])),
        ("rồi đi mỗi giây (gói)", number(backlog["packages_per_second"], 1)),
        (
            "CPU mỗi gói đi, nút / PostgreSQL (ms)",
            f"{number(backlog['node_ms'], 1)} / {number(backlog['postgres_ms'], 1)}",
        ),
    ]
    return table(("đo thật", ""), rows)


def _pair(first: Mapping[str, float], last: Mapping[str, float], name: str) -> str:
    return f"{number(first[name], 1)} → {number(last[name], 1)}"


def directory_table(directory: Mapping[str, Any]) -> str:
    used, look = directory["cpu_s"], directory["look_ms"]
    rows = [
        ("đơn vị", number(directory["agencies"])),
        (
            "lấy về hết, CPU của nút kể cả khởi động / PostgreSQL (giây)",
            f"{number(used['node'], 1)} / {number(used['postgres'], 1)}",
        ),
        ("bộ nhớ của nút sau đó (MB)", number(directory["node_pss_mb"])),
        ("byte mỗi đơn vị trên đĩa, kể cả chỉ mục", number(directory["bytes_per_row"])),
        (
            "một lần tra `/v1/agencies` theo mã / theo tên (ms CPU)",
            f"{number(look['mã'], 1)} / {number(look['tên'], 1)}",
        ),
    ]
    return table(("đo thật", ""), rows)


def plans_table(section: Mapping[str, Any]) -> str:
    sizes = sorted(section["at"], key=int)
    names = section["at"][sizes[0]]
    rows = [(name, *(number(section["at"][size][name]["pages"]) for size in sizes)) for name in names]
    return table(("câu lệnh (trang đọc)", *(f"{number(int(size))} dòng" for size in sizes)), rows)


def everything(known: Mapping[str, Any]) -> str:
    """All tables, as they stand in the document."""
    day, given = the_day(), Assumptions()
    section = known["kafka"]
    peak = busiest(day, QUARTER)[1] / QUARTER / (len(day) / DAY)
    needs = [need(place, section, mix(day), peak, given) for place in PLACES]
    fits = {name: fit(known[name]) for name in ("embedded", "kafka") if name in known}
    parts = [
        "### Giá của từng việc (mili giây CPU; phân vai, qua Kafka)",
        costs_table(section),
        "### Tổng của mô hình so với lát cắt chơi thật (1 là đúng)",
        table(("", *fits["kafka"]), [(name, *(number(v, 2) for v in one.values())) for name, one in fits.items()]),
        f"### Ba cỡ (cao điểm gấp {number(peak, 1)} lần trung bình ngày)",
        needs_table(needs, given),
        "### Cái gì gãy trước, khi một tỉnh lớn lên",
        table(
            ("nguồn lực", "gãy ở mấy lần tải một tỉnh", "khi đó"),
            [(one.resource, number(one.times, 2), one.then) for one in limits(needs[0], peak, given)],
        ),
        "### Trục nghỉ bốn giờ",
        backlog_table(known["backlog"]),
        away_table(day, known["backlog"]),
        "### Danh bạ toàn quốc",
        directory_table(known["directory"]),
    ]
    if "tables" in known:
        parts += ["### Bảng lớn", plans_table(known["tables"])]
    return "\n\n".join(parts)


def told() -> str:
    """What the document has between the marks."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return text.split(BEGIN)[1].split(END)[0].strip()


def main() -> None:
    text = everything(measured())
    print(text)
    if "--write" in sys.argv[1:]:
        before, rest = DOCUMENT.read_text(encoding="utf-8").split(BEGIN)
        DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
