"""The documents of the demonstration, in words; the province, its people and their addresses are invented."""

from __future__ import annotations

from datetime import date

from .annexes import Annex
from .letter import Letter

_BODY = (
    (
        "Thực hiện Quyết định số 28/2018/QĐ-TTg ngày 12 tháng 7 năm 2018 của Thủ tướng Chính phủ về việc gửi, nhận "
        "văn bản điện tử giữa các cơ quan trong hệ thống hành chính nhà nước và Nghị định số 30/2020/NĐ-CP ngày 05 "
        "tháng 3 năm 2020 của Chính phủ về công tác văn thư, Sở Khoa học và Công nghệ đề nghị các cơ quan, đơn vị "
        "phối hợp rà soát việc kết nối, liên thông phần mềm quản lý văn bản và điều hành với Trục liên thông văn bản "
        "của tỉnh, cụ thể như sau:"
    ),
    (
        "1. Rà soát danh sách mã định danh của cơ quan, đơn vị và các đơn vị trực thuộc; đối chiếu với danh mục tại "
        "Phụ lục kèm theo công văn này. Trường hợp có thay đổi (thành lập mới, sáp nhập, đổi tên hoặc giải thể), đề "
        "nghị gửi quyết định của cấp có thẩm quyền để cập nhật."
    ),
    (
        "2. Kiểm tra chứng thư số của người có thẩm quyền và của cơ quan, tổ chức; bảo đảm mỗi văn bản điện tử gửi "
        "qua Trục liên thông có đủ chữ ký số của người có thẩm quyền và chữ ký số của cơ quan, tổ chức theo quy định "
        "tại Phụ lục I ban hành kèm theo Nghị định số 30/2020/NĐ-CP."
    ),
    (
        "3. Phân công văn thư trực tiếp nhận, xác nhận đã đến, đăng ký số đến và phản hồi trạng thái xử lý văn bản "
        "trong ngày làm việc; văn bản đến có dấu chỉ mức độ khẩn phải được chuyển ngay sau khi nhận."
    ),
    (
        "Kết quả rà soát gửi về Sở Khoa học và Công nghệ trước ngày 15 tháng 12 năm 2026 để tổng hợp, báo cáo Ủy ban "
        "nhân dân tỉnh. Trong quá trình thực hiện, nếu có vướng mắc, đề nghị phản ánh kịp thời để được hướng dẫn./."
    ),
)


def review_letter(*, number: str | None, day: date | None) -> Letter:
    """The công văn that the demonstration sends: one A4 letter to three agencies."""
    return Letter(
        governing="UBND TỈNH MẪU",
        agency="SỞ KHOA HỌC\nVÀ CÔNG NGHỆ",
        number=number,
        notation="SKHCN-CĐS",
        place="Mẫu",
        day=day,
        subject="rà soát kết nối, liên thông gửi, nhận văn bản điện tử năm 2026",
        recipients=(
            "Sở Tài chính tỉnh Mẫu",
            "Ủy ban nhân dân tỉnh Nghệ An",
            "Bộ Tài chính",
        ),
        paragraphs=_BODY,
        capacity=("KT. GIÁM ĐỐC", "PHÓ GIÁM ĐỐC"),
        signer="Nguyễn Thị Quỳnh Hương",
        copies_to=("Như trên", "UBND tỉnh (để b/c)", "Giám đốc Sở (để b/c)", "Lưu: VT, CĐS. Th.05b"),
        address="Số 01 đường Thử Nghiệm, phường Minh Họa, tỉnh Mẫu\n"
        "Điện thoại: 0200.000.000. Thư điện tử: vanthu@skhcn.mau.example",
        size=13,
    )


def notice_letter(
    *,
    governing: str | None,
    agency: str,
    notation: str,
    place: str,
    number: str,
    day: date,
    subject: str,
    to: str,
    capacity: tuple[str, ...],
    signer: str,
) -> Letter:
    """A short công văn that an agency of elsewhere sends to one of ours."""
    return Letter(
        governing=governing,
        agency=agency,
        number=number,
        notation=notation,
        place=place,
        day=day,
        subject=subject,
        recipients=(to,),
        paragraphs=tuple(text.format(subject=subject) for text in _NOTICE),
        capacity=capacity,
        signer=signer,
        copies_to=("Như trên", "Lưu: VT. MT.02b"),
        size=13,
    )


_NOTICE = (
    (
        "Để phục vụ việc gửi, nhận văn bản điện tử giữa các cơ quan theo Quyết định số 28/2018/QĐ-TTg ngày 12 tháng 7 "
        "năm 2018 của Thủ tướng Chính phủ, đề nghị Quý cơ quan phối hợp thực hiện nội dung sau: {subject}."
    ),
    (
        "Văn bản này được ký số bởi người có thẩm quyền và cơ quan ban hành theo Nghị định số 30/2020/NĐ-CP ngày 05 "
        "tháng 3 năm 2020 của Chính phủ về công tác văn thư; bản giấy không gửi kèm."
    ),
    "Đề nghị Quý cơ quan tiếp nhận, phản hồi trạng thái xử lý qua Trục liên thông văn bản./.",
)


def agency_table() -> Annex:
    """The annex of that letter, a separate file: the codes of an invented province."""
    rows = tuple(
        (str(place), name, f"H99.{place:02}", f"000.00.{place:02}.H99", note)
        for place, (name, note) in enumerate(_AGENCIES, start=1)
    )
    return Annex(
        title="DANH MỤC MÃ ĐỊNH DANH CƠ QUAN, ĐƠN VỊ\nKẾT NỐI TRỤC LIÊN THÔNG VĂN BẢN TỈNH MẪU",
        agency="SỞ KHOA HỌC VÀ CÔNG NGHỆ",
        columns=("STT", "Tên cơ quan, đơn vị", "Mã định danh", "Mã cũ (QCVN 102:2016)", "Ghi chú"),
        widths=(0.09, 0.41, 0.14, 0.19, 0.17),
        rows=rows,
    )


_AGENCIES = (
    ("Sở Khoa học và Công nghệ", "Đầu mối"),
    ("Sở Tài chính", ""),
    ("Sở Nội vụ", ""),
    ("Ủy ban nhân dân xã Bình Minh", "Mới"),
    ("Văn phòng Ủy ban nhân dân tỉnh", ""),
    ("Sở Tư pháp", ""),
    ("Sở Công Thương", ""),
    ("Sở Nông nghiệp và Môi trường", "Mới"),
    ("Sở Xây dựng", "Mới"),
    ("Sở Văn hóa, Thể thao và Du lịch", ""),
    ("Sở Giáo dục và Đào tạo", ""),
    ("Sở Y tế", ""),
    ("Thanh tra tỉnh", ""),
    ("Ban Quản lý các khu công nghiệp", ""),
    ("Ủy ban nhân dân phường Minh Họa", ""),
)
