"""Pages for people: start, the contract with Swagger UI, rendered once, and the check page (role console).

What answers of the API point to, the error catalogue and the contract itself, is there beside the API as well.

Nothing is loaded from outside and no script stands in a page (strict Content-Security-Policy).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files
from typing import Final

import jinja2
from aiohttp import web

from ..errors import GatewayError
from ..settings import CONSOLE
from .calls import Surface
from .check_page import CheckPage
from .event_pages import add_event_pages
from .problems import Catalogue
from .sealing import Sealer

BLAMES: Final = {
    "ours": "Nút liên thông",
    "peer": "Bên gọi (phần mềm, trục)",
    "document": "Văn bản hoặc tệp",
    "network": "Đường truyền",
}
_ASSETS: Final = {
    "pages.css": "text/css",
    "docs.js": "text/javascript",
    "check.css": "text/css",
    "check.js": "text/javascript",
    "swagger-ui/swagger-ui.css": "text/css",
    "swagger-ui/swagger-ui-bundle.js": "text/javascript",
}
_FOR_ERRORS: Final = "pages.css"  # all that the pages of the catalogue need
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_pages(app: web.Application, surface: Surface, sealer: Sealer) -> None:
    """Those of the catalogue and the contract; all others where the process has the role console."""
    console = CONSOLE in surface.node.settings.roles
    templates = _templates(console=console, check_page=console and surface.node.settings.check_page.enabled)
    _add_reference(app, surface, templates)
    if console:
        _add_console(app, surface, templates, sealer)
    folder = files("lienthong") / "gateway" / "api" / "static"
    for name, media_type in _ASSETS.items():
        if console or name == _FOR_ERRORS:
            content = folder.joinpath(*name.split("/")).read_bytes()
            app.router.add_get(f"/static/{name}", _fixed(content, media_type, cache="public, max-age=3600"))


@cache
def _templates(*, console: bool, check_page: bool) -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(files("lienthong") / "gateway" / "api" / "templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    templates.globals |= {"console": console, "check_page": check_page}
    return templates


def _add_reference(app: web.Application, surface: Surface, templates: jinja2.Environment) -> None:
    entries = sorted(surface.catalogue.values(), key=lambda entry: entry.code)
    listed = templates.get_template("errors.html").render(entries=entries)
    app.router.add_get("/errors", _fixed(listed.encode(), "text/html"))
    app.router.add_get("/errors/{code}", _error_page(surface.catalogue, templates.get_template("error.html")))
    app.router.add_get("/openapi.yaml", _fixed(surface.contract.as_yaml, "application/yaml"))
    app.router.add_get("/openapi.json", _fixed(surface.contract.as_json, "application/json"))


def _add_console(app: web.Application, surface: Surface, templates: jinja2.Environment, sealer: Sealer) -> None:
    for path, name in (("/", "start.html"), ("/docs", "docs.html")):
        app.router.add_get(path, _fixed(templates.get_template(name).render().encode(), "text/html"))
    add_event_pages(app, templates.get_template("events.html"), _fixed)
    if surface.node.settings.check_page.enabled:
        CheckPage(surface, templates.get_template("check.html"), sealer).add_to(app)


def _fixed(content: bytes, media_type: str, *, cache: str = "no-cache") -> _Handler:
    async def serve(_request: web.Request) -> web.Response:
        return web.Response(body=content, content_type=media_type, charset="utf-8", headers={"Cache-Control": cache})

    return serve


def _error_page(catalogue: Catalogue, template: jinja2.Template) -> _Handler:
    async def serve(request: web.Request) -> web.Response:
        entry = catalogue.get(request.match_info["code"])
        if entry is None:
            raise GatewayError("PAGE_NOT_FOUND", "Không có mã lỗi này trong danh mục.")
        return web.Response(text=template.render(entry=entry, blame=BLAMES[entry.blame]), content_type="text/html")

    return serve
