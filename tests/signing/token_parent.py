"""A node that opens a token and goes to sleep: ``token_parent.py MODULE SERIAL``; the PIN on standard input.

Prints the process id of the token's process. The environment that the module needs is its own.
"""

import asyncio
import os
import sys

from lienthong.signing.token_desk import TokenDesk, TokenDeskSettings
from lienthong.signing.tokens import TokenAddress


async def main() -> None:
    module, serial = sys.argv[1:]
    async with TokenDesk(settings=TokenDeskSettings(modules=(module,), environment=dict(os.environ))) as desk:
        await desk.open(TokenAddress(module=module, serial=serial), sys.stdin.readline().strip(), label="cu")
        print(*desk.process_ids, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
