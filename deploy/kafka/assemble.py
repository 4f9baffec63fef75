"""The jars of Apache Kafka 4.3.1 from Maven Central into one folder, once; needs Java 17 and Maven."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
JARS: Final = HERE.parents[1] / ".build" / "kafka-4.3.1"
SECONDS: Final = 540.0


class KafkaError(Exception):
    """The broker cannot be assembled or does not start; the message is Vietnamese and says what to do."""


def assembled(folder: Path = JARS) -> Path:
    """The folder of jars, filled at the first call. Raises KafkaError."""
    for tool, package in (("java", "openjdk-17-jre-headless"), ("mvn", "maven")):
        if shutil.which(tool) is None:
            raise KafkaError(f"Thiếu lệnh {tool}. Debian, Ubuntu: apt-get install {package}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={partial}", "-DincludeScope=runtime"]
    command = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), *goal]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode != 0:
        raise KafkaError(f"Không tải được Apache Kafka từ Maven Central: {(done.stdout + done.stderr).strip()[-500:]}")
    partial.rename(folder)
