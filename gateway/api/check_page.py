"""The page /kiem-tra: a clerk hands in a PDF or an edXML package and reads what its signatures are worth.

A plain form that works without script; check.js only adds dropping a file and showing the result in place. Nothing is
kept: the downloads send the sealed result back (sealing.py).
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

import jinja2
from aiohttp import web

from ...signing.policies import REQUIRED_SETS
from ..checks import file_facts, words
from ..checks.desk import Asked
from ..checks.law import Article, load_law
from ..checks.outcome import CheckOutcome
from ..checks.outcome_json import outcome_from_json, outcome_to_json
from ..errors import GatewayError
from .calls import Surface
from .checks import download_headers, paper_response
from .handed_in import take_file
from .problems import OURS, describe
from .sealing import Sealer
from .visitors import Visitors

PATH: Final = "/kiem-tra"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS: Final = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What the page shows below its form: a result, an error, or nothing yet."""

    outcome: CheckOutcome | None = None
    error: GatewayError | None = None
    asked: Asked = Asked()
    status: int = 200


class CheckPage:
    """The three handlers, over what they share."""

    def __init__(self, surface: Surface, template: jinja2.Template, sealer: Sealer) -> None:
        self._surface = surface
        self._template = template
        self._sealer = sealer
        self._visitors = Visitors(surface.node.settings)

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(PATH, self.show)
        app.router.add_post(PATH, self.check)
        app.router.add_post(f"{PATH}/tai-ve", self.download)

    async def show(self, request: web.Request) -> web.Response:
        try:
            self._visitors.admit(request)
        except GatewayError as error:
            return await self._page(self._refused(error, Asked()))
        return await self._page(_Shown())

    async def check(self, request: web.Request) -> web.Response:
        """Errors of ours are shown on the page, under the HTTP status that they have everywhere."""
        surface = self._surface
        asked = Asked()
        try:
            visitor = self._visitors.admit(request)
            surface.pace.take(visitor, surface.node.clock())
            with surface.desk.visit():
                async with take_file(request, surface.node, surface.gate) as (file, asked):
                    outcome = await surface.desk.check(file, asked)
        except (GatewayError, *OURS) as error:
            return await self._page(self._refused(error, asked))
        return await self._page(_Shown(outcome=outcome, asked=asked))

    async def download(self, request: web.Request) -> web.Response:
        """The printed report, or the JSON report, of a result that this page showed."""
        surface = self._surface
        try:
            surface.pace.take(self._visitors.admit(request), surface.node.clock())
            form = await request.post()  # bounded by the application's client_max_size
            value = self._sealer.open(str(form.get("result", "")), surface.node.clock())
            outcome = outcome_from_json(value)
            if form.get("format") == "json":
                return _json_download(value, outcome)
            with surface.desk.visit():
                return paper_response(await surface.desk.paper(outcome), outcome)
        except (GatewayError, *OURS) as error:
            return await self._page(self._refused(error, Asked()))

    def _refused(self, error: Exception, asked: Asked) -> _Shown:
        known = describe(error)
        if known is None:
            raise error
        entry = self._surface.catalogue.get(known.code)
        return _Shown(error=known, asked=asked, status=(entry.http if entry else None) or 422)

    async def _page(self, shown: _Shown) -> web.Response:
        now = self._surface.node.clock()
        content = await asyncio.to_thread(partial(self._render, shown, now))
        headers = dict(_HEADERS)
        if shown.error is not None and shown.error.retry_after is not None:
            headers["Retry-After"] = str(shown.error.retry_after)
        return web.Response(
            status=shown.status, body=content, content_type="text/html", charset="utf-8", headers=headers
        )

    def _render(self, shown: _Shown, now: datetime) -> bytes:
        outcome, error = shown.outcome, shown.error
        entry = self._surface.catalogue.get(error.code) if error else None
        return self._template.render(
            outcome=outcome,
            error=error,
            entry=entry,
            open_here=error is None or error.code != "CHECK_NOT_ALLOWED",
            asked=shown.asked,
            articles=_articles(outcome) if outcome else {},
            sealed=self._sealer.seal(outcome_to_json(outcome), now) if outcome else None,
            max_bytes=self._surface.node.settings.http.max_file_bytes,
            policies=REQUIRED_SETS.values(),
            words=words,
            facts=file_facts,
            behind=load_law().behind,
        ).encode()


def _articles(outcome: CheckOutcome) -> dict[str, tuple[int, Article]]:
    """Every article behind an answer of the result, numbered in the order of the answers."""
    law, found = load_law(), dict[str, tuple[int, Article]]()
    for file in outcome.files:
        for answer in (*file.report.answers, *(a for s in file.report.signatures for a in s.answers)):
            article = law.behind(answer)
            found.setdefault(article.citation, (len(found) + 1, article))
    return found


def _json_download(value: dict[str, Any], outcome: CheckOutcome) -> web.Response:
    content = json.dumps(value, ensure_ascii=False, indent=2).encode()
    headers = download_headers(f"ket-qua {outcome.name}", "json")
    return web.Response(body=content, content_type="application/json", headers=headers)
