"""How an attachment is carried: pdf, doc, docx and zip raw, everything else in a one-entry ZIP (edxml.md row 19).

Both kinds of vendor readers open the wrapped form. The same attachment gives the same ZIP bytes.
"""

from __future__ import annotations

import hashlib
import uuid
import zipfile
from typing import IO

from .content_types import PDF, ZIP, content_type, extension
from .errors import EdxmlError
from .model import Attachment

_COPY = 64 * 1024
_RAW = {
    "pdf": PDF,
    "doc": "application/msword",
    "docx": content_type("x.docx", b"PK\x03\x04"),
    "zip": ZIP,
}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a ZIP can name


def is_raw(name: str) -> bool:
    return extension(name) in _RAW


def wire_type(name: str) -> str:
    """The MIME type that stands in the package: never ``application/zip`` for raw OOXML."""
    return _RAW.get(extension(name), ZIP)


def wrap(attachment: Attachment, target: IO[bytes]) -> None:
    """Write a ZIP with one deflated entry ``<uuid>.<ext>`` into the empty seekable ``target``.

    Raises EDXML_ATTACHMENT_CHANGED when the file is no longer what the package says.
    """
    digest, size = hashlib.sha256(), 0
    with (
        zipfile.ZipFile(target, "w") as archive,
        attachment.path.open("rb") as source,
        archive.open(_entry(attachment), "w") as entry,
    ):
        while data := source.read(_COPY):
            digest.update(data)
            size += len(data)
            entry.write(data)
    check_unchanged(attachment, size, digest.hexdigest())


def check_unchanged(attachment: Attachment, size: int, sha256: str) -> None:
    if (size, sha256) != (attachment.size, attachment.sha256):
        message = f"Tệp đính kèm {attachment.name!r} không còn đúng nội dung đã ghi nhận."
        raise EdxmlError("EDXML_ATTACHMENT_CHANGED", message)


def _entry(attachment: Attachment) -> zipfile.ZipInfo:
    ending = extension(attachment.name)
    name = str(uuid.uuid5(uuid.NAMESPACE_OID, attachment.content_id)) + (f".{ending}" if ending else "")
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 0
    entry.external_attr = 0
    entry.file_size = attachment.size
    return entry
