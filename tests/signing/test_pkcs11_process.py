"""The process of a token: gone with its parent, and no PIN left in its memory once the token is open."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from lienthong.signing.token_desk import TokenDesk, TokenDeskSettings

from ..waiting import until
from .softhsm import MODULE, Drawer, SoftToken

PARENT = Path(__file__).with_name("token_parent.py")


async def test_an_open_token_does_not_outlive_a_killed_node(drawer: Drawer, leader: SoftToken) -> None:
    environment = {**drawer.environment, "PYTHONPATH": ":".join(filter(None, sys.path))}
    node = await asyncio.create_subprocess_exec(
        sys.executable, str(PARENT), MODULE, leader.serial, stdin=PIPE, stdout=PIPE, env=environment
    )
    assert node.stdin is not None
    assert node.stdout is not None
    node.stdin.write(f"{leader.pin}\n".encode())
    pid = int(await node.stdout.readline())
    assert alive(pid)
    node.kill()
    await node.wait()
    await until(lambda: not alive(pid))


async def test_the_pin_does_not_stay_in_memory(tokens: TokenDeskSettings, leader: SoftToken) -> None:
    """Root finds no trace of it; anybody else, the node's own user included, may not look."""
    async with TokenDesk(settings=tokens) as desk:
        await desk.open(leader.address, leader.pin, label="cu")
        (pid,) = desk.process_ids
        if os.geteuid() == 0:
            content = memory(pid)
            assert leader.serial.encode() in content  # it is the right process, and all of it
            assert leader.pin.encode() not in content
        else:
            assert not os.access(f"/proc/{pid}/mem", os.R_OK)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def memory(pid: int) -> bytes:
    """All that the process may write to: heap, stacks, buffers."""
    found = []
    regions = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as content:
        for start, end in re.findall(r"^([0-9a-f]+)-([0-9a-f]+) rw", regions, re.MULTILINE):
            content.seek(int(start, 16))
            found.append(content.read(int(end, 16) - int(start, 16)))
    return b"".join(found)
