"""The nouns of an exchange and their states: one table for each subject, checked here and by SQL.

Knows no I/O. The tables at the end are written into the database table ``transition`` when the schema is brought up
to date; every event row refers to it by foreign key, so a state change that is not in a table cannot be recorded.

Two rules: "waits for a person" (HELD) and "will be tried again" (RETRY_WAIT) are different states, and a terminal
state has no way out. Sources: axis.md 8 (transport, business, receiver side), QĐ 28/2018 Điều 6.3, 9.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from .errors import GatewayError


class Subject(StrEnum):
    """What an event tells of."""

    OUTWARD = "outward"  # an exchange that one of our agencies sends
    INWARD = "inward"  # an exchange that reached one of our agencies
    OUTGOING_PACKAGE = "outgoing_package"
    INCOMING_PACKAGE = "incoming_package"
    DELIVERY = "delivery"


class Outward(StrEnum):
    ACCEPTED = "accepted"  # đã tiếp nhận từ eOffice
    EXAMINED = "examined"  # đã kiểm tra
    HELD = "held"  # chờ người xử lý
    PACKAGED = "packaged"  # đã đóng gói, vào sổ
    SENT = "sent"  # trục đã nhận ít nhất một gói, không còn gói nào chờ gửi
    UNDELIVERABLE = "undeliverable"  # mọi gói bị từ chối
    CANCELLED = "cancelled"  # người xử lý hủy trước khi gửi


class Inward(StrEnum):
    HELD = "held"  # giữ lại chờ người xử lý
    DELIVERED = "delivered"  # trong hộp thư của đơn vị (01)
    REGISTERED = "registered"  # đã vào sổ văn bản đến (03)
    ASSIGNED = "assigned"  # 04
    PROCESSING = "processing"  # 05
    FINISHED = "finished"  # 06
    REFUSED = "refused"  # 02
    RECALL_ASKED = "recall_asked"  # 13, or a recall document: the clerk answers 15 or 16
    RECALLED = "recalled"  # 15: content is handed out no more


class Outgoing(StrEnum):
    """Transport states of an outgoing package (axis.md 8.1)."""

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    RETRY_WAIT = "retry_wait"
    UNKNOWN = "unknown"
    SUSPENDED = "suspended"
    HELD = "held"
    DELIVERED = "delivered"
    DELIVERY_FAILED = "delivery_failed"
    CANCELLED = "cancelled"


class Incoming(StrEnum):
    """States of a received package (axis.md 8.3)."""

    RECEIVED = "received"  # safely stored
    DELIVERED = "delivered"  # became exchanges of our agencies
    DUPLICATE = "duplicate"
    HELD = "held"  # unreadable, misaddressed or in conflict: a person decides
    SETTLED = "settled"  # a status that was applied
    PARKED = "parked"  # a status of an unknown document
    CLOSED = "closed"  # put away by a person


class Delivery(StrEnum):
    """Business states, sender side, for each recipient (axis.md 8.2)."""

    WAITING = "waiting"
    SENT = "sent"
    ARRIVED = "arrived"  # 01
    REGISTERED = "registered"  # 03
    ASSIGNED = "assigned"  # 04
    PROCESSING = "processing"  # 05
    FINISHED = "finished"  # 06
    REFUSED = "refused"  # 02
    RECALL_ACCEPTED = "recall_accepted"  # 15
    RECALL_REFUSED = "recall_refused"  # 16
    UNDELIVERABLE = "undeliverable"
    CANCELLED = "cancelled"


NEW: Final = ""  # the state before the first

# Business status code on the wire -> state of the delivery (edxml.md 7.5).
DELIVERY_BY_STATUS: Final[dict[str, Delivery]] = {
    "01": Delivery.ARRIVED,
    "02": Delivery.REFUSED,
    "03": Delivery.REGISTERED,
    "04": Delivery.ASSIGNED,
    "05": Delivery.PROCESSING,
    "06": Delivery.FINISHED,
    "15": Delivery.RECALL_ACCEPTED,
    "16": Delivery.RECALL_REFUSED,
}

# The status that the receiving agency sends -> state of the incoming exchange.
INWARD_BY_STATUS: Final[dict[str, Inward]] = {
    "02": Inward.REFUSED,
    "03": Inward.REGISTERED,
    "04": Inward.ASSIGNED,
    "05": Inward.PROCESSING,
    "06": Inward.FINISHED,
}

_OUTWARD: Final = {
    NEW: (Outward.ACCEPTED,),
    Outward.ACCEPTED: (Outward.EXAMINED, Outward.HELD),
    Outward.HELD: (Outward.EXAMINED, Outward.CANCELLED),
    Outward.EXAMINED: (Outward.PACKAGED, Outward.HELD),
    Outward.PACKAGED: (Outward.SENT, Outward.UNDELIVERABLE, Outward.CANCELLED),
}

# axis.md 7.2, receiver side: what may follow what.
_WITH_THE_CLERK: Final = (
    Inward.DELIVERED,
    Inward.REGISTERED,
    Inward.ASSIGNED,
    Inward.PROCESSING,
    Inward.FINISHED,
)
_INWARD: Final[dict[str, tuple[Inward, ...]]] = {
    NEW: (Inward.DELIVERED, Inward.HELD, Inward.RECALLED),
    Inward.HELD: (Inward.DELIVERED, Inward.REFUSED, Inward.RECALLED),
    Inward.DELIVERED: (Inward.REGISTERED, Inward.REFUSED, Inward.RECALL_ASKED),
    Inward.REGISTERED: (
        Inward.ASSIGNED,
        Inward.PROCESSING,
        Inward.FINISHED,
        Inward.REFUSED,
        Inward.RECALL_ASKED,
    ),
    Inward.ASSIGNED: (Inward.ASSIGNED, Inward.PROCESSING, Inward.FINISHED, Inward.REFUSED, Inward.RECALL_ASKED),
    Inward.PROCESSING: (Inward.PROCESSING, Inward.ASSIGNED, Inward.FINISHED, Inward.RECALL_ASKED),
    Inward.FINISHED: (Inward.RECALL_ASKED,),
    # 16 leaves it where it stood.
    Inward.RECALL_ASKED: (Inward.RECALLED, *_WITH_THE_CLERK),
}

_OUTGOING: Final = {
    NEW: (Outgoing.QUEUED,),
    Outgoing.QUEUED: (Outgoing.SENDING, Outgoing.CANCELLED),
    Outgoing.SENDING: (
        Outgoing.ACCEPTED,
        Outgoing.REJECTED,
        Outgoing.RETRY_WAIT,
        Outgoing.UNKNOWN,
        Outgoing.SUSPENDED,
    ),
    Outgoing.RETRY_WAIT: (Outgoing.SENDING, Outgoing.HELD),
    Outgoing.SUSPENDED: (Outgoing.SENDING,),
    # An unknown outcome is asked about first; only "not found" lets the same bytes go again.
    Outgoing.UNKNOWN: (Outgoing.ACCEPTED, Outgoing.QUEUED, Outgoing.HELD),
    Outgoing.HELD: (Outgoing.QUEUED, Outgoing.CANCELLED),
    Outgoing.ACCEPTED: (Outgoing.DELIVERED, Outgoing.DELIVERY_FAILED),
}

_INCOMING: Final = {
    NEW: (Incoming.RECEIVED,),
    Incoming.RECEIVED: (
        Incoming.DELIVERED,
        Incoming.DUPLICATE,
        Incoming.HELD,
        Incoming.SETTLED,
        Incoming.PARKED,
    ),
    Incoming.HELD: (Incoming.DELIVERED, Incoming.CLOSED),
    Incoming.PARKED: (Incoming.SETTLED, Incoming.CLOSED),
}

# Statuses come late, twice, out of order or not at all: any later stage may follow any earlier one (axis.md 7.2, D14).
_RANK: Final = (
    Delivery.SENT,
    Delivery.ARRIVED,
    Delivery.REGISTERED,
    Delivery.ASSIGNED,
    Delivery.PROCESSING,
    Delivery.FINISHED,
)
_LAST_WORDS: Final = (Delivery.REFUSED, Delivery.RECALL_ACCEPTED, Delivery.RECALL_REFUSED)

_DELIVERY: Final[dict[str, tuple[Delivery, ...]]] = {
    NEW: (Delivery.WAITING,),
    # A status may overtake our own record of the send: the answer of the axis was lost, its effect was not.
    Delivery.WAITING: (*_RANK, *_LAST_WORDS, Delivery.UNDELIVERABLE, Delivery.CANCELLED),
    **{earlier: (*_RANK[i + 1 :], *_LAST_WORDS) for i, earlier in enumerate(_RANK)},
    Delivery.RECALL_REFUSED: (*_RANK[2:], Delivery.RECALL_ACCEPTED),
}
_DELIVERY[Delivery.SENT] = (*_DELIVERY[Delivery.SENT], Delivery.UNDELIVERABLE)
_DELIVERY[Delivery.PROCESSING] = (Delivery.ASSIGNED, *_DELIVERY[Delivery.PROCESSING])

_Table = dict[str, tuple[str, ...]]
TRANSITIONS: Final[dict[Subject, _Table]] = {
    Subject.OUTWARD: {k: tuple(v) for k, v in _OUTWARD.items()},
    Subject.INWARD: {k: tuple(v) for k, v in _INWARD.items()},
    Subject.OUTGOING_PACKAGE: {k: tuple(v) for k, v in _OUTGOING.items()},
    Subject.INCOMING_PACKAGE: {k: tuple(v) for k, v in _INCOMING.items()},
    Subject.DELIVERY: {k: tuple(v) for k, v in _DELIVERY.items()},
}


def may(subject: Subject, from_state: str, to_state: str) -> bool:
    """Whether the table allows the change."""
    return to_state in TRANSITIONS[subject].get(from_state, ())


def require(subject: Subject, from_state: str, to_state: str) -> None:
    """Raise STATE_CONFLICT when the table does not allow the change."""
    if not may(subject, from_state, to_state):
        raise GatewayError(
            "STATE_CONFLICT",
            f"Không thể chuyển từ trạng thái “{label(subject, from_state)}” sang “{label(subject, to_state)}”.",
        )


def rows() -> list[tuple[str, str, str]]:
    """All transitions, for the table ``transition``."""
    return [
        (str(subject), str(before), str(after))
        for subject, table in TRANSITIONS.items()
        for before, afters in table.items()
        for after in afters
    ]


def label(subject: Subject, state: str) -> str:
    """The Vietnamese word that a surface shows."""
    return LABELS[subject].get(state, state)


LABELS: Final[dict[Subject, dict[str, str]]] = {
    Subject.OUTWARD: {
        Outward.ACCEPTED: "Đã nhận từ phần mềm",
        Outward.EXAMINED: "Đã kiểm tra",
        Outward.HELD: "Đang giữ, chờ xử lý",
        Outward.PACKAGED: "Đã vào sổ và đóng gói",
        Outward.SENT: "Đã gửi",
        Outward.UNDELIVERABLE: "Không gửi được",
        Outward.CANCELLED: "Đã hủy",
    },
    Subject.INWARD: {
        Inward.HELD: "Đang giữ, chờ xử lý",
        Inward.DELIVERED: "Đã đến hộp thư",
        Inward.REGISTERED: "Đã vào sổ văn bản đến",
        Inward.ASSIGNED: "Đã phân công",
        Inward.PROCESSING: "Đang xử lý",
        Inward.FINISHED: "Đã xử lý xong",
        Inward.REFUSED: "Đã từ chối tiếp nhận",
        Inward.RECALL_ASKED: "Bên gửi yêu cầu thu hồi",
        Inward.RECALLED: "Đã thu hồi",
    },
    Subject.OUTGOING_PACKAGE: {
        Outgoing.QUEUED: "Chờ gửi",
        Outgoing.SENDING: "Đang gửi",
        Outgoing.ACCEPTED: "Trục đã nhận",
        Outgoing.REJECTED: "Trục từ chối",
        Outgoing.RETRY_WAIT: "Chờ gửi lại",
        Outgoing.UNKNOWN: "Chưa rõ kết quả gửi, đang hỏi lại trục",
        Outgoing.SUSPENDED: "Kênh tạm dừng",
        Outgoing.HELD: "Đang giữ, chờ xử lý",
        Outgoing.DELIVERED: "Các nơi nhận đã lấy về",
        Outgoing.DELIVERY_FAILED: "Nơi nhận báo lỗi khi lấy về",
        Outgoing.CANCELLED: "Đã hủy",
    },
    Subject.INCOMING_PACKAGE: {
        Incoming.RECEIVED: "Đã nhận và lưu an toàn",
        Incoming.DELIVERED: "Đã thành văn bản đến",
        Incoming.DUPLICATE: "Trùng, không xử lý lại",
        Incoming.HELD: "Đang giữ, chờ xử lý",
        Incoming.SETTLED: "Đã ghi nhận trạng thái",
        Incoming.PARKED: "Trạng thái chưa khớp văn bản nào",
        Incoming.CLOSED: "Đã đóng",
    },
    Subject.DELIVERY: {
        Delivery.WAITING: "Chờ gửi",
        Delivery.SENT: "Đã gửi",
        Delivery.ARRIVED: "Đã đến",
        Delivery.REGISTERED: "Đã tiếp nhận, vào sổ",
        Delivery.ASSIGNED: "Đã phân công",
        Delivery.PROCESSING: "Đang xử lý",
        Delivery.FINISHED: "Đã xử lý xong",
        Delivery.REFUSED: "Từ chối tiếp nhận",
        Delivery.RECALL_ACCEPTED: "Đồng ý thu hồi",
        Delivery.RECALL_REFUSED: "Không đồng ý thu hồi",
        Delivery.UNDELIVERABLE: "Không gửi được",
        Delivery.CANCELLED: "Đã hủy",
    },
}
