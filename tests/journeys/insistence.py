"""An eOffice that never gives up: it posts with the same key until it is told 202, and remembers every refusal."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from lienthong.tests.journeys.province import LONG, Province
from lienthong.tests.waiting import until

SILENT = "000.00.00.G99"  # an agency at the axis that answers nothing


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    code: str
    retry_after: str | None


@dataclass(slots=True, kw_only=True)
class Insistence:
    """``attempt`` asks once; ``post`` until it is accepted."""

    province: Province
    paper: Path
    refusals: list[Refusal] = field(default_factory=list)

    async def attempt(self, number: str, *attachments: bytes, chunked: bool | None = None) -> str | None:
        """The document's id, or None and one more refusal. ``chunked``: the length is not said before."""
        form = aiohttp.FormData()
        letter = self.province.letter(number, SILENT)
        form.add_field("metadata", json.dumps(letter), content_type="application/json")
        content = self.paper.read_bytes()
        form.add_field("main", io.BytesIO(content), filename="cong-van.pdf", content_type="application/pdf")
        for place, more in enumerate(attachments):
            form.add_field("attachment", io.BytesIO(more), filename=f"phu-luc-{place}.txt", content_type="text/plain")
        sender = self.province.sender
        headers = {"Authorization": f"Bearer {sender.key}", "Idempotency-Key": f"insist-{number}"}
        url = f"{sender.base}/v1/documents"
        async with sender.http.post(url, data=form, headers=headers, chunked=chunked) as response:
            answer: dict[str, Any] = await response.json()
            if response.status == 202:
                return str(answer["id"])
            self.refusals.append(Refusal(response.status, answer["code"], response.headers.get("Retry-After")))
            return None

    async def post(self, number: str, *attachments: bytes, patience: float = LONG) -> str:
        document: str = await until(lambda: self.attempt(number, *attachments), patience)
        return document

    def only_says(self, *codes: str) -> bool:
        """Every refusal was a 503 with one of the codes and said when to come again."""
        return all(one.status == 503 and one.code in codes and one.retry_after for one in self.refusals)


def at_the_axis(province: Province) -> list[str]:
    """The document id of each package that the axis has of our sender."""
    packages = province.emulator.controls.ledger.state.packages.values()
    return [one.document_id for one in packages if one.kind == "edoc" and one.sender == province.sender.code]


async def later(province: Province) -> None:
    """Time has passed: what waits for its next attempt is due, and what nobody finished is anybody's."""
    async with province.node.db.unit(None) as conn:
        await conn.execute(
            "UPDATE work SET due_at = now(), leased_until = CASE WHEN state = 'leased' THEN now() END"
            " WHERE settled_at IS NULL AND state IN ('ready', 'leased')"
        )
        await conn.execute("UPDATE outbox SET available_at = now() WHERE state = 'pending'")


async def sent(province: Province, *documents: str, patience: float = LONG) -> None:
    """Until each document's only delivery is sent."""

    async def all_sent() -> bool:
        rows = await province.rows("SELECT state, count(*) FROM delivery GROUP BY state")
        return rows == [{"state": "sent", "count": len(documents)}]

    await until(all_sent, patience)


async def arrived(province: Province, count: int, patience: float = LONG) -> None:
    """Until the sender's mailbox holds so many incoming documents, and no more."""

    async def there() -> bool:
        return len(await province.sender.mailbox("document")) >= count

    await until(there, patience)
    assert len(await province.sender.mailbox("document")) == count
