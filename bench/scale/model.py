"""What a province, five, and the nation need: measured costs times the generated day. Pure; report.py prints it.

Linear on purpose: every step costs a processor time that was measured by itself (costs.py), the sum is multiplied by
the day's mixture (mixture.py) and by the busiest quarter of an hour. How near that comes is told by a slice that was
played as a whole: ``fit``. What no machine here can measure stands in ``Assumptions`` and is printed as such.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MANY = 20  # recipients of the blocks local_many and outward_many of costs.py

DAY = 86_400.0
MB = 1e6
STORES = ("signatures", "postgres", "axis", "kafka")  # every other program is a process of the node
PASSING = {"outbox", "inbox", "work", "idempotency"}  # tables that are emptied: 3, 6, 3 and 3 days

Vector = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What is not measured here. Every one is a line of docs/scaling.md."""

    busy: float = 0.6  # share of a core that may be used at the peak, so that delays stay short
    looks: float = 60.0  # seconds between two looks of an eOffice into its mailbox
    open_hours: float = 10.0  # in which eOffices look
    statuses: float = 0.97 + 0.02 + 0.5 + 0.4  # 03, 02, 04, 06 of each delivery, each costing what 03 costs
    beyond_statuses: float = 1.0 + 0.97 + 0.5 + 0.4  # that come back from each recipient outside
    pool: int = 16  # connections of a process, and
    besides: int = 5  # its listening and leading ones
    postgres_cores: float = 32.0  # of the largest machine one would give to PostgreSQL
    postgres_connections: int = 500  # above it a pooler is needed
    relay_rate: float = 6000.0  # messages a second of one relay (bench/broker.py, docs/performance.md)
    partition_rate: float = 500.0  # messages a second that one partition is given at most
    copies: int = 3  # of Kafka's records
    kafka_days: int = 7
    working_days: int = 250
    signing_share: float = 1.0  # of documents whose signatures are verified
    fsyncs: float = 8000.0  # a second, of the disk under PostgreSQL and the files (platform.md 9.1: 10 934)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """``provinces``: how many generated days at once; ``nodes``: installations that share nothing."""

    name: str
    agencies: int
    documents: float
    nodes: int = 1


PLACES = (
    Place(name="một tỉnh", agencies=700, documents=40_000),
    Place(name="năm tỉnh, một nút", agencies=3_500, documents=200_000),
    Place(name="cả nước, một nút", agencies=111_000, documents=2_750_000),
)


def flat(cost: Mapping[str, Any]) -> Counter[str]:
    """One thing's cost as plain quantities: seconds by program, bytes, ``row …`` by table."""
    found: Counter[str] = Counter()
    for program, milliseconds in cost["cpu_ms"].items():
        found[program if program in STORES else f"node {program}"] += milliseconds / 1000
    for table, rows in cost["rows"].items():
        found[f"row {table}"] += rows
    for name in ("wal_bytes", "file_bytes", "kafka_bytes"):
        found[name] += cost[name]
    return found


def plus(*parts: tuple[float, Vector]) -> Counter[str]:
    """The sum of so many of each."""
    total: Counter[str] = Counter()
    for times, part in parts:
        for name, value in part.items():
            total[name] += times * value
    return total


def documents_cost(mix: Vector, costs: Mapping[str, Any], *, answers: float) -> Counter[str]:
    """Of so many documents (mixture.py), with 01 of each recipient inside and ``answers`` of each outside."""
    one = {name: flat(cost) for name, cost in costs.items() if name != "bytes"}
    step = costs["bytes"]["large"] - costs["bytes"]["middle"]
    more_inside = plus((1 / (MANY - 1), one["local_many"]), (-1 / (MANY - 1), one["local"]))
    more_beyond = plus((1 / (MANY - 1), one["outward_many"]), (-1 / (MANY - 1), one["outward"]))
    sent_byte = plus((1 / step, one["outward_large"]), (-1 / step, one["outward"]))
    delivered_byte = plus((1 / step, one["local_large"]), (-1 / step, one["local"]), (-1, sent_byte))
    status = plus((0.5, one["answered"]), (-0.5, one["outward"]))
    part = {name: mix.get(name, 0.0) for name in ("beyond_only", "inside_only", "both", "incoming")}
    sent = part["beyond_only"] + part["inside_only"] + part["both"]
    middle = costs["bytes"]["middle"]
    return plus(
        (part["beyond_only"], one["outward"]),
        (part["inside_only"], one["local"]),
        (part["both"], one["both"]),
        (part["incoming"], one["incoming"]),
        (mix.get("inside", 0) - part["inside_only"] - part["both"], more_inside),
        (mix.get("received", 0) - part["incoming"], more_inside),
        (mix.get("beyond", 0) - part["beyond_only"] - part["both"], more_beyond),
        (answers * mix.get("beyond", 0), status),
        (mix.get("sent_bytes", 0) - middle * sent, sent_byte),
        (mix.get("delivered_bytes", 0) - middle * (sent - part["beyond_only"] + part["incoming"]), delivered_byte),
    )


