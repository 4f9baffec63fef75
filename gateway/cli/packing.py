"""``lienthong pack`` and ``lienthong unpack``: an edXML package from metadata and files, and back."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ...edxml.content_types import content_type
from ...edxml.identifiers import DocumentId, OrganCode
from ...edxml.model import Attachment, DocumentPackage, Organization, TraceHeader
from ...edxml.reader import read_package
from ...edxml.writer import WriteOptions, write_package
from ..api.contract import load_contract
from ..checks.plain import package_json, plain
from ..errors import GatewayError, InputFault
from ..metadata import metadata_from_json
from ..submissions import Metadata
from . import reports
from .context import Json, clock, invocation
from .exits import reason_of
from .printing import VIETNAM, say, say_json, size

_ORGANIZATION: Final = frozenset({"code", "name", "in_charge", "address", "email", "telephone", "fax", "website"})
_WINDOW: Final = 1 << 20
_HEAD: Final = 4096


def pack(
    meta: Annotated[
        Path, typer.Argument(metavar="META.json", help="Như metadata của API, thêm «sender» và «receivers».")
    ],
    files: Annotated[list[Path], typer.Argument(help="Văn bản chính trước, rồi đến phụ lục.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Gói tin sẽ ghi.")],
) -> None:
    """Đóng gói edXML theo lược đồ chặt; không gửi đi đâu."""
    value = _read_json(meta)
    sender, receivers = value.pop("sender", None), value.pop("receivers", [])
    package = _package(_metadata(value), _organization(sender, "/sender"), receivers, files, value)
    with tempfile.TemporaryDirectory(dir=output.absolute().parent, prefix=".lienthong-pack-") as folder:
        fresh = Path(folder) / output.name
        with fresh.open("wb") as sink:
            today = clock().astimezone(VIETNAM).date()
            written = write_package(package, sink, options=WriteOptions(today=today, wrap_in=Path(folder)))
        fresh.replace(output)
    say(f"{output}: {size(written.size)}, SHA-256 {written.sha256}")


def unpack(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Gói tin edXML.")],
    directory: Annotated[Path, typer.Option("--directory", "-d", help="Thư mục nhận các tệp đính kèm.")],
    as_json: Json = False,
) -> None:
    """Mở gói tin: mọi trường đọc được, các tệp đính kèm ra thư mục (không ghi đè tệp đã có)."""
    limits = invocation(context).settings().limits
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".lienthong-unpack-") as folder:
        reading = read_package(file, Path(folder), limits=limits)
        attachments = reading.package.attachments if isinstance(reading.package, DocumentPackage) else ()
        places = [_take_out(attachment, directory) for attachment in attachments]
    if as_json:
        package = package_json(reading.package)
        for attachment, place in zip(package.get("attachments", ()), places, strict=True):
            attachment["file"] = str(place)
        say_json({"package": package, "findings": plain(reading.findings), "content_digest": reading.content_digest})
        return
    reports.print_package(reading.package)
    reports.print_findings("Phát hiện khi đọc", reading.findings)
    for place in places:
        say(f"Đã ghi {place}")


def _take_out(attachment: Attachment, directory: Path) -> Path:
    """Two attachments may bear one name, and a file of the user's is never overwritten."""
    name = Path(attachment.name)
    number = 1
    place = directory / name
    while True:
        try:
            with place.open("xb") as sink, attachment.path.open("rb") as source:
                shutil.copyfileobj(source, sink, _WINDOW)
        except FileExistsError:
            number += 1
            place = directory / f"{name.stem} ({number}){name.suffix}"
        else:
            return place


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise GatewayError("FILE_UNREADABLE", f"Không đọc được {path}: {reason_of(error)}.") from error
    except ValueError as error:
        raise GatewayError("METADATA_INVALID", f"{path} không phải JSON: {error}.") from error
    if not isinstance(value, dict):
        raise GatewayError("METADATA_INVALID", f"{path} không phải một đối tượng JSON.")
    return value


def _metadata(value: dict[str, Any]) -> Metadata:
    """Checked against the same schema as the API's metadata part."""
    faults = tuple(
        InputFault(code="METADATA_INVALID", place="/" + "/".join(map(str, error.absolute_path)), message=error.message)
        for error in load_contract().metadata.iter_errors(value)
    )
    if not faults and "number" not in value:
        faults = (InputFault(code="METADATA_INVALID", place="/number", message="thiếu số văn bản"),)
    if faults:
        raise GatewayError("METADATA_INVALID", "Dữ liệu đặc tả chưa đúng.", faults=faults)
    return metadata_from_json(value)


def _organization(value: Any, place: str) -> Organization:
    if not isinstance(value, dict) or not value.get("code") or set(value) - _ORGANIZATION:
        message = f"cần một đối tượng có «code»; các trường được dùng: {', '.join(sorted(_ORGANIZATION))}"
        fault = InputFault(code="METADATA_INVALID", place=place, message=message)
        raise GatewayError("METADATA_INVALID", "Dữ liệu đặc tả chưa đúng.", faults=[fault])
    # An address must stand there for axes of the Bkav family; the name is all that is known.
    address = value.get("address") or value.get("name")
    return Organization(**{**value, "address": address, "code": OrganCode.parse(value["code"])})


def _package(
    metadata: Metadata, sender: Organization, receivers: list[Any], files: list[Path], value: dict[str, Any]
) -> DocumentPackage:
    named = [_organization(one, f"/receivers/{n}") for n, one in enumerate(receivers)]
    known = {one.code.key: one for one in named}
    number = metadata.number or ""
    made = DocumentId.make(sender.code, metadata.promulgation_date, number, metadata.notation)
    descriptions = value.get("file_descriptions", {})
    return DocumentPackage(
        sender=sender,
        receivers=tuple(known.get(code.key, Organization(code=code)) for code in metadata.recipients),
        document_id=metadata.document_id or made,
        code_number=number,
        code_notation=metadata.notation,
        promulgation_date=metadata.promulgation_date,
        document_type=metadata.document_type,
        subject=metadata.subject,
        content=metadata.content or metadata.subject,
        business=metadata.business,
        signer=metadata.signer,
        place=metadata.place,
        due_date=metadata.due_date,
        other=metadata.other,
        responses=metadata.responses,
        steering=metadata.steering,
        to_places=metadata.to_places,
        traces=(TraceHeader(organ=sender.code, timestamp=clock().astimezone(VIETNAM).replace(microsecond=0)),),
        attachments=tuple(_attachment(n, one, descriptions.get(one.name)) for n, one in enumerate(files, 1)),
    )


def _attachment(number: int, path: Path, description: str | None) -> Attachment:
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
            stream.seek(0)
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            length = stream.tell()
    except OSError as error:
        raise GatewayError("FILE_UNREADABLE", f"Không đọc được {path}: {reason_of(error)}.") from error
    return Attachment(
        content_id=f"tep-{number}",
        name=path.name,
        content_type=content_type(path.name, head),
        path=path,
        size=length,
        sha256=digest,
        description=description,
    )
