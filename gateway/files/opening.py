"""The file store that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .local import LocalStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..settings import Settings
    from .port import FileStore


def open_files(settings: Settings, *, token: Callable[[], str]) -> FileStore:
    """Not started yet. ``token`` gives a file name that was never given before."""
    return LocalStore(settings.files_dir, token=token, reserve=settings.files.reserve_bytes)
