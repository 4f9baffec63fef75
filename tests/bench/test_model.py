"""The model of docs/scaling.md: linear, honest about what it does not explain; the document tells what it computes."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest

from lienthong.bench.scale import report
from lienthong.bench.scale.figures import measured
from lienthong.bench.scale.generator import Habits, generate
from lienthong.bench.scale.limits import limits
from lienthong.bench.scale.mixture import mix
from lienthong.bench.scale.model import (
    PLACES,
    Assumptions,
    catch_up_hours,
    cpu,
    documents_cost,
    fit,
    flat,
    need,
    node_cpu,
)
from lienthong.bench.scale.population import make_province

PEAK = 5.0
GIVEN = Assumptions()
MIX = mix(generate(make_province(), Habits(documents=4_000), seed=3))


def cost(api: float, worker: float, outbox: float = 4.0, **more: float) -> dict[str, Any]:
    return {
        "cpu_ms": {"api-1": api, "worker-1": worker, "rest-1": 1.0, "signatures": 20.0, "postgres": 10.0, "kafka": 5.0},
        "rows": {"outbox": outbox, "event": 2 * outbox, "exchange": 1.0},
        "wal_bytes": 30_000,
        "file_bytes": more.get("file_bytes", 400_000),
        "kafka_bytes": 3_000,
    }


def section() -> dict[str, Any]:
    costs: dict[str, Any] = {
        "outward": cost(5, 15),
        "local": cost(5, 40, 8),
        "both": cost(5, 45, 10),
        "local_many": cost(5, 600, 100),
        "outward_many": cost(6, 17),
        "incoming": cost(0, 40, 6),
        "outward_large": cost(20, 60, file_bytes=15_000_000),
        "local_large": cost(20, 120, 8, file_bytes=20_000_000),
        "answered": cost(5, 35, 8),
        "registration": cost(8, 20, 3),
        "mailbox_look": cost(1, 0, 0),
        "bytes": {"middle": 200_000, "large": 5_000_000},
    }
    return {"costs": costs, "bytes_per_row": {"event": 250, "exchange": 900}, "slice": {**cost(5, 50), "documents": 1}}


def test_one_document_of_a_measured_kind_costs_what_was_measured() -> None:
    costs = section()["costs"]
    size = costs["bytes"]["middle"]
    beyond = {"beyond_only": 1.0, "beyond": 1.0, "sent_bytes": size}
    assert documents_cost(beyond, costs, answers=0) == pytest.approx(flat(costs["outward"]))
    inside = {"inside_only": 1.0, "inside": 20.0, "sent_bytes": size, "delivered_bytes": size}
    assert documents_cost(inside, costs, answers=0) == pytest.approx(flat(costs["local_many"]))
    large = {"inside_only": 1.0, "inside": 1.0, "sent_bytes": 5e6, "delivered_bytes": 5e6}
    assert documents_cost(large, costs, answers=0) == pytest.approx(flat(costs["local_large"]))
    answered = {"beyond_only": 1.0, "beyond": 1.0, "sent_bytes": size}
    assert documents_cost(answered, costs, answers=2) == pytest.approx(flat(costs["answered"]))


def test_twice_the_documents_cost_twice_as_much() -> None:
    costs = section()["costs"]
    once = documents_cost(MIX, costs, answers=1)
    twice = documents_cost({name: 2 * value for name, value in MIX.items()}, costs, answers=1)
    assert cpu(twice) == pytest.approx(2 * cpu(once))
    assert node_cpu(once) == pytest.approx(sum(node_cpu(once, role) for role in ("api", "worker", "rest")))


def test_the_fit_is_one_where_the_slice_is_the_sum_and_says_how_far_it_is_off() -> None:
    known = section()
    mixture = {"beyond_only": 3.0, "beyond": 3.0, "sent_bytes": 600_000.0}
    answered = known["costs"]["answered"]
    known["slice"] = {**answered, "documents": 3, "mix": mixture}
    assert fit(known)["CPU"] == pytest.approx(1)
    known["slice"]["cpu_ms"] = {name: 2 * value for name, value in answered["cpu_ms"].items()}
    assert fit(known)["CPU"] == pytest.approx(0.5)


def test_larger_places_need_no_less_of_anything() -> None:
    needs = [need(place, section(), MIX, PEAK, GIVEN) for place in PLACES]
    for small, large in pairwise(needs):
        assert small.connections <= large.connections
        assert small.partitions <= large.partitions
        assert small.file_bytes < large.file_bytes
        assert all(small.cores[name] <= large.cores[name] for name in small.cores)
    assert all(count >= 2 for one in needs for count in one.processes.values())


def test_what_breaks_first_stands_first() -> None:
    one = need(PLACES[0], section(), MIX, PEAK, GIVEN)
    found = limits(one, PEAK, GIVEN)
    assert [limit.times for limit in found] == sorted(limit.times for limit in found)
    assert all(limit.times > 0 and limit.then for limit in found)


def test_a_pile_goes_away_only_when_it_leaves_faster_than_it_grows() -> None:
    assert catch_up_hours(3600, 2.0, 1.0) == pytest.approx(1)
    assert catch_up_hours(1, 1.0, 1.0) == math.inf


def test_the_mixture_counts_every_document_and_every_recipient_once() -> None:
    day = generate(make_province(), Habits(documents=4_000), seed=3)
    assert sum(MIX[name] for name in ("beyond_only", "inside_only", "both", "incoming")) == len(day)
    assert MIX["inside"] + MIX["beyond"] + MIX["received"] == sum(len(one.recipients) for one in day)


def test_the_document_tells_what_the_model_computes_from_the_measured_figures() -> None:
    assert report.told() == report.everything(measured())
