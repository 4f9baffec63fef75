"""With ``KILL=1``: the node dies twice on stage (the second time with PostgreSQL) while documents travel both ways.

The clients do what real ones do: when the connection breaks they repeat with the same key. Then everything is counted
from outside: at the axis, in the mailboxes, in the registers.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .counting import Count, count
from .eoffice import Answer, Office, RefusedError
from .incoming import Brought, bring, letter_of
from .outgoing import metadata
from .people import NEIGHBOUR, NGHE_AN, OTHER_PROVINCE, SENDER
from .screen import await_it, heading, meanwhile, rows, say
from .show import Show
from .texts import review_letter

FIRST_OUT, FIRST_IN, EACH_WAY = 13, 401, 5
KILLS = (1, 3)  # so many documents were accepted when the node dies
TRAVEL_SECONDS = 90.0
_PAUSE = 0.2  # seconds before a client repeats
_REPEATED = frozenset({409, 429, 500, 502, 503, 504})


@dataclass(slots=True)
class Traffic:
    """What the clients did so far; filled by their threads."""

    sent: dict[str, str] = field(default_factory=dict)  # DocumentId -> id on the node
    brought: list[Brought] = field(default_factory=list)
    registered: dict[str, int] = field(default_factory=dict)  # DocumentId -> số đến
    repeats: Counter[str] = field(default_factory=Counter)
    over: threading.Event = field(default_factory=threading.Event)


def kill_on_stage(show: Show) -> None:
    heading("6. Giết nút giữa lúc văn bản đang đi")
    say(f"Ký {2 * EACH_WAY} văn bản, một nửa gửi đi, một nửa từ tỉnh khác gửi tới.")
    outgoing, coming = meanwhile("đang ký", lambda: _papers(show))
    traffic = Traffic()
    clients = [
        _Client(lambda: _send_all(show, traffic, outgoing)),
        _Client(lambda: _bring_all(show, traffic, coming)),
        _Client(lambda: _register_all(show, traffic)),
    ]
    for client in clients:
        client.start()
    try:
        for number, accepted in enumerate(KILLS, start=1):
            _kill(show, traffic, number, accepted)
        await_it("chờ mọi nơi gửi, nhận xong việc", lambda: _done(clients), seconds=TRAVEL_SECONDS)
    finally:
        traffic.over.set()
    _judge(show, traffic, await_it("chờ mọi văn bản và trạng thái tới nơi", _Settling(show, traffic), seconds=60.0))


def _papers(show: Show) -> tuple[list[Path], list[Path]]:
    outgoing, coming = [], []
    for n in range(EACH_WAY):
        letter = review_letter(number=str(FIRST_OUT + n), day=show.room.today)
        outgoing.append(show.room.signed(f"cong-van-{FIRST_OUT + n}", letter, SENDER))
        answer = letter_of(show, OTHER_PROVINCE, str(FIRST_IN + n), _SUBJECT)
        coming.append(show.room.signed(f"den-{FIRST_IN + n}", answer, OTHER_PROVINCE))
    return outgoing, coming


_SUBJECT = "rà soát danh mục mã định danh cơ quan, đơn vị"


class _Client(threading.Thread):
    """One of those who talk to the node; ``error`` is what stopped it."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._work()
        except (RefusedError, OSError) as error:
            self.error = error


def _done(clients: list[_Client]) -> bool:
    for client in clients:
        if client.error is not None:
            raise client.error
    return not any(client.is_alive() for client in clients)


def _kill(show: Show, traffic: Traffic, number: int, accepted: int) -> None:
    await_it(f"chờ nút nhận {accepted} văn bản", lambda: len(traffic.sent) >= accepted, seconds=TRAVEL_SECONDS)
    database = number == len(KILLS)
    say(f"kill -9 lần {number}: nút{' và PostgreSQL' if database else ''}, khi đã nhận {len(traffic.sent)} văn bản.")
    show.stage.kill_node(database=database)
    show.stage.start_node()
    show.stage.await_ready()
    say("Nút đã chạy lại và tự làm tiếp việc dở.", indent=2)


def _send_all(show: Show, traffic: Traffic, papers: list[Path]) -> None:
    """The sender's eOffice: each document until it is accepted, always with the same key."""
    for n, paper in enumerate(papers):
        number = str(FIRST_OUT + n)
        told = metadata(show, number, [NGHE_AN.code, NEIGHBOUR.code], f"V/v {_SUBJECT} lần {number}")

        def send(told: dict[str, object] = told, paper: Path = paper, number: str = number) -> Answer:
            return show.sender.send(told, [paper], key=f"vanbandi-2026-{number}")

        accepted = _until_answered(traffic, "gửi văn bản", send).json
        traffic.sent[accepted["document_id"]] = accepted["id"]


def _bring_all(show: Show, traffic: Traffic, papers: list[Path]) -> None:
    for n, paper in enumerate(papers):
        traffic.brought.append(bring(show, f"số {FIRST_IN + n}", [paper], OTHER_PROVINCE, str(FIRST_IN + n), _SUBJECT))
        traffic.over.wait(_PAUSE)


def _register_all(show: Show, traffic: Traffic) -> None:
    """The clerk registers whatever appears in the mailbox."""
    office: Office = show.sender
    while len(traffic.registered) < EACH_WAY and not traffic.over.wait(_PAUSE):
        expected = {one.document_id for one in traffic.brought}
        page = _until_answered(traffic, "đọc hộp thư", lambda: office.ask("GET", "/v1/mailbox?limit=200")).json
        for item in page["items"]:
            document_id = item["detail"].get("document_id")
            if item["kind"] == "document" and document_id in expected - set(traffic.registered):
                path = f"/v1/incoming/{item['id']}/registration"
                answer = _until_answered(
                    traffic,
                    "vào sổ",
                    lambda path=path: office.ask("POST", path, json_body={}),  # type: ignore[misc]
                )
                traffic.registered[document_id] = answer.json["number"]


def _until_answered(traffic: Traffic, what: str, ask: Callable[[], Answer]) -> Answer:
    """Repeat while nobody answers or the node asks to come again. Raises RefusedError for a refusal."""
    while True:
        try:
            answer = ask()
        except OSError:
            if traffic.over.wait(_PAUSE):
                raise
        else:
            if answer.status < 300:
                return answer
            if answer.status not in _REPEATED or traffic.over.is_set():
                raise RefusedError(what, answer.status, answer.json)
            traffic.over.wait(float(answer.headers.get("retry-after", _PAUSE)))
        traffic.repeats[what] += 1


class _Settling:
    """Asked until nothing is missing any more; then the final count."""

    def __init__(self, show: Show, traffic: Traffic) -> None:
        self._show, self._traffic = show, traffic

    def __call__(self) -> Count | None:
        seen = count(self._show, self._traffic.sent, self._traffic.brought)
        return None if seen.lost else seen


def _judge(show: Show, traffic: Traffic, seen: Count) -> None:
    rows(["Đếm", "Phải có", "Thấy"], seen.lines)
    again = ", ".join(f"{what} {times} lần" for what, times in traffic.repeats.items())
    say(f"Phần mềm phải gọi lại khi nút chết: {again or 'không lần nào'}.")
    numbers = sorted(traffic.registered.values())
    show.checks.equal("mỗi văn bản đến một số riêng", len(set(numbers)), EACH_WAY)
    show.checks.expect(f"{seen.lost} mất, {seen.doubled} trùng, {seen.jumps} nhảy số", seen.clean, seen)
