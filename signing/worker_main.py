"""The process that looks at one file after another: length-prefixed JSON in, length-prefixed JSON out.

Started by ``workers.py`` as ``python -m lienthong.signing.worker_main``. It ends at the end of its input and,
through PR_SET_PDEATHSIG, with its parent. Which functions it may call is fixed by the parent on the command line.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import importlib
import json
import logging
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from .errors import SigningError

PR_SET_PDEATHSIG: Final = 1
TIDY_ABOVE: Final = 96 * 1024 * 1024
LENGTH: Final = struct.Struct(">I")
Job = Callable[[dict[str, Any]], dict[str, Any]]


def main() -> int:
    options = _options()
    die_with(options.parent)
    resource.setrlimit(resource.RLIMIT_AS, (options.memory, options.memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable(logging.CRITICAL)  # pyHanko logs what it finds; the report says it
    linux = sys.platform == "linux"
    jobs = dict(_resolve(spec) for spec in options.job)
    gc.freeze()  # the libraries never become garbage; a file's objects are collected less often than by default
    gc.set_threshold(20_000, 20, 50)
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not land among the answers
    _write(sink, {"ready": os.getpid()})
    while (request := _read(source)) is not None:
        _write(sink, _run(jobs, request))
        if linux:
            _give_back()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--job", action="append", required=True, help="name=module:function")
    parser.add_argument("--memory", type=int, required=True, help="bytes of address space")
    parser.add_argument("--parent", type=int, required=True, help="process id of the parent")
    return parser.parse_args()


def die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the call above
        raise SystemExit(0)


def _resolve(spec: str) -> tuple[str, Job]:
    name, _, target = spec.partition("=")
    module, _, function = target.partition(":")
    return name, getattr(importlib.import_module(module), function)


def _run(jobs: dict[str, Job], request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": jobs[request["job"]](request["value"])}
    except MemoryError:
        return {"fault": "SIG_MEMORY", "detail": ""}
    except Exception as cause:  # noqa: BLE001 - the worker's guard: one bad file must not end the worker
        said = cause.message if isinstance(cause, SigningError) else ""
        return {"fault": getattr(cause, "code", "SIG_CHECK_FAILED"), "detail": type(cause).__name__, "said": said}


def _give_back() -> None:
    """A large file's objects refer to each other in circles; do not sit on them until the next file."""
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - once per file
        resident = int(statm.read().split()[1]) * resource.getpagesize()
    if resident > TIDY_ABOVE:
        gc.collect()


def _read(source: BinaryIO) -> dict[str, Any] | None:
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    body = source.read(LENGTH.unpack(head)[0])
    value: dict[str, Any] = json.loads(body)
    return value


def _write(sink: BinaryIO, value: dict[str, Any]) -> None:
    body = json.dumps(value, ensure_ascii=False).encode()
    sink.write(LENGTH.pack(len(body)) + body)
    sink.flush()


if __name__ == "__main__":
    sys.exit(main())
