"""Under which account the embedded server runs, and the folders and secrets that account needs.

PostgreSQL refuses to run as root; then it gets the account ``nobody``, which owns nothing but what is made here.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .errors import DatabaseError

UNPRIVILEGED = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Numbers of the account that runs the server; ``changes`` says that we must become it."""

    uid: int
    gid: int
    changes: bool

    def own(self, path: Path) -> None:
        if self.changes:
            os.chown(path, self.uid, self.gid)


def server_account() -> Account:
    """Our own account, or ``nobody`` when we are root."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), changes=False)
    entry = pwd.getpwnam(UNPRIVILEGED)
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, changes=True)


def private_folder(path: Path, account: Account) -> Path:
    """A 0700 folder of the account. An existing one of somebody else is refused (``POSTGRES_FOLDER``)."""
    path.mkdir(mode=0o700, exist_ok=True)
    account.own(path)
    found = path.lstat()
    if path.is_symlink() or found.st_uid != account.uid:
        raise DatabaseError("POSTGRES_FOLDER", f"Thư mục {path} không thuộc tài khoản chạy cơ sở dữ liệu.")
    path.chmod(0o700)
    return path


def secret(path: Path, account: Account, randbytes: Callable[[int], bytes]) -> str:
    """The password kept in ``path`` (0600), made once from 24 random bytes."""
    if not path.exists():
        fresh = path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(randbytes(24).hex())
            file.flush()
            os.fsync(file.fileno())
        account.own(fresh)
        fresh.rename(path)
    return path.read_text().strip()
