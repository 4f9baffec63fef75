"""Who takes part in the demonstration, and under which codes (deploy/demo/axis.toml seeds the same)."""

from __future__ import annotations

from dataclasses import dataclass

from ...edxml.identifiers import OrganCode
from ...edxml.model import Organization


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An agency; ``leader`` is who signs for it."""

    code: str
    name: str
    leader: str = "Nguyễn Thị Quỳnh Hương"

    @property
    def organization(self) -> Organization:
        return Organization(code=OrganCode.parse(self.code), name=self.name)


SENDER = Place(code="000.00.01.H99", name="Sở Khoa học và Công nghệ tỉnh Mẫu")
NEIGHBOUR = Place(code="000.00.02.H99", name="Sở Tài chính tỉnh Mẫu")
NGHE_AN = Place(code="000.00.00.H41", name="UBND tỉnh Nghệ An")  # a robot: 01, 03, 04, 05, 06
FINANCE = Place(code="000.00.00.G12", name="Bộ Tài chính")  # a robot: 01, then 02 with a reason
OTHER_PROVINCE = Place(code="000.00.00.H98", name="UBND tỉnh Khác", leader="Trần Văn Minh")
MINISTRY = Place(code="000.00.00.G99", name="Bộ Mẫu", leader="Lê Thị Thu Hà")

OWN = (SENDER, NEIGHBOUR)
SIGNING = (SENDER, OTHER_PROVINCE, MINISTRY)
