"""The Vietnamese words of a report, one table for each kind of value: page, printed report and terminal share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...edxml.findings import Severity
from ...signing.report import LegalValue, Overall, Question, SignerRole, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How a result shows itself: never by colour alone, so each has a word and a sign of its own."""

    word: str
    sign: str  # a character that every system font has
    tone: str  # name of the colour: good, bad, open, quiet


QUESTIONS: Final = {
    Question.INTEGRITY: "Toàn vẹn",
    Question.IDENTITY: "Nhận dạng",
    Question.TRUST_PATH: "Chuỗi tin cậy",
    Question.VALIDITY: "Hiệu lực",
    Question.TIME: "Thời điểm ký",
    Question.ORDER: "Thứ tự, đủ chữ ký",
    Question.LATER_CHANGES: "Thay đổi sau ký",
}
ASKED: Final = {
    Question.INTEGRITY: "Nội dung đã ký có còn nguyên vẹn không?",
    Question.IDENTITY: "Chữ ký là của ai, có đúng bên gửi không?",
    Question.TRUST_PATH: "Chứng thư có do tổ chức được tin cậy cấp không?",
    Question.VALIDITY: "Lúc ký, chứng thư có hiệu lực và chưa bị thu hồi không?",
    Question.TIME: "Ký lúc nào, có dấu thời gian chứng minh không?",
    Question.ORDER: "Có đủ chữ ký và đúng thứ tự không?",
    Question.LATER_CHANGES: "Sau khi ký, tài liệu có bị thay đổi không?",
}
VERDICTS: Final = {
    Verdict.VALID: "đạt",
    Verdict.INVALID: "KHÔNG ĐẠT",
    Verdict.UNKNOWN: "chưa rõ",
    Verdict.NOT_APPLICABLE: "không xét",
}
VERDICT_MARKS: Final = {
    Verdict.VALID: Mark(word="Đạt", sign="✓", tone="good"),
    Verdict.INVALID: Mark(word="Không đạt", sign="✗", tone="bad"),
    Verdict.UNKNOWN: Mark(word="Chưa rõ", sign="?", tone="open"),
    Verdict.NOT_APPLICABLE: Mark(word="Không xét", sign="–", tone="quiet"),
}
OVERALL_MARKS: Final = {
    Overall.VALID: Mark(word="HỢP LỆ", sign="✓", tone="good"),
    Overall.INVALID: Mark(word="KHÔNG HỢP LỆ", sign="✗", tone="bad"),
    Overall.UNDETERMINED: Mark(word="CHƯA XÁC ĐỊNH", sign="?", tone="open"),
    Overall.NOT_APPLICABLE: Mark(word="KHÔNG ÁP DỤNG", sign="–", tone="quiet"),
}
# What the person at the desk does next (registers.md C1, signatures.md 3.3).
NEXT_STEPS: Final = {
    Overall.VALID: "Mọi điều phải kiểm tra đều đạt. Có thể tiếp nhận theo quy trình.",
    Overall.INVALID: "Không tiếp nhận như bản gốc. Trả lại hoặc hỏi bên gửi, nêu lý do ghi trong kết quả.",
    Overall.UNDETERMINED: "Chưa đủ căn cứ để kết luận; chưa trả lại. Bổ sung điều còn thiếu hoặc kiểm tra lại sau.",
    Overall.NOT_APPLICABLE: "Không có chữ ký số nào phải kiểm tra ở tệp này.",
}
# Quyết định 28/2018/QĐ-TTg Điều 4.2: not returned for that alone.
FOR_REFERENCE: Final = (
    "Chỉ có giá trị tham khảo vì thiếu chữ ký: có thể nhận để tham khảo và đề nghị bên gửi bổ sung bản ký đủ."
)
ROLES: Final = {
    SignerRole.LEADER: "người có thẩm quyền",
    SignerRole.AGENCY: "cơ quan",
    SignerRole.INITIALS: "ký nháy",
    SignerRole.OTHER: "khác",
}
LEGAL_VALUES: Final = {
    LegalValue.ORIGINAL: "đủ giá trị bản gốc",
    LegalValue.BY_SENDER_RULES: "đủ theo quy chế của bên gửi",
    LegalValue.REFERENCE: "chỉ tham khảo",
}
SEVERITIES: Final = {Severity.ERROR: "LỖI", Severity.WARNING: "lưu ý", Severity.INFO: "thông tin"}
SEVERITY_MARKS: Final = {
    Severity.ERROR: Mark(word="Lỗi", sign="✗", tone="bad"),
    Severity.WARNING: Mark(word="Lưu ý", sign="!", tone="open"),
    Severity.INFO: Mark(word="Thông tin", sign="i", tone="quiet"),
}
TIME_SOURCES: Final = {
    "timestamp": "theo dấu thời gian",
    "self_reported": "do máy ký tự khai",
    "none": "",
}
