"""The file store that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .local import LocalStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..file_sections import S3Section
    from ..settings import Settings
    from .port import FileStore


def open_files(settings: Settings, *, token: Callable[[], str]) -> FileStore:
    """Not started yet. ``token`` gives a file name that was never given before."""
    if settings.files.s3 is not None and settings.files.store == "s3":
        return _open_s3(settings, settings.files.s3, token)
    return LocalStore(settings.files_dir, token=token, reserve=settings.files.reserve_bytes)


def _open_s3(settings: Settings, section: S3Section, token: Callable[[], str]) -> FileStore:
    from .cache import Cache
    from .s3 import S3Store  # here: the client library loads only where it is used
    from .s3_place import S3Place

    place = S3Place(
        endpoint=section.endpoint.rstrip("/"),
        bucket=section.bucket,
        region=section.region,
        access_key=section.access_key_file.read(),
        secret_key=section.secret_key_file.read(),
        authority=section.ca_file.read_bytes() if section.ca_file else None,
        prefix=section.prefix,
        answer_seconds=section.answer_seconds,
    )
    return S3Store(
        place,
        root=settings.files_dir,
        cache=Cache(settings.data_dir / "cache" / settings.instance, limit=section.cache_mb * 1_000_000),
        token=token,
        reserve=settings.files.reserve_bytes,
    )
