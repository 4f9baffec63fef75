"""Every kind of work and who does it: the one table that the worker runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from structlog.contextvars import bind_contextvars

from ...queue.messages import Work
from ...queue.worker import Kind
from ..node import Node
from ..tracing import trace_id
from . import answers, following, inward, outward
from .handover import trace_of

Step = Callable[[Node, Work], Awaitable[None]]
STEPS: Final[dict[str, Step]] = {
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
    return {name: Kind(handler=partial(_traced, step, node), concurrency=at_once[name]) for name, step in STEPS.items()}


async def _traced(step: Step, node: Node, work: Work) -> None:
    """Every log line of the step, and the guard's behind it, names the trace: each piece of work has a task."""
    trace = trace_of(work)
    if trace is not None:
        bind_contextvars(trace_id=trace_id(trace))
    await step(node, work)
