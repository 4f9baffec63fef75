"""Run by test_large.py: passes a file through everything and prints the peak memory (KiB) before and after it."""

import hashlib
import sys
from datetime import datetime
from pathlib import Path

from lienthong.edxml.dates import VIETNAM
from lienthong.edxml.identifiers import DocumentId, OrganCode
from lienthong.edxml.limits import Limits
from lienthong.edxml.model import (
    Attachment,
    Business,
    BusinessType,
    DocumentPackage,
    DocumentType,
    Organization,
    Signer,
    TraceHeader,
)
from lienthong.edxml.reader import read_package
from lienthong.edxml.transit import add_trace
from lienthong.edxml.validation import validate
from lienthong.edxml.writer import WriteOptions, write_package

NOW = datetime(2024, 6, 3, 8, 15, 30, tzinfo=VIETNAM)
LIMITS = Limits(attachment_bytes=2**30, total_bytes=2**30, zip_bytes=2**30, zip_ratio=2000)


def peak() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def attachment(name: str, path: Path) -> Attachment:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = path.stat().st_size
    return Attachment(content_id="a", name=name, content_type="", path=path, size=size, sha256=digest)


def package(name: str, path: Path) -> DocumentPackage:
    sender = Organization(code=OrganCode("H53.11"), name="Sở Tài chính", address="Tây Ninh")
    return DocumentPackage(
        sender=sender,
        receivers=(sender,),
        document_id=DocumentId("H53.11,2024/06/03,1/STC"),
        code_number="1",
        code_notation="STC",
        promulgation_date=NOW.date(),
        document_type=DocumentType(type=2, detail=18, name="Công văn"),
        subject="Bản vẽ",
        signer=Signer(full_name="Nguyễn Văn A"),
        business=Business(type=BusinessType.NEW),
        traces=(TraceHeader(organ=sender.code, timestamp=NOW),),
        attachments=(attachment(name, path),),
    )


def pass_through(name: str, path: Path, folder: Path) -> None:
    folder.mkdir()
    sent, delivered, into = folder / "sent", folder / "delivered", folder / "into"
    into.mkdir()
    original = package(name, path)
    with sent.open("wb") as sink:
        write_package(original, sink, options=WriteOptions(wrap_in=folder))
    with delivered.open("wb") as sink:
        add_trace(sent, sink, OrganCode("H00"), NOW, limits=LIMITS)
    assert validate(delivered, limits=LIMITS) == ()
    reading = read_package(delivered, into, limits=LIMITS)
    assert reading.findings == ()
    assert isinstance(reading.package, DocumentPackage)
    assert reading.package.attachments[0].sha256 == original.attachments[0].sha256


def main(name: str, big: Path, folder: Path) -> None:
    small = folder / "small"
    small.write_bytes(b"\x01" * 100_000)
    pass_through(name, small, folder / "first")
    before = peak()
    pass_through(name, big, folder / "second")
    sys.stdout.write(f"{before} {peak()}\n")


main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
