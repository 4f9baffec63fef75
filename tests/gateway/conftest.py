"""The HTTP surface over a real database and file store: two agencies of one node, their keys, an operator's key."""

from __future__ import annotations

import io
import json
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from aiohttp import ClientResponse, FormData
from aiohttp.test_utils import TestClient, TestServer

from lienthong.gateway.access import issue_key, issue_operator_key
from lienthong.gateway.api.app import make_app
from lienthong.gateway.bootstrap import fill_transitions
from lienthong.gateway.files.local import LocalStore
from lienthong.gateway.identifiers import new_id
from lienthong.gateway.node import Node
from lienthong.gateway.postgres.database import Database
from lienthong.gateway.settings import Settings

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
SENDER, RECEIVER = "000.00.08.H40", "000.00.09.H40"


class NoExaminer:
    """The API of these tests never looks into a file; whoever asks it to has made a mistake."""

    async def verify(self, request: object, *, sha256: str) -> Any:
        raise AssertionError(sha256)

    async def inspect(self, path: str, *, name: str, main: bool) -> dict[str, Any]:
        raise AssertionError(name)

    async def run(self, job: str, value: dict[str, Any]) -> dict[str, Any]:
        """Only the survey of a trust store, here an empty one."""
        assert job == "survey_store", value
        return {"store": value["trust_store"], "certificates": [], "lists": [], "timestampers": []}


@dataclass
class Room:
    """One node's surface as a client sees it."""

    node: Node
    client: TestClient[Any, Any]
    sender: UUID
    receiver: UUID
    sender_key: str
    receiver_key: str
    operator_key: str

    async def get(self, path: str, *, key: str | None = None, **options: Any) -> ClientResponse:
        return await self.client.get(path, headers=self._bearer(key, options), **options)

    async def post(self, path: str, body: object = None, *, key: str | None = None, **options: Any) -> ClientResponse:
        return await self.client.post(path, json=body, headers=self._bearer(key, options), **options)

    async def submit(
        self,
        metadata: dict[str, Any] | bytes | None = None,
        *files: tuple[str, str, bytes],
        key: str | None = None,
        idempotency_key: str = "k-1",
        path: str = "/v1/documents",
    ) -> ClientResponse:
        headers = {"Authorization": f"Bearer {key or self.sender_key}"}
        if path == "/v1/documents":
            headers["Idempotency-Key"] = idempotency_key
        form = multipart(document() if metadata is None else metadata, *files)
        return await self.client.post(path, data=form, headers=headers)

    async def send(self, body: bytes | AsyncIterator[bytes], *, content_type: str, **headers: str) -> ClientResponse:
        """A body made by hand to POST /v1/documents."""
        headers = {"Authorization": f"Bearer {self.sender_key}", "Content-Type": content_type, **headers}
        return await self.client.post("/v1/documents", data=body, headers={"Idempotency-Key": "k-1"} | headers)

    async def one(self, query: str, *values: object) -> Any:
        """A value straight from the database."""
        async with self.node.db.unit(None) as conn:
            return await conn.fetchval(query, *values)

    async def documents(self) -> int:
        return await self.one("SELECT count(*) FROM exchange")

    def stored(self) -> list[Path]:
        """Every file below the node's data folder."""
        kept = [path for path in self.node.settings.data_dir.rglob("*") if path.is_file()]
        return [path for path in kept if path.name != "check-page.key"]  # made at the start, of nobody's document

    def _bearer(self, key: str | None, options: dict[str, Any]) -> dict[str, str]:
        headers = dict(options.pop("headers", {}))
        if key != "":
            headers["Authorization"] = f"Bearer {key or self.sender_key}"
        return headers


def document(**changes: Any) -> dict[str, Any]:
    """Metadata that nothing is wrong with."""
    value: dict[str, Any] = {
        "recipients": [RECEIVER],
        "number": "15",
        "notation": "STTTT-VP",
        "promulgation_date": "2026-03-02",
        "type_name": "Công văn",
        "subject": "V/v triển khai gửi, nhận văn bản điện tử",
        "signer": {"full_name": "Nguyễn Văn An", "position": "Giám đốc"},
    }
    value.update(changes)
    return {name: item for name, item in value.items() if item is not None}


def multipart(metadata: dict[str, Any] | bytes, *files: tuple[str, str, bytes]) -> FormData:
    form = FormData(default_to_multipart=True)
    content = metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode()
    form.add_field("metadata", content, filename="metadata.json", content_type="application/json")
    for name, filename, body in files or (("main", "công văn 15.pdf", PDF),):
        form.add_field(name, io.BytesIO(body), filename=filename, content_type="application/octet-stream")
    return form


@pytest.fixture
def http() -> dict[str, Any]:
    """Settings of [http] that a test wants otherwise (parametrize it)."""
    return {}


@pytest_asyncio.fixture
async def node(
    database: Database, tmp_path: Path, clock: Callable[[], datetime], ids: Callable[[], UUID], http: dict[str, Any]
) -> Node:
    settings = Settings.model_validate({"data_dir": tmp_path / "data", "http": http})
    scratch = settings.data_dir / "scratch"
    scratch.mkdir(parents=True)
    await fill_transitions(database)
    files = LocalStore(settings.data_dir / "files", token=lambda: os.urandom(8).hex(), reserve=0)
    await files.start(older_than=datetime.now(UTC))
    return Node(
        db=database,
        files=files,
        verifier=NoExaminer(),
        axes={},
        settings=settings,
        clock=clock,
        new_id=ids,
        random=lambda: 0.5,
        scratch=scratch,
        trust_folder=settings.data_dir,
    )


@pytest_asyncio.fixture
async def room(node: Node) -> AsyncIterator[Room]:
    sender = await add_agency(node, SENDER, "Sở Thông tin và Truyền thông")
    receiver = await add_agency(node, RECEIVER, "Sở Tài chính")
    app = make_app(node)
    async with TestClient(TestServer(app)) as client:
        yield Room(
            node=node,
            client=client,
            sender=sender,
            receiver=receiver,
            sender_key=await issue_key(node.db, sender, "eOffice", new_id=node.new_id, random_bytes=os.urandom),
            receiver_key=await issue_key(node.db, receiver, "eOffice", new_id=node.new_id, random_bytes=os.urandom),
            operator_key=await issue_operator_key(node.db, "trực", new_id=node.new_id, random_bytes=os.urandom),
        )


async def add_agency(node: Node, code: str, name: str) -> UUID:
    agency_id = new_id(lambda: datetime.now(UTC), os.urandom)
    async with node.db.unit(None) as conn:
        await node.db.queries.insert_agency(
            conn, id=agency_id, code=code, name=name, in_charge=None, address=None, email=None
        )
    return agency_id
