"""Settings of the emulator ("Trục giả lập"): addresses, data folder, profile switches, seeded agencies."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from ..errors import AxisError

T = TypeVar("T")


class HashMode(StrEnum):
    OFF = "off"
    UNPADDED = "unpadded"
    PADDED = "padded"
    EITHER = "either"


class FailSemantics(StrEnum):
    """What ``updateStatus fail`` does to an item."""

    REDELIVER = "redeliver"
    TERMINAL = "terminal"


class RecipientRow(StrEnum):
    """For whom a receiverDocId is made: unknown of the national axis, so the node must bear both."""

    AGENCY = "agency"
    CENTER = "center"  # one for all agencies of a system id; robots keep their own


class ReceiverCheck(StrEnum):
    """What becomes of a package for several when one of them is unknown or locked (F10)."""

    PACKAGE = "package"  # refused as a whole with 18 or 23
    RECIPIENT = "recipient"  # taken; the list of sent documents says FAIL for that one, without a receiverDocId


class StatusCase(StrEnum):
    UPPER = "upper"
    LOWER = "lower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How this axis behaves where real ones differ (axis.md 12.2)."""

    hash_mode: HashMode = HashMode.EITHER
    timestamp_window: float | None = None  # seconds; None: off
    list_limit: int | None = None  # rows of a received list; None: all
    max_body: int = 500 * 1024 * 1024  # bytes
    fail_semantics: FailSemantics = FailSemantics.REDELIVER
    recipient_row: RecipientRow = RecipientRow.AGENCY
    receiver_check: ReceiverCheck = ReceiverCheck.PACKAGE
    status_case: StatusCase = StatusCase.UPPER
    trace_code: str | None = "001.00.20.TT2"  # OrganId of the axis's own TraceHeader; "" leaves it out


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSeed:
    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencySeed:
    """An agency of the axis. ``script`` makes it a robot that answers documents by itself."""

    code: str
    name: str
    center: str = ""  # system id its node uses
    parent: str = ""
    mail: str = ""
    code102: str = ""  # 13-character code, where ``code`` follows QĐ 20/2020
    old_code: str = ""
    locked: bool = False
    script: tuple[str, ...] = ()  # e.g. "01", "03", "02:Gửi nhầm đơn vị"
    on_recall: tuple[str, ...] = ("15",)  # what a robot answers to a recall (13 or a package of type 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorSettings:
    """``port`` and ``control_port`` 0: any free port, to be read from the running emulator."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 8686
    control_port: int = 8687
    seed: str = "TEST"  # ids are drawn from it and a counter
    pace: float = 0.3  # seconds between a robot's steps
    hang: float = 120.0  # seconds a call is left without an answer by faults F02 and F03
    profile: Profile = Profile()
    systems: tuple[SystemSeed, ...] = ()
    agencies: tuple[AgencySeed, ...] = ()

    @classmethod
    def from_toml(cls, path: Path) -> EmulatorSettings:
        """Read a TOML file; a relative ``data`` is taken from the file's folder. Raises AxisError EMULATOR_SETTINGS."""
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise _bad(f"không đọc được {path.name}: {error}") from error
        systems = tuple(_value(SystemSeed, row) for row in document.pop("systems", ()))
        agencies = tuple(agency_seed(row) for row in document.pop("agencies", ()))
        profile = _profile(document.pop("profile", {}))
        if "data" in document:
            document["data"] = path.parent / document["data"]
        return _value(cls, document | {"systems": systems, "agencies": agencies, "profile": profile})


def agency_seed(row: Mapping[str, Any]) -> AgencySeed:
    """An agency from TOML or JSON. Raises AxisError EMULATOR_SETTINGS."""
    lists = {name: tuple(row[name]) for name in ("script", "on_recall") if name in row}
    return _value(AgencySeed, {**row, **lists})


def _profile(row: Mapping[str, Any]) -> Profile:
    kinds = {
        "hash_mode": HashMode,
        "fail_semantics": FailSemantics,
        "status_case": StatusCase,
        "recipient_row": RecipientRow,
        "receiver_check": ReceiverCheck,
    }
    try:
        return _value(Profile, {name: kinds[name](value) if name in kinds else value for name, value in row.items()})
    except ValueError as error:
        raise _bad(str(error)) from error


def _value(kind: type[T], row: Mapping[str, Any]) -> T:
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(row) - known)
    if unknown:
        raise _bad(f"khóa lạ {', '.join(unknown)}")
    try:
        return kind(**row)
    except TypeError as error:
        raise _bad(str(error)) from error


def _bad(why: str) -> AxisError:
    return AxisError("EMULATOR_SETTINGS", f"Cấu hình trục giả lập sai: {why}.", blame="ours", transient=False)
