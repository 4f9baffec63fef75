"""The continuous load: eOffice systems that post, pull and register, an agency outside that sends; none ever gives up.

Whatever is answered late, badly or not at all is asked again with the same Idempotency-Key, the same cursor, the same
document. What was promised to them is remembered here; checking.py compares it with what is there in the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp

from lienthong.edxml.model import BusinessType
from lienthong.tests.crash.letters import LATER, Meaning, as_bytes, brought, posted
from lienthong.tests.crash.memory import Letter, Memory
from lienthong.tests.crash.scene import CONTROL_TIMEOUT, RECALL_ACCEPTED, RECALL_ASKED, Scene, refuses
from lienthong.tests.waiting import until

PATIENCE = 240.0  # seconds in which one thing must succeed, over all kills that befall it
ACCEPTED, PULLED, REGISTERED = "nhận 202", "lấy từ hộp thư", "vào sổ đến"
MOMENTS = (ACCEPTED, PULLED, REGISTERED)
AGAIN = (409, 503)  # the claim of a request that was cut off; the database or the disk is not back yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How hard the load presses."""

    window: int = 24  # statuses that may be on their way before another letter is posted
    arrivals: int = 24  # documents that may be on their way in before another is brought from elsewhere
    look: float = 0.05  # seconds before an empty mailbox is asked again
    insiders: int = 1  # recipients of a letter inside the node
    robots: int = 1  # and elsewhere
    every_twice: int = 1  # each so-manieth letter is posted once more with the same key
    urgent: int = 10  # each so-manieth letter is urgent
    about: int = 6  # each so-manieth takes an earlier one back, changes it or replaces it


