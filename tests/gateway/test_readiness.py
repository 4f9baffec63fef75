"""Readiness tells the truth, part by part; the health port says the same where there is no API."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp.test_utils import unused_port

from lienthong.gateway.api.health import open_probes
from lienthong.gateway.files.s3_place import S3Place
from lienthong.gateway.postgres.database import Database
from lienthong.gateway.postgres.migrations.standing import known_steps
from lienthong.gateway.readiness import Readiness, Report
from lienthong.gateway.settings import Settings, SettingsError
from lienthong.tests.file_stores import s3_store

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Room

ALL_WELL = {"node": "ok", "database": "ok", "files": "ok", "broker": "ok"}


def without_api(room: Room) -> Room:
    settings = room.node.settings.model_copy(update={"roles": ("worker",)})
    return dataclasses.replace(room, node=dataclasses.replace(room.node, settings=settings))


async def say_step(owner_dsn: str, step: str) -> None:
    async with Database(owner_dsn) as owner, owner.unit(None) as conn:
        await conn.execute("UPDATE alembic_version SET version_num = $1", step)


async def look(room: Room, code: str | None = None) -> Report:
    return await Readiness(node=room.node, trouble=lambda: code).look()


async def test_all_is_well(room: Room) -> None:
    answer = await room.get("/readyz", key="")
    assert (answer.status, await answer.json()) == (200, {"status": "ok", "parts": ALL_WELL, "warnings": []})


async def test_the_health_port_says_the_same_and_no_more(room: Room) -> None:
    port, asked = unused_port(), False
    async with (
        open_probes(Readiness(node=room.node, stopping=lambda: asked), port),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
    ):
        async with http.get("/healthz") as alive, http.get("/readyz") as ready, http.get("/v1/mailbox") as other:
            assert (alive.status, ready.status, other.status) == (200, 200, 404)
            assert (await ready.json())["parts"] == ALL_WELL
        asked = True
        async with http.get("/healthz") as alive, http.get("/readyz") as ready:
            assert (alive.status, ready.status) == (200, 503)
            body = await ready.json()
            assert (body["code"], body["parts"]) == ("NODE_STOPPING", ALL_WELL | {"node": "NODE_STOPPING"})


async def test_a_database_behind_the_program_is_not_ready_and_one_ahead_is_told(room: Room, addresses) -> None:
    await say_step(addresses.dsn, known_steps()[-2])
    answer = await room.get("/readyz", key="")
    assert (answer.status, (await answer.json())["parts"]["database"]) == (503, "SCHEMA_BEHIND")
    await say_step(addresses.dsn, "9999")  # an upgrade begins with the database; the old program goes on
    report = await look(room)
    assert report.error is None
    assert "9999" in report.warnings[0]


async def test_a_database_that_is_gone_is_told_without_its_address(room: Room, addresses) -> None:
    async with Database(addresses.app_dsn) as database:
        node = dataclasses.replace(room.node, db=database)
    report = await Readiness(node=node).look()
    assert report.parts["database"].startswith("DATABASE_")
    assert report.error is not None
    assert addresses.app_dsn not in report.error.message


async def test_a_folder_that_cannot_be_written_is_not_ready(room: Room, tmp_path: Path) -> None:
    node = dataclasses.replace(room.node, scratch=tmp_path / "gone")
    report = await Readiness(node=node).look()
    assert report.parts == ALL_WELL | {"files": "FILE_STORE_FAILED"}


async def test_a_file_store_that_does_not_answer_is_not_ready(room: Room, tmp_path: Path) -> None:
    place = S3Place(
        endpoint=f"http://127.0.0.1:{unused_port()}",
        bucket="van-ban",
        region="mau",
        access_key="TEST",
        secret_key="TEST-secret",
        prefix="",
    )
    node = dataclasses.replace(room.node, files=s3_store(place, tmp_path / "s3"))
    (tmp_path / "s3" / "files").mkdir(parents=True)
    report = await Readiness(node=node).look()
    assert report.parts["files"] == "FILE_STORE_FAILED"
    assert report.error is not None
    assert "127.0.0.1" not in report.error.message


@pytest.mark.parametrize("code", ["KAFKA_AWAY", "BROKER_STALLED"])
async def test_kafka_is_a_reason_for_workers_and_a_warning_for_who_takes_documents_in(room: Room, code: str) -> None:
    api, worker = await look(room, code), await look(without_api(room), code)
    assert (api.error, api.parts) == (None, ALL_WELL)
    assert api.warnings[0].startswith(code)
    assert worker.error is not None
    assert (worker.error.code, worker.parts["broker"]) == (code, code)


def test_both_ports_are_not_one() -> None:
    with pytest.raises(SettingsError, match="health_port"):
        Settings.load(None, {"LIENTHONG_HTTP__PORT": "8180", "LIENTHONG_HTTP__HEALTH_PORT": "8180"})
