"""A result that the node hands to the browser instead of keeping it: packed, dated and sealed.

The page's downloads send it back. Only what this process sealed within the last minutes is opened, so nobody can have
the node print a report of its making about a file that it never saw; and the node keeps nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import zlib
from datetime import datetime, timedelta
from typing import Any, Final

from ..errors import GatewayError

LIFETIME: Final = timedelta(minutes=60)
LONGEST: Final = 200_000  # letters; the form that carries them is bounded to 256 KiB
_SEAL: Final = hashlib.sha256().digest_size


class Sealer:
    """``key``: random, of this process alone; a restart makes older results worthless."""

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


def _gone() -> GatewayError:
    return GatewayError("CHECK_RESULT_GONE", "Kết quả này không còn tải được; hãy kiểm tra lại tệp.")
