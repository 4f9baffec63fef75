"""How long the system waits for a server that fell silent: a machine that is gone sends no reset.

Without it a statement on its way to such a server waits for a quarter of an hour, an idle connection for two hours.
"""

from __future__ import annotations

import socket
from typing import Any, Final

SILENT_SECONDS: Final = 30  # what was sent is not acknowledged for so long: the connection is over
IDLE_SECONDS: Final = 15  # nothing was said for so long: the system asks whether anybody is there
OPTIONS: Final = {
    socket.TCP_KEEPIDLE: IDLE_SECONDS,
    socket.TCP_KEEPINTVL: 5,
    socket.TCP_KEEPCNT: 3,
    socket.TCP_USER_TIMEOUT: SILENT_SECONDS * 1000,
}


def end_with_a_silent_server(connection: Any) -> None:
    """Set it for a connection of asyncpg. A server that is merely slow still acknowledges and is waited for."""
    found = connection._transport.get_extra_info("socket")  # noqa: SLF001 - asyncpg has no option and no way to it
    if found is None or found.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in OPTIONS.items():
        found.setsockopt(socket.IPPROTO_TCP, option, value)
