"""The control plane over HTTP, as the demo uses it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from lienthong.adapters.axis import AckWord, MessageKind, OutcomeKind
from lienthong.tests.adapters.axes import OUR_KEY, OUR_SYSTEM, THEIR_SYSTEM, OverEmulator, over_emulator
from lienthong.tests.adapters.packages import OURS, THEIRS, document, frozen, status
from lienthong.tests.waiting import until

Clock = Callable[[], datetime]
Control = Callable[..., Any]
pytestmark = pytest.mark.timeout(20)


@pytest.fixture
async def axis(tmp_path: Path, clock: Clock) -> AsyncIterator[OverEmulator]:
    async with over_emulator(tmp_path / "axis", clock, client={"read_seconds": 0.2}) as running:
        yield running


@pytest.fixture
async def control(axis: OverEmulator) -> AsyncIterator[Control]:
    async with aiohttp.ClientSession(axis.emulator.control_url) as session:

        async def call(method: str, path: str, body: Any = None, expected: int = 200) -> Any:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body)
            async with session.request(method, path, data=data) as response:
                assert response.status == expected, await response.text()
                raw = await response.read()
                return json.loads(raw) if response.content_type == "application/json" else raw

        yield call


async def test_health(control: Control) -> None:
    assert await control("GET", "/health") == {"status": "ok", "agencies": 6, "packages": 0, "robots_owe": 0}


async def test_a_package_is_brought_in_as_if_its_sender_had_sent_it(
    axis: OverEmulator, control: Control, tmp_path: Path
) -> None:
    package = frozen(document(tmp_path, sender=THEIRS, receivers=(OURS,)), tmp_path / "in.edxml")
    answer = await control("POST", "/packages", package.path.read_bytes())
    assert (answer["kind"], answer["sender"], answer["sha256"]) == ("edoc", THEIRS, package.sha256)
    (item,) = await axis.ours.list_received(MessageKind.DOCUMENT)
    assert item.receiver_doc_id == answer["deliveries"][0]["receiver_doc_id"]
    assert await control("GET", f"/packages/{answer['axis_doc_id']}") == package.path.read_bytes()
    delivered = await control("GET", f"/packages/{answer['axis_doc_id']}?as=delivered")
    assert b"001.00.20.TT2" in delivered
    (waiting,) = await control("GET", f"/mailbox/{OURS}")
    assert waiting["receiver_doc_id"] == item.receiver_doc_id


async def test_what_is_no_package_or_goes_nowhere_is_400(control: Control, tmp_path: Path) -> None:
    assert (await control("POST", "/packages", b"<a/>", 400))["error"] == "22"
    package = frozen(document(tmp_path, receivers=("000.00.00.X01",)), tmp_path / "in.edxml")
    assert (await control("POST", "/packages", package.path.read_bytes(), 400))["error"] == "18"
    for path, body in (
        ("/faults", {"code": "F99"}),
        ("/faults", {}),
        ("/faults", []),
        ("/agencies", {"code": "x"}),
        ("/keys", {}),
    ):
        await control("POST", path, body, 400)
    await control("POST", "/redeliver", {"receiver_doc_id": "none"}, 404)
    await control("PUT", "/agencies/none/script", {}, 404)
    await control("GET", "/packages/none", expected=404)


async def test_a_script_set_while_it_runs_answers(axis: OverEmulator, control: Control, tmp_path: Path) -> None:
    await control("PUT", "/pace", {"seconds": 0})
    await control("PUT", f"/agencies/{THEIRS}/script", {"script": ["01", "02:Sai thể thức"]})
    await axis.ours.send(frozen(document(tmp_path), tmp_path / "sent.edxml"))

    async def answered() -> bool:
        return len(await axis.ours.list_received(MessageKind.STATUS)) == 2

    await until(answered, deadline=10.0)
    listed = await control("GET", f"/packages?kind=status&sender={THEIRS}&receiver={OURS}")
    assert [(one["status_code"], one["title"]) for one in listed] == [("01", "Đã đến"), ("02", "Sai thể thức")]
    assert await control("GET", "/packages?kind=status&sender=nobody") == []


async def test_an_acknowledged_item_is_delivered_again_and_twice(
    axis: OverEmulator, control: Control, tmp_path: Path
) -> None:
    await axis.theirs.send(frozen(status(), tmp_path / "status.edxml"))
    (item,) = await axis.ours.list_received(MessageKind.STATUS)
    await axis.ours.ack(item.receiver_doc_id, AckWord.DONE)
    await control("POST", "/redeliver", {"receiver_doc_id": item.receiver_doc_id})
    twin = await control("POST", "/redeliver", {"receiver_doc_id": item.receiver_doc_id, "twin": True})
    listed = await axis.ours.list_received(MessageKind.STATUS)
    assert [one.receiver_doc_id for one in listed] == [item.receiver_doc_id, twin["receiver_doc_id"]]


async def test_faults_are_injected_listed_and_cleared(axis: OverEmulator, control: Control, tmp_path: Path) -> None:
    package = frozen(document(tmp_path), tmp_path / "sent.edxml")
    await control("POST", "/faults", {"code": "F05", "operation": "sendEdoc", "variant": "21", "count": 9})
    assert (await axis.ours.send(package)).code == "21"
    (fault,) = await control("GET", "/faults")
    assert (fault["code"], fault["count"]) == ("F05", 8)
    await control("DELETE", "/faults")
    assert (await axis.ours.send(package)).kind is OutcomeKind.ACCEPTED


async def test_keys_are_rotated(axis: OverEmulator, control: Control) -> None:
    await control("POST", "/keys", {"system_id": OUR_SYSTEM, "secrets": []})
    package_list = axis.ours.list_received(MessageKind.DOCUMENT)
    with pytest.raises(Exception, match="khóa"):
        await package_list
    await control("POST", "/keys", {"system_id": OUR_SYSTEM, "secrets": [OUR_KEY]})
    assert await axis.ours.list_received(MessageKind.DOCUMENT) == []


async def test_agencies_are_seeded_and_the_axis_is_reset(axis: OverEmulator, control: Control, tmp_path: Path) -> None:
    await control("POST", "/agencies", [{"code": "000.00.00.G01", "name": "Bộ Mới", "center": THEIR_SYSTEM}])
    await axis.ours.send(frozen(document(tmp_path, receivers=("000.00.00.G01",)), tmp_path / "sent.edxml"))
    assert len(await control("GET", "/agencies")) == 7
    assert len(await control("GET", "/requests?operation=sendEdoc")) == 1
    await control("POST", "/reset")
    assert await control("GET", "/health") == {"status": "ok", "agencies": 6, "packages": 0, "robots_owe": 0}
    assert await control("GET", "/packages") == []
    assert await control("GET", "/requests") == []
    assert await axis.theirs.list_received(MessageKind.DOCUMENT) == []
    assert list(axis.emulator.controls.ledger.folders.packages.iterdir()) == []
    await control("DELETE", "/requests")
    await control("POST", "/reset", {"seed": False})
    assert (await control("GET", "/health"))["agencies"] == 0
