"""The process of one token: length-prefixed JSON in, length-prefixed JSON out; the PIN comes as a frame of its own.

Started by ``token_process.py`` as ``python -m lienthong.signing.token_main``. It ends at the end of its input and with
its parent, so that no opened token outlives the node. Which jobs it may run is fixed on the command line. Its own
output goes nowhere: what a vendor's module prints may hold anything.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import logging
import os
import resource
import sys
from io import FileIO
from typing import Any, BinaryIO, Final

from .errors import SigningError
from .token_service import TokenService
from .worker_main import LENGTH, die_with

PR_SET_DUMPABLE: Final = 4


def main() -> int:
    options = _options()
    die_with(options.parent)
    _keep_secret()
    if options.memory:
        resource.setrlimit(resource.RLIMIT_AS, (options.memory, options.memory))
    logging.disable(logging.CRITICAL)
    service = TokenService.of(options.module, options.job)
    gc.freeze()  # as in the verification's workers: the libraries never become garbage
    gc.set_threshold(20_000, 20, 50)
    source = FileIO(os.dup(0), "rb")  # no buffer in which a PIN would stay
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _write(sink, {"ready": os.getpid()})
    while (request := _read(source)) is not None:
        pin = (_frame(source) if request["pin"] else None) or bytearray()
        _write(sink, _answer(service, request, pin))
    service.close_all()
    return 0


def _answer(service: TokenService, request: dict[str, Any], pin: bytearray) -> dict[str, Any]:
    try:
        return {"value": service.answer(request, pin)}
    except SigningError as cause:
        state = getattr(cause, "pin", None)
        return {
            "fault": cause.code,
            "message": cause.message,
            "blame": cause.blame,
            "transient": cause.transient,
            "pin": state.value if state else None,
        }
    except MemoryError:
        return {"fault": "SIG_MEMORY", "message": "Việc ký vượt quá bộ nhớ cho phép."}
    except Exception as cause:  # noqa: BLE001 - the sandbox's guard: one bad document must not cost the holder's session
        return {"fault": "SIG_CHECK_FAILED", "message": f"Chương trình không ký được tệp này ({type(cause).__name__})."}
    finally:
        pin[:] = bytes(len(pin))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--module", required=True, help="path of the PKCS#11 module, or pkcs12:PATH")
    parser.add_argument("--job", action="append", default=[], help="name=module:function(value, key)")
    parser.add_argument("--memory", type=int, default=0, help="bytes of address space; 0: no limit")
    parser.add_argument("--parent", type=int, required=True, help="process id of the parent")
    return parser.parse_args()


def _keep_secret() -> None:
    """No core file, and no other process of the same user reads this one's memory."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0)


def _frame(source: FileIO) -> bytearray | None:
    head = _exactly(source, LENGTH.size)
    return None if head is None else _exactly(source, LENGTH.unpack(head)[0])


def _exactly(source: FileIO, size: int) -> bytearray | None:
    """So many bytes, in a buffer that can be wiped; ``None`` at the end of the input."""
    content = bytearray(size)
    filled = 0
    while filled < size:
        read = source.readinto(memoryview(content)[filled:])
        if not read:
            return None
        filled += read
    return content


def _read(source: FileIO) -> dict[str, Any] | None:
    body = _frame(source)
    if body is None:
        return None
    value: dict[str, Any] = json.loads(body)
    return value


def _write(sink: BinaryIO, value: dict[str, Any]) -> None:
    body = json.dumps(value, ensure_ascii=False).encode()
    sink.write(LENGTH.pack(len(body)) + body)
    sink.flush()


if __name__ == "__main__":
    sys.exit(main())
