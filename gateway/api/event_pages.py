"""Pages about the events for other systems: what there is, the AsyncAPI document, the JSON Schemas."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

import jinja2
from aiohttp import web
from aiohttp.typedefs import Handler

from .. import public_events

Fixed = Callable[[bytes, str], Handler]
SHARED = "public.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One type of the public topic as its schema describes it."""

    type: str
    title: str


def add_event_pages(app: web.Application, page: jinja2.Template, fixed: Fixed) -> None:
    """``/docs/events``, and beside it the files it points to, so that their references hold."""
    folder = files("lienthong") / "schemas" / "events"
    kinds = []
    for name in sorted(public_events.types() | {SHARED}):
        content = folder.joinpath(f"{name}.json").read_bytes()
        app.router.add_get(f"/docs/events/{name}.json", fixed(content, "application/schema+json"))
        if name != SHARED:
            kinds.append(Kind(type=name, title=json.loads(content)["title"]))
    document = folder.joinpath("asyncapi.yaml").read_bytes()
    app.router.add_get("/docs/events/asyncapi.yaml", fixed(document, "application/yaml"))
    app.router.add_get("/docs/events", fixed(page.render(kinds=kinds).encode(), "text/html"))
