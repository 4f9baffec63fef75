"""``lienthong verify FILE --evidence PATH``: a verdict from its evidence alone; ``lienthong evidence``: hand it out.

``check`` judges by what is known today, ``verify`` by what was known then: no network, no list of today, any year.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ...signing.report import Overall
from ...signing.report_json import report_from_json
from ...signing.verifying import REPRODUCE_JOB, VerificationPool, VerificationSettings
from ...signing.workers import WorkerError
from .. import evidence
from ..errors import GatewayError
from ..files.opening import open_files
from ..settings import Settings
from . import reports
from .context import Invocation, Json, invocation
from .database import opened
from .exits import BY_OVERALL, reason_of
from .printing import say, say_json

group = typer.Typer(help="Chứng cứ của các kết luận kiểm tra chữ ký.", no_args_is_help=True)

Document = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Tệp đã được kiểm tra.")]


def verify(
    context: typer.Context,
    file: Document,
    kept: Annotated[Path, typer.Option("--evidence", exists=True, help="Tệp hoặc thư mục chứng cứ.")],
    named: Annotated[
        str | None, typer.Option("--evidence-sha256", help="SHA-256 của chứng cứ, như nút đã ghi; khác thì từ chối.")
    ] = None,
    trust_dir: Annotated[Path | None, typer.Option(help="Thư mục kho tin cậy (chỉ đọc danh sách ghim).")] = None,
    as_json: Json = False,
) -> int:
    """Dựng lại kết luận đã có từ chứng cứ, không cần mạng. Mã thoát như lệnh check; 3: chứng cứ không dùng được."""
    settings = invocation(context).settings()
    folder = (trust_dir or settings.trust_dir).absolute()
    asked = {"path": str(file.absolute()), "evidence": str(kept.absolute()), "trust_folder": str(folder)}
    answer = asyncio.run(_reproduce(settings, file.name, asked))
    if named is not None and answer["evidence"] != named.strip().lower():
        raise GatewayError("SIG_EVIDENCE_ALTERED", f"Chứng cứ mang mã {answer['evidence']}, không phải mã đã nêu.")
    if as_json:
        say_json(answer)
    else:
        _print(file, answer)
    if not answer["same"]:
        raise GatewayError("SIG_EVIDENCE_DIFFERS", "Kết luận dựng lại khác kết luận ghi trong chứng cứ.")
    return BY_OVERALL[Overall(answer["report"]["overall"])]


async def _reproduce(settings: Settings, name: str, asked: dict[str, str]) -> dict[str, Any]:
    wanted = VerificationSettings(
        workers=1,
        seconds_per_file=settings.signing.time_limit_s,
        memory_bytes=settings.signing.memory_limit_mb * 1_000_000,
        extra_jobs=REPRODUCE_JOB,
    )
    async with VerificationPool(wanted) as pool:
        try:
            return await pool.run("reproduce", asked)
        except WorkerError as error:
            raise GatewayError(error.code, f"Không dựng lại được kết luận về {name}: {error.code}.") from error


def _print(file: Path, answer: dict[str, Any]) -> None:
    reports.print_report(file.name, report_from_json(answer["report"]))
    say()
    say(f"Dựng lại từ chứng cứ {answer['evidence']}")
    say(f"lập lúc {answer['made_at']}, theo chính sách phiên bản {answer['policy_version']}.")
    say("Trùng với kết luận đã ghi." if answer["same"] else "KHÁC kết luận đã ghi.")


@group.command("export")
def export(
    context: typer.Context,
    file: Document,
    target: Annotated[Path, typer.Option("--out", help="Ghi chứng cứ (một tệp JSON) vào đây.")],
) -> None:
    """Lấy từ nút chứng cứ mới nhất về một tệp đã gửi hoặc đã nhận."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    content, name = asyncio.run(_export(invocation(context), digest))
    try:
        target.write_bytes(content)
    except OSError as error:
        raise GatewayError("FILE_UNREADABLE", f"Không ghi được {target}: {reason_of(error)}.") from error
    say(f"Đã ghi {target}; SHA-256 của chứng cứ: {name}")
    sys.stdout.flush()


async def _export(call: Invocation, digest: str) -> tuple[bytes, str]:
    settings = call.settings()
    async with opened(settings) as database:
        return await evidence.of_file(database, files=open_files(settings, token=str), file_sha256=digest)
