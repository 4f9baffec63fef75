"""May this process get work, and if not, why: part by part, in codes of the catalogue, without addresses or secrets.

Knows no HTTP: ``/readyz`` of the API and of the health port show the same report. An axis that is away is no reason;
documents wait for it. Neither is Kafka for a process that takes documents in: they are safe in PostgreSQL.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..queue.errors import PASSING
from .channels import warnings as channel_warnings
from .errors import GatewayError
from .files.errors import FileError
from .files.layout import NODE_FILES
from .node import Node
from .postgres.errors import DatabaseError
from .postgres.migrations.standing import known_steps
from .settings import API

PATIENCE: Final = 2.0  # seconds for the answer of the database, and of the file store
NOTHING: Final = "0" * 64  # a digest that no file has
IN_ORDER: Final = "ok"
_BROKER: Final = {
    "KAFKA_AWAY": "Kafka không trả lời; tin chờ trong cơ sở dữ liệu.",
    "BROKER_STALLED": "Có tin trong Kafka mà bộ nhận của tiến trình này không nhận được.",
}


def never() -> bool:
    return False


def no_trouble() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """``parts``: name of the part and ``ok`` or its code, in the order of looking. ``error``: the first one's."""

    parts: Mapping[str, str]
    error: GatewayError | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """``stopping``: whether the stop was asked for. ``trouble``: the broker's word, see ``queue.port.Broker``."""

    node: Node
    stopping: Callable[[], bool] = never
    trouble: Callable[[], str | None] = no_trouble

    async def look(self) -> Report:
        """Ask every part; takes a few seconds at most."""
        parts: dict[str, str] = {}
        errors: list[GatewayError] = []
        warnings = self._undetermined()
        looks: dict[str, Callable[[list[str]], Awaitable[None]]] = {
            "node": self._node,
            "database": self._database,
            "files": self._files,
            "broker": self._broker,
        }
        if self.node.signer is not None or self.node.settings.signing.modules:
            looks["tokens"] = self._tokens
        for name, ask in looks.items():
            try:
                await ask(warnings)
            except (GatewayError, DatabaseError, FileError) as error:
                parts[name] = error.code
                errors.append(GatewayError(error.code, error.message, retry_after=5))
            else:
                parts[name] = IN_ORDER
        return Report(parts=parts, error=errors[0] if errors else None, warnings=tuple(warnings))

    async def _node(self, _warnings: list[str]) -> None:
        if self.stopping():
            raise GatewayError("NODE_STOPPING", "Nút đang dừng để bảo trì; hãy gửi lại sau.")

    async def _database(self, warnings: list[str]) -> None:
        """It answers, and stands at the step of this program or a later one (an upgrade begins with the database)."""
        steps = known_steps()
        try:
            async with asyncio.timeout(PATIENCE), self.node.db.unit(None) as conn:
                found = await self.node.db.queries.schema_step(conn)
                behind = found in steps[:-1] or found is None
                warnings += [] if behind else await channel_warnings(self.node, conn)
        except TimeoutError as error:
            raise GatewayError("DATABASE_UNAVAILABLE", "Cơ sở dữ liệu trả lời quá chậm.") from error
        except PASSING as error:
            raise GatewayError("DATABASE_UNAVAILABLE", "Cơ sở dữ liệu tạm thời không trả lời.") from error
        if behind:
            raise GatewayError("SCHEMA_BEHIND", f"Cơ sở dữ liệu ở bước {found}, chương trình cần bước {steps[-1]}.")
        if found != steps[-1]:
            warnings.append(f"Cơ sở dữ liệu ở bước {found}, mới hơn chương trình ({steps[-1]}).")

    async def _files(self, warnings: list[str]) -> None:
        if not await asyncio.to_thread(self.node.files.has_room, 0):
            raise GatewayError("DISK_LOW", "Kho tệp sắp hết dung lượng, tạm thời không nhận thêm.")
        try:
            await asyncio.to_thread(_write, self.node.scratch)
            async with asyncio.timeout(PATIENCE):  # a store elsewhere must answer, whatever it answers
                await self.node.files.exists(NODE_FILES, NOTHING)
        except TimeoutError as error:
            raise GatewayError("FILE_STORE_FAILED", "Kho tệp trả lời quá chậm.") from error
        except OSError as error:
            raise GatewayError("FILE_STORE_FAILED", "Không ghi được vào thư mục dữ liệu.") from error
        await self._faults(warnings)

    async def _faults(self, warnings: list[str]) -> None:
        """Files that are gone or damaged: a person's work, and no reason to take nothing in."""
        with contextlib.suppress(*PASSING, DatabaseError, TimeoutError):
            async with asyncio.timeout(PATIENCE), self.node.db.unit(None) as conn:
                faults = await self.node.db.queries.fault_count(conn)
            if faults:
                warnings.append(f"Kho tệp có {faults} tệp thiếu hoặc hỏng; xem /v1/operations/files.")

    async def _broker(self, warnings: list[str]) -> None:
        code = self.trouble()
        if code is None:
            return
        message = _BROKER[code]
        if API not in self.node.settings.roles:
            raise GatewayError(code, message)
        warnings.append(f"{code}: {message}")

    async def _tokens(self, warnings: list[str]) -> None:
        """The service key, without which nothing leaves; and sessions that a holder believes open and are not."""
        with contextlib.suppress(*PASSING, DatabaseError, TimeoutError):
            async with asyncio.timeout(PATIENCE), self.node.db.unit(None) as conn:
                lost = await self.node.db.queries.sessions_lost(conn, instance=self.node.settings.instance)
            if lost:
                warnings.append(f"SIG_TOKEN_SESSION_LOST: {lost} phiên ký mất thiết bị trong một giờ qua; cần mở lại.")
        trouble = await self.node.signer.trouble() if self.node.signer is not None else None
        if trouble is None:
            return
        message = f"Khóa dịch vụ không ký được phong bì ({trouble})."
        if API not in self.node.settings.roles:
            raise GatewayError("SERVICE_KEY_UNAVAILABLE", message)
        warnings.append(f"SERVICE_KEY_UNAVAILABLE: {message}")

    def _undetermined(self) -> list[str]:
        """What makes verdicts undetermined now; no address, because no key is asked here."""
        desk = self.node.revocation
        lacking = [one for one in desk.troubles() if one.lacking] if desk is not None else []
        return [f"Thiếu dữ liệu thu hồi từ {len(lacking)} nơi; xem /v1/operations/revocation."] if lacking else []


def _write(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"\n")
