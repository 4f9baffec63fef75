"""What signing is asked for and what it answers: values that travel as JSON (``json_values.py``). No PDF, no I/O.

Files are paths; pictures are PNG files; times are aware. Source: signatures.md 2; Nghị định 30/2020/NĐ-CP, Điều 32.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from .report import Warning  # noqa: A004 - the report's own word
from .request import RegisteredCertificate, TimestampRule

NUMBER_FIELD: Final = "so_van_ban"
DATE_FIELD: Final = "ngay_ban_hanh"
LEADER_FIELD: Final = "Sig_lanhdao"
AGENCY_FIELD: Final = "Sig_coquan"
INITIALS_FIELD: Final = "Sig_nhay_{}"  # from 1 on

Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in PDF points from the lower left corner


class SignStep(StrEnum):
    INITIALS = "initials"  # ký nháy
    LEADER = "leader"  # người có thẩm quyền, case A
    AGENCY = "agency"  # cơ quan, case B
    ANNEX = "annex"  # văn bản kèm theo in a file of its own, case D
    COPY = "copy"  # bản sao sang định dạng điện tử, case E
    DIGITISED = "digitised"  # văn bản giấy được số hóa, case E


class Flow(StrEnum):
    """In which order number and signatures come (registers.md C6)."""

    LEADER_NUMBER_AGENCY = "LEADER_NUMBER_AGENCY"
    NUMBER_FIRST = "NUMBER_FIRST"  # DN-8.3.a: the clerk numbers before the leader signs
    PAPER_SCAN = "PAPER_SCAN"  # DN-8.3.b: signed on paper, scanned, the agency alone signs the scan


class Level(StrEnum):
    """PAdES baseline levels (ETSI EN 319 142-1): bare, timestamp, revocation data, archive timestamp."""

    B_B = "B-B"
    B_T = "B-T"
    B_LT = "B-LT"
    B_LTA = "B-LTA"


class Subfilter(StrEnum):
    ADOBE = "adbe.pkcs7.detached"
    CADES = "ETSI.CAdES.detached"


class Capacity(StrEnum):
    """Ký thay, thừa lệnh, thừa ủy quyền, thay mặt (Phụ lục I, Phần I, II.7.a)."""

    KT = "KT."
    TL = "TL."
    TUQ = "TUQ."
    TM = "TM."
    Q = "Q."


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerBlock:
    """Quyền hạn, chức vụ and họ tên. The acting person signs with the own certificate (registers.md C22)."""

    title: str  # "PHÓ GIÁM ĐỐC"
    capacity: Capacity | None = None
    principal: str | None = None  # in whose place: "GIÁM ĐỐC"
    name: str | None = None

    @property
    def text(self) -> str:
        above = f"{self.capacity.value} {self.principal or ''}".strip() if self.capacity else ""
        return " – ".join(part for part in (above, self.title) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignJob:
    """One signature into one file. ``field``: the step's own when absent; ``box``: only where none is prepared."""

    step: SignStep
    source: str
    target: str
    now: datetime
    trust_folder: str
    trust_store: str = "bcy"
    field: str | None = None
    picture: str | None = None  # cases A and B
    text: tuple[str, ...] = ()  # cases D and E, and TT01_2019
    seal_diameter_mm: float = 36.0  # of a picture where no field is prepared
    box: Box | None = None
    page: int = 0
    flow: Flow = Flow.LEADER_NUMBER_AGENCY
    subfilter: Subfilter = Subfilter.CADES
    level: Level = Level.B_LT
    tsa_url: str | None = None  # the operator's setting, never from a file
    tsa_seconds: float = 10.0
    signer_block: SignerBlock | None = None
    prefer_pss: bool = False
    timestamp: TimestampRule = TimestampRule.REQUIRED  # of every signature in the file (registers.md C17)
    policy: str = "ND30"  # of the finished document; a name of policies.REQUIRED_SETS
    document_date: date | None = None
    sender_code: str | None = None
    sender_name: str | None = None
    registry: tuple[RegisteredCertificate, ...] = ()  # empty: who signed is not judged before the release


@dataclass(frozen=True, slots=True, kw_only=True)
class SignResult:
    """``signing_time``: of the trusted timestamp, else the time given. ``overall``: of the own verifier."""

    sha256: str
    size: int
    field: str
    signing_time: datetime
    level: Level
    certificate_sha256: str
    overall: str
    warnings: tuple[Warning, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedField:
    """``anchor``: the words on the page that gave the place; absent: the fallback of the settings did.

    ``gaps``: of a date whose words are printed: "day", "month" or "year", and from where to where in the box.
    """

    name: str
    page: int
    box: Box
    anchor: str | None = None
    gaps: tuple[tuple[str, float, float], ...] = ()
    centred: bool = False  # text in the middle of the box


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareJob:
    """Give an unsigned PDF its form. ``places`` go before what the page's words say."""

    source: str
    target: str
    flow: Flow = Flow.LEADER_NUMBER_AGENCY
    initials: int = 0
    seal_diameter_mm: float = 36.0
    seal_words: int = 0  # lines under the seal, profile TT01_2019
    leader_picture: str | None = None  # PNG whose shape the leader's field takes
    text_size: float = 13.0
    signer_block: SignerBlock | None = None  # what the page is expected to say
    places: tuple[PlacedField, ...] = ()
    fallback: tuple[PlacedField, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareResult:
    sha256: str
    size: int
    fields: tuple[PlacedField, ...]
    signer_block: SignerBlock | None = None  # as the page says it
    warnings: tuple[Warning, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FillJob:
    """Number and date into their fields, as one revision of its own; absent stays unfilled."""

    source: str
    target: str
    number: str | None = None
    date: str | None = None
    text_size: float = 13.0
    registry: tuple[RegisteredCertificate, ...] = ()  # who signed in a field of its own making


@dataclass(frozen=True, slots=True, kw_only=True)
class FillResult:
    sha256: str
    size: int
    filled: tuple[str, ...]  # names of fields
