"""TLS before a server that speaks without: what a load balancer or a reverse proxy does."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

WINDOW = 1 << 16


@asynccontextmanager
async def tls_before(port: int, server_pem: Path) -> AsyncIterator[int]:
    """The port on loopback at which the same server is reached with TLS. ``server_pem``: key and certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(server_pem)
    open_links: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, onwards = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, onwards))
                group.create_task(_pump(behind, writer))
        finally:
            onwards.close()
            writer.close()

    def entered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(carry(reader, writer))
        open_links.add(task)
        task.add_done_callback(open_links.discard)

    listener = await asyncio.start_server(entered, "127.0.0.1", 0, ssl=context)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in open_links:
            task.cancel()
        await asyncio.gather(*open_links, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the end of either; TLS has no half that is closed."""
    with contextlib.suppress(OSError):
        while piece := await reader.read(WINDOW):
            writer.write(piece)
            await writer.drain()
    writer.close()
