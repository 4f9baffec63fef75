"""Both file stores as tests want them, and what lies in them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lienthong.deploy.s3.server import S3Server
from lienthong.gateway.files.cache import Cache
from lienthong.gateway.files.local import LocalStore
from lienthong.gateway.files.port import FileStore
from lienthong.gateway.files.s3 import S3Store
from lienthong.gateway.files.s3_place import S3Place


def local_store(root: Path, *, name: str = "t", reserve: int = 0) -> LocalStore:
    """``name``: of the process; two over one folder have different ones."""
    numbers = itertools.count()
    return LocalStore(root, token=lambda: f"{name}{next(numbers)}", reserve=reserve)


def s3_place(server: S3Server, prefix: str, **changes: Any) -> S3Place:
    own = server.settings(prefix)
    place = S3Place(
        endpoint=str(own["endpoint"]),
        bucket=str(own["bucket"]),
        region=str(own["region"]),
        access_key=Path(str(own["access_key_file"])).read_text(),
        secret_key=Path(str(own["secret_key_file"])).read_text(),
        prefix=prefix,
    )
    return replace(place, **changes)


def s3_store(place: S3Place, root: Path, *, cache: int = 1 << 30, reserve: int = 0) -> S3Store:
    """``root``: the machine of one process; several stores of one place are several machines."""
    numbers = itertools.count()
    return S3Store(
        place,
        root=root / "files",
        cache=Cache(root / "cache", limit=cache),
        token=lambda: f"{root.name}-{next(numbers)}",
        reserve=reserve,
    )


@dataclass(slots=True, kw_only=True)
class Shelf:
    """One store, how to open a second one over the same bytes, and where those lie on this machine."""

    folder: Path
    server: S3Server | None = None
    opened: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def bytes_at(self) -> Path:
        """The folder that holds the objects by their keys."""
        return self.folder / "files" if self.server is None else self.server.data / "lienthong-test" / self.prefix

    @property
    def prefix(self) -> str:
        return self.folder.name.lower().replace("_", "-")

    def open(self, *, cache: int = 1 << 30) -> FileStore:
        name = f"machine-{next(self.opened)}"
        if self.server is None:
            return local_store(self.folder / "files", name=name)
        machine = self.folder / name
        return s3_store(s3_place(self.server, self.prefix), machine, cache=cache)

    def objects(self) -> list[str]:
        """Keys of what is stored, temporary files not among them."""
        root = self.bytes_at
        found = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
        return sorted(name for name in found if not name.startswith("tmp/"))

    def temporary(self) -> list[Path]:
        """What uploads have left on this machine."""
        return [path for path in self.folder.rglob("tmp/*") if path.is_file()]

    def damage(self, owner: object, sha256: str, content: bytes) -> None:
        """As a failing disk of the server would."""
        (self.bytes_at / str(owner) / sha256[:2] / sha256).write_bytes(content)
