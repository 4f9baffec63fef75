"""Builds the revocation desk of a process out of its settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from ..postgres.database import Database
from ..settings import Settings
from .acquiring import Acquirer
from .addresses import addresses_of
from .desk import RevocationDesk
from .fetching import open_fetcher
from .ledger import read_ledger
from .shelf import Shelf


@asynccontextmanager
async def open_desk(
    settings: Settings,
    db: Database,
    trust_folder: Path,
    *,
    run: Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]],
    clock: Callable[[], datetime],
    chance: Callable[[], float],
) -> AsyncIterator[RevocationDesk]:
    wanted, store = settings.revocation, settings.signing.trust_store
    shelf = Shelf(store=trust_folder / store)
    async with open_fetcher(seconds=wanted.timeout_s, max_bytes=wanted.max_bytes) as fetcher:
        acquirer = Acquirer(
            addresses=addresses_of(wanted.allowed_hosts, wanted.mirrors),
            source=fetcher,
            shelf=shelf,
            run=run,
            trust={"trust_folder": str(trust_folder), "trust_store": store},
            clock=clock,
            chance=chance,
            refresh_seconds=wanted.refresh_seconds,
            entries=read_ledger(shelf.read_ledger()),
        )
        yield RevocationDesk(settings=wanted, acquirer=acquirer, db=db)
