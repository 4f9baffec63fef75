"""Where the console script begins: ``sign`` runs without the server's libraries, everything else is the whole program.

A signer's computer has no PostgreSQL driver and needs none.
"""

from __future__ import annotations

import sys


def main() -> None:
    if sys.argv[1:2] == ["sign"]:
        from .signing import alone

        sys.exit(alone(sys.argv[2:]))
    from .main import main as whole

    whole()
