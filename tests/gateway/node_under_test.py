"""A node reduced to its server and its acknowledgements: started and killed by the crash tests.

Writes a row, commits, and only then prints its number; with ``--print`` nothing else reaches the standard output.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from lienthong.gateway.postgres.database import Database
from lienthong.gateway.postgres.migrations.runner import migrate
from lienthong.gateway.postgres.supervisor import EmbeddedServer


async def main(base: Path, first: int) -> None:
    async with EmbeddedServer(base, randbytes=os.urandom) as server:
        await migrate(server.dsn)
        async with Database(server.app_dsn) as database:
            print("server", server.pid, flush=True)
            number = first
            while True:
                async with database.unit(None) as connection:
                    await connection.execute("insert into inbox values ($1, md5($1)::uuid)", str(number))
                print(number, flush=True)
                number += 1


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