@dataclass(slots=True, kw_only=True)
class Load:
    scene: Scene
    random: Random
    pace: Pace = field(default_factory=Pace)
    memory: Memory = field(default_factory=Memory)
    over: asyncio.Event = field(default_factory=asyncio.Event)  # no new documents
    gone: asyncio.Event = field(default_factory=asyncio.Event)  # nothing will come any more
    _urls: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        for code in self.scene.cast.own:
            self.memory.pulled[code], self.memory.numbers[code], self.memory.refused[code] = [], {}, set()

    # What runs ----------------------------------------------------------------------------------------------------

    async def send(self, writer: str, first: int, step: int) -> None:
        """One eOffice of the writer: letters ``first``, ``first + step`` … one after the other."""
        for number in itertools.count(first, step):
            if self.over.is_set():
                return
            await self._post(writer, number)
            await until(lambda: self.over.is_set() or self._statuses_open() < self.pace.window, PATIENCE)

    async def bring(self) -> None:
        """The agency outside: its letters come in through the axis."""
        for number in itertools.count(1):
            if self.over.is_set():
                return
            await self._bring(number)
            await until(lambda: self.over.is_set() or self._arrivals_open() < self.pace.arrivals, PATIENCE)

    async def clerk(self, agency: str) -> None:
        """Pull the mailbox by its cursor; register every new document, or send it back."""
        cursor = 0
        while not self.gone.is_set():
            page = await self.call(agency, "GET", f"/v1/mailbox?after={cursor}&limit=50")
            for item in page["items"]:
                await self._take(agency, item)
            cursor = page["next"]
            if not page["items"]:
                await rest(self.pace.look)

    def _statuses_open(self) -> int:
        return self.memory.statuses_due - self.memory.statuses_told

    def _arrivals_open(self) -> int:
        return self.memory.arrivals_due - self.memory.arrivals

    # What is done -------------------------------------------------------------------------------------------------

    async def _take(self, agency: str, item: dict[str, Any]) -> None:
        memory = self.memory
        asked_back = item["kind"] == "status" and item["detail"]["status_code"] == RECALL_ASKED
        # Of an incoming document and not, as other statuses, of one that was sent.
        memory.pulled[agency].append({**item, "kind": "recall"} if asked_back else item)
        memory.moments[PULLED] += 1
        place = f"/v1/incoming/{item['id']}"
        if asked_back:
            await self._give_back(agency, memory.received[item["id"]], place)
            return
        memory.statuses_told += item["kind"] == "status"
        if item["kind"] != "document":
            return
        memory.arrivals += 1
        document = memory.received[item["id"]] = item["detail"]["document_id"]
        if refuses(document, agency):
            await self.call(agency, "POST", f"{place}/refusal", json={"reason": "Gửi nhầm đơn vị"})
            memory.refused[agency].add(document)
        else:
            answer = await self.call(agency, "POST", f"{place}/registration", json={})
            memory.numbers[agency][document] = answer["number"]
            memory.moments[REGISTERED] += 1

    async def _give_back(self, agency: str, document: str, place: str) -> None:
        """The sender takes it back: destroyed here, unless it was refused before."""
        self.memory.asked_back.append((agency, document))
        if not refuses(document, agency):
            await self.call(agency, "POST", f"{place}/statuses", json={"status": RECALL_ACCEPTED})

    async def _post(self, writer: str, number: int) -> None:
        """Now and then twice with the same key: the second answer must be the first one."""
        memory, cast = self.memory, self.scene.cast
        earlier = {one: letter.recipients for one, letter in memory.promised.items() if letter.sender == writer}
        meaning = self._meaning(number, earlier)
        recipients = memory.promised[meaning.about].recipients if meaning.about else self._recipients(writer)
        letter = posted(self.scene, number, recipients, meaning)
        first = await self._posted(writer, number, letter)
        document = first["document_id"]
        memory.meanings[document] = meaning
        memory.statuses_due += sum(len(memory.words(cast, document, one)) for one in recipients)
        if meaning.about and meaning.recalls:
            memory.statuses_due += sum(one in cast.own and not refuses(meaning.about, one) for one in recipients)
        memory.arrivals_due += sum(one not in cast.robots for one in recipients)
        memory.promised[document] = Letter(id=first["id"], sender=writer, recipients=recipients)
        memory.moments[ACCEPTED] += 1
        if number % self.pace.every_twice == 0:
            again = await self._posted(writer, number, letter)
            if again != first:
                memory.differing.append(f"{number}: {first} / {again}")

    def _recipients(self, writer: str) -> tuple[str, ...]:
        cast, random = self.scene.cast, self.random
        inside = random.sample([code for code in cast.own if code != writer], self.pace.insiders)
        return (*random.sample(sorted(cast.robots), self.pace.robots), *inside)

    def _meaning(self, number: int, earlier: Mapping[str, tuple[str, ...]]) -> Meaning:
        """A letter of its own, or one about an earlier one that is: each of the three kinds in turn.

        ``earlier``: documents of the sender and their receivers. Taken back is once what every clerk is done with: what
        is recalled before it came, or while it is held, has tests of its own.
        """
        memory, own = self.memory, self.scene.cast.own
        first_hand = {one: to for one, to in earlier.items() if memory.meanings[one].about is None}
        if number % self.pace.about or not first_hand:
            return Meaning()
        business = LATER[number // self.pace.about % len(LATER)]
        if business is not BusinessType.RECALL:
            return Meaning(business=business, about=self.random.choice(list(first_hand)))
        settled = [
            one
            for one, to in first_hand.items()
            if one not in memory.recalled and memory.done_with(one, [code for code in to if code in own])
        ]
        if not settled:
            return Meaning()
        about = self.random.choice(settled)
        memory.recalled.add(about)
        return Meaning(business=business, about=about)

    async def _bring(self, number: int) -> None:
        memory = self.memory
        meaning = self._meaning(number, memory.brought)
        receivers = memory.brought[meaning.about] if meaning.about else (self.random.choice(self.scene.cast.own),)
        package = brought(self.scene, number, receivers, meaning)
        content = await asyncio.to_thread(as_bytes, package)
        url = f"{self.scene.control_url}/packages"
        async with self.scene.http.post(url, data=content, timeout=CONTROL_TIMEOUT) as response:
            assert response.status == 200, await response.text()
        memory.meanings[package.document_id.value] = meaning
        memory.brought[package.document_id.value] = receivers
        memory.arrivals_due += len(receivers)

    async def _posted(self, writer: str, number: int, letter: dict[str, Any]) -> dict[str, Any]:
        letter["priority"] = 1 if number % self.pace.urgent == 0 else 0
        content = self.scene.sent_papers[writer].read_bytes()

        def form() -> dict[str, Any]:
            made = aiohttp.FormData()
            made.add_field("metadata", json.dumps(letter), content_type="application/json")
            made.add_field("main", content, filename="cong-van.pdf", content_type="application/pdf")
            return {"data": made, "headers": {"Idempotency-Key": f"key-{number}"}}

        return await self._call(writer, "POST", "/v1/documents", form)

    async def call(self, agency: str, method: str, path: str, **more: Any) -> dict[str, Any]:
        """Until it is answered well; nothing else counts."""
        return await self._call(agency, method, path, lambda: dict(more))

    async def _call(self, agency: str, method: str, path: str, asked: Any) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        begun = loop.time()

        async def once() -> dict[str, Any] | None:
            answer = await self._once(agency, method, path, asked())
            if answer is None:
                self.memory.repeated += 1
                await rest(self.pace.look)
            return answer

        found: dict[str, Any] = await until(once, PATIENCE)
        self.memory.longest = max(self.memory.longest, loop.time() - begun)
        return found

    async def _once(self, agency: str, method: str, path: str, more: dict[str, Any]) -> dict[str, Any] | None:
        """One try at the next of the node's addresses; None when it must be asked again."""
        urls = self.scene.node_urls
        url = urls[next(self._urls) % len(urls)] + path
        headers = {"Authorization": f"Bearer {self.scene.keys[agency]}", **more.pop("headers", {})}
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with self.scene.http.request(method, url, headers=headers, **more) as response:
                answer: dict[str, Any] = await response.json()
                if response.status < 300:
                    return answer
                assert response.status in AGAIN, (response.status, answer)
        return None


async def rest(seconds: float) -> None:
    """Let time pass: pacing, not waiting for anything."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()
