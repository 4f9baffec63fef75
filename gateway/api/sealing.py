"""A result that the node hands to the browser instead of keeping it: packed, dated and sealed.

The page's downloads send it back. Only what this node sealed within the last hour is opened, so nobody can have it
print a report of his own making about a file that it never saw; and the node keeps nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from ..errors import GatewayError

KEY_BYTES: Final = 32
LIFETIME: Final = timedelta(minutes=60)
LONGEST: Final = 200_000  # letters; the form that carries them is bounded to 256 KiB
_SEAL: Final = hashlib.sha256().digest_size


class Sealer:
    """``key``: 32 random bytes that only the node's processes know."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, value: dict[str, Any], now: datetime) -> str | None:
        """None when the result is too long to travel in a form."""
        told = json.dumps({"at": now.isoformat(), "value": value}, ensure_ascii=False, separators=(",", ":"))
        packed = zlib.compress(told.encode(), 6)
        sealed = base64.urlsafe_b64encode(self._mark(packed) + packed).decode()
        return sealed if len(sealed) <= LONGEST else None

    def open(self, text: str, now: datetime) -> dict[str, Any]:
        """Raises CHECK_RESULT_GONE."""
        try:
            content = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
        except ValueError as error:
            raise _gone() from error
        mark, packed = content[:_SEAL], content[_SEAL:]
        if not hmac.compare_digest(mark, self._mark(packed)):
            raise _gone()
        told = json.loads(zlib.decompress(packed))
        if not timedelta(0) <= now - datetime.fromisoformat(told["at"]) <= LIFETIME:
            raise _gone()
        value: dict[str, Any] = told["value"]
        return value

    def _mark(self, packed: bytes) -> bytes:
        return hmac.digest(self._key, packed, "sha256")


def shared_key(path: Path, random_bytes: Callable[[int], bytes]) -> bytes:
    """The key of all processes over one data folder: made whole by the first, for its own account's eyes alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{random_bytes(8).hex()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(random_bytes(KEY_BYTES))
    try:
        with suppress(FileExistsError):
            os.link(fresh, path)
        key = path.read_bytes()
        if len(key) != KEY_BYTES:  # damaged: older results are lost, nothing else
            fresh.replace(path)
            key = path.read_bytes()
    finally:
        fresh.unlink(missing_ok=True)
    return key


def _gone() -> GatewayError:
    return GatewayError("CHECK_RESULT_GONE", "Kết quả này không còn tải được; hãy kiểm tra lại tệp.")
