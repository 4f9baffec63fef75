"""The continuous load: eOffice systems that post, pull and register, an agency outside that sends; none ever gives up.

Whatever is answered late, badly or not at all is asked again with the same Idempotency-Key, the same cursor, the same
document. What was promised to them is remembered here; checking.py compares it with what is there in the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from lienthong.edxml.identifiers import DocumentId, OrganCode
from lienthong.edxml.model import Business, BusinessType, DocumentPackage, DocumentType, Signer, TraceHeader
from lienthong.edxml.writer import write_package
from lienthong.tests.crash.stage import ROBOT, ROBOT_SAYS, Stage
from lienthong.tests.journeys.outsiders import VIETNAM, attachment, organization
from lienthong.tests.journeys.papers import NEIGHBOUR, OUTSIDE, SENDER
from lienthong.tests.waiting import until

PATIENCE = 180.0  # seconds in which one thing must succeed, over all kills that befall it
WINDOW = 6  # documents of a kind on their way at once; a closed loop never runs away from the node
REST = 0.05  # seconds before an empty mailbox is asked again
STATUSES_EACH = len(ROBOT_SAYS) + 2  # of one outgoing letter: the robot's, and 01 and 03 of the neighbour
ACCEPTED, PULLED, REGISTERED = "nhận 202", "lấy từ hộp thư", "vào sổ đến"
MOMENTS = (ACCEPTED, PULLED, REGISTERED)


@dataclass(slots=True, kw_only=True)
class Memory:
    """What the outside was told and what it sent."""

    promised: dict[str, str] = field(default_factory=dict)  # document id of an outgoing letter to its vb_ id
    differing: list[str] = field(default_factory=list)  # answers to a repetition that were not the first answer
    brought: list[str] = field(default_factory=list)  # document ids that the axis took for our agencies
    pulled: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {SENDER: [], NEIGHBOUR: []})
    numbers: dict[str, dict[str, int]] = field(default_factory=lambda: {SENDER: {}, NEIGHBOUR: {}})
    moments: Counter[str] = field(default_factory=Counter)
    repeated: int = 0  # requests that had to be sent again

    def statuses(self) -> int:
        return sum(item["kind"] == "status" for item in self.pulled[SENDER])


@dataclass(slots=True, kw_only=True)
class Load:
    stage: Stage
    memory: Memory = field(default_factory=Memory)
    over: asyncio.Event = field(default_factory=asyncio.Event)  # no new documents
    gone: asyncio.Event = field(default_factory=asyncio.Event)  # nothing will come any more

    # What runs ----------------------------------------------------------------------------------------------------

    async def send(self, first: int, step: int) -> None:
        """One eOffice of the sender: letters ``first``, ``first + step`` … one after the other."""
        number = first
        while not self.over.is_set():
            await self._post(number)
            number += step
            await until(lambda: self.over.is_set() or self._outgoing_open() < WINDOW, PATIENCE)

    async def bring(self) -> None:
        """The agency outside: its letters come in through the axis."""
        while not self.over.is_set():
            await self._bring(len(self.memory.brought) + 1)
            await until(lambda: self.over.is_set() or self._incoming_open() < WINDOW, PATIENCE)

    async def clerk(self, agency: str) -> None:
        """Pull the mailbox by its cursor and register every document that is new."""
        cursor = 0
        while not self.gone.is_set():
            page = await self._call(agency, "GET", f"/v1/mailbox?after={cursor}&limit=20")
            for item in page["items"]:
                await self._take(agency, item)
            cursor = page["next"]
            if not page["items"]:
                await rest(REST)

    def _outgoing_open(self) -> int:
        return len(self.memory.promised) - self.memory.statuses() // STATUSES_EACH

    def _incoming_open(self) -> int:
        return len(self.memory.brought) - len(self.memory.numbers[SENDER])

    # What is done -------------------------------------------------------------------------------------------------

    async def _take(self, agency: str, item: dict[str, Any]) -> None:
        memory = self.memory
        memory.pulled[agency].append(item)
        memory.moments[PULLED] += 1
        if item["kind"] != "document":
            return
        answer = await self._call(agency, "POST", f"/v1/incoming/{item['id']}/registration", json={})
        memory.numbers[agency][item["detail"]["document_id"]] = answer["number"]
        memory.moments[REGISTERED] += 1

    async def _post(self, number: int) -> None:
        """Twice with the same key at least: the second answer must be the first one."""
        first = await self._call(SENDER, "POST", "/v1/documents", key=f"key-{number}", number=number)
        self.memory.promised[first["document_id"]] = first["id"]
        self.memory.moments[ACCEPTED] += 1
        again = await self._call(SENDER, "POST", "/v1/documents", key=f"key-{number}", number=number)
        if again != first:
            self.memory.differing.append(f"{number}: {first} / {again}")

    async def _bring(self, number: int) -> None:
        package = _outside_letter(self.stage, number)
        content = await asyncio.to_thread(_written, package)
        async with self.stage.http.post(f"{self.stage.control_url}/packages", data=content) as response:
            assert response.status == 200, await response.text()
        self.memory.brought.append(package.document_id.value)

    async def _call(
        self, agency: str, method: str, path: str, *, key: str = "", number: int = 0, **more: Any
    ) -> dict[str, Any]:
        """Until it is answered well; nothing else counts."""

        async def once() -> dict[str, Any] | None:
            headers = {"Authorization": f"Bearer {self.stage.keys[agency]}"}
            if key:
                headers["Idempotency-Key"] = key
                more["data"] = self._form(number)
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                url = self.stage.node_url + path
                async with self.stage.http.request(method, url, headers=headers, **more) as response:
                    answer: dict[str, Any] = await response.json()
                    if response.status < 300:
                        return answer
                    # 409: the claim of a request that was cut off; 503: PostgreSQL is not back yet.
                    assert response.status in (409, 503), (response.status, answer)
            self.memory.repeated += 1
            await rest(REST)
            return None

        found: dict[str, Any] = await until(once, PATIENCE)
        return found

    def _form(self, number: int) -> aiohttp.FormData:
        form = aiohttp.FormData()
        form.add_field("metadata", json.dumps(_letter(self.stage, number)), content_type="application/json")
        content = self.stage.sent_paper.read_bytes()
        form.add_field("main", content, filename="cong-van.pdf", content_type="application/pdf")
        return form


async def rest(seconds: float) -> None:
    """Let time pass: pacing, not waiting for anything."""
    loop = asyncio.get_running_loop()
    moment = loop.time() + seconds
    await until(lambda: loop.time() >= moment, seconds + PATIENCE)


def _letter(stage: Stage, number: int) -> dict[str, Any]:
    return {
        "recipients": [ROBOT, NEIGHBOUR],
        "number": f"{number:02d}",
        "notation": "SKHCN-CĐS",
        "promulgation_date": stage.papers.today.isoformat(),
        "type_name": "Công văn",
        "subject": f"V/v rà soát kết nối liên thông lần {number}",
        "signer": {"full_name": "Nguyễn Thị Quỳnh Hương", "position": "Phó Giám đốc", "competence": "KT."},
        "place": "Mẫu",
    }


def _outside_letter(stage: Stage, number: int) -> DocumentPackage:
    code, text = OrganCode.parse(OUTSIDE), f"V/v phối hợp kiểm tra lần {number}"
    return DocumentPackage(
        sender=organization(OUTSIDE),
        receivers=(organization(SENDER),),
        document_id=DocumentId.make(code, stage.papers.today, f"{number:02d}", "UBND-VX"),
        code_number=f"{number:02d}",
        code_notation="UBND-VX",
        promulgation_date=stage.papers.today,
        document_type=DocumentType(type=2, detail=18, name="Công văn"),
        subject=text,
        content=text,
        business=Business(type=BusinessType.NEW, reason="Văn bản điện tử mới", paper=False),
        signer=Signer(full_name="Nguyễn Thị Quỳnh Hương"),
        traces=(TraceHeader(organ=code, timestamp=stage.papers.now.astimezone(VIETNAM).replace(microsecond=0)),),
        attachments=(attachment(stage.outside_paper),),
    )


def _written(package: DocumentPackage) -> bytes:
    sink = io.BytesIO()
    write_package(package, sink)
    return sink.getvalue()
