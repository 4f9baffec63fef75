"""The load: documents of the generated day as real requests and real packages; when each was where.

eOffice systems post and read over HTTP with the keys of their agencies; what comes from outside the province is given
to the emulated axis by its control plane. Nothing here waits for the node unless it is asked to.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
import time
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import aiohttp

from lienthong.bench.inward import VIETNAM, attachment_of
from lienthong.bench.papers import SENDER, Papers, Size, make_papers
from lienthong.bench.scale.generator import Direction, Document
from lienthong.bench.scale.population import Agency
from lienthong.bench.scale.stage import Stage
from lienthong.edxml.identifiers import DocumentId, OrganCode
from lienthong.edxml.model import (
    Business,
    BusinessType,
    DocumentPackage,
    DocumentType,
    Organization,
    Signer,
    TraceHeader,
)
from lienthong.edxml.writer import write_package

# Signed letters of each size; a letter that comes again is judged again, for another agency sends it.
SHELF = (
    Size(name="24 KB", pad=0, variants=16, plain=True),
    Size(name="200 KB", pad=120_000, variants=24),
    Size(name="1 MB", pad=900_000, variants=8),
    Size(name="5 MB", pad=4_900_000, variants=4),
    Size(name="14 MB", pad=13_900_000, variants=2),
)
QUIET_LOOKS, LOOK_SECONDS, QUIET_SECONDS = 20, 0.3, 1200.0  # longer than an axis is left unasked (5 s)
OPEN_WORK = (
    "SELECT (SELECT count(*) FROM outbox WHERE state IN ('pending', 'sent'))"
    " + (SELECT count(*) FROM work WHERE state IN ('ready', 'leased') AND kind <> 'follow')"
)


@dataclass(slots=True, kw_only=True)
class Shelf:
    """The signed files, by size."""

    papers: Papers
    sizes: Sequence[Size] = SHELF
    _turns: dict[int, Iterator[Path]] = field(default_factory=dict)

    def nearest(self, size: int) -> Path:
        """The next file of the class nearest to so many bytes."""
        place = min(range(len(self.sizes)), key=lambda n: abs(self._bytes(n) - size))
        files = self.papers.signed(self.sizes[place], by=SENDER)
        return next(self._turns.setdefault(place, itertools.cycle(files)))

    def real(self, document: Document) -> Document:
        """The document with the size of the file that stands for it."""
        return replace(
            document, size=min((self._bytes(n) for n in range(len(self.sizes))), key=lambda b: abs(b - document.size))
        )

    def _bytes(self, place: int) -> int:
        return self.papers.signed(self.sizes[place], by=SENDER)[0].stat().st_size


@dataclass(slots=True, kw_only=True)
class Times:
    """Moments (seconds of the clock) by document id."""

    begun: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    recipients: int = 0  # inside the province, of all documents so far
    refused: int = 0  # answers other than 202


def fill_shelf(folder: Path, now: object, sizes: Sequence[Size] = SHELF) -> Shelf:
    """Compose and sign; some seconds. ``now``: an aware datetime."""
    return Shelf(papers=make_papers(folder, now, sizes, by=SENDER), sizes=sizes)  # type: ignore[arg-type]


async def post(stage: Stage, shelf: Shelf, document: Document, times: Times, numbers: Iterator[int]) -> None:
    """One document of an agency over REST."""
    number = next(numbers)
    with shelf.nearest(document.size).open("rb") as content:
        form = aiohttp.FormData()
        form.add_field("metadata", json.dumps(_metadata(stage, document, number)), content_type="application/json")
        form.add_field("main", content, filename="cong-van.pdf", content_type="application/pdf")
        begun = time.time()
        headers = {"Idempotency-Key": f"scale-{number}"}
        status, answer = await stage.call(document.sender, "POST", "/v1/documents", data=form, headers=headers)
    if status == 202:
        times.begun[answer["document_id"]] = begun
        times.answered[answer["document_id"]] = time.time()
        times.recipients += sum(code in stage.keys for code in document.recipients)
    else:
        times.refused += 1
        print(f"từ chối {status}: {answer}", flush=True)


async def bring(stage: Stage, shelf: Shelf, document: Document, times: Times, numbers: Iterator[int]) -> None:
    """One document from outside, into the axis."""
    file = shelf.nearest(document.size)
    identity, sink = await asyncio.to_thread(_package, stage, file, document, next(numbers))
    async with stage.http.post(f"{stage.control_url}/packages", data=sink) as response:
        assert response.status == 200, await response.text()
    times.begun[identity] = time.time()
    times.recipients += len(document.recipients)


def carry(stage: Stage, shelf: Shelf, document: Document, times: Times, numbers: Iterator[int]) -> Awaitable[None]:
    """Whichever of the two."""
    do = post if document.direction is Direction.OUTWARD else bring
    return do(stage, shelf, document, times, numbers)


async def quiet(stage: Stage, delivered: int) -> None:
    """Until so many documents are in mailboxes, nothing more is to be said or done now, and robots owe no answer."""
    looks = 0
    async with asyncio.timeout(QUIET_SECONDS):
        while looks < QUIET_LOOKS:
            await asyncio.sleep(LOOK_SECONDS)
            there = await stage.number("SELECT count(*) FROM mailbox_item WHERE kind = 'document'")
            idle = there >= delivered and not await stage.number(OPEN_WORK) and not await _robots_owe(stage)
            looks = looks + 1 if idle else 0


async def _robots_owe(stage: Stage) -> int:
    async with stage.http.get(f"{stage.control_url}/health") as answer:
        owe: int = (await answer.json())["robots_owe"]
    return owe


def _metadata(stage: Stage, document: Document, number: int) -> dict[str, object]:
    return {
        "recipients": list(document.recipients),
        "number": f"{number:02d}",
        "notation": "SKHCN-CĐS",
        "promulgation_date": stage.papers.today.isoformat(),
        "type_name": "Công văn",
        "subject": f"V/v rà soát kết nối liên thông văn bản của các cơ quan, đơn vị, lần {number}",
        "signer": {"full_name": "Nguyễn Thị Quỳnh Hương", "position": "Phó Giám đốc", "competence": "KT."},
        "place": "Mẫu",
        **({"priority": 1} if document.urgent else {}),
    }


def _package(stage: Stage, file: Path, document: Document, number: int) -> tuple[str, IO[bytes]]:
    """The package's document id and an open file with its bytes."""
    papers, code = stage.papers, OrganCode.parse(document.sender)
    text = f"V/v phối hợp thực hiện nhiệm vụ được giao, lần {number}"
    province = stage.plan.province
    package = DocumentPackage(
        sender=_organization(province.agency(document.sender)),
        receivers=tuple(_organization(province.agency(one)) for one in document.recipients),
        document_id=DocumentId.make(code, papers.today, f"{number:02d}", "BM-VP"),
        code_number=f"{number:02d}",
        code_notation="BM-VP",
        promulgation_date=papers.today,
        document_type=DocumentType(type=2, detail=18, name="Công văn"),
        subject=text,
        content=text,
        business=Business(type=BusinessType.NEW, reason="Văn bản điện tử mới", paper=False),
        signer=Signer(full_name="Nguyễn Thị Quỳnh Hương"),
        traces=(TraceHeader(organ=code, timestamp=papers.now.astimezone(VIETNAM).replace(microsecond=0)),),
        attachments=(attachment_of(file),),
    )
    sink = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the request that sends it
    write_package(package, sink)
    sink.seek(0)
    return package.document_id.value, sink


def _organization(one: Agency) -> Organization:
    return Organization(code=OrganCode.parse(one.code), name=one.name, address="Số 1 phố Mẫu")
