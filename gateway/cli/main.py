"""The console script ``lienthong``: commands, options of all commands, and one place where errors become exit statuses.

Exit statuses: 0 xong, hợp lệ; 1 không hợp lệ; 2 chưa xác định; 3 không đọc được, không làm được; 64 sai cú pháp dòng
lệnh; 70 lỗi của chương trình; 78 cấu hình không dùng được.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Annotated, Final

import typer

from . import (
    agencies,
    certificates,
    channels,
    checking,
    evidence,
    files,
    holds,
    keys,
    packing,
    policies,
    running,
    signing,
    status,
    tokens,
    trust,
)
from .context import Invocation
from .exits import OURS, Exit, complain, explain, leaves, usage_in_vietnamese

app = typer.Typer(
    name="lienthong",
    help="Nút liên thông văn bản (QCVN 102:2016). Mã thoát: 0 xong, 1 không hợp lệ, 2 chưa xác định, "
    "3 không đọc được hoặc không làm được, 64 sai cú pháp, 70 lỗi chương trình, 78 cấu hình sai.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

COMMANDS: Final = (
    running.serve,
    running.emulator,
    running.migrate,
    running.config,
    status.status,
    checking.check,
    evidence.verify,
    packing.pack,
    packing.unpack,
    signing.sign,
)
INTERRUPTED: Final = 130  # as shells say it of Ctrl+C
GROUPS: Final = {
    "agency": agencies.group,
    "key": keys.group,
    "operator-key": keys.operators,
    "certificate": certificates.group,
    "trust": trust.group,
    "evidence": evidence.group,
    "files": files.group,
    "policy": policies.group,
    "token": tokens.group,
    "hold": holds.group,
    "channel": channels.group,
}


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Tệp cấu hình TOML (hoặc biến LIENTHONG_CONFIG).")
    ] = None,
) -> None:
    context.obj = Invocation(config=config, environ=os.environ)


for command in COMMANDS:
    app.command()(command)
for name, group in GROUPS.items():
    app.add_typer(group, name=name)


def main() -> None:
    try:
        status = run(sys.argv[1:])
    finally:
        sys.excepthook = _broken  # typer put its own there
    sys.exit(status)


def _broken(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A defect of ours must not end with 1, which says that a document is not valid."""
    traceback.print_exception(kind, error, trace)
    complain("INTERNAL", "Chương trình gặp lỗi chưa lường trước; xin gửi các dòng trên cho người phát triển.")
    sys.exit(Exit.INTERNAL)


def run(arguments: list[str]) -> int:
    """Run one command; errors of ours become a line on standard error and an exit status."""
    try:
        answer = app(arguments, prog_name="lienthong", standalone_mode=False)
    except (*OURS, OSError) as error:
        return explain(error)
    except BaseExceptionGroup as group:  # the root tasks of a server ended: each reason is told
        known, unknown = group.split((*OURS, OSError))
        if unknown is not None or known is None:
            raise
        return max(explain(error) for error in leaves(known))
    except typer.TyperException as error:
        complain("USAGE", usage_in_vietnamese(error.format_message()))
        return Exit.USAGE
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    return answer if isinstance(answer, int) else Exit.DONE
