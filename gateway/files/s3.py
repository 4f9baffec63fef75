"""The file store on an S3 server: one object for each (agency, SHA-256), by the same names as in a folder.

Incoming bytes are hashed on their way into a temporary file of this machine and uploaded from there: the key is known
only at the end, and what is refused never leaves the machine. Stored means that the server has answered the put. The
same bytes are simply put again: that heals a damaged object and makes an old one count as new. What is fetched is
compared with its digest before anybody sees it. Several processes share a bucket; none knows of the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
import stat
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import AlreadyExistsError

from .cache import Cache
from .durable import WINDOW, create_private, digest_of, disk_errors, sweep_folder, write_all
from .errors import FileError, damaged, not_found
from .incoming import Incoming
from .layout import OWNER_MARK, AgencyKey, Layout, StoredFile, StoredObject, agency_folder
from .s3_errors import s3_errors
from .s3_place import S3Place, object_of, open_bucket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from datetime import datetime
    from pathlib import Path

PAGE: Final = 1000  # keys of one answer
PART: Final = 8 << 20  # bytes of one part of an upload; two are in memory
SLOWEST: Final = 250_000  # bytes a second below which an upload counts as an outage
SWEEPS: Final = 4  # at once, the clockwork's and those of operators, each of which may be in the way once


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
        self._patience = place.answer_seconds
        self._bucket = open_bucket(place)

    async def start(self, *, older_than: datetime) -> int:
        """As the port says; raise FILE_STORE_REFUSED, FILE_STORE_BUCKET, FILE_STORE_TRUST, FILE_STORE_FAILED."""
        await asyncio.to_thread(self._make_folders)
        await self._cache.start()
        await self._probe()
        return await self.sweep_temporary(older_than)

    async def _probe(self) -> None:
        """Whether the bucket takes, gives and deletes: told at the start and not by the first document."""
        key, content = f"{self._prefix}probe/{self._token()}", b"lienthong"
        async with s3_errors(self._patience):
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
        key = self._key(agency_id, sha256)
        return await self._head(key) is not None or await self.bring_back(agency_id, sha256)

    async def stream(self, agency_id: AgencyKey, sha256: str) -> AsyncIterator[bytes]:
        digest = hashlib.sha256()
        answer = await self._get(agency_id, sha256)
        windows = aiter(answer.stream(min_chunk_size=WINDOW))
        while True:
            async with s3_errors(self._patience):
                window = await anext(windows, None)
            if window is None:
                break
            content = bytes(window)
            digest.update(content)
            yield content
        if digest.hexdigest() != sha256:
            raise damaged()

    async def _get(self, agency_id: AgencyKey, sha256: str) -> obstore.GetResult:
        key = self._key(agency_id, sha256)
        for _ in range(SWEEPS):
            try:
                async with s3_errors(self._patience):
                    return await obstore.get_async(self._bucket, key)
            except FileError as error:
                if error.code != "FILE_NOT_FOUND" or not await self.bring_back(agency_id, sha256):
                    raise
        raise not_found()

    async def listing(self, after: tuple[str, str] = ("", "")) -> AsyncIterator[Sequence[StoredObject]]:
        offset = self._key(*after) if all(after) else None
        async for page in self._pages(self._prefix, offset):
            yield page

    async def listing_aside(self) -> AsyncIterator[Sequence[StoredObject]]:
        async for page in self._pages(f"{self._prefix}aside/", None):
            yield page

    async def _pages(self, prefix: str, offset: str | None) -> AsyncIterator[Sequence[StoredObject]]:
        pages = aiter(obstore.list(self._bucket, prefix=prefix or None, offset=offset, chunk_size=PAGE))
        while True:
            async with s3_errors(self._patience):
                page = await anext(pages, None)
            if page is None:
                return
            found = [object_of(prefix, one["path"], one["size"], one["last_modified"]) for one in page]
            yield [one for one in found if one is not None]

    async def set_aside(self, owner: AgencyKey, sha256: str, *, older_than: datetime) -> bool:
        """A copy first: whoever puts the same bytes before the removal finds them aside."""
        key = self._key(owner, sha256)
        modified_at = await self._head(key)
        if modified_at is None or modified_at >= older_than:
            return False
        async with s3_errors(self._patience):
            with contextlib.suppress(FileNotFoundError):  # another sweep was faster
                await obstore.copy_async(self._bucket, key, self._aside(owner, sha256))
                await obstore.delete_async(self._bucket, key)
                return True
        return False

    async def bring_back(self, owner: AgencyKey, sha256: str) -> bool:
        """The copy aside stays until the removal of it is certain to take nothing away.

        A sweep that has looked before may take what is just brought back out of sight again; it does so once.
        """
        key, aside = self._key(owner, sha256), self._aside(owner, sha256)
        for _ in range(SWEEPS):
            if await self._head(key) is not None:
                return True  # brought back, by whomever, or put again meanwhile
            async with s3_errors(self._patience):
                try:
                    await obstore.copy_async(self._bucket, aside, key)
                except FileNotFoundError:
                    break
        return await self._head(key) is not None

    async def discard(self, owner: AgencyKey, sha256: str) -> None:
        async with s3_errors(self._patience):
            await obstore.delete_async(self._bucket, self._aside(owner, sha256))

    async def claim(self, database: str) -> str:
        key = self._prefix + OWNER_MARK
        async with s3_errors(self._patience):
            with contextlib.suppress(AlreadyExistsError):
                await obstore.put_async(self._bucket, key, database.encode(), mode="create")
            return bytes(await (await obstore.get_async(self._bucket, key)).bytes_async()).decode()

    async def _head(self, key: str) -> datetime | None:
        """When the object was last put; None: there is none."""
        async with s3_errors(self._patience):
            with contextlib.suppress(FileNotFoundError):
                return (await obstore.head_async(self._bucket, key))["last_modified"]
        return None

    def _aside(self, agency_id: AgencyKey, sha256: str) -> str:
        return self._prefix + self._layout.aside(agency_id, sha256).relative_to(self._layout.root).as_posix()

    async def remove(self, agency_id: AgencyKey, sha256: str) -> None:
        async with s3_errors(self._patience):
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
        _, size = await asyncio.to_thread(_measured, path, sha256)
        async with s3_errors(self._patience + size / SLOWEST):
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
