"""Robot agencies: whoever has a script receives, validates and answers by itself, one step per pace.

A document: 1. read it whole (a broken one is answered 02), 2. ``done``, 3. the statuses of the script in order.
A recall (status 13, or a package of type 1) is answered by ``on_recall``. The place in a script is in the journal
together with the status it sent, so a restart neither repeats nor forgets an answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...edxml.errors import EdxmlError
from ...edxml.identifiers import OrganCode
from ...edxml.model import BusinessType, Organization, Package, ResponseFor, StaffInfo, StatusPackage
from ...edxml.reader import read_header, read_package
from ...edxml.writer import Written, write_package
from ..axis import AckWord, MessageKind
from ..vxp.backend import Refusal
from .ledger import Ledger
from .settings import AgencySeed
from .state import DONE, Delivery

RECALL = "13"
PLACEHOLDER = "13"  # no robot sends it
STAFF = StaffInfo(department="Văn thư", staff="Văn thư (trục giả lập)")
TEXTS = {
    "01": "Đã đến",
    "02": "Từ chối tiếp nhận",
    "03": "Đã tiếp nhận",
    "04": "Phân công",
    "05": "Đang xử lý",
    "06": "Hoàn thành",
    "15": "Đồng ý",
    "16": "Từ chối",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """One word of a script: a status code and what is said with it."""

    code: str
    text: str

    @classmethod
    def parse(cls, word: str) -> Reply:
        code, _, text = word.partition(":")
        return cls(code.strip(), text.strip() or TEXTS.get(code.strip(), f"Trạng thái {code.strip()}"))


class Robots:
    """Owns no task: ``run`` is one, started by ``open_emulator``. ``pace`` in seconds may change while it runs."""

    def __init__(self, ledger: Ledger, pace: float) -> None:
        self._ledger = ledger
        self.pace = pace
        self._stepping = asyncio.Lock()

    async def run(self) -> None:
        """Take a step for everything that waits, rest for the pace, until cancelled."""
        while True:
            self._ledger.arrived.clear()
            if not await self.step_all():
                await self._ledger.arrived.wait()
            await asyncio.sleep(self.pace)

    async def step_all(self) -> int:
        """One step of every robot's every open item; how many were taken. Tests call it instead of ``run``."""
        async with self._stepping:
            open_items = list(self._open_items())
            for agency, delivery in open_items:
                await self._step(agency, delivery)
            return len(open_items)

    def owe(self) -> int:
        """How many items robots have not answered to the end of their scripts."""
        return sum(1 for _ in self._open_items())

    def _open_items(self) -> Iterator[tuple[AgencySeed, Delivery]]:
        for agency in self._ledger.state.agencies.values():
            if agency.script:
                yield from ((agency, delivery) for delivery in self._unfinished(agency))

    def _unfinished(self, agency: AgencySeed) -> Iterator[Delivery]:
        state = self._ledger.state
        for delivery in state.robot_items(agency):
            if delivery.status == DONE and delivery.robot_step >= len(script_for(self._ledger, agency, delivery)):
                state.robot_finished(delivery)
            else:
                yield delivery

    async def _step(self, agency: AgencySeed, delivery: Delivery) -> None:
        if delivery.status != DONE:
            await self._take(agency, delivery)
        else:
            await self._answer(agency, delivery)

    async def _take(self, agency: AgencySeed, delivery: Delivery) -> None:
        """Read the package as any receiver must, then acknowledge it."""
        fault = await self._validate(delivery)
        last = len(script_for(self._ledger, agency, delivery))
        if fault and delivery.robot_step < last:
            await self._send(agency, delivery, Reply("02", f"Gói tin không đọc được: {fault}"), last)
        await self._ledger.move(delivery, AckWord.DONE)

    async def _validate(self, delivery: Delivery) -> str | None:
        """What is wrong with the package; None when it can be read whole."""
        path = await self._ledger.delivered(delivery.axis_doc_id)
        scratch = self._ledger.folders.incoming / self._ledger.incoming_name()
        await asyncio.to_thread(scratch.mkdir)
        try:
            await asyncio.to_thread(read_package, path, scratch)
        except EdxmlError as error:
            return error.message
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
        return None

    async def _answer(self, agency: AgencySeed, delivery: Delivery) -> None:
        """The next status of the script, or of the answer to a recall."""
        words = script_for(self._ledger, agency, delivery)
        await self._send(agency, delivery, Reply.parse(words[delivery.robot_step]), delivery.robot_step + 1)

    async def _send(self, agency: AgencySeed, delivery: Delivery, reply: Reply, step: int) -> None:
        ledger = self._ledger
        source = ledger.folders.original(delivery.axis_doc_id)
        package = (await asyncio.to_thread(read_header, source)).package
        status = StatusPackage(
            sender=Organization(code=OrganCode(delivery.receiver), name=agency.name),
            response_for=_response_for(package),
            status_code=reply.code if reply.code in TEXTS else PLACEHOLDER,
            timestamp=ledger.clock(),
            description=reply.text,
            staff=STAFF,
        )
        path = ledger.folders.incoming / ledger.incoming_name()
        robot = {"receiver_doc_id": delivery.receiver_doc_id, "step": step}
        try:
            content = await asyncio.to_thread(_write, status, reply.code, path)
            kept = await ledger.store(path, status, sha256=content.sha256, size=content.size, robot=robot)
        except EdxmlError as error:
            kept = Refusal(code="22", text=error.code)
        if isinstance(kept, Refusal):  # the document names nobody who could be answered
            await asyncio.to_thread(path.unlink, missing_ok=True)
            await ledger.robot_stepped(delivery, step)


def script_for(ledger: Ledger, agency: AgencySeed, delivery: Delivery) -> Sequence[str]:
    """The statuses a robot answers to this item with; none to ordinary statuses."""
    package = ledger.state.packages[delivery.axis_doc_id]
    if package.kind is MessageKind.STATUS:
        return agency.on_recall if package.status_code == RECALL else ()
    return agency.on_recall if package.business == BusinessType.RECALL else agency.script


def _response_for(package: Package) -> ResponseFor:
    if isinstance(package, StatusPackage):  # a recall: what it answers is the sender's own document
        return ResponseFor(
            organ=package.sender.code,
            code=package.response_for.code,
            document_id=package.response_for.document_id,
            promulgation_date=package.response_for.promulgation_date,
        )
    return ResponseFor(
        organ=package.sender.code,
        code="/".join(part for part in (package.code_number, package.code_notation) if part) or None,
        document_id=package.document_id,
        promulgation_date=package.promulgation_date,
    )


def _write(package: StatusPackage, code: str, path: Path) -> Written:
    """Write the status; codes of no list (07, 99, "1") are put in afterwards, as careless peers send them."""
    sink = io.BytesIO()
    write_package(package, sink)
    content = sink.getvalue()
    if code != package.status_code:
        content = content.replace(f">{PLACEHOLDER}<".encode(), f">{code}<".encode())
    path.write_bytes(content)
    return Written(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
