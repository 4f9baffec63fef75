"""Journeys of outgoing documents: channel x outcome, as the eOffice of the sender lives them."""

from __future__ import annotations

from lienthong.tests.journeys.province import LONG, Province
from lienthong.tests.waiting import until

NGHE_AN = "000.00.00.H41"  # a robot that answers 01, 03, 04, 05, 06
FINANCE = "000.00.00.G12"  # a robot that answers 01, then 02 with a reason
SILENT = "000.00.00.G99"  # takes no notice
NEIGHBOUR = "000.00.02.H99"


async def test_a_signed_letter_reaches_neighbour_province_and_ministry_and_its_statuses_come_back(
    province: Province,
) -> None:
    paper = await province.papers.signed("12")
    letter = province.letter("12", NGHE_AN, FINANCE, NEIGHBOUR)
    status, accepted = await province.sender.post(letter, paper, key="first")
    assert status == 202, accepted

    expected = {NGHE_AN: "finished", FINANCE: "refused", NEIGHBOUR: "arrived"}

    async def settled() -> bool:
        return await province.sender.states(accepted["id"]) == expected

    await until(settled, LONG)
    codes = [item["detail"]["status_code"] for item in await province.sender.mailbox("status")]
    assert sorted(codes) == ["01", "01", "01", "02", "03", "04", "05", "06"]
    register = await province.rows("SELECT document_number, recipients FROM register_entry")
    assert [row["document_number"] for row in register] == ["12/SKHCN-CĐS"]


async def test_the_same_letter_posted_again_with_its_key_happens_once(province: Province) -> None:
    paper = await province.papers.signed("13")
    letter = province.letter("13", SILENT)
    first = await province.sender.post(letter, paper, key="same")
    second = await province.sender.post(letter, paper, key="same")
    assert first == second
    assert len(await province.rows("SELECT id FROM exchange")) == 1


async def test_a_letter_without_the_agencys_signature_is_held_and_goes_when_a_person_releases_it(
    province: Province,
) -> None:
    paper = await province.papers.leader_only("14")
    status, accepted = await province.sender.post(province.letter("14", SILENT), paper, key="held")
    assert status == 202

    async def held() -> list[dict[str, object]]:
        _, page = await province.operator.call("GET", "/v1/operations/holds")
        return page["items"]

    (hold,) = await until(held, LONG)
    assert hold["code"] == "SIG_REQUIRED_SET_MISSING"
    assert (await province.sender.mailbox("hold"))[0]["detail"]["code"] == hold["code"]
    assert province.emulator.controls.ledger.state.packages == {}

    path = f"/v1/operations/holds/{hold['id']}/release"
    status, answer = await province.operator.call("POST", path, json={"reason": "Đã xác minh với lãnh đạo."})
    assert status == 200, answer

    async def sent() -> bool:
        return await province.sender.states(accepted["id"]) == {SILENT: "sent"}

    await until(sent, LONG)


async def test_a_number_is_used_once_in_a_year(province: Province) -> None:
    paper = await province.papers.signed("15")
    assert (await province.sender.post(province.letter("15", SILENT), paper, key="one"))[0] == 202
    status, problem = await province.sender.post(province.letter("15", NGHE_AN), paper, key="two")
    assert (status, problem["code"]) == (409, "NUMBER_TAKEN")


async def test_a_secret_document_is_refused_and_leaves_no_content(province: Province) -> None:
    paper = await province.papers.signed("16")
    letter = province.letter("16", SILENT, secrecy="Mật")
    status, problem = await province.sender.post(letter, paper, key="secret")
    assert (status, problem["code"]) == (422, "SECRET_REFUSED")
    store = province.node.settings.data_dir / "files"
    stored = [file for file in store.rglob("*") if file.is_file() and file != store / "owner"]  # whose the store is
    assert stored == []
    assert await province.rows("SELECT id FROM exchange") == []


async def test_a_reserved_number_is_written_into_register_and_envelope(province: Province) -> None:
    ask = {"year": province.papers.today.year, "notation": "SKHCN-CĐS", "subject": "V/v giữ số"}
    code, reservation = await province.sender.call("POST", "/v1/numbers", json=ask)
    assert code in (200, 201), reservation
    letter = province.letter("x", SILENT, reservation=reservation["reservation"])
    del letter["number"]
    paper = await province.papers.signed("18")
    code, accepted = await province.sender.post(letter, paper, key="reserved")
    assert code == 202, accepted
    assert accepted["document_id"].endswith(",01/SKHCN-CĐS")

    async def entered() -> list[dict[str, object]]:
        return await province.rows("SELECT number, number_text, allotted FROM register_entry")

    (entry,) = await until(entered, LONG)
    assert entry == {"number": 1, "number_text": "01", "allotted": True}
    code, problem = await province.sender.post(letter, paper, key="reserved-again")
    assert (code, problem["code"]) == (409, "RESERVATION_USED")
