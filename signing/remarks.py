"""The words about how a file looks: digitised paper, and the appearance of signatures. Data only.

``SIG_SCAN_*`` keeps a scan from being signed as a digitised document; ``SIG_WARN_APPEARANCE_*`` only warns and never
changes a verdict (registers.md C7).
"""

from __future__ import annotations

from typing import Final

from .report import Warning  # noqa: A004 - the report's own word

SCAN: Final = {
    "SIG_SCAN_UNREADABLE": "Không đọc được tệp số hóa ({detail}).",
    "SIG_SCAN_PDF_VERSION": "Tệp số hóa phải là PDF phiên bản 1.4 trở lên; tệp này là {detail}.",
    "SIG_SCAN_NOT_COLOUR": "Văn bản giấy phải được số hóa thành ảnh màu ({detail}).",
    "SIG_SCAN_RESOLUTION": "Độ phân giải của ảnh số hóa phải từ 200 dpi ({detail}).",
    "SIG_SCAN_SCALE": "Tỷ lệ số hóa phải là 100 % ({detail}).",
    "SIG_SCAN_PAGE_SIZE": "Trang số hóa phải đúng khổ A4 210 × 297 mm ({detail}).",
    "SIG_SCAN_NO_IMAGE": "Trang không phải là ảnh số hóa từ văn bản giấy ({detail}).",
    "SIG_SCAN_TOO_LONG": "Tệp số hóa có quá nhiều trang ({detail}).",
}


def remark(code: str, detail: str = "") -> Warning:
    """Raises KeyError for a code that this file has no words for."""
    return Warning(code=code, message=REMARKS[code].format(detail=detail))


REMARKS: Final = {**SCAN}
