"""What a process serves over HTTP by its roles: the API, the pages and operations of people, or both."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from lienthong.gateway.api.app import make_app
from lienthong.gateway.settings import Settings, SettingsError

if TYPE_CHECKING:
    from .conftest import Room

MACHINES = ("/v1/mailbox", "/v1/documents", "/v1/signing/cases")
PEOPLE = ("/", "/docs", "/docs/events", "/kiem-tra", "/static/docs.js")
OPERATORS = ("/v1/operations/holds", "/v1/operations/channels")
EVERYBODY = ("/healthz", "/readyz", "/errors", "/errors/DISK_LOW", "/openapi.yaml", "/static/pages.css")
Serve = Callable[..., AbstractAsyncContextManager[TestClient[Any, Any]]]


@pytest.fixture
def serve(room: Room) -> Serve:
    @asynccontextmanager
    async def with_roles(*roles: str) -> AsyncIterator[TestClient[Any, Any]]:
        settings = room.node.settings.model_copy(update={"roles": roles})
        async with TestClient(TestServer(make_app(dataclasses.replace(room.node, settings=settings)))) as client:
            yield client

    return with_roles


async def statuses(client: TestClient[Any, Any], key: str, *paths: str) -> set[int]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return {(await client.get(path, headers=headers)).status for path in paths}


async def test_the_api_alone_is_for_machines_and_explains_its_errors(room: Room, serve: Serve) -> None:
    async with serve("api") as client:
        assert await statuses(client, room.sender_key, *MACHINES) == {200}
        assert await statuses(client, room.operator_key, *OPERATORS) == {200}
        assert await statuses(client, "", *EVERYBODY) == {200}
        assert await statuses(client, "", *PEOPLE) == {404}
        page = await (await client.get("/errors/DISK_LOW")).text()
        for link in re.findall(r'(?:href|src)="(/[^"]*)"', page):
            assert (await client.get(link)).status == 200, link


async def test_the_console_alone_is_for_people_and_takes_no_documents(room: Room, serve: Serve) -> None:
    async with serve("console", "worker") as client:
        assert await statuses(client, "", *PEOPLE, *EVERYBODY) == {200}
        assert await statuses(client, room.operator_key, *OPERATORS) == {200}
        assert await statuses(client, room.sender_key, *MACHINES) == {404}
        headers = {"Authorization": f"Bearer {room.sender_key}"}
        assert (await client.post("/v1/documents", headers=headers)).status == 404


def test_an_embedded_database_serves_one_process_with_every_part_of_the_work() -> None:
    assert "console" not in Settings.model_validate({"roles": ("api", "worker", "relay", "poller")}).roles
    with pytest.raises(SettingsError, match="nhúng"):
        Settings.load(None, {"LIENTHONG_ROLES": '["api", "console"]'})
