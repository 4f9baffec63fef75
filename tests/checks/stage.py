"""The node's pages on a real port, with real workers, database and TEST certificates, for a real browser."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from lienthong.deploy.demo.pki import STORE
from lienthong.edxml.identifiers import DocumentId, OrganCode
from lienthong.edxml.model import (
    Attachment,
    Business,
    BusinessType,
    DocumentPackage,
    DocumentType,
    Organization,
    Signer,
    TraceHeader,
)
from lienthong.edxml.writer import write_package
from lienthong.gateway.api.app import make_app
from lienthong.gateway.bootstrap import fill_transitions
from lienthong.gateway.checks.file_facts import VIETNAM
from lienthong.gateway.examiner import open_examiner
from lienthong.gateway.files.local import LocalStore
from lienthong.gateway.identifiers import new_id
from lienthong.gateway.node import Node
from lienthong.gateway.postgres.database import Database
from lienthong.gateway.settings import Settings
from lienthong.tests.signing.desk import OTHER, SENDER, SENDER_NAME, Desk

CHROMIUM = Path("/usr/bin/chromium")
SMALL = {"max_file_bytes": 1_000_000, "max_body_bytes": 1_200_000}  # so that "too large" is quickly said


def clock() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def open_checking_node(dsn: str, folder: Path, desk: Desk) -> AsyncIterator[Node]:
    """A node that trusts the desk's TEST authority and knows the sender's certificates."""
    settings = Settings.model_validate(
        {
            "data_dir": folder,
            "province_name": "tỉnh Mẫu",
            "signing": {"trust_dir": desk.folder, "trust_store": STORE},
            "http": SMALL,
            "check_page": {"per_minute": 6000},
        }
    )
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(Database(dsn))
        await fill_transitions(db)
        files = LocalStore(folder / "files", token=lambda: os.urandom(8).hex(), reserve=0)
        await files.start(older_than=clock())
        node = Node(
            db=db,
            files=files,
            verifier=await stack.enter_async_context(open_examiner(settings)),
            axes={},
            settings=settings,
            clock=clock,
            new_id=lambda: new_id(clock, os.urandom),
            random=lambda: 0.5,
            scratch=scratch,
            trust_folder=desk.folder,
        )
        await _introduce(node, desk)
        yield node


async def _introduce(node: Node, desk: Desk) -> None:
    """The two agencies of the desk, and the register of their certificates."""
    async with node.db.unit(None) as conn:
        for code, name in ((SENDER, SENDER_NAME), (OTHER, "Sở Y tế tỉnh Mẫu")):
            await node.db.queries.insert_agency(
                conn, id=node.new_id(), code=code, name=name, in_charge=None, address=None, email=None
            )
        for entry in desk.registry:
            await node.db.queries.insert_certificate(
                conn,
                sha256=entry.sha256,
                agency_code=entry.agency_code,
                role=entry.role.value,
                holder="TEST",
                valid_from=datetime(2020, 1, 1, tzinfo=UTC),
                valid_to=None,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Files as a clerk has them in a folder."""

    good: Path
    altered: Path
    one_signature: Path
    package: Path
    nonsense: Path
    empty: Path
    large: Path


def make_material(desk: Desk, folder: Path) -> Material:
    def write(name: str, content: bytes) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    good = write("15-STC-VP công văn.pdf", desk.profile)
    return Material(
        good=good,
        altered=write("bị sửa.pdf", desk.profile.replace(b" 842 ]", b" 843 ]", 1)),
        one_signature=write("một chữ ký.pdf", desk.sign(desk.blank, desk.leader, "Signature1")),
        package=_package(desk, folder / "gói tin.edxml", good, write("phụ lục.pdf", desk.blank)),
        nonsense=write("ảnh.pdf", b"\x89PNG\r\n\x1a\n" + bytes(100)),
        empty=write("rỗng.pdf", b""),
        large=write("lớn.pdf", b"%PDF-1.7\n" + bytes(3_000_000)),
    )


def document_package(desk: Desk, *files: Path) -> DocumentPackage:
    """A new document of the sender with these attachments."""
    return DocumentPackage(
        sender=Organization(code=OrganCode(SENDER), name=SENDER_NAME),
        receivers=(Organization(code=OrganCode(OTHER), name="Sở Y tế tỉnh Mẫu"),),
        document_id=DocumentId.make(OrganCode(SENDER), desk.now.date(), "15", "STC-VP"),
        code_number="15",
        code_notation="STC-VP",
        promulgation_date=desk.now.date(),
        document_type=DocumentType(type=2, detail=10, name="Công văn"),
        subject="V/v kiểm tra chữ ký số trên trang của nút",
        business=Business(type=BusinessType.NEW),
        signer=Signer(full_name="Nguyễn Văn An", position="Giám đốc"),
        traces=(TraceHeader(organ=OrganCode(SENDER), timestamp=desk.now.astimezone(VIETNAM)),),
        attachments=tuple(_attachment(file, f"f{number}") for number, file in enumerate(files)),
    )


def _package(desk: Desk, target: Path, *files: Path) -> Path:
    package = document_package(desk, *files)
    with target.open("wb") as sink:
        write_package(package, sink)
    return target


def _attachment(path: Path, content_id: str) -> Attachment:
    content = path.read_bytes()
    return Attachment(
        content_id=content_id,
        name=path.name,
        content_type="application/pdf",
        path=path,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


@asynccontextmanager
async def serving(node: Node, app: web.Application | None = None) -> AsyncIterator[str]:
    """The address of the node's HTTP surface."""
    async with TestServer(app or make_app(node)) as server:
        yield str(server.make_url("")).rstrip("/")
