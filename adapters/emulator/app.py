"""The emulator as a whole: opens the journal, replays it, starts robots, axis port and control port.

Prints nothing. Everything the axis acknowledged survives ``kill -9`` and is there after a restart on the same folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from aiohttp import web

from ..errors import AxisError
from ..vxp.calls import ServerSettings, ServerSide
from ..vxp.protocol import HashForm
from ..vxp.server import answer, operation_of, vxp_application, vxp_runner
from .backend import EmulatorBackend
from .control import Controls, control_application
from .faults import FaultBoard
from .journal import open_journal, read_journal
from .ledger import Ledger
from .requests import RequestJournal
from .robots import Robots
from .settings import EmulatorSettings, HashMode
from .state import AxisState
from .storage import Folders

Clock = Callable[[], datetime]
HASH_FORMS = {
    HashMode.OFF: (),
    HashMode.UNPADDED: (HashForm.UNPADDED,),
    HashMode.PADDED: (HashForm.PADDED,),
    HashMode.EITHER: (HashForm.UNPADDED, HashForm.PADDED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulator:
    """A running emulator."""

    base_url: str  # for VxpSettings.base_url
    control_url: str
    controls: Controls


def now() -> datetime:
    """The emulator is a program of its own: here its clock comes in."""
    return datetime.now(UTC)


async def run_emulator(settings: EmulatorSettings, *, stop: asyncio.Event, clock: Clock = now) -> None:
    """Serve until ``stop`` is set. ``clock`` gives aware datetimes. Raises AxisError, OSError at start."""
    async with open_emulator(settings, clock=clock):
        await stop.wait()


@asynccontextmanager
async def open_emulator(settings: EmulatorSettings, *, clock: Clock = now) -> AsyncIterator[Emulator]:
    """A running emulator for the length of the context; one per data folder."""
    async with AsyncExitStack() as stack:
        ledger = _open_ledger(settings, stack, clock)
        await ledger.seed()
        controls = Controls(
            ledger=ledger,
            faults=FaultBoard(settings.hang),
            requests=RequestJournal(clock),
            robots=Robots(ledger, settings.pace),
        )
        base = await _serve(stack, _axis_application(settings, controls), settings.host, settings.port)
        control = await _serve(stack, control_application(controls), settings.host, settings.control_port)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        robots = tasks.create_task(controls.robots.run(), name="emulator-robots")
        stack.callback(robots.cancel)
        stack.callback(controls.faults.clear)  # hanging calls go before the servers close
        yield Emulator(base_url=f"{base}/XrdAdapter/adapter", control_url=control, controls=controls)


def _open_ledger(settings: EmulatorSettings, stack: AsyncExitStack, clock: Clock) -> Ledger:
    folders = Folders(data=settings.data)
    settings.data.mkdir(parents=True, exist_ok=True)
    stack.enter_context(_only_one(settings.data / "lock"))
    folders.prepare()
    state = AxisState()
    for event in read_journal(folders.journal):
        state.apply(event)
    journal = open_journal(folders.journal)
    stack.callback(journal.close)
    return Ledger(settings, folders=folders, journal=journal, state=state, clock=clock)


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Two emulators on one folder would write over each other; the kernel drops the lock with the process."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AxisError(
                "EMULATOR_RUNNING",
                f"Đã có trục giả lập khác dùng thư mục {path.parent.name}.",
                blame="ours",
                transient=False,
            ) from error
        yield


def _axis_application(settings: EmulatorSettings, controls: Controls) -> web.Application:
    """The VXP server side with the request journal and the faults in front."""
    profile = settings.profile
    side = ServerSide(
        backend=EmulatorBackend(controls.ledger),
        settings=ServerSettings(
            incoming=controls.ledger.folders.incoming,
            max_body=profile.max_body,
            hash_forms=HASH_FORMS[profile.hash_mode],
            timestamp_window=profile.timestamp_window,
        ),
        clock=controls.ledger.clock,
        names=controls.ledger.incoming_name,
    )

    async def handle(request: web.Request) -> web.StreamResponse:
        operation = operation_of(request)
        fault = controls.faults.take(operation) if operation else None
        controls.requests.add(request, operation or "", fault.code if fault else None)
        if fault and operation:
            return await controls.faults.strike(fault, operation, request, lambda request: answer(side, request))
        return await answer(side, request)

    async def dated(_: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = format_datetime(controls.ledger.clock().astimezone(UTC), usegmt=True)

    application = vxp_application(handle)
    application.on_response_prepare.append(dated)  # its clock is the axis's, whatever the machine's is
    return application


async def _serve(stack: AsyncExitStack, application: web.Application, host: str, port: int) -> str:
    """Listen until the stack unwinds; the address in use."""
    runner = vxp_runner(application)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, host, port).start()
    actual = runner.addresses[0][1]
    return f"http://{host}:{actual}"
