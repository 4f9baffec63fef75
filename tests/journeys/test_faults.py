"""Journeys through a failing axis (axis.md 12.3): nothing lost, nothing sent twice, nothing hidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from lienthong.adapters.emulator.faults import Fault, FaultCode
from lienthong.adapters.vxp.protocol import Operation
from lienthong.tests.journeys.outsiders import bring, letter, redeliver, status
from lienthong.tests.journeys.papers import OUTSIDE, SENDER
from lienthong.tests.journeys.province import LONG, Province
from lienthong.tests.waiting import until

SILENT = "000.00.00.G99"


def inject(province: Province, code: str, operation: Operation | None, *, count: int = 1, variant: str = "") -> None:
    province.emulator.controls.faults.inject(
        Fault(code=FaultCode(code), operation=operation, count=count, variant=variant)
    )


def at_the_axis(province: Province) -> int:
    """How many document packages the axis has of our sender."""
    packages = province.emulator.controls.ledger.state.packages.values()
    return sum(one.kind == "edoc" and one.sender == SENDER for one in packages)


async def post(province: Province, number: str, *, key: str) -> str:
    paper = await province.papers.signed(number)
    code, accepted = await province.sender.post(province.letter(number, SILENT), paper, key=key)
    assert code == 202, accepted
    document: str = accepted["id"]
    return document


async def wait_for(province: Province, document: str, state: str) -> None:
    async def reached() -> bool:
        return await province.sender.states(document) == {SILENT: state}

    await until(reached, LONG)


@pytest.mark.parametrize(
    ("fault", "variant"),
    [
        ("F01", ""),
        ("F02", ""),
        ("F03", ""),
        ("F04", "html502"),
        ("F04", "truncated"),
        ("F05", "20"),
        ("F06", "missing"),
        ("F06", "zero"),
    ],
)
async def test_a_send_that_fails_once_arrives_once(province: Province, fault: str, variant: str) -> None:
    inject(province, fault, Operation.SEND, variant=variant)
    document = await post(province, "31", key=f"{fault}{variant}")
    await wait_for(province, document, "sent")
    assert at_the_axis(province) == 1


async def test_a_refusal_of_the_axis_ends_the_delivery_with_its_reason(province: Province) -> None:
    inject(province, "F05", Operation.SEND, variant="18")
    document = await post(province, "32", key="refused")
    await wait_for(province, document, "undeliverable")
    _, view = await province.sender.call("GET", f"/v1/documents/{document}")
    assert view["state"] == "undeliverable"
    assert view["recipients"][0]["reason"]


@pytest.mark.parametrize("variant", ["401", "15"])
async def test_a_wrong_key_stops_the_channel_until_an_operator_resumes_it(province: Province, variant: str) -> None:
    inject(province, "F07", Operation.SEND, variant=variant)
    document = await post(province, "33", key=variant)

    async def paused() -> bool:
        _, page = await province.operator.call("GET", "/v1/operations/channels")
        return any(one["name"] == "axis:quoc-gia" and one["state"] == "paused" for one in page["items"])

    await until(paused, LONG)
    assert at_the_axis(province) == 0
    path = "/v1/operations/channels/axis:quoc-gia/resume"
    code, answer = await province.operator.call("POST", path, json={"reason": "Đã thay khóa."})
    assert code == 200, answer
    await wait_for(province, document, "sent")
    assert at_the_axis(province) == 1


async def test_a_lost_acknowledgement_is_said_again_and_nothing_happens_twice(
    province: Province, tmp_path: Path
) -> None:
    paper = await province.papers.signed("34", by=OUTSIDE)
    inject(province, "F16", Operation.UPDATE)
    await bring(province, letter(province, "34", paper, to=(SENDER,)), tmp_path)

    async def said_twice() -> bool:
        rows = await province.rows("SELECT acknowledgements FROM incoming_package")
        return [row["acknowledgements"] for row in rows] == [2]

    await until(said_twice, LONG)
    await until(lambda: province.sender.mailbox("document"), LONG)
    assert len(await province.sender.mailbox("document")) == 1


async def test_a_redelivered_item_is_acknowledged_again(province: Province, tmp_path: Path) -> None:
    paper = await province.papers.signed("35", by=OUTSIDE)
    await bring(province, letter(province, "35", paper, to=(SENDER,)), tmp_path)
    await until(lambda: province.sender.mailbox("document"), LONG)
    (row,) = await province.rows("SELECT receiver_doc_id FROM incoming_package")
    await redeliver(province, row["receiver_doc_id"])

    async def again() -> bool:
        rows = await province.rows("SELECT acknowledgements FROM incoming_package")
        return [row["acknowledgements"] for row in rows] == [2]

    await until(again, LONG)
    assert len(await province.sender.mailbox("document")) == 1


async def test_a_list_that_cannot_be_read_is_never_an_empty_mailbox(province: Province, tmp_path: Path) -> None:
    inject(province, "F04", Operation.RECEIVED, count=2, variant="html503")
    paper = await province.papers.signed("36", by=OUTSIDE)
    await bring(province, letter(province, "36", paper, to=(SENDER,)), tmp_path)
    await until(lambda: province.sender.mailbox("document"), LONG)


async def test_statuses_twice_late_and_unknown_are_kept_and_move_forward_only(
    province: Province, tmp_path: Path
) -> None:
    paper = await province.papers.signed("37")
    _, accepted = await province.sender.post(province.letter("37", SILENT), paper, key="statuses")
    await wait_for(province, accepted["id"], "sent")
    late = status(province, "01", sender=SILENT, of=SENDER, number="37")
    for package in (status(province, "03", sender=SILENT, of=SENDER, number="37"), late, late):
        await bring(province, package, tmp_path)

    async def three_settled() -> bool:
        rows = await province.rows("SELECT state FROM incoming_package")
        return [row["state"] for row in rows] == ["settled"] * 3

    await until(three_settled, LONG)
    assert await province.sender.states(accepted["id"]) == {SILENT: "registered"}
    history = await province.rows("SELECT status_code FROM status_entry ORDER BY status_code")
    assert [row["status_code"] for row in history] == ["01", "03"]


async def test_a_crash_between_sending_and_recording_asks_before_it_sends_again(province: Province) -> None:
    """An attempt without an outcome, as a killed node leaves it: the axis has the package, so it is found."""
    document = await post(province, "38", key="crash")
    await wait_for(province, document, "sent")
    async with province.node.db.unit(None) as conn:
        await conn.execute("UPDATE outgoing_package SET state = 'sending'")
        await conn.execute("UPDATE delivery SET state = 'waiting'")
        await conn.execute("UPDATE exchange SET state = 'packaged'")
        await conn.execute(
            "INSERT INTO attempt (id, agency_id, package_id, number)"
            " SELECT gen_random_uuid(), agency_id, id, 2 FROM outgoing_package"
        )
        await conn.execute(
            "INSERT INTO work (id, kind, key, channel, payload)"
            " SELECT gen_random_uuid(), 'dispatch', 'crashed', 'axis:quoc-gia',"
            " jsonb_build_object('package_id', id, 'axis', axis) FROM outgoing_package"
        )
    await wait_for(province, document, "sent")
    assert at_the_axis(province) == 1
    outcomes = await province.rows("SELECT code FROM attempt_outcome o JOIN attempt a ON a.id = o.attempt_id")
    assert "CRASH" in {row["code"] for row in outcomes}


async def test_a_key_refused_while_looking_for_mail_stops_the_channel_too(province: Province) -> None:
    inject(province, "F07", Operation.RECEIVED, variant="401")

    async def paused() -> bool:
        _, page = await province.operator.call("GET", "/v1/operations/channels")
        return any(one["name"] == "axis:quoc-gia" and one["state"] == "paused" for one in page["items"])

    await until(paused, LONG)
