"""Quick checks of a submission: everything that can be said before a file byte is stored, all faults at once.

Secrecy comes first and alone: a document whose độ mật is above "thường" is refused before anything of it is kept
(QĐ 28/2018/QĐ-TTg Điều 1.2; NĐ 30/2020 in registers.md 10.1; C25).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date, timedelta, timezone
from typing import Final

from ...edxml.model import BusinessType
from ..directory import Agency, Recipient
from ..errors import GatewayError, InputFault
from ..submissions import Metadata

VIETNAM: Final = timezone(timedelta(hours=7))
_NOT_SECRET: Final = frozenset({"", "thường", "thuong", "không", "khong"})
MAX_RECIPIENTS: Final = 1000
MAX_FILES: Final = 100


def refuse_secret(metadata: Metadata) -> None:
    """Raise SECRET_REFUSED for any độ mật above thường."""
    value = unicodedata.normalize("NFC", metadata.secrecy).strip().casefold()
    if value not in _NOT_SECRET:
        raise GatewayError(
            "SECRET_REFUSED",
            f"Văn bản có độ mật “{metadata.secrecy.strip()}” không được gửi qua hệ thống; nút không lưu nội dung nào.",
            faults=[
                InputFault(code="SECRET_REFUSED", place="/secrecy", message="Chỉ nhận văn bản có độ mật “thường”.")
            ],
        )


def metadata_faults(
    metadata: Metadata, *, agency: Agency, found: dict[str, Recipient], today: date, file_names: Sequence[str]
) -> list[InputFault]:
    """Every fault of the metadata at once, each with its place."""
    return [
        *_number_faults(metadata),
        *_type_faults(metadata),
        *_recipient_faults(metadata, agency, found),
        *_date_faults(metadata, today),
        *_business_faults(metadata),
        *_file_faults(file_names),
    ]


def _number_faults(metadata: Metadata) -> Iterator[InputFault]:
    if (metadata.number is None) == (metadata.reservation is None):
        yield InputFault(
            code="NUMBER_MISSING",
            place="/number",
            message="Cần đúng một trong hai: số của văn bản đã ký (number) hoặc mã giữ số (reservation).",
        )


def _type_faults(metadata: Metadata) -> Iterator[InputFault]:
    if metadata.document_type.detail is None:
        yield InputFault(
            code="TYPE_UNKNOWN",
            place="/type_name",
            message=f"Tên loại “{metadata.document_type.name}” không có trong danh mục của QCVN 102:2016/SĐ1:2022.",
        )


def _recipient_faults(metadata: Metadata, agency: Agency, found: dict[str, Recipient]) -> Iterator[InputFault]:
    if len(metadata.recipients) > MAX_RECIPIENTS:
        yield InputFault(code="RECIPIENTS_TOO_MANY", place="/recipients", message=f"Tối đa {MAX_RECIPIENTS} nơi nhận.")
    seen: set[str] = set()
    for position, code in enumerate(metadata.recipients):
        place = f"/recipients/{position}"
        recipient = found.get(code.key)
        if recipient is None:
            yield InputFault(
                code="RECIPIENT_UNKNOWN",
                place=place,
                message=f"Không có đơn vị nào mang mã “{code.value}” trong danh bạ các trục.",
            )
        elif recipient.code.key in seen:
            yield InputFault(code="RECIPIENT_DOUBLE", place=place, message=f"Nơi nhận “{code.value}” lặp lại.")
        elif recipient.code.key == agency.code.key:
            yield InputFault(code="RECIPIENT_SELF", place=place, message="Nơi nhận trùng với nơi gửi.")
        else:
            seen.add(recipient.code.key)


def _date_faults(metadata: Metadata, today: date) -> Iterator[InputFault]:
    if metadata.promulgation_date > today:
        yield InputFault(
            code="DATE_IN_FUTURE", place="/promulgation_date", message="Ngày ban hành không được ở tương lai."
        )
    if metadata.due_date is not None and metadata.due_date < metadata.promulgation_date:
        yield InputFault(code="DUE_DATE", place="/due_date", message="Hạn trả lời sớm hơn ngày ban hành.")


def _business_faults(metadata: Metadata) -> Iterator[InputFault]:
    business = metadata.business
    if business.type in (BusinessType.RECALL, BusinessType.UPDATE) and business.document_id is None:
        yield InputFault(
            code="BUSINESS_TARGET",
            place="/business/document_id",
            message="Thu hồi và cập nhật cần mã định danh của văn bản liên quan.",
        )
    if business.type is BusinessType.UPDATE and business.update is None:
        yield InputFault(code="BUSINESS_UPDATE", place="/business/update", message="Thiếu nội dung cập nhật.")
    if business.type is BusinessType.REPLACE and not business.replacements:
        yield InputFault(
            code="BUSINESS_REPLACEMENTS", place="/business/replacements", message="Thiếu danh sách văn bản bị thay thế."
        )


def _file_faults(file_names: Sequence[str]) -> Iterator[InputFault]:
    if len(file_names) > MAX_FILES:
        yield InputFault(code="FILES_TOO_MANY", place="/files", message=f"Tối đa {MAX_FILES} tệp.")
    if file_names and not file_names[0].lower().endswith(".pdf"):
        yield InputFault(
            code="FILE_NOT_PDF", place="main", message=f"Văn bản chính phải là tệp PDF, nhận được “{file_names[0]}”."
        )


def raise_faults(faults: Sequence[InputFault]) -> None:
    """Raise SUBMISSION_INVALID with all faults; a lone number conflict keeps its own code."""
    if faults:
        raise GatewayError(
            "SUBMISSION_INVALID", f"Có {len(faults)} lỗi trong hồ sơ gửi: {faults[0].message}", faults=faults
        )
