"""The continuous load: eOffice systems that post, pull and register, an agency outside that sends; none ever gives up.

Whatever is answered late, badly or not at all is asked again with the same Idempotency-Key, the same cursor, the same
document. What was promised to them is remembered here; checking.py compares it with what is there in the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp

from lienthong.tests.crash.letters import LATER, Meaning, as_bytes, brought, posted
from lienthong.tests.crash.scene import CONTROL_TIMEOUT, Cast, Scene, refuses
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An outgoing document that the node promised to deliver."""

    id: str  # vb_…
    sender: str
    recipients: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Memory:
    """What the outside was told and what it sent. Keys are document ids."""

    promised: dict[str, Letter] = field(default_factory=dict)
    brought: dict[str, tuple[str, ...]] = field(default_factory=dict)  # what the axis took for our agencies
    meanings: dict[str, Meaning] = field(default_factory=dict)  # of both
    differing: list[str] = field(default_factory=list)  # answers to a repetition that were not the first answer
    pulled: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    numbers: dict[str, dict[str, int]] = field(default_factory=dict)
    refused: dict[str, set[str]] = field(default_factory=dict)
    moments: Counter[str] = field(default_factory=Counter)
    statuses_due: int = 0
    statuses_told: int = 0
    arrivals_due: int = 0
    arrivals: int = 0
    repeated: int = 0  # requests that had to be sent again
    longest: float = 0.0  # seconds that one request took over all its repetitions

    @property
    def documents(self) -> int:
        """Outgoing that were accepted and incoming that were delivered."""
        return len(self.promised) + self.arrivals

    def words(self, cast: Cast, document: str, recipient: str) -> tuple[str, ...]:
        """The statuses that the sender of this document hears of this recipient, in the end."""
        return cast.words(document, recipient, recalled=self.meanings[document].recalls)

    def due_inside(self, cast: Cast) -> list[tuple[str, str]]:
        """Every document that each of our agencies must have, as (agency, document)."""
        inside = [(to, document) for document, one in self.promised.items() for to in one.recipients if to in cast.own]
        return inside + [(to, document) for document, receivers in self.brought.items() for to in receivers]


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
        memory.pulled[agency].append(item)
        memory.moments[PULLED] += 1
        memory.statuses_told += item["kind"] == "status"
        if item["kind"] != "document":
            return
        memory.arrivals += 1
        document, place = item["detail"]["document_id"], f"/v1/incoming/{item['id']}"
        if refuses(document, agency):
            await self.call(agency, "POST", f"{place}/refusal", json={"reason": "Gửi nhầm đơn vị"})
            memory.refused[agency].add(document)
        else:
            answer = await self.call(agency, "POST", f"{place}/registration", json={})
            memory.numbers[agency][document] = answer["number"]
            memory.moments[REGISTERED] += 1

    async def _post(self, writer: str, number: int) -> None:
        """Now and then twice with the same key: the second answer must be the first one."""
        memory, cast = self.memory, self.scene.cast
        meaning = self._meaning(number, [one for one, letter in memory.promised.items() if letter.sender == writer])
        recipients = memory.promised[meaning.about].recipients if meaning.about else self._recipients(writer)
        letter = posted(self.scene, number, recipients, meaning)
        first = await self._posted(writer, number, letter)
        document = first["document_id"]
        memory.meanings[document] = meaning
        memory.statuses_due += sum(len(memory.words(cast, document, one)) for one in recipients)
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

    def _meaning(self, number: int, earlier: list[str]) -> Meaning:
        """A letter of its own, or one about an earlier one that is: each of the three kinds in turn."""
        first_hand = [one for one in earlier if self.memory.meanings[one].about is None]
        if number % self.pace.about or not first_hand:
            return Meaning()
        kind = LATER[number // self.pace.about % len(LATER)]
        return Meaning(business=kind, about=self.random.choice(first_hand))

    async def _bring(self, number: int) -> None:
        memory = self.memory
        meaning = self._meaning(number, list(memory.brought))
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
