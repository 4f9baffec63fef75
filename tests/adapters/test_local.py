"""The local axis over crashes, repeated sends and several processes; what the contract says stands elsewhere."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from lienthong.adapters.axis import AckWord, AxisAgency, FindAnswer, MessageKind, OutcomeKind
from lienthong.adapters.errors import AxisError
from lienthong.adapters.local import LocalAxis
from lienthong.tests.adapters.packages import OUR_OTHER, OURS, document, frozen, status

Clock = Callable[[], datetime]


async def agencies() -> Sequence[AxisAgency]:
    return [
        AxisAgency(id="1", code=OURS, name="Sở Thử nghiệm"),
        AxisAgency(id="2", code="H99.2", name="Sở Tài chính", code102=OUR_OTHER, old_code="H99.22"),
    ]


@pytest.fixture
def axis(tmp_path: Path, clock: Clock) -> LocalAxis:
    return LocalAxis(tmp_path / "spool", agencies=agencies, clock=clock)


async def test_sending_again_gives_the_same_id_and_doubles_nothing(
    axis: LocalAxis, tmp_path: Path, clock: Clock
) -> None:
    package = frozen(document(tmp_path, receivers=(OUR_OTHER,)), tmp_path / "sent.edxml")
    first = await axis.send(package)
    (item,) = await axis.list_received(MessageKind.DOCUMENT)
    again = await LocalAxis(tmp_path / "spool", agencies=agencies, clock=clock).send(package)
    assert again.axis_doc_id == first.axis_doc_id
    assert await axis.list_received(MessageKind.DOCUMENT) == [item]
    await axis.ack(item.receiver_doc_id, AckWord.DONE)
    assert (await axis.send(package)).axis_doc_id == first.axis_doc_id
    assert await axis.list_received(MessageKind.DOCUMENT) == []


async def test_the_same_bytes_to_others_are_another_package(axis: LocalAxis, tmp_path: Path) -> None:
    package = frozen(document(tmp_path, receivers=(OUR_OTHER, OURS)), tmp_path / "sent.edxml")
    answer = frozen(status(sender=OUR_OTHER), tmp_path / "status.edxml")
    ids = {(await axis.send(one)).axis_doc_id for one in (package, answer)}
    assert len(ids) == 2


async def test_find_is_exact_whatever_the_window(axis: LocalAxis, tmp_path: Path, clock: Clock) -> None:
    answer = frozen(status(sender=OUR_OTHER), tmp_path / "status.edxml")
    long_ago = clock() - timedelta(days=9)
    assert (await axis.find(answer, since=long_ago, until=long_ago)).answer is FindAnswer.NOT_FOUND
    sent = await axis.send(answer)
    found = await axis.find(answer, since=long_ago, until=long_ago)
    assert (found.answer, found.axis_doc_id) == (FindAnswer.FOUND, sent.axis_doc_id)


@pytest.mark.parametrize("code", ["H99.2", OUR_OTHER, "h99.22"])
async def test_any_code_of_an_agency_reaches_it(axis: LocalAxis, tmp_path: Path, code: str) -> None:
    package = frozen(document(tmp_path, receivers=(code.upper(),)), tmp_path / "sent.edxml")
    assert (await axis.send(package)).kind is OutcomeKind.ACCEPTED


async def test_a_crash_before_the_record_leaves_nothing_to_deliver_and_a_resend_works(
    axis: LocalAxis, tmp_path: Path
) -> None:
    """What a kill between bytes and record leaves behind, and half-written temporary files."""
    package = frozen(document(tmp_path, receivers=(OUR_OTHER,)), tmp_path / "sent.edxml")
    spool = tmp_path / "spool"
    (spool / "packages" / f"{package.sha256}.edxml").write_bytes(package.path.read_bytes())
    (spool / "packages" / "x.partial").write_bytes(b"half")
    (spool / "open" / "edoc" / "abc.partial").write_bytes(b'{"id":')
    assert await axis.list_received(MessageKind.DOCUMENT) == []
    assert (await axis.send(package)).kind is OutcomeKind.ACCEPTED
    (item,) = await axis.list_received(MessageKind.DOCUMENT)
    await axis.fetch(item.receiver_doc_id, tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == package.path.read_bytes()


async def test_a_finished_record_leaves_the_open_folder(axis: LocalAxis, tmp_path: Path) -> None:
    package = frozen(document(tmp_path, receivers=(OUR_OTHER, OURS)), tmp_path / "sent.edxml")
    sent = await axis.send(package)
    for item in await axis.list_received(MessageKind.DOCUMENT):
        await axis.ack(item.receiver_doc_id, AckWord.DONE)
    assert list((tmp_path / "spool/open/edoc").iterdir()) == []
    assert sent.axis_doc_id
    rows = await axis.list_sent(axis_doc_id=sent.axis_doc_id, kind=MessageKind.DOCUMENT)
    assert [row.receive_status for row in rows] == ["DONE", "DONE"]


async def test_a_crash_between_the_last_done_and_closing_is_mended(axis: LocalAxis, tmp_path: Path) -> None:
    await axis.send(frozen(document(tmp_path, receivers=(OUR_OTHER,)), tmp_path / "sent.edxml"))
    (item,) = await axis.list_received(MessageKind.DOCUMENT)
    (path,) = (tmp_path / "spool/open/edoc").iterdir()
    record = json.loads(path.read_bytes())
    record["rows"][0]["status"] = "DONE"
    path.write_text(json.dumps(record))
    assert await axis.list_received(MessageKind.DOCUMENT) == []
    await axis.ack(item.receiver_doc_id, AckWord.DONE)
    assert await axis.list_received(MessageKind.DOCUMENT) == []
    assert list((tmp_path / "spool/open/edoc").iterdir()) == []


async def test_a_full_disk_is_a_retry_and_nothing_is_delivered(axis: LocalAxis, tmp_path: Path) -> None:
    package = frozen(document(tmp_path, receivers=(OUR_OTHER,)), tmp_path / "sent.edxml")
    (tmp_path / "spool/open/edoc").rename(tmp_path / "spool/open/away")
    outcome = await axis.send(package)
    assert (outcome.kind, outcome.code) == (OutcomeKind.RETRY, "DISK")
    (tmp_path / "spool/open/away").rename(tmp_path / "spool/open/edoc")
    assert await axis.list_received(MessageKind.DOCUMENT) == []


@pytest.mark.parametrize("wrong", ["../../etc/passwd", "a/b-0", "", "-", "0" * 24, "0" * 24 + "-0"])
async def test_an_id_is_never_a_path(axis: LocalAxis, tmp_path: Path, wrong: str) -> None:
    with pytest.raises(AxisError) as error:
        await axis.fetch(wrong, tmp_path / "into")
    assert error.value.code == "AXIS_NOT_FOUND"
    with pytest.raises(AxisError):
        await axis.ack(wrong, AckWord.DONE)


PROGRAM = """
import asyncio, json, sys
from datetime import UTC, datetime
from pathlib import Path
from lienthong.adapters.axis import AxisAgency, MessageKind, OutgoingPackage
from lienthong.adapters.local import LocalAxis

