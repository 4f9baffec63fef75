"""What stands on a document of an agency, and where it stands once drawn. Values only.

The ô numbers are those of Nghị định 30/2020/NĐ-CP Phụ lục I Phần I mục IV.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .paper import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A công văn, or with ``kind`` a văn bản có tên loại. ``number``, ``day`` None: blank until it is issued."""

    governing: str | None  # ô 2, cơ quan chủ quản
    agency: str  # ô 2; a line feed breaks a long name
    number: str | None  # ô 3
    notation: str  # "STTTT-CNTT"
    place: str  # ô 4, địa danh
    day: date | None
    subject: str  # ô 5, without "V/v"
    recipients: tuple[str, ...]  # ô 9a, Kính gửi; empty: none
    paragraphs: tuple[str, ...]  # ô 6
    capacity: tuple[str, ...]  # ô 7a, ("KT. GIÁM ĐỐC", "PHÓ GIÁM ĐỐC")
    signer: str | None  # ô 7b; TN-14.2 types no name
    copies_to: tuple[str, ...]  # ô 9b, Nơi nhận
    kind: str | None = None  # ô 5a, "QUYẾT ĐỊNH"
    authority: str | None = None  # of a quyết định: whose it is, above the grounds
    grounds: tuple[str, ...] = ()  # căn cứ ban hành
    urgency: str | None = None  # ô 10b, "HỎA TỐC", "THƯỢNG KHẨN", "KHẨN"
    circulation: str | None = None  # ô 11, "XEM XONG TRẢ LẠI", "LƯU HÀNH NỘI BỘ"
    drafter: str | None = None  # ô 12, ký hiệu người soạn thảo and số lượng bản
    address: str | None = None  # ô 13, foot of page 1
    size: float = 14  # of the body, 13 to 14 points
    plain: bool = False  # one type face instead of four: a file of 24 KB for benches

    @property
    def title(self) -> str:
        return f"{self.kind.capitalize()} {self.subject}" if self.kind else f"V/v {self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterLayout:
    """Where things stand on the finished paper."""

    pages: int
    leader: Box  # ô 7c: picture of the leader's signature
    seal: Box  # ô 8: over the left third of it
    number: Box | None  # the gap after "Số:", when the letter has no number
    day: Box | None  # the gap after the place name, when it has no date
