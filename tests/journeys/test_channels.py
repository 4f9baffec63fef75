"""Journeys over an axis that is away: all waits, one probe looks, an operator sees and steers, all arrives once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from lienthong.adapters.vxp.protocol import Operation
from lienthong.gateway.postgres.database import Database
from lienthong.queue.breaker import ChannelState
from lienthong.queue.channels import list_channels, probe_is_due
from lienthong.tests.conftest import Addresses
from lienthong.tests.journeys.outsiders import bring, letter
from lienthong.tests.journeys.papers import OUTSIDE, SENDER, Papers
from lienthong.tests.journeys.province import LONG, Province, knows_agencies, open_province
from lienthong.tests.journeys.test_faults import at_the_axis, inject, post, wait_for
from lienthong.tests.journeys.test_roles import process
from lienthong.tests.waiting import until

pytestmark = pytest.mark.timeout(120)
CHANNEL = "axis:quoc-gia"
QUICK = {
    "attempts": 3,
    "base_seconds": 0.1,
    "breaker_failures": 2,
    "breaker_base_seconds": 0.1,
    "breaker_cap_seconds": 0.2,
}
SLOW = {**QUICK, "breaker_base_seconds": 3600.0, "breaker_cap_seconds": 3600.0}  # nothing but a person ends it in time


def away(province: Province, code: str = "F04", variant: str = "html503") -> None:
    """Whatever is asked of the axis, until it is mended."""
    inject(province, code, None, count=0, variant=variant)


def mend(province: Province) -> None:
    province.emulator.controls.faults.clear()


async def channel(province: Province) -> dict[str, Any]:
    _, page = await province.operator.call("GET", "/v1/operations/channels")
    (found,) = [one for one in page["items"] if one["name"] == CHANNEL]
    return found


async def is_in(province: Province, *states: str) -> dict[str, Any]:
    async def reached() -> dict[str, Any] | None:
        found = await channel(province)
        return found if found["state"] in states else None

    return await until(reached, LONG)


async def decide(province: Province, word: str, reason: str) -> tuple[int, Any]:
    path = f"/v1/operations/channels/{CHANNEL}/{word}"
    return await province.operator.call("POST", path, json={"reason": reason})


async def changes(province: Province) -> list[tuple[str, str]]:
    rows = await province.rows("SELECT from_state, to_state FROM channel_event ORDER BY id")
    return [(row["from_state"], row["to_state"]) for row in rows]


@pytest.mark.parametrize(("code", "variant"), [("F04", "html503"), ("F01", "")], ids=["answers 503", "resets"])
async def test_an_axis_away_for_long_loses_nothing_and_takes_no_attempts(
    addresses: Addresses, tmp_path: Path, papers: Papers, code: str, variant: str
) -> None:
    """Two processes work; far more probes fail than a package has attempts."""
    async with (
        open_province(tmp_path, addresses.app_dsn, papers, retry=QUICK) as province,
        process(province.node.settings, "w-2", "worker"),
    ):
        await until(lambda: knows_agencies(province), LONG)
        away(province, code, variant)
        documents = [await post(province, str(number), key=str(number)) for number in (61, 62, 63)]
        paper = await papers.signed("64", by=OUTSIDE)
        await bring(province, letter(province, "64", paper, to=(SENDER,)), tmp_path)

        async def many_probes() -> bool:
            return (await channel(province))["openings"] > 2 * QUICK["attempts"]

        await until(many_probes, LONG)
        assert at_the_axis(province) == 0
        mend(province)
        for document in documents:
            await wait_for(province, document, "sent")
        await until(lambda: province.sender.mailbox("document"), LONG)
        assert (await channel(province))["state"] == "closed"
        await _each_once(province, 3)
        found = await changes(province)
        assert ("half_open", "half_open") not in found, "no probe was taken from another"
        assert found.count(("open", "half_open")) >= 2 * QUICK["attempts"]
        assert (await province.operator.call("GET", "/v1/operations/holds"))[1]["items"] == []


async def test_an_axis_that_lists_but_takes_nothing_uses_no_attempts_up(
    addresses: Addresses, tmp_path: Path, papers: Papers
) -> None:
    """The probe goes through, the send does not: closed and open in turn, far more often than a package may fail."""
    async with open_province(tmp_path, addresses.app_dsn, papers, retry={**QUICK, "breaker_failures": 1}) as province:
        await until(lambda: knows_agencies(province), LONG)
        inject(province, "F04", Operation.SEND, count=0, variant="html503")
        document = await post(province, "69", key="flapping")

        async def often() -> bool:
            return (await changes(province)).count(("closed", "open")) > 2 * QUICK["attempts"]

        await until(often, LONG)
        assert (
            await province.rows("SELECT 1 FROM outgoing_package WHERE attempts - excused > 0 AND state = 'held'") == []
        )
        mend(province)
        await wait_for(province, document, "sent")
        await _each_once(province, 1)


async def _each_once(province: Province, count: int) -> None:
    packages = province.emulator.controls.ledger.state.packages.values()
    sent = Counter(one.document_id for one in packages if one.kind == "edoc" and one.sender == SENDER)
    assert sorted(sent.values()) == [1] * count


async def test_an_operator_sees_what_waits_tries_and_resets(
    addresses: Addresses, tmp_path: Path, papers: Papers
) -> None:
    async with open_province(tmp_path, addresses.app_dsn, papers, retry=SLOW) as province:
        await until(lambda: knows_agencies(province), LONG)
        away(province)
        document = await post(province, "65", key="waits")
        found = await is_in(province, "open")
        assert (found["label"], found["last_error"]) == ("ngắt mạch", "Trục trả lỗi HTTP 503.")
        assert found["next_probe_at"] > found["since"]

        async def waits() -> bool:
            kinds = {(one["kind"], one["urgent"]): one["rows"] for one in (await channel(province))["waits"]}
            return kinds == {("dispatch", False): 1}

        await until(waits, LONG)
        assert await _ready(province) == [f"Kênh {CHANNEL} ngắt mạch; xem /v1/operations/channels."]

        status, _ = await decide(province, "probe", "Trục báo đã xong.")  # it was not: one probe, and it waits again
        assert status == 200

        async def probed_in_vain() -> bool:
            return (await changes(province))[-2:] == [("open", "half_open"), ("half_open", "open")]

        await until(probed_in_vain, LONG)
        assert at_the_axis(province) == 0
        mend(province)
        await decide(province, "probe", "Trục chạy lại.")
        await wait_for(province, document, "sent")
        assert at_the_axis(province) == 1
        assert await _ready(province) == []
        assert (await decide(province, "probe", "Nữa."))[1]["code"] == "CHANNEL_NOT_OPEN"
        assert (await decide(province, "resume", "Nữa."))[1]["code"] == "CHANNEL_NOT_PAUSED"


async def _ready(province: Province) -> list[str]:
    """An axis that is away never makes the node unready; it is a warning."""
    status, view = await province.operator.call("GET", "/readyz")
    assert status == 200
    return [line for line in view["warnings"] if "Kênh" in line]


async def test_a_pause_keeps_everything_and_its_history_says_who_and_why(
    addresses: Addresses, tmp_path: Path, papers: Papers
) -> None:
    async with open_province(tmp_path, addresses.app_dsn, papers, retry=QUICK) as province:
        await until(lambda: knows_agencies(province), LONG)
        assert (await decide(province, "pause", "Bảo trì trục."))[0] == 200
        document = await post(province, "66", key="paused")

        async def waiting() -> bool:
            return (await channel(province))["waiting"] == 1

        await until(waiting, LONG)
        assert at_the_axis(province) == 0
        assert (await decide(province, "resume", "Bảo trì xong."))[0] == 200
        await wait_for(province, document, "sent")
        _, page = await province.operator.call("GET", f"/v1/operations/channels/{CHANNEL}/events")
        told = [(one["from_state"], one["to_state"], one["reason"]) for one in page["items"]]
        assert told == [("paused", "closed", "Bảo trì xong."), ("closed", "paused", "Bảo trì trục.")]
        assert {one["actor"] for one in page["items"]} != {"node"}
        status, answer = await province.operator.call("GET", "/v1/operations/channels/axis:khac/events")
        assert (status, answer["code"]) == (404, "CHANNEL_UNKNOWN")


async def test_a_key_refused_while_acknowledging_pauses_and_nothing_is_parked(
    province: Province, tmp_path: Path
) -> None:
    inject(province, "F07", Operation.UPDATE, count=0, variant="401")
    paper = await province.papers.signed("67", by=OUTSIDE)
    await bring(province, letter(province, "67", paper, to=(SENDER,)), tmp_path)
    await is_in(province, "paused")
    mend(province)
    await decide(province, "resume", "Đã thay khóa.")

    async def acknowledged() -> bool:
        rows = await province.rows("SELECT acknowledgements FROM incoming_package")
        return [row["acknowledgements"] for row in rows] == [1]

    await until(acknowledged, LONG)
    assert await province.rows("SELECT 1 FROM work WHERE state = 'parked' OR failures > 0") == []


async def test_a_probe_that_nobody_ends_is_taken_over(addresses: Addresses, tmp_path: Path, papers: Papers) -> None:
    """The row as a killed process leaves it: half open, its lease running out."""
    async with open_province(tmp_path, addresses.app_dsn, papers, retry=SLOW) as province:
        await until(lambda: knows_agencies(province), LONG)
        async with province.node.db.unit(None) as conn:
            await conn.execute(
                "INSERT INTO channel (name, state, generation, failures, openings, reason, probe_until, probe_by)"
                " VALUES ($1, 'half_open', 7, 2, 1, 'lỗi', now() + interval '1 second', 'w-chết')"
                " ON CONFLICT (name) DO UPDATE SET state = excluded.state, generation = excluded.generation,"
                " reason = excluded.reason, probe_until = excluded.probe_until, probe_by = excluded.probe_by",
                CHANNEL,
            )
        document = await post(province, "68", key="taken-over")
        await wait_for(province, document, "sent")
        assert await changes(province) == [("half_open", "half_open"), ("half_open", "closed")]
        async with aiohttp.ClientSession() as session, session.get(f"{province.operator.base}/healthz") as answer:
            assert answer.status == 200


async def test_a_stop_does_not_wait_for_a_probe_and_leaves_it_to_the_next(
    addresses: Addresses, tmp_path: Path, papers: Papers
) -> None:
    async with open_province(tmp_path, addresses.app_dsn, papers, retry=SLOW) as province:
        await until(lambda: knows_agencies(province), LONG)
        inject(province, "F04", Operation.RECEIVED, count=0, variant="html503")
        await is_in(province, "open")
        mend(province)
        inject(province, "F02", Operation.RECEIVED, count=0)  # from here on no list is ever answered
        await decide(province, "probe", "Thử xem.")
        await is_in(province, "half_open")
    async with Database(addresses.app_dsn) as database, database.unit(None) as connection:
        (left,) = [one for one in await list_channels(connection) if one.name == CHANNEL]
        assert (left.state, left.openings) == (ChannelState.OPEN, 1)
        assert await probe_is_due(connection, CHANNEL, process="node-1")
