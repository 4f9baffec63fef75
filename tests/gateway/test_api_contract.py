"""The contract: the document is valid, every operation answers as it says, keys open only what is theirs."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from openapi_spec_validator import validate

from lienthong.gateway.access import issue_key, revoke_key
from lienthong.gateway.api.app import HANDLERS, SURFACE, close_gate
from lienthong.gateway.api.contract import Audience, load_contract
from lienthong.gateway.api.faults import check
from lienthong.gateway.errors import GatewayError
from lienthong.gateway.identifiers import Noun, parse, show
from lienthong.gateway.pipeline.holding import hold_outward

from .conftest import RECEIVER, SENDER, document

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from .conftest import Room

CONTRACT = load_contract()
DOCUMENT = json.loads(CONTRACT.as_json)
PROBLEM = {"application/problem+json": json.loads}
OPENAPI = OpenAPI.from_dict(DOCUMENT, config=Config(extra_media_type_deserializers=PROBLEM))
VALUES = {
    "id": {
        "/v1/operations": show(Noun.HOLD, UUID(int=9)),
        "/v1/signing/cases": show(Noun.SIGNING_CASE, UUID(int=9)),
        "/v1/signing/sessions": show(Noun.SIGNING_SESSION, UUID(int=9)),
        "/v1/": show(Noun.EXCHANGE, UUID(int=9)),
    },
    "ticket": {"/v1/": f"ve_{'0' * 48}"},
    "n": {"/v1/": "0"},
    "direction": {"/v1/": "incoming"},
    "year": {"/v1/": "2026"},
    "name": {"/v1/": "axis:local"},
    "sha256": {"/v1/": "0" * 64},
}
BODIES = {
    "reserveNumber": {"year": 2026, "notation": "X"},
    "refuseIncoming": {"reason": "x"},
    "reportStatus": {"status": "04"},
}


def path_of(template: str) -> str:
    for name, values in VALUES.items():
        value = next(value for prefix, value in values.items() if template.startswith(prefix) or prefix == "/v1/")
        template = template.replace(f"{{{name}}}", value)
    return template


async def as_described(answer: ClientResponse, method: str, path: str) -> None:
    """Raises when the answer is not what the contract says for this operation."""
    request = MockRequest("http://127.0.0.1:8180", method.lower(), path.partition("?")[0])
    response = MockResponse(await answer.read(), answer.status, dict(answer.headers), answer.content_type)
    OPENAPI.validate_response(request, response)


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1")


def test_everything_that_is_checked_by_it_is_a_schema() -> None:
    """The node compiles them unasked."""
    bodies = [operation.body for operation in CONTRACT.operations if operation.body]
    parameters = [parameter.validator for operation in CONTRACT.operations for parameter in operation.parameters]
    for validator in (CONTRACT.metadata, CONTRACT.signing, *bodies, *parameters):
        Draft202012Validator.check_schema(validator.schema)
    assert len(bodies) > 10
    assert len(parameters) > 50


def test_every_operation_has_a_handler_and_words() -> None:
    assert {operation.id for operation in CONTRACT.operations} == set(HANDLERS)
    for item in DOCUMENT["paths"].values():
        for method in item.keys() & {"get", "post"}:
            assert item[method]["summary"]
            assert item[method]["tags"]


def test_examples_are_what_the_schemas_take() -> None:
    for example in DOCUMENT["components"]["schemas"]["DocumentMetadata"]["examples"]:
        assert check(CONTRACT.metadata, example) == []
    bodies = [operation.body for operation in CONTRACT.operations if operation.body is not None]
    examples = [(body, example) for body in bodies for example in body.schema.get("examples", ())]
    assert len(examples) >= 4
    for body, example in examples:
        assert check(body, example) == []
    assert check(CONTRACT.metadata, document()) == []


@pytest.mark.parametrize("operation", CONTRACT.operations, ids=lambda operation: operation.id)
async def test_every_answer_is_as_described_and_keys_are_asked(room: Room, operation: Any) -> None:
    keys = {Audience.AGENCY: room.sender_key, Audience.OPERATOR: room.operator_key, Audience.ANYBODY: ""}
    other = {Audience.AGENCY: room.operator_key, Audience.OPERATOR: room.sender_key}
    path = path_of(operation.path)
    body = BODIES.get(operation.id, {"reason": "x"} if operation.audience is Audience.OPERATOR else {})

    async def call(key: str) -> ClientResponse:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        sent = body if operation.body is not None else None
        return await room.client.request(operation.method, path, json=sent, headers=headers)

    answer = await call(keys[operation.audience])
    await as_described(answer, operation.method, path)
    assert answer.status != 500
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if operation.audience is not Audience.ANYBODY:
        assert (await call("")).status == 401
        assert (await call(keys[operation.audience] + "0")).status == 401
        assert (await call(other[operation.audience])).status == 403


async def test_documents_are_described_as_they_are_shown(room: Room) -> None:
    answer = await room.submit()
    await as_described(answer, "POST", "/v1/documents")
    location = answer.headers["Location"]
    for path in (location, f"{location}/timeline", "/v1/documents"):
        answer = await room.get(path)
        assert answer.status == 200
        await as_described(answer, "GET", path)
    certificate = await room.get(f"{location}/certificate")
    assert (certificate.status, certificate.content_type) == (200, "application/pdf")
    assert (await certificate.read()).startswith(b"%PDF-")


async def test_own_documents_newest_first_page_by_page(room: Room) -> None:
    made = []
    for number in range(5):
        room.node.clock.advance(seconds=1)  # type: ignore[attr-defined]
        answer = await room.submit(document(number=str(number)), idempotency_key=f"k-{number}")
        made.append((await answer.json())["id"])
    seen: list[str] = []
    cursor = ""
    while True:
        page = await (await room.get(f"/v1/documents?limit=2&state=accepted{cursor}")).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&after={page['next']}"
    assert seen == made[::-1]
    assert (await (await room.get("/v1/documents?state=sent")).json())["items"] == []
    assert (await (await room.get("/v1/documents", key=room.receiver_key)).json())["items"] == []


async def test_the_timeline_goes_on_page_by_page(room: Room) -> None:
    location = (await room.submit()).headers["Location"]
    first = await (await room.get(f"{location}/timeline?limit=1")).json()
    rest = await (await room.get(f"{location}/timeline?after={first['next']}")).json()
    assert [(item["subject"], item["to"]) for item in first["items"] + rest["items"]] == [
        ("outward", "accepted"),
        ("delivery", "waiting"),
    ]
    assert rest["items"][0]["recipient"] == RECEIVER
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/v1/mailbox?after=x", "query:after"),
        ("/v1/mailbox?after=-1", "query:after"),
        ("/v1/mailbox?limit=201", "query:limit"),
        ("/v1/mailbox?limit=1.5", "query:limit"),
        (f"/v1/mailbox?limit={'9' * 5000}", "query:limit"),
        ("/v1/mailbox?afer=1", "query:afer"),
        ("/v1/documents?state=lost", "query:state"),
        ("/v1/documents/vb_1", "path:id"),
        ("/v1/registers/outgoing/1", "path:year"),
        ("/v1/agencies?q=%00a", "query:q"),
    ],
)
async def test_parameters_are_checked(room: Room, path: str, place: str) -> None:
    answer = await room.get(path)
    body = await answer.json()
    assert (answer.status, body["code"]) == (400, "REQUEST_INVALID")
    assert [fault["place"] for fault in body["faults"]] == [place]


async def test_identifiers_of_another_kind_are_refused(room: Room) -> None:
    answer = await room.get("/v1/agencies?after=e30=")
    assert (answer.status, (await answer.json())["code"]) == (400, "REQUEST_INVALID")
    answer = await room.get(f"/v1/documents/vb_{'-' * 32}")
    assert (answer.status, (await answer.json())["code"]) == (400, "IDENTIFIER_MALFORMED")


async def test_agencies_by_code_by_name_and_page_by_page(room: Room) -> None:
    async with room.node.db.unit(None) as conn:
        await room.node.db.queries.upsert_directory(
            conn,
            axis="national",
            generation=1,
            axis_ids=["1", "2", "3"],
            codes=["A01", "B02", "C03"],
            codes102=["000.00.00.A01", None, None],
            old_codes=[None, "old-b", None],
            names=["Bộ Nội vụ", "Bộ Tài chính", "Sở Nội vụ"],
            parent_ids=[None, None, None],
            emails=[None, None, None],
        )

    async def codes(query: str) -> list[str]:
        answer = await room.get(f"/v1/agencies{query}")
        await as_described(answer, "GET", "/v1/agencies")
        return [item["code"] for item in (await answer.json())["items"]]

    assert await codes("?code=000.00.00.a01") == ["A01"]
    assert await codes("?code=OLD-B") == ["B02"]
    assert await codes("?q=nội vụ") == ["A01", "C03"]
    assert await codes(f"?code={SENDER.lower()}") == [SENDER]
    seen: list[str] = []
    cursor = ""
    while True:
        page = await (await room.get(f"/v1/agencies?limit=2{cursor}")).json()
        seen += [item["code"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&after={page['next']}"
    assert seen == [SENDER, RECEIVER, "A01", "B02", "C03"]


async def test_an_operator_releases_what_is_held_and_the_sender_reads_why(room: Room) -> None:
    location = (await room.submit()).headers["Location"]
    exchange_id = parse(Noun.EXCHANGE, location.rpartition("/")[2])
    async with room.node.db.unit(room.sender) as conn:
        exchange = await room.node.db.queries.exchange_by_id(conn, id=exchange_id)
        await hold_outward(room.node, conn, exchange, code="SIG_NOT_SIGNED", reason="Chưa ký số.")
    listed = await room.get("/v1/operations/holds", key=room.operator_key)
    await as_described(listed, "GET", "/v1/operations/holds")
    hold = (await listed.json())["items"][0]
    assert (hold["code"], hold["exchange"]) == ("SIG_NOT_SIGNED", location.rpartition("/")[2])
    path = f"/v1/operations/holds/{hold['id']}"
    assert (await room.get(path, key=room.operator_key)).status == 200
    released = await room.post(f"{path}/release", {"reason": "Đã xác minh qua điện thoại."}, key=room.operator_key)
    assert (released.status, (await released.json())["closed_by"]) == (200, "operator:trực")
    twice = await room.post(f"{path}/cancel", {"reason": "x"}, key=room.operator_key)
    assert (twice.status, (await twice.json())["code"]) == (409, "HOLD_CLOSED")
    shown = await (await room.get(location)).json()
    assert shown["holds"][0]["closing_reason"] == "Đã xác minh qua điện thoại."
    assert "closed_by" not in shown["holds"][0]


async def test_a_revoked_key_ends_within_seconds(room: Room) -> None:
    key = await issue_key(room.node.db, room.sender, "", new_id=room.node.new_id, random_bytes=os.urandom)
    assert (await room.get("/v1/mailbox", key=key)).status == 200
    await revoke_key(room.node.db, key.split("_")[1])
    room.node.clock.advance(seconds=5)  # type: ignore[attr-defined]
    answer = await room.get("/v1/mailbox", key=key)
    assert (answer.status, (await answer.json())["code"]) == (401, "KEY_INVALID")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    with pytest.raises(GatewayError, match="tiền tố"):
        await revoke_key(room.node.db, key.split("_")[1])


async def test_only_the_hash_of_a_key_is_stored(room: Room) -> None:
    secret = room.sender_key.split("_")[2]
    stored = await room.one("SELECT string_agg(k::text, '') FROM api_key k")
    assert secret not in stored
    assert len(secret) == 64


@pytest.mark.parametrize("key", ["", "x", "lt__", "lt_x_y", "Bearer", "lt_\udcff_x"])
async def test_nonsense_is_no_key(room: Room, key: str) -> None:
    with pytest.raises(GatewayError) as caught:
        await room.client.app[SURFACE].keys.recognise(key)  # type: ignore[union-attr]
    assert caught.value.code == "KEY_INVALID"


async def test_a_node_that_stops_lets_nothing_in(room: Room) -> None:
    assert (await room.get("/readyz", key="")).status == 200
    close_gate(room.client.app)  # type: ignore[arg-type]
    for answer in (await room.get("/readyz", key=""), await room.submit()):
        assert (answer.status, (await answer.json())["code"]) == (503, "NODE_STOPPING")
        assert int(answer.headers["Retry-After"]) > 0
    assert (await room.get("/healthz", key="")).status == 200
    assert (await room.get("/v1/mailbox")).status == 200
