"""The letters of the load, as an eOffice posts them and as the agency outside writes them.

Some are about an earlier one of the same sender to the same recipients: they take it back, change it or replace it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final

from lienthong.edxml.identifiers import DocumentId, OrganCode
from lienthong.edxml.model import (
    Business,
    BusinessType,
    DocumentPackage,
    DocumentType,
    Replacement,
    Signer,
    TraceHeader,
    UpdateInfo,
)
from lienthong.edxml.writer import write_package
from lienthong.tests.crash.scene import Scene
from lienthong.tests.journeys.outsiders import VIETNAM, attachment, organization

LATER: Final = (BusinessType.RECALL, BusinessType.UPDATE, BusinessType.REPLACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a letter does; ``about``: the id of the earlier document, None for a letter of its own."""

    business: BusinessType = BusinessType.NEW
    about: str | None = None

    @property
    def recalls(self) -> bool:
        return self.business is BusinessType.RECALL


def posted(scene: Scene, number: int, recipients: tuple[str, ...], meaning: Meaning) -> dict[str, Any]:
    """The metadata part of an outgoing letter."""
    return {
        "recipients": list(recipients),
        "number": f"{number:02d}",
        "notation": "SKHCN-CĐS",
        "promulgation_date": scene.papers.today.isoformat(),
        "type_name": "Công văn",
        "subject": f"V/v rà soát kết nối liên thông lần {number}",
        "signer": {"full_name": "Nguyễn Thị Quỳnh Hương", "position": "Phó Giám đốc", "competence": "KT."},
        "place": "Mẫu",
        **({"business": _asked(meaning)} if meaning.about else {}),
    }


def _asked(meaning: Meaning) -> dict[str, Any]:
    if meaning.business is BusinessType.REPLACE:
        return {"type": 3, "replacements": [{"document_id": meaning.about}]}
    update = {"document_changed": True, "receivers_changed": False}
    more = {"update": update} if meaning.business is BusinessType.UPDATE else {"reason": "Văn bản có sai sót"}
    return {"type": int(meaning.business), "document_id": meaning.about, **more}


def brought(scene: Scene, number: int, receivers: tuple[str, ...], meaning: Meaning) -> DocumentPackage:
    """A letter of the agency outside."""
    code, text = OrganCode.parse(scene.cast.outside), f"V/v phối hợp kiểm tra lần {number}"
    return DocumentPackage(
        sender=organization(scene.cast.outside),
        receivers=tuple(organization(one) for one in receivers),
        document_id=DocumentId.make(code, scene.papers.today, f"{number:02d}", "UBND-VX"),
        code_number=f"{number:02d}",
        code_notation="UBND-VX",
        promulgation_date=scene.papers.today,
        document_type=DocumentType(type=2, detail=18, name="Công văn"),
        subject=text,
        content=text,
        business=_written(meaning),
        signer=Signer(full_name="Nguyễn Thị Quỳnh Hương"),
        traces=(TraceHeader(organ=code, timestamp=scene.papers.now.astimezone(VIETNAM).replace(microsecond=0)),),
        attachments=(attachment(scene.outside_paper),),
    )


def _written(meaning: Meaning) -> Business:
    if meaning.about is None:
        return Business(type=BusinessType.NEW, reason="Văn bản điện tử mới", paper=False)
    about = DocumentId(meaning.about)
    if meaning.business is BusinessType.REPLACE:
        return Business(type=meaning.business, paper=False, replacements=(Replacement(document_id=about),))
    changed = UpdateInfo(document_changed=True, receivers_changed=False)
    update = changed if meaning.business is BusinessType.UPDATE else None
    return Business(type=meaning.business, document_id=about, paper=False, update=update)


def as_bytes(package: DocumentPackage) -> bytes:
    sink = io.BytesIO()
    write_package(package, sink)
    return sink.getvalue()
