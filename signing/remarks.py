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

APPEARANCE: Final = {
    "SIG_WARN_APPEARANCE_NOT_CHECKED": "Chưa kiểm tra được hình thức hiển thị chữ ký ({detail}).",
    "SIG_WARN_APPEARANCE_LEADER_MISSING": "Không hiển thị hình ảnh chữ ký của người có thẩm quyền ({detail}).",
    "SIG_WARN_APPEARANCE_LEADER_COLOUR": "Hình ảnh chữ ký của người có thẩm quyền phải màu xanh, đang là {detail}.",
    "SIG_WARN_APPEARANCE_LEADER_PLACE": "Hình ảnh chữ ký của người có thẩm quyền không ở ô 7c, phía dưới bên phải phần "
    "ký ({detail}).",
    "SIG_WARN_APPEARANCE_SEAL_MISSING": "Không hiển thị hình ảnh dấu của cơ quan, tổ chức ({detail}).",
    "SIG_WARN_APPEARANCE_SEAL_COLOUR": "Hình ảnh dấu của cơ quan, tổ chức phải màu đỏ, đang là {detail}.",
    "SIG_WARN_APPEARANCE_SEAL_OVERLAP": "Dấu phải trùm lên khoảng 1/3 hình ảnh chữ ký về bên trái ({detail}).",
    "SIG_WARN_APPEARANCE_SEAL_SIZE": "Hình ảnh dấu phải bằng kích thước thực tế của dấu ({detail}).",
    "SIG_WARN_APPEARANCE_SEAL_HIDES": "Hình ảnh dấu che khuất chữ ký của người có thẩm quyền ({detail}).",
    "SIG_WARN_APPEARANCE_SEAL_WORDS": "Bên hình ảnh dấu trên văn bản ban hành không hiển thị chữ ({detail}).",
    "SIG_WARN_APPEARANCE_SEAL_NO_WORDS": "Thiếu tên cơ quan và thời gian ký bên hình ảnh dấu ({detail}).",
    "SIG_WARN_APPEARANCE_OPAQUE": "Hình ảnh chữ ký phải có nền trong suốt ({detail}).",
    "SIG_WARN_APPEARANCE_PICTURE": "Chữ ký trên phụ lục, bản sao không hiển thị hình ảnh ({detail}).",
    "SIG_WARN_APPEARANCE_TEXT_MISSING": "Thiếu số và ký hiệu hoặc hình thức sao, tên cơ quan, thời gian ký ở góc trên "
    "bên phải trang đầu ({detail}).",
    "SIG_WARN_APPEARANCE_TEXT_PLACE": "Thông tin chữ ký phải ở góc trên, bên phải, trang đầu ({detail}).",
    "SIG_WARN_APPEARANCE_TEXT_SIZE": "Thông tin chữ ký phải là chữ cỡ 10, đang là cỡ {detail}.",
    "SIG_WARN_APPEARANCE_TEXT_COLOUR": "Thông tin chữ ký phải là chữ màu đen ({detail}).",
    "SIG_WARN_APPEARANCE_TEXT_WORDS": "Thông tin chữ ký không đúng mẫu của Phụ lục III ({detail}).",
}


def remark(code: str, detail: str = "") -> Warning:
    """Raises KeyError for a code that this file has no words for."""
    return Warning(code=code, message=REMARKS[code].format(detail=detail))


REMARKS: Final = {**SCAN, **APPEARANCE}
