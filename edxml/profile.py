"""The strict write profile: what is always written, and how texts are normalised (edxml.md 1.4).

``complete`` is what a package says once it was written and read back: ``read(write(p)) == complete(p)``.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from typing import Any, TypeVar

from .codes import code_lists
from .content_types import extension
from .identifiers import DocumentId, OrganCode
from .model import Attachment, DocumentPackage, Organization, Package, Priority, StaffInfo, StatusPackage

Value = TypeVar("Value")


def complete(package: Package) -> Package:
    """Texts in NFC and trimmed; elements that strict receivers dereference filled from the package itself.

    Content from the subject, a recipient's missing address from its name, priority and steering as 0; in a
    status the description from its code and the staff's department from the sender's name. Idempotent.
    """
    clean = normalised(package)
    return _status(clean) if isinstance(clean, StatusPackage) else _document(clean)


def normalised(value: Value) -> Value:
    """The same value with every text in NFC, trimmed, with LF line ends; an empty text is absent."""
    result: Any = value
    if isinstance(value, str):
        result = unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\r", "\n").strip() or None
    elif isinstance(value, tuple):
        items = tuple(clean for item in value if (clean := normalised(item)) is not None)
        same = len(items) == len(value) and all(new is old for new, old in zip(items, value, strict=True))
        result = value if same else items
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        clean = {one.name: _field(value, one) for one in dataclasses.fields(value)}
        changed = {name: item for name, item in clean.items() if item is not getattr(value, name)}
        result = dataclasses.replace(value, **changed) if changed else value
    return result  # type: ignore[no-any-return]


def _field(owner: Any, field: dataclasses.Field[Any]) -> Any:
    """Identifiers are echoed as they are; a required text stays a text, if an empty one."""
    item = getattr(owner, field.name)
    if isinstance(item, OrganCode | DocumentId):
        return item
    clean = normalised(item)
    return "" if clean is None and isinstance(item, str) and field.default is dataclasses.MISSING else clean


def _document(package: DocumentPackage) -> DocumentPackage:
    other, business = package.other, package.business
    if business.staff == StaffInfo():
        business = dataclasses.replace(business, staff=None)
    return dataclasses.replace(
        package,
        business=business,
        receivers=tuple(_addressed(receiver) for receiver in package.receivers),
        content=package.content or package.subject,
        steering=package.steering or 0,
        other=dataclasses.replace(other, priority=other.priority or Priority.NORMAL),
        attachments=tuple(_named(attachment) for attachment in package.attachments),
    )


def _status(package: StatusPackage) -> StatusPackage:
    status = code_lists().statuses.get(package.status_code)
    described = status.description if status and not status.needs_reason else None
    return dataclasses.replace(
        package,
        description=package.description or described,
        staff=package.staff if package.staff not in {None, StaffInfo()} else _unnamed_staff(package),
    )


def _unnamed_staff(package: StatusPackage) -> StaffInfo | None:
    return StaffInfo(department=package.sender.name) if package.sender.name else None


def _addressed(receiver: Organization) -> Organization:
    return dataclasses.replace(receiver, address=receiver.address or receiver.name)


def _named(attachment: Attachment) -> Attachment:
    """The vendor's reader takes the first entry out of a raw ``HO SO.ZIP``: lower case (edxml.md 3.3)."""
    if extension(attachment.name) != "zip":
        return attachment
    return dataclasses.replace(attachment, name=attachment.name[:-3] + "zip")
