"""``lienthong serve|emulator|migrate|config``: the long running programs and what prepares them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import structlog
import typer

from ...signing.trust import PACKAGED
from ..monitoring.logs import configure
from ..postgres.errors import DatabaseError
from ..postgres.migrations.standing import bring_to_newest, newest_step
from ..postgres.supervisor import EmbeddedServer
from ..settings import Settings, describe
from .context import clock, invocation
from .database import attached
from .printing import say


def serve(
    context: typer.Context,
    roles: Annotated[
        str | None,
        typer.Option("--roles", help="api,console,worker,relay,poller: chỉ những vai này (cần database.dsn)."),
    ] = None,
    instance: Annotated[
        str | None, typer.Option("--instance", help="Tên tiến trình; các tiến trình một nút phải khác tên nhau.")
    ] = None,
) -> None:
    """Chạy nút liên thông; dừng bằng Ctrl+C hoặc SIGTERM."""
    from .. import bootstrap  # the servers are loaded for this command only: the others start in half the time

    given = {} if roles is None else {"roles": json.dumps([role.strip() for role in roles.split(",")])}
    if instance is not None:
        given["instance"] = instance
    settings = invocation(context).with_settings(**given).settings()
    configure(level=settings.logging.level, form=settings.logging.format, stream=sys.stdout)
    if settings.signing.mode == "unsafe_off":
        print(
            "CẢNH BÁO: signing.mode = unsafe_off. KHÔNG kiểm tra chữ ký số, mọi văn bản là CHƯA XÁC ĐỊNH. "
            "Chỉ dùng để đo tốc độ.",
            file=sys.stderr,
        )
    if settings.signing.trial_keys:
        print(
            "CẢNH BÁO: signing.trial_keys = true. Nút mở được khóa trong tệp PKCS#12; chữ ký như vậy KHÔNG CÓ GIÁ TRỊ "
            "trên văn bản thật. Chỉ dùng để thử.",
            file=sys.stderr,
        )
    log = structlog.get_logger(__name__)
    if settings.signing.trust_store not in PACKAGED:
        log.warning("trust-store-of-the-site", store=settings.signing.trust_store, sealed=False)
    log.info("node-starting", host=settings.http.host, port=settings.http.port, data_dir=str(settings.data_dir))
    asyncio.run(_until_signal(lambda stop: bootstrap.run(settings, stop)))
    log.info("node-stopped")


def emulator(
    config: Annotated[Path, typer.Option("--config", exists=True, dir_okay=False, help="Tệp TOML của trục giả lập.")],
) -> None:
    """Chạy trục giả lập, thay cho trục liên thông quốc gia khi thử."""
    from ...adapters.emulator.app import run_emulator
    from ...adapters.emulator.settings import EmulatorSettings

    settings = EmulatorSettings.from_toml(config)
    say(f"Trục giả lập nghe ở http://{settings.host}:{settings.port}, điều khiển ở cổng {settings.control_port}.")
    sys.stdout.flush()
    asyncio.run(_until_signal(lambda stop: run_emulator(settings, stop=stop, clock=clock)))


async def _until_signal(program: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """The first signal asks for an orderly stop, the second one ends at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def stopping(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping, number)
    await program(stop)


def migrate(
    context: typer.Context,
    sql: Annotated[bool, typer.Option("--sql", help="Chỉ in các lệnh SQL, không chạy.")] = False,
) -> None:
    """Đưa cơ sở dữ liệu lên phiên bản của chương trình."""
    if sql:
        from ..postgres.migrations.runner import script

        say(script())
        return
    asyncio.run(_migrate(invocation(context).settings()))
    say(f"Cơ sở dữ liệu đã ở bước {newest_step()}.")


async def _migrate(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        dsn = await _owner_dsn(settings, stack)
        await bring_to_newest(dsn)


async def _owner_dsn(settings: Settings, stack: AsyncExitStack) -> str:
    given = settings.database.migrate_dsn or settings.database.dsn
    if given is not None:
        return given
    try:
        server = await stack.enter_async_context(EmbeddedServer(settings.postgres_dir, randbytes=os.urandom))
    except DatabaseError as error:
        if error.code != "POSTGRES_LOCKED":
            raise
        return attached(settings.postgres_dir, owner=True)
    return server.dsn


def config(context: typer.Context) -> None:
    """In cấu hình đang có hiệu lực (TOML), không có bí mật nào."""
    say(describe(invocation(context).settings()).rstrip())
