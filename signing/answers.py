"""The words of the report: each code with its question, verdict, Vietnamese message and article. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .report import Answer, Question, Verdict, Warning  # noqa: A004 - the report's own word

_V, _I, _U, _N = Verdict.VALID, Verdict.INVALID, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE
_Q = Question

ND30_RECEIPT: Final = "Nghị định 30/2020/NĐ-CP, Điều 21.2.a"
ND30_ORIGINAL: Final = "Nghị định 30/2020/NĐ-CP, Điều 5.1"
ND30_SEAL: Final = "Nghị định 30/2020/NĐ-CP, Điều 32.2.d"
ND68: Final = "Nghị định 68/2024/NĐ-CP, Điều 30–32"
LGD22: Final = "Luật Giao dịch điện tử 20/2023/QH15, Điều 22.3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    question: Question
    verdict: Verdict
    text: str
    basis: str | None = None


def _phrase(question: Question, verdict: Verdict, text: str, basis: str | None = None) -> Phrase:
    return Phrase(question=question, verdict=verdict, text=text, basis=basis)


PHRASES: Final = {
    # 1. toàn vẹn
    "SIG_INTEGRITY_OK": _phrase(_Q.INTEGRITY, _V, "Nội dung đã ký còn nguyên vẹn.", LGD22),
    "SIG_ALTERED": _phrase(_Q.INTEGRITY, _I, "Nội dung đã bị thay đổi sau khi ký: giá trị băm không khớp.", LGD22),
    "SIG_VALUE_WRONG": _phrase(_Q.INTEGRITY, _I, "Giá trị chữ ký không đúng với khóa công khai của chứng thư.", LGD22),
    "SIG_WEAK_ALGORITHM": _phrase(
        _Q.INTEGRITY, _I, "Chữ ký dùng thuật toán không còn an toàn ({detail}).", "Thông tư 15/2025/TT-BKHCN"
    ),
    "SIG_COVERAGE": _phrase(_Q.INTEGRITY, _I, "Chữ ký không bao trùm toàn bộ phiên bản tài liệu được ký.", LGD22),
    "SIG_DUPLICATED_VALUE": _phrase(
        _Q.INTEGRITY, _I, "Cùng một giá trị chữ ký được hai ô chữ ký dùng chung ({detail})."
    ),
    "SIG_FORMAT": _phrase(_Q.INTEGRITY, _I, "Cấu trúc chữ ký sai chuẩn ({detail})."),
    "SIG_UNREADABLE_SIGNATURE": _phrase(_Q.INTEGRITY, _U, "Không đọc được chữ ký ({detail})."),
    "SIG_UNSUPPORTED_SUBFILTER": _phrase(
        _Q.INTEGRITY, _U, "Loại chữ ký {detail} chưa được hỗ trợ nên chưa kiểm tra được."
    ),
    # 2. nhận dạng
    "SIG_IDENTITY_REGISTERED": _phrase(
        _Q.IDENTITY, _V, "Chứng thư đã đăng ký của cơ quan gửi ({detail}).", ND30_RECEIPT
    ),
    "SIG_IDENTITY_BY_NAME": _phrase(
        _Q.IDENTITY,
        _V,
        "Chứng thư chưa đăng ký; tên cơ quan trong chứng thư trùng tên cơ quan gửi ({detail}).",
        ND30_RECEIPT,
    ),
    "SIG_IDENTITY_OTHER_AGENCY": _phrase(_Q.IDENTITY, _I, "Chứng thư là của cơ quan khác ({detail}).", ND30_RECEIPT),
    "SIG_IDENTITY_OUT_OF_TERM": _phrase(
        _Q.IDENTITY, _I, "Chứng thư không được đăng ký cho cơ quan gửi tại thời điểm ký ({detail})."
    ),
    "SIG_IDENTITY_UNKNOWN": _phrase(
        _Q.IDENTITY,
        _U,
        "Chưa xác định được chứng thư này là của cơ quan gửi hay người của cơ quan gửi ({detail}).",
        ND30_RECEIPT,
    ),
    "SIG_SENDER_UNKNOWN": _phrase(
        _Q.IDENTITY, _U, "Chưa biết cơ quan gửi nên chưa đối chiếu được người ký ({detail})."
    ),
    # 3. chuỗi tin cậy
    "SIG_TRUST_OK": _phrase(_Q.TRUST_PATH, _V, "Chứng thư dẫn tới chứng thư gốc được tin cậy ({detail}).", ND68),
    "SIG_UNTRUSTED_ROOT": _phrase(
        _Q.TRUST_PATH, _I, "Chứng thư không do tổ chức cung cấp dịch vụ được tin cậy cấp ({detail}).", ND68
    ),
    "SIG_CHAIN_INCOMPLETE": _phrase(
        _Q.TRUST_PATH, _U, "Thiếu chứng thư trung gian, chưa lập được đường dẫn tới gốc tin cậy ({detail}).", ND68
    ),
    "SIG_TRUST_STORE_EMPTY": _phrase(_Q.TRUST_PATH, _U, "Kho tin cậy {detail} chưa có chứng thư gốc nào."),
    "SIG_KEY_USAGE": _phrase(_Q.TRUST_PATH, _I, "Chứng thư không được cấp cho mục đích ký số ({detail}).", ND68),
    "SIG_WEAK_CHAIN": _phrase(_Q.TRUST_PATH, _I, "Đường dẫn chứng thư dùng thuật toán không còn an toàn.", ND68),
    "SIG_PATH_INVALID": _phrase(_Q.TRUST_PATH, _I, "Đường dẫn chứng thư không hợp lệ ({detail}).", ND68),
    "SIG_TRUST_NOT_CHECKED": _phrase(_Q.TRUST_PATH, _U, "Chưa kiểm tra đường dẫn chứng thư vì chữ ký không đọc được."),
    # 4. hiệu lực và thu hồi
    "SIG_VALIDITY_OK": _phrase(_Q.VALIDITY, _V, "Chứng thư có hiệu lực và không bị thu hồi tại thời điểm ký.", ND68),
    "SIG_REVOKED": _phrase(_Q.VALIDITY, _I, "Chứng thư đã bị thu hồi trước thời điểm ký ({detail}).", ND68),
    "SIG_REVOKED_TIME_UNPROVEN": _phrase(
        _Q.VALIDITY,
        _U,
        "Chứng thư đã bị thu hồi và không có dấu thời gian chứng minh ký trước đó ({detail}).",
        ND68,
    ),
    "SIG_SUSPENDED": _phrase(
        _Q.VALIDITY, _I, "Chứng thư đang tạm dừng tại thời điểm ký ({detail}).", "Quyết định 114/QĐ-STC"
    ),
    "SIG_EXPIRED": _phrase(_Q.VALIDITY, _I, "Chứng thư không có hiệu lực tại thời điểm ký ({detail}).", ND68),
    "SIG_EXPIRED_TIME_UNPROVEN": _phrase(
        _Q.VALIDITY, _U, "Chứng thư đã hết hạn và không có dấu thời gian chứng minh ký trước đó ({detail}).", ND68
    ),
    "SIG_REVOCATION_UNKNOWN": _phrase(
        _Q.VALIDITY, _U, "Không có danh sách thu hồi còn hiệu lực để kiểm tra chứng thư.", ND68
    ),
    "SIG_VALIDITY_NOT_CHECKED": _phrase(
        _Q.VALIDITY, _U, "Chưa kiểm tra hiệu lực vì đường dẫn chứng thư chưa xác lập.", ND68
    ),
    # 5. thời điểm ký
    "SIG_TIME_TIMESTAMP": _phrase(_Q.TIME, _V, "Có dấu thời gian tin cậy: {detail}."),
    "SIG_TIME_SKEW_7H": _phrase(
        _Q.TIME,
        _V,
        "Có dấu thời gian tin cậy: {detail}; giờ tự khai lệch 7 giờ (phần mềm ghi giờ địa phương như giờ UTC).",
    ),
    "SIG_TIME_SELF_REPORTED": _phrase(_Q.TIME, _N, "Không có dấu thời gian; giờ do máy ký tự khai: {detail}."),
    "SIG_TIME_NONE": _phrase(_Q.TIME, _N, "Chữ ký không ghi thời điểm ký."),
    "SIG_TIME_REQUIRED": _phrase(_Q.TIME, _I, "Quy định yêu cầu dấu thời gian nhưng chữ ký không có."),
    "SIG_TIMESTAMP_WRONG": _phrase(_Q.TIME, _I, "Dấu thời gian không khớp với chữ ký.", ND68),
    "SIG_TIMESTAMP_UNTRUSTED": _phrase(
        _Q.TIME, _U, "Chưa xác minh được dấu thời gian là của tổ chức được tin cậy ({detail}).", ND68
    ),
    "SIG_TIME_FUTURE": _phrase(_Q.TIME, _U, "Dấu thời gian muộn hơn thời điểm kiểm tra ({detail})."),
    "SIG_TIME_NOT_CHECKED": _phrase(_Q.TIME, _U, "Chưa kiểm tra thời điểm ký vì chữ ký không đọc được."),
    # 6. thứ tự và đủ chữ ký
    "SIG_ORDER_OK": _phrase(_Q.ORDER, _V, "Đủ chữ ký theo chính sách: {detail}."),
    "SIG_ORDER_WRONG": _phrase(_Q.ORDER, _I, "Chữ ký của cơ quan có trước chữ ký của người có thẩm quyền.", ND30_SEAL),
    "SIG_REQUIRED_SET_MISSING": _phrase(
        _Q.ORDER, _I, "Chưa đủ chữ ký bắt buộc: cần {detail}; tài liệu chỉ có giá trị tham khảo.", ND30_ORIGINAL
    ),
    "SIG_NOT_SIGNED": _phrase(_Q.ORDER, _I, "Tài liệu không có chữ ký số nào; cần {detail}.", ND30_ORIGINAL),
    "SIG_ORDER_UNKNOWN": _phrase(
        _Q.ORDER, _U, "Chưa xét được đủ chữ ký vì có chữ ký chưa xác định được người ký hoặc chưa đọc được."
    ),
    # 7. thay đổi sau khi ký
    "SIG_NO_CHANGES": _phrase(_Q.LATER_CHANGES, _V, "Không có thay đổi nào sau khi ký."),
    "SIG_PERMITTED_CHANGES": _phrase(
        _Q.LATER_CHANGES, _V, "Sau khi ký chỉ có thay đổi được phép ({detail}).", ND30_SEAL
    ),
    "SIG_CHANGED": _phrase(_Q.LATER_CHANGES, _I, "Có thay đổi không được phép sau khi ký ({detail}).", LGD22),
    "SIG_CHANGED_AFTER_LAST": _phrase(
        _Q.LATER_CHANGES, _I, "Nội dung biểu mẫu bị sửa sau chữ ký cuối cùng ({detail}).", LGD22
    ),
    "SIG_SHADOW": _phrase(
        _Q.LATER_CHANGES, _I, "Bản cập nhật sau khi ký thay thế phần hiển thị của tài liệu ({detail}).", LGD22
    ),
    "SIG_TRAILING_BYTES": _phrase(
        _Q.LATER_CHANGES, _I, "Có dữ liệu thừa sau phần cuối của tài liệu đã ký ({detail} byte).", LGD22
    ),
    "SIG_REVISION_SKIPPED": _phrase(
        _Q.LATER_CHANGES, _I, "Tệp có bản cập nhật bị bỏ qua khỏi lịch sử tài liệu (mốc {detail}).", LGD22
    ),
    "SIG_CHANGES_NOT_CHECKED": _phrase(_Q.LATER_CHANGES, _U, "Chưa xét được thay đổi sau khi ký ({detail})."),
}

# Reasons that concern the whole file; they take the place of all seven answers.
FILE_REASONS: Final = {
    "SIG_NOT_PDF": "Tệp không phải là tệp PDF.",
    "SIG_UNREADABLE": "Không đọc được cấu trúc tệp PDF ({detail}).",
    "SIG_ENCRYPTED": "Tệp PDF bị mã hóa nên không kiểm tra được chữ ký.",
    "SIG_FORM_TREE": "Cấu trúc biểu mẫu của tệp bất thường ({detail}).",
    "SIG_TOO_MANY_SIGNATURES": "Tệp có quá nhiều chữ ký ({detail}).",
    "SIG_TOO_MANY_REVISIONS": "Tệp có quá nhiều lần cập nhật ({detail}).",
    "SIG_TOO_COMPLEX": "Cấu trúc tệp rối một cách bất thường ({detail}).",
    "SIG_TOO_LARGE": "Tệp lớn hơn giới hạn kiểm tra chữ ký ({detail} byte).",
    "SIG_FILE_MISSING": "Không mở được tệp để kiểm tra.",
    "SIG_TIMEOUT": "Kiểm tra chữ ký vượt quá thời gian cho phép; tệp cần được xem xét.",
    "SIG_MEMORY": "Kiểm tra chữ ký vượt quá bộ nhớ cho phép; tệp cần được xem xét.",
    "SIG_WORKER_DIED": "Tiến trình kiểm tra chữ ký dừng đột ngột; tệp cần được xem xét.",
    "SIG_CHECK_FAILED": "Chương trình không kiểm tra được tệp này ({detail}).",
    "SIG_TRUST_STORE_MISSING": "Không tìm thấy kho tin cậy ({detail}).",
    "SIG_TRUST_STORE_BROKEN": "Kho tin cậy hỏng ({detail}).",
    "SIG_TRUST_STORE_SEAL": "Dấu niêm của danh sách gốc tin cậy không đúng ({detail}).",
    "SIG_ROOT_NOT_PINNED": "Kho tin cậy chứa chứng thư gốc chưa được ghim ({detail}).",
    "SIG_SPEED_UNSUITABLE": "Phiên bản thư viện PDF không phù hợp ({detail}).",
    "SIG_POLICY_UNKNOWN": "Không có chính sách chữ ký tên {detail}.",
}

WARNINGS: Final = {
    "SIG_WARN_NOT_TIMESTAMPED": "Chữ ký {detail} không có dấu thời gian (NotTimestamped).",
    "SIG_WARN_TIMESTAMP_UNPROVEN": "Chữ ký {detail} có dấu thời gian nhưng dấu đó không chứng minh được thời điểm ký.",
    "SIG_WARN_SHA1_DOCUMENT": "Chữ ký {detail} băm nội dung bằng SHA-1 (chỉ chấp nhận khi ký trước hạn đã định).",
    "SIG_WARN_SKEW": "Giờ tự khai của chữ ký {detail} lệch so với dấu thời gian.",
    "SIG_WARN_SHA1_CHAIN": "Đường dẫn chứng thư của chữ ký {detail} dùng SHA-1 (thế hệ G1, chỉ chấp nhận có thời hạn).",
    "SIG_WARN_BY_NAME": "Chứng thư của chữ ký {detail} chưa đăng ký; vai trò được suy từ tên trong chứng thư.",
    "SIG_WARN_ACTIVE_CONTENT": "Tệp có nội dung hoạt động ({detail}).",
    "SIG_WARN_HYBRID": "Tệp dùng bảng tham chiếu chéo lai; đã kiểm tra ở chế độ nới.",
    "SIG_WARN_PLACED_BY_DEFAULT": "Không thấy chữ làm mốc cho ô {detail}; ô được đặt ở vị trí mặc định.",
    "SIG_WARN_NARROW_GAP": "Khoảng trống ở “{detail}” hẹp hơn quy định (số: 15 mm).",
    "SIG_WARN_LEADER_SPACE": "Khoảng trống dưới “{detail}” không đủ chỗ cho chữ ký (không ghi họ tên: 40 mm).",
    "SIG_WARN_SIGNER_BLOCK": "Khối người ký trên văn bản ({detail}) khác với người ký đã chọn.",
    "SIG_WARN_LAX": "Tệp chỉ đọc được ở chế độ nới lỏng cú pháp.",
}


def answer(code: str, detail: str = "") -> Answer:
    phrase = PHRASES[code]
    return Answer(
        question=phrase.question,
        verdict=phrase.verdict,
        code=code,
        message=phrase.text.format(detail=detail),
        legal_basis=phrase.basis,
    )


def warning(code: str, detail: str = "") -> Warning:
    return Warning(code=code, message=WARNINGS[code].format(detail=detail))