def fit(section: Mapping[str, Any]) -> dict[str, float]:
    """Model by measurement of the slice that was played: 1 is exact. CPU of all programs, WAL, rows of events."""
    played = section["slice"]
    told = documents_cost(played["mix"], section["costs"], answers=2.0)
    seen = plus((played["documents"], flat(played)))
    return {
        "CPU": cpu(told) / cpu(seen),
        "WAL": told["wal_bytes"] / seen["wal_bytes"],
        "event": told["row event"] / seen["row event"],
        "file": told["file_bytes"] / seen["file_bytes"],
    }


def cpu(vector: Vector, *, axis: bool = False) -> float:
    """Seconds of the node, its workers, PostgreSQL and Kafka."""
    names = ("signatures", "postgres", "kafka", *(("axis",) if axis else ()))
    return sum(vector.get(name, 0.0) for name in names) + node_cpu(vector)


def node_cpu(vector: Vector, role: str = "") -> float:
    return sum(value for name, value in vector.items() if name.startswith(f"node {role}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a place needs; the day's totals stand in ``day``."""

    place: Place
    day: Vector
    cores: Mapping[str, int]
    processes: Mapping[str, int]
    connections: int
    partitions: int
    messages: float  # a second, at the peak
    file_bytes: float  # a day
    table_bytes: float
    wal_bytes: float
    kafka_bytes: float  # standing, with copies


def need(place: Place, section: Mapping[str, Any], mix: Vector, peak: float, given: Assumptions) -> Need:
    """``mix``: of a generated day of 40 000; ``peak``: the busiest quarter beside the day's average."""
    scale = place.documents / given_documents(mix)
    day = whole_day(section, {name: value * scale for name, value in mix.items()}, place.agencies, given)
    shares = roles(section)
    busy = peak / DAY / given.busy
    node = {role: node_cpu(day) * share * busy for role, share in shares.items()}
    processes = {role: max(2, math.ceil(load)) for role, load in node.items() if role != "rest"}
    processes |= {"relay, poller": 2}
    verifying = day["signatures"] * busy
    messages = day["row outbox"] / DAY * peak
    return Need(
        place=place,
        day=day,
        cores={
            "nút": math.ceil(sum(node.values())),
            "kiểm tra chữ ký": math.ceil(verifying),
            "PostgreSQL": math.ceil(day["postgres"] * busy),
            "Kafka": math.ceil(day["kafka"] * busy),
        },
        processes=processes,
        connections=sum(processes.values()) * (given.pool + given.besides),
        partitions=max(12, 2 * processes["worker"], math.ceil(messages / given.partition_rate)),
        messages=messages,
        file_bytes=day["file_bytes"],
        table_bytes=sum(
            rows * section["bytes_per_row"].get(name.removeprefix("row "), 300)
            for name, rows in day.items()
            if name.startswith("row ") and name.removeprefix("row ") not in PASSING
        ),
        wal_bytes=day["wal_bytes"],
        kafka_bytes=day["kafka_bytes"] * given.kafka_days * given.copies,
    )


def given_documents(mix: Vector) -> float:
    return sum(mix.get(name, 0.0) for name in ("beyond_only", "inside_only", "both", "incoming"))


def whole_day(section: Mapping[str, Any], mix: Vector, agencies: float, given: Assumptions) -> Counter[str]:
    """Documents, the clerks' answers, the looks into mailboxes."""
    costs = section["costs"]
    deliveries = mix["inside"] + mix["received"]
    looks = agencies * given.open_hours * 3600 / given.looks
    look = {
        name: value for name, value in flat(costs["mailbox_look"]).items() if name.startswith(("node ", "postgres"))
    }
    return plus(
        (1.0, documents_cost(mix, costs, answers=given.beyond_statuses)),
        (deliveries * given.statuses, flat(costs["registration"])),
        (looks, look),  # it writes nothing: what was written meanwhile was of something else
    )


def roles(section: Mapping[str, Any]) -> dict[str, float]:
    """Shares of the node's own processor time by role, where the roles ran as processes of their own."""
    used = Counter(dict.fromkeys(("api", "worker", "rest"), 0.0))
    for program, milliseconds in section["slice"]["cpu_ms"].items():
        if program not in STORES:
            used[program.split("-")[0]] += milliseconds
    whole = sum(used.values())
    return {role: used[role] / whole for role in ("api", "worker", "rest")}


def catch_up_hours(waiting: float, rate: float, inflow: float) -> float:
    """Hours until a pile is gone at ``rate`` while ``inflow`` goes on, both per second; endless when it never is."""
    return waiting / (rate - inflow) / 3600 if rate > inflow else math.inf
