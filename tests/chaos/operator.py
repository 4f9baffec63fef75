"""The operator on duty: sees over the API what has stopped, and lets it go on with a reason."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

import aiohttp

from lienthong.tests.chaos.stage import Stage
from lienthong.tests.crash.load import rest

LOOK_SECONDS: Final = 1.0
REASON: Final = {"reason": "Đã hỏi đơn vị vận hành trục: khóa đúng, cho chạy lại."}


async def on_duty(stage: Stage, over: asyncio.Event) -> None:
    """Resume every paused channel until ``over``."""
    while not over.is_set():
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            for channel in (await _asked(stage, "GET", "/v1/operations/channels")).get("items", []):
                if channel["state"] == "paused":
                    await _asked(stage, "POST", f"/v1/operations/channels/{channel['name']}/resume", json=REASON)
        await rest(LOOK_SECONDS)


async def held(stage: Stage) -> list[str]:
    """What waits for a person, with the reason shown to him."""
    found = await _asked(stage, "GET", "/v1/operations/holds?limit=100")
    return [f"{one['code']}: {one['reason']}" for one in found["items"]]


async def _asked(stage: Stage, method: str, path: str, **more: Any) -> dict[str, Any]:
    scene = stage.scene
    headers = {"Authorization": f"Bearer {scene.operator_key}"}
    async with scene.http.request(method, scene.node_urls[0] + path, headers=headers, **more) as response:
        answer: dict[str, Any] = await response.json()
        return answer if response.status < 300 else {}
