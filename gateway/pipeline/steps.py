"""Every kind of work and who does it: the one table that the worker runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from ...queue.messages import Work
from ...queue.worker import Kind
from ..node import Node
from . import answers, following, inward, outward

STEPS: Final[dict[str, Callable[[Node, Work], Awaitable[None]]]] = {
    **outward.STEPS,
    **inward.STEPS,
    "answer": answers.answer,
    "follow": following.follow,
}

# How many at a time. Examining is bound by the worker processes; one more waits so that none idles.
_ONE_MORE: Final = 1


def kinds(node: Node) -> dict[str, Kind]:
    """What the worker is given."""
    at_once = dict.fromkeys(STEPS, node.settings.queue.work_concurrency)
    at_once["examine"] = at_once["examine_incoming"] = node.settings.signing.workers + _ONE_MORE
    at_once["follow"] = 2
    return {name: Kind(handler=partial(step, node), concurrency=at_once[name]) for name, step in STEPS.items()}
