"""What is not HTTP: answered like every other mistake, and logged without a word of what was sent.

The library's own answer is plain English and quotes the line at fault, as does its log line: that line may hold a key.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from ..errors import GatewayError
from .problems import answer, load_catalogue

_log = logging.getLogger(__name__)
_TOO_LONG = "Một dòng của yêu cầu, hoặc tất cả tiêu đề của nó, dài quá giới hạn."
_UNREADABLE = "Dòng yêu cầu hoặc tiêu đề không đọc được theo chuẩn HTTP/1.1."


class _Line(web.RequestHandler):
    """One connection."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        _log.info("not HTTP from %s: %s", request.remote, type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way")
        sentence = _TOO_LONG if isinstance(exc, LineTooLong) else _UNREADABLE
        problem = answer(load_catalogue(), GatewayError("HTTP_MALFORMED", sentence), instance="")
        problem.force_close()
        return problem


class _Server(web.Server):
    """Makes such connections."""

    def __init__(self, plain: web.Server, options: dict[str, Any]) -> None:
        super().__init__(plain.request_handler, request_factory=plain.request_factory)
        self._options = options

    def __call__(self) -> web.RequestHandler:
        return _Line(self, loop=asyncio.get_running_loop(), **self._options)


class Runner(web.AppRunner):
    """An ``AppRunner`` whose connections say in the node's own way what they cannot read."""

    async def _make_server(self) -> web.Server:
        return _Server(await super()._make_server(), self._kwargs)
