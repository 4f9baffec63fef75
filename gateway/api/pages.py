"""Pages for people: start, the error catalogue, the contract with Swagger UI, rendered once; and the check page.

Nothing is loaded from outside and no script stands in a page (strict Content-Security-Policy).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Final

import jinja2
from aiohttp import web

from ..errors import GatewayError
from .calls import Surface
from .check_page import CheckPage
from .event_pages import add_event_pages
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
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_pages(app: web.Application, surface: Surface, sealer: Sealer) -> None:
    contract, check_page = surface.contract, surface.node.settings.check_page.enabled
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(files("lienthong") / "gateway" / "api" / "templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    templates.globals["check_page"] = check_page
    entries = sorted(surface.catalogue.values(), key=lambda entry: entry.code)
    pages = {
        "/": templates.get_template("start.html").render(),
        "/docs": templates.get_template("docs.html").render(),
        "/errors": templates.get_template("errors.html").render(entries=entries),
    }
    for path, page in pages.items():
        app.router.add_get(path, _fixed(page.encode(), "text/html"))
    one = templates.get_template("error.html")
    shown = {entry.code: one.render(entry=entry, blame=BLAMES[entry.blame]).encode() for entry in entries}
    app.router.add_get("/errors/{code}", _error_page(shown))
    app.router.add_get("/openapi.yaml", _fixed(contract.as_yaml, "application/yaml"))
    app.router.add_get("/openapi.json", _fixed(contract.as_json, "application/json"))
    add_event_pages(app, templates.get_template("events.html"), _fixed)
    if check_page:
        CheckPage(surface, templates.get_template("check.html"), sealer).add_to(app)
    folder = files("lienthong") / "gateway" / "api" / "static"
    for name, media_type in _ASSETS.items():
        content = folder.joinpath(*name.split("/")).read_bytes()
        app.router.add_get(f"/static/{name}", _fixed(content, media_type, cache="public, max-age=3600"))


def _fixed(content: bytes, media_type: str, *, cache: str = "no-cache") -> _Handler:
    async def serve(_request: web.Request) -> web.Response:
        return web.Response(body=content, content_type=media_type, charset="utf-8", headers={"Cache-Control": cache})

    return serve


def _error_page(shown: dict[str, bytes]) -> _Handler:
    async def serve(request: web.Request) -> web.Response:
        content = shown.get(request.match_info["code"])
        if content is None:
            raise GatewayError("PAGE_NOT_FOUND", "Không có mã lỗi này trong danh mục.")
        return web.Response(body=content, content_type="text/html", charset="utf-8")

    return serve
