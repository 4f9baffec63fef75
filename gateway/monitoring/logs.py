"""Log lines: one JSON object on one line of a stream, for our own events and for the libraries'.

A line names exchange, agency and attempt, never content and never a key: fields whose name says "secret" are printed as
``***`` at any depth, and a bearer token or a DSN password inside a text is cut out, tracebacks included.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from .seldom import Seldom

HIDDEN: Final = "***"
KAFKA_SECONDS: Final = 60.0  # its library says hundreds of times a second that a broker is away

_SECRET_NAMES: Final = frozenset(
    {"authorization", "cookie", "dsn", "key", "otp", "passphrase", "password", "pin", "secret", "token"}
)
# Without local variables: they hold content and keys.
_TRACEBACK: Final = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)
_BEARER: Final = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+")
_OUR_KEY: Final = re.compile(r"(lt|ltvh)_([0-9a-f]{4,16})_[0-9a-f]{16,}")  # gateway/access.py; what stays tells whose
_DSN_PASSWORD: Final = re.compile(r"(\w+://[^\s:/@]*):[^\s@]*@")


def configure(*, level: str, form: str, stream: TextIO) -> None:
    """Send every log line of the process to ``stream``; ``form`` is "json" or "console". Called once, at start."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_last_processors(form))
    )
    handler.addFilter(Seldom("aiokafka", seconds=KAFKA_SECONDS))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def _last_processors(form: str) -> list[Processor]:
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    # Redaction comes after the traceback became text, so that nothing passes by it.
    if form == "console":
        return [
            remove_meta,
            structlog.processors.format_exc_info,
            redact,
            structlog.dev.ConsoleRenderer(colors=False),
        ]
    return [
        remove_meta,
        _TRACEBACK,
        redact,
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
    ]


def redact(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """A processor: hide what must not be written down."""
    return {name: _hide(name, value) for name, value in event_dict.items()}


def _hide(name: str, value: Any) -> Any:
    if _is_secret(name):
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: _hide(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_hide("", inner) for inner in value]
    if isinstance(value, bytes):
        return f"<{len(value)} byte>"
    if isinstance(value, str):
        known = _OUR_KEY.sub(rf"\1_\2_{HIDDEN}", value)
        return _DSN_PASSWORD.sub(rf"\1:{HIDDEN}@", _BEARER.sub(rf"\1 {HIDDEN}", known))
    return value


def _is_secret(name: str) -> bool:
    last = re.split(r"[_\-.]", name.lower())[-1]
    return last in _SECRET_NAMES
