"""The one way in which a test waits for something that happens elsewhere."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

STEP_SECONDS = 0.01


async def until(condition: Callable[[], Awaitable[Any] | Any], deadline: float = 2.0) -> Any:
    """Ask ``condition`` (plain or async) until it answers something true; that answer.

    Fails the test when ``deadline`` seconds pass before.
    """
    try:
        async with asyncio.timeout(deadline):
            while True:
                answer = condition()
                if inspect.isawaitable(answer):
                    answer = await answer
                if answer:
                    return answer
                await asyncio.sleep(STEP_SECONDS)
    except TimeoutError as error:
        raise AssertionError(f"nothing happened within {deadline} s: {inspect.getsource(condition).strip()}") from error
