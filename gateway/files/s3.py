"""The file store on an S3 server: one object for each (agency, SHA-256), by the same names as in a folder.

Incoming bytes are hashed on their way into a temporary file of this machine and uploaded from there: the key is known
only at the end, and what is refused never leaves the machine. Stored means that the server has answered the put. The
same bytes are simply put again: that heals a damaged object and makes an old one count as new. What is fetched is
compared with its digest before anybody sees it. Several processes share a bucket; none knows of the others.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import stat
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import obstore
from obstore.store import S3Store as Bucket

from .cache import Cache
from .durable import WINDOW, create_private, digest_of, disk_errors, sweep_folder, write_all
from .errors import FileError, damaged
from .incoming import Incoming
from .layout import AgencyKey, Layout, StoredFile, agency_folder
from .s3_errors import s3_errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime
    from pathlib import Path

PART: Final = 8 << 20  # bytes of one part of an upload; two are in memory
ASK_SECONDS: Final = 30.0  # one short question, its repetitions included
UPLOAD_SECONDS: Final = 600.0
STALL_SECONDS: Final = 60.0  # without a byte of a download
# Whoever is not the endpoint itself is asked through this proxy, which does not exist: redirects lead nowhere.
_NOWHERE: Final = "http://127.0.0.1:1"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class S3Place:
    """Where the bucket is and how to enter."""

    endpoint: str  # http(s)://host:port
    bucket: str
    region: str
    access_key: str
    secret_key: str
    authority: bytes | None = None  # PEM of the server's root certificate
    prefix: str = ""  # before every key, without a slash at its end


class S3Store:
    """``FileStore`` in a bucket.

    ``root``: folder of this machine for temporary files; ``cache``: what was fetched; ``token`` gives a name that was
    never given before; ``reserve``: free bytes of this machine below which ``has_room`` says no.
    """

    def __init__(
        self, place: S3Place, *, root: Path, cache: Cache, token: Callable[[], str], reserve: int = 1 << 30
    ) -> None:
        self._layout = Layout(root, token=token)
        self._cache = cache
        self._token = token
        self._reserve = reserve
        self._prefix = f"{place.prefix}/" if place.prefix else ""
        self._bucket = _open(place)

    async def start(self, *, older_than: datetime) -> int:
        """As the port says; raise FILE_STORE_REFUSED, FILE_STORE_BUCKET, FILE_STORE_TRUST, FILE_STORE_FAILED."""
        await asyncio.to_thread(self._make_folders)
        await self._cache.start()
        await self._probe()
        return await self.sweep_temporary(older_than)

    async def _probe(self) -> None:
        """Whether the bucket takes, gives and deletes: told at the start and not by the first document."""
        key, content = f"{self._prefix}probe/{self._token()}", b"lienthong"
        async with s3_errors(ASK_SECONDS):
            await obstore.put_async(self._bucket, key, content)
            read = bytes(await (await obstore.get_async(self._bucket, key)).bytes_async())
            await obstore.delete_async(self._bucket, key)
        if read != content:
            raise FileError("FILE_STORE_FAILED", "Máy chủ S3 trả lại nội dung khác nội dung đã ghi.", blame="ours")

    def receive(self, agency_id: AgencyKey, *, limit: int) -> Incoming:
        agency_folder(agency_id)
        return Incoming(self._layout, agency_id, limit=limit, upload=self._upload)

    async def adopt(self, agency_id: AgencyKey, path: Path, *, known: str | None = None) -> StoredFile:
        agency_folder(agency_id)
        sha256, size = await asyncio.to_thread(_measured, path, known)
        await self._upload(path, agency_id, sha256)
        await asyncio.to_thread(path.unlink, missing_ok=True)
        return StoredFile(agency_id=agency_id, sha256=sha256, size=size)

    async def keep(self, agency_id: AgencyKey, path: Path, *, sha256: str) -> None:
        await self._upload(path, agency_id, sha256)

    async def new_temporary(self) -> Path:
        return await asyncio.to_thread(self._new_temporary)

    @asynccontextmanager
    async def at_hand(self, agency_id: AgencyKey, sha256: str) -> AsyncIterator[Path]:
        self._layout.path(agency_id, sha256)

        async def fetch(into: Path) -> int:
            part = into.with_name(f"{into.name}.{self._token()}")
            try:
                return await self._fetch(agency_id, sha256, part, into)
            finally:
                await asyncio.to_thread(part.unlink, missing_ok=True)

        async with self._cache.hold(f"{agency_folder(agency_id)}-{sha256}", fetch) as path:
            yield path

    async def exists(self, agency_id: AgencyKey, sha256: str) -> bool:
        try:
            async with s3_errors(ASK_SECONDS):
                await obstore.head_async(self._bucket, self._key(agency_id, sha256))
        except FileError as error:
            if error.code == "FILE_NOT_FOUND":
                return False
            raise
        return True

    async def stream(self, agency_id: AgencyKey, sha256: str) -> AsyncIterator[bytes]:
        digest = hashlib.sha256()
        async with s3_errors(ASK_SECONDS):
            answer = await obstore.get_async(self._bucket, self._key(agency_id, sha256))
        windows = aiter(answer.stream(min_chunk_size=WINDOW))
        while True:
            async with s3_errors(STALL_SECONDS):
                window = await anext(windows, None)
            if window is None:
                break
            content = bytes(window)
            digest.update(content)
            yield content
        if digest.hexdigest() != sha256:
            raise damaged()

    async def remove(self, agency_id: AgencyKey, sha256: str) -> None:
        async with s3_errors(ASK_SECONDS):
            await obstore.delete_async(self._bucket, self._key(agency_id, sha256))

    async def sweep_temporary(self, older_than: datetime) -> int:
        return await asyncio.to_thread(sweep_folder, self._layout.temporary, older_than)

    def has_room(self, wanted: int = 0) -> bool:
        """Of this machine, where bytes are before they are uploaded; how full the server is it says itself."""
        with disk_errors():
            return shutil.disk_usage(self._layout.root).free - wanted >= self._reserve

    def _key(self, agency_id: AgencyKey, sha256: str) -> str:
        """Raise FILE_KEY for what cannot be a key."""
        return self._prefix + self._layout.path(agency_id, sha256).relative_to(self._layout.root).as_posix()

    async def _upload(self, path: Path, agency_id: AgencyKey, sha256: str) -> None:
        key = self._key(agency_id, sha256)
        await asyncio.to_thread(_measured, path, sha256)
        async with s3_errors(UPLOAD_SECONDS):
            await obstore.put_async(self._bucket, key, path, chunk_size=PART, max_concurrency=2)

    async def _fetch(self, agency_id: AgencyKey, sha256: str, part: Path, into: Path) -> int:
        size = 0
        with disk_errors():
            file = await asyncio.to_thread(create_private, part)
            try:
                async for window in self.stream(agency_id, sha256):
                    await asyncio.to_thread(write_all, file, window)
                    size += len(window)
            finally:
                file.close()
            await asyncio.to_thread(part.replace, into)
        return size

    def _make_folders(self) -> None:
        with disk_errors():
            self._layout.ensure(self._layout.temporary)

    def _new_temporary(self) -> Path:
        with disk_errors():
            return self._layout.new_temporary()


def _measured(path: Path, known: str | None) -> tuple[str, int]:
    """Digest and size of a plain file; a link is not followed."""
    with disk_errors():
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise FileError("FILE_STORE_FAILED", "Chỉ nhận tệp thường vào kho.", blame="ours")
        return (known, found.st_size) if known else digest_of(path)


def _open(place: S3Place) -> Bucket:
    host = urlsplit(place.endpoint).hostname or ""
    client: dict[str, Any] = {
        "allow_http": place.endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=5),
        "timeout": timedelta(seconds=UPLOAD_SECONDS),
        "proxy_url": _NOWHERE,
        "proxy_excludes": host,
    }
    if place.authority is not None:
        client["root_certificate"] = place.authority
    return Bucket(
        place.bucket,
        endpoint=place.endpoint,
        region=place.region,
        access_key_id=place.access_key,
        secret_access_key=place.secret_key,
        virtual_hosted_style_request=False,
        client_options=client,  # type: ignore[arg-type]
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
    )
