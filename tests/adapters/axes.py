"""Axes for tests: a running emulator with two nodes connected to it, or the local axis, behind one shape."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from lienthong.adapters.axis import Axis, AxisAgency
from lienthong.adapters.emulator.app import Emulator, open_emulator
from lienthong.adapters.emulator.settings import AgencySeed, EmulatorSettings, SystemSeed
from lienthong.adapters.local import LocalAxis
from lienthong.adapters.vxp.client import VxpAxis, open_vxp
from lienthong.adapters.vxp.settings import VxpSettings
from lienthong.tests.adapters.packages import MINISTRY, OUR_OTHER, OURS, THEIRS

Clock = Callable[[], datetime]
OUR_SYSTEM = "00.99.W00"
THEIR_SYSTEM = "00.98.W00"
OUR_KEY = "TEST-SECRET"
THEIR_KEY = "TEST-SECRET-H98"
LOCKED = "000.00.00.H97"
AGENCIES = (
    AgencySeed(code=OURS, name="Sở Thử nghiệm", center=OUR_SYSTEM),
    AgencySeed(code=OUR_OTHER, name="Sở Tài chính tỉnh Mẫu", center=OUR_SYSTEM),
    AgencySeed(code=THEIRS, name="UBND tỉnh Khác", center=THEIR_SYSTEM, mail="vt@khac.example"),
    AgencySeed(code=MINISTRY, name="Bộ Mẫu", center=THEIR_SYSTEM),
    AgencySeed(code="H98.5", name="Sở Mới", center=THEIR_SYSTEM, code102="000.00.05.H98", old_code="000.05.98.H98"),
    AgencySeed(code=LOCKED, name="Cơ quan đã khóa", center=THEIR_SYSTEM, locked=True),
)


def emulator_settings(folder: Path, **changes: Any) -> EmulatorSettings:
    return replace(
        EmulatorSettings(
            data=folder,
            port=0,
            control_port=0,
            pace=0.0,
            systems=(SystemSeed(id=OUR_SYSTEM, secret=OUR_KEY), SystemSeed(id=THEIR_SYSTEM, secret=THEIR_KEY)),
            agencies=AGENCIES,
        ),
        **changes,
    )


def our_settings(emulator: Emulator, **changes: Any) -> VxpSettings:
    return replace(VxpSettings(base_url=emulator.base_url, system_id=OUR_SYSTEM, secret=OUR_KEY), **changes)


def their_settings(emulator: Emulator) -> VxpSettings:
    return VxpSettings(base_url=emulator.base_url, system_id=THEIR_SYSTEM, secret=THEIR_KEY)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoNodes:
    """The axis as the sending and as the receiving node see it."""

    sender: Axis
    receiver: Axis


@dataclass(frozen=True, slots=True, kw_only=True)
class OverEmulator:
    emulator: Emulator
    ours: VxpAxis
    theirs: VxpAxis


@asynccontextmanager
async def over_emulator(
    folder: Path, clock: Clock, *, client: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[OverEmulator]:
    """``client``: changed settings of our own client; ``settings``: of the emulator."""
    async with AsyncExitStack() as stack:
        emulator = await stack.enter_async_context(open_emulator(emulator_settings(folder, **settings), clock=clock))
        ours = await stack.enter_async_context(open_vxp(our_settings(emulator, **(client or {})), clock=clock))
        theirs = await stack.enter_async_context(open_vxp(their_settings(emulator), clock=clock))
        yield OverEmulator(emulator=emulator, ours=ours, theirs=theirs)


@asynccontextmanager
async def vxp_nodes(folder: Path, clock: Clock) -> AsyncIterator[TwoNodes]:
    async with over_emulator(folder, clock) as running:
        yield TwoNodes(sender=running.ours, receiver=running.theirs)


@asynccontextmanager
async def local_nodes(folder: Path, clock: Clock) -> AsyncIterator[TwoNodes]:
    async def agencies() -> Sequence[AxisAgency]:
        return [AxisAgency(id=agency.code, code=agency.code, name=agency.name) for agency in AGENCIES]

    axis = LocalAxis(folder, agencies=agencies, clock=clock)
    yield TwoNodes(sender=axis, receiver=axis)
    await axis.aclose()
