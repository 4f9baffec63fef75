"""VxpAxis: the axis port over the national axis's HTTP adapter. One object per channel; safe for parallel calls.

Every call has its own header set and time limit; nothing is retried here, and nothing is kept between calls but how far
the axis's clock is from ours.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from ..axis import (
    AckWord,
    AxisAgency,
    FindAnswer,
    FindResult,
    MessageKind,
    OutgoingPackage,
    ReceivedItem,
    SendOutcome,
    SentRow,
)
from ..errors import AxisError
from .answers import Answer, print_date, rows_of, usable_answer
from .clocks import blaming_the_clock, judged
from .download import fetch_package
from .protocol import Operation, printed_hash
from .rows import agency, received_item, sent_row, text_of
from .rowstream import RowStream
from .sending import match_sent, outcome_before_sending, outcome_of_answer, outcome_of_failure
from .settings import VxpSettings
from .transport import CallError, Channel, Clock, RawAnswer, Upload, open_channel

SERVICE = {"servicetype": "eDoc"}
DONE = "DONE"


class VxpAxis:
    """The national axis, or a provincial one of the same protocol, under one system id."""

    def __init__(self, settings: VxpSettings, channel: Channel) -> None:
        self.name = settings.name
        self._settings = settings
        self._channel = channel

    async def send(self, package: OutgoingPackage) -> SendOutcome:
        """Call sendEdoc once. A file or header of ours that is unusable is an outcome too: nothing has left yet."""
        try:
            upload = await asyncio.to_thread(_upload, package)
            answer = await self._channel.call(
                Operation.SEND,
                self._send_params(package),
                limit=self._settings.max_answer,
                upload=upload,
            )
        except CallError as error:
            return outcome_of_failure(error)
        except AxisError as error:
            return outcome_before_sending(error)
        return judged(outcome_of_answer(answer, package.receiver_codes), self._channel.ahead)

    def _send_params(self, package: OutgoingPackage) -> dict[str, str]:
        params = SERVICE | {
            "messagetype": package.kind.value,
            "hash-file": printed_hash(bytes.fromhex(package.sha256), self._settings.hash_form),
            "from": package.sender_code,
        }
        codes = package.receiver_codes
        # A status package is routed by ResponseFor; a long list would break the servers' header limits.
        if package.kind is MessageKind.DOCUMENT and len(codes) <= self._settings.max_to_header:
            params["to"] = json.dumps(list(codes), separators=(",", ":"))
        return params

    async def find(self, package: OutgoingPackage, *, since: datetime, until: datetime) -> FindResult:
        """Look an UNKNOWN send up in getSentEdocList. Raises AxisError when the list cannot be read.

        Status packages are always NOT_FOUND: their rows cannot be told apart, and the same bytes may go again.
        """
        if package.kind is MessageKind.STATUS:
            return FindResult(
                answer=FindAnswer.NOT_FOUND, reason="Gói trạng thái được gửi lại nguyên vẹn, không tra cứu."
            )
        window = {"fromDate": print_date(since), "toDate": print_date(until)}
        rows = await self._sent(window, package.kind)
        return match_sent(package, rows, since=since, until=until)

    async def list_received(self, kind: MessageKind) -> Sequence[ReceivedItem]:
        answer = await self._list(Operation.RECEIVED, SERVICE | {"messagetype": kind.value})
        items = [received_item(row, kind) for row in rows_of(answer)]
        return [item for item in items if item.status != DONE]

    async def fetch(self, receiver_doc_id: str, into: Path) -> int:
        """downloadEdoc, or getEdoc where that gives nothing usable. The caller makes the file durable."""
        with blaming_the_clock(self._channel):
            return await fetch_package(self._channel, self._settings, receiver_doc_id, into)

    async def ack(self, receiver_doc_id: str, word: AckWord) -> None:
        params = {"docId": receiver_doc_id, "status": word.value}
        answer = await self._channel.call(Operation.UPDATE, params, body=b"{}", limit=self._settings.max_answer)
        with blaming_the_clock(self._channel):
            _ok(answer)

    async def list_sent(self, *, axis_doc_id: str, kind: MessageKind) -> Sequence[SentRow]:
        rows = await self._sent({"docId": axis_doc_id}, kind)
        return [row for row in rows if row.axis_doc_id == axis_doc_id]

    async def directory(self) -> AsyncIterator[AxisAgency]:
        """Rows as they arrive. Not to be used before the iteration ended without AxisError."""
        codes = await self._code102() if self._settings.qd20_list else {}
        rows = RowStream()
        async with self._channel.stream(Operation.AGENCIES, limit=self._settings.max_list) as answer:
            if answer.http_status != 200:
                usable_answer(answer.http_status, b"".join([block async for block in answer.blocks]))
            async for block in answer.blocks:
                for row in rows.feed(block):
                    yield agency(row, codes)
        rows.finish()

    def clock_ahead(self) -> float | None:
        return self._channel.ahead

    async def aclose(self) -> None:
        """Nothing to do: the session belongs to ``open_vxp``."""

    async def _code102(self) -> Mapping[str, str]:
        rows = rows_of(await self._list(Operation.AGENCIES_QD20, {}))
        pairs = ((text_of(row, "code"), text_of(row, "code102")) for row in rows)
        return {code: code102 for code, code102 in pairs if code and code102}

    async def _sent(self, params: Mapping[str, str], kind: MessageKind) -> list[SentRow]:
        answer = await self._list(Operation.SENT, {**SERVICE, "messagetype": kind.value, **params})
        return [sent_row(row) for row in rows_of(answer)]

    async def _list(self, operation: Operation, params: Mapping[str, str]) -> Answer:
        raw = await self._channel.call(operation, params, limit=self._settings.max_list)
        with blaming_the_clock(self._channel):  # parsing a nationwide list takes a good part of a second
            return await asyncio.to_thread(_ok, raw)


@asynccontextmanager
async def open_vxp(settings: VxpSettings, *, clock: Clock) -> AsyncIterator[VxpAxis]:
    """A ready channel; its connections are closed at the end of the context. ``clock`` gives aware datetimes."""
    async with open_channel(settings, clock) as channel:
        yield VxpAxis(settings, channel)


def _upload(package: OutgoingPackage) -> Upload:
    try:
        size = package.path.stat().st_size
    except OSError as error:
        raise _file_error("không mở được") from error
    if size != package.size:
        raise _file_error(f"có {size} byte thay vì {package.size}")
    return Upload(package.path, size)


def _file_error(why: str) -> AxisError:
    return AxisError("AXIS_FILE", f"Tệp gói tin {why}; chưa gửi gì lên trục.", blame="ours", transient=False)


def _ok(raw: RawAnswer) -> Answer:
    return usable_answer(raw.http_status, raw.body)
