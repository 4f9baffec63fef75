"""The S3 servers that tests and ``make s3`` run, fetched once: S3Proxy from Maven Central, versitygw built with Go."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
BUILD: Final = HERE.parents[1] / ".build"
JARS: Final = BUILD / "s3proxy-3.0.0"
VERSITY: Final = "v1.8.0"
GATEWAY: Final = BUILD / f"versitygw-{VERSITY}"
SECONDS: Final = 540.0


class S3Error(Exception):
    """The server cannot be assembled or does not start; the message is Vietnamese and says what to do."""


def jars(folder: Path = JARS) -> Path:
    """The folder of S3Proxy's jars (Java 17, Maven), filled at the first call. Raises S3Error."""
    for tool, package in (("java", "openjdk-17-jre-headless"), ("mvn", "maven")):
        _require(tool, package)
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={_partial(folder)}", "-DincludeScope=runtime"]
    return _once(folder, ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), *goal], "S3Proxy từ Maven Central")


def gateway(folder: Path = GATEWAY) -> Path:
    """The program versitygw, built at the first call (about three minutes). Raises S3Error."""
    _require("go", "golang")
    module = f"github.com/versity/versitygw/cmd/versitygw@{VERSITY}"
    built = _once(folder, ["go", "install", module], "versitygw", GOBIN=str(_partial(folder)))
    return built / "versitygw"


def _require(tool: str, package: str) -> None:
    if shutil.which(tool) is None:
        raise S3Error(f"Thiếu lệnh {tool}. Debian, Ubuntu: apt-get install {package}")


def _partial(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.partial")


def _once(folder: Path, command: list[str], what: str, **variables: str) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            shutil.rmtree(_partial(folder), ignore_errors=True)
            done = subprocess.run(
                command, check=False, capture_output=True, text=True, timeout=SECONDS, env={**os.environ, **variables}
            )
            if done.returncode != 0:
                raise S3Error(f"Không lấy được {what}: {(done.stdout + done.stderr).strip()[-500:]}")
            _partial(folder).rename(folder)
    return folder
