"""What every command starts from: which settings file, which environment, and the sources of time and identity."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from .. import identifiers
from ..settings import CONFIG_VARIABLE, PREFIX, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call of the program. Settings are read when a command asks, so that ``check`` works without any."""

    config: Path | None
    environ: Mapping[str, str]

    def with_settings(self, **given: str) -> Invocation:
        """The same call with settings from its command line, which stand above file and environment."""
        over = {f"{PREFIX}{name.upper()}": value for name, value in given.items()}
        return Invocation(config=self.config, environ={**self.environ, **over})

    def settings(self) -> Settings:
        named = self.environ.get(CONFIG_VARIABLE)
        return Settings.load(self.config or (Path(named) if named else None), self.environ)


def invocation(context: typer.Context) -> Invocation:
    found = context.find_object(Invocation)
    return found if found is not None else Invocation(config=None, environ=os.environ)


def clock() -> datetime:
    return datetime.now(UTC)


def new_id() -> UUID:
    return identifiers.new_id(clock, os.urandom)


# Options that several commands share.
Json = Annotated[bool, typer.Option("--json", help="In JSON thay cho chữ.")]
Reason = Annotated[str, typer.Option("--reason", help="Lý do, được ghi lại và bên gửi đọc được.")]
Actor = Annotated[str, typer.Option("--actor", help="Người quyết định, được ghi lại.")]
