"""Where the console script begins: ``sign`` runs without the server's libraries, everything else is the whole program.

A signer's computer has no PostgreSQL driver and needs none.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn


def main() -> None:
    if "serve" in sys.argv:  # asked to go before anything runs: there is nothing to end
        signal.signal(signal.SIGTERM, _leave)
    if sys.argv[1:2] == ["sign"]:
        from .signing import alone

        sys.exit(alone(sys.argv[2:]))
    from .main import main as whole

    whole()


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)