async def agencies():
    return [AxisAgency(id="1", code="A", name="")]

async def main(folder, wanted):
    axis = LocalAxis(folder / "spool", agencies=agencies, clock=lambda: datetime.now(UTC))
    for number in range(wanted):
        await axis.send(OutgoingPackage(kind=MessageKind.DOCUMENT, path=folder / str(number), size=1, sender_code="B",
            sha256=f"{number:064d}", receiver_codes=("A",), document_id=str(number)))
        print(number, flush=True)

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


@pytest.mark.timeout(60)
async def test_kill_9_while_sending_loses_and_doubles_nothing(tmp_path: Path, clock: Clock) -> None:
    wanted = 200
    for number in range(wanted):
        (tmp_path / str(number)).write_bytes(str(number).encode())
    for kill_after in (1, 17, 60, 133):
        await _run(tmp_path, wanted, kill_after)
    await _run(tmp_path, wanted, wanted)

    async def known() -> Sequence[AxisAgency]:
        return []

    axis = LocalAxis(tmp_path / "spool", agencies=known, clock=clock)
    items = await axis.list_received(MessageKind.DOCUMENT)
    assert len(items) == len({item.receiver_doc_id for item in items}) == wanted
    contents = set()
    for place, item in enumerate(items):
        await axis.fetch(item.receiver_doc_id, tmp_path / f"fetched-{place}")
        contents.add((tmp_path / f"fetched-{place}").read_bytes())
    assert contents == {str(number).encode() for number in range(wanted)}


async def _run(folder: Path, wanted: int, kill_after: int) -> None:
    """A process that sends everything from the start; killed after so many acknowledgements."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(folder), str(wanted), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    for _ in range(kill_after):
        assert await process.stdout.readline()
    if kill_after < wanted:
        process.kill()
    await process.wait()
    await process.stdout.read()
