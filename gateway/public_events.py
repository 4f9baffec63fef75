"""What other systems of the province may hear (topic ``lienthong.events``): which change of state is which event.

One table. It is written into the database table ``public_type`` when the node starts, where the trigger of
``schemas/postgres/0006.sql`` finds it: each change that stands here becomes a row of ``public_outbox`` in the
transaction of the change itself. Payloads name documents and agencies; never a title, a file, a person or a reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from .exchanges import DELIVERY_BY_STATUS, INWARD_BY_STATUS, TRANSITIONS, Delivery, Incoming, Inward, Outward, Subject

PUBLIC_TOPIC: Final = "lienthong.events"
_RELEASED: Final = "released"  # a person let a held document go on
_KEPT: Final = "recall_refused"  # 16: the document stays where it stood

_DOCUMENT: Final[dict[str, str]] = {
    Outward.ACCEPTED: "accepted",
    Outward.HELD: "held",
    Outward.PACKAGED: "registered",
    Outward.SENT: "sent",
    Outward.UNDELIVERABLE: "undeliverable",
    Outward.CANCELLED: "cancelled",
}
_DELIVERY: Final[dict[str, str]] = {
    Delivery.SENT: "sent",
    Delivery.ARRIVED: "arrived",
    Delivery.REGISTERED: "registered",
    Delivery.ASSIGNED: "assigned",
    Delivery.PROCESSING: "started",
    Delivery.FINISHED: "finished",
    Delivery.REFUSED: "refused",
    Delivery.RECALL_ACCEPTED: "recall_accepted",
    Delivery.RECALL_REFUSED: "recall_refused",
    Delivery.UNDELIVERABLE: "undeliverable",
    Delivery.CANCELLED: "cancelled",
}
_INCOMING: Final[dict[str, str]] = {
    Inward.HELD: "held",
    Inward.DELIVERED: "delivered",
    Inward.REGISTERED: "registered",
    Inward.ASSIGNED: "assigned",
    Inward.PROCESSING: "started",
    Inward.FINISHED: "finished",
    Inward.REFUSED: "refused",
    Inward.RECALL_ASKED: "recall_asked",
    Inward.RECALLED: "recalled",
}
_PACKAGE: Final[dict[str, str]] = {Incoming.RECEIVED: "received"}

_WORDS: Final[dict[Subject, tuple[str, Mapping[str, str]]]] = {
    Subject.OUTWARD: ("document", _DOCUMENT),
    Subject.DELIVERY: ("delivery", _DELIVERY),
    Subject.INWARD: ("incoming", _INCOMING),
    Subject.INCOMING_PACKAGE: ("incoming", _PACKAGE),
}
# QCVN 102:2016 Phụ lục, mã trạng thái; 01 is said when the document is in the mailbox.
_STATUS: Final[dict[Subject, dict[str, str]]] = {
    Subject.DELIVERY: {state: code for code, state in DELIVERY_BY_STATUS.items()},
    Subject.INWARD: {
        Inward.DELIVERED: "01",
        **{state: code for code, state in INWARD_BY_STATUS.items()},
        Inward.RECALL_ASKED: "13",
        Inward.RECALLED: "15",
    },
}


def rows() -> Iterator[tuple[str, str, str, str, str | None]]:
    """Subject, state before, state after, type, status code: for the table ``public_type``."""
    for subject, (noun, words) in _WORDS.items():
        for before, afters in TRANSITIONS[subject].items():
            for after in afters:
                word = _RELEASED if (before, after) == (Outward.HELD, Outward.EXAMINED) else words.get(after)
                word = _KEPT if before == Inward.RECALL_ASKED and after != Inward.RECALLED else word
                if word is not None:
                    code = "16" if word == _KEPT else _STATUS.get(subject, {}).get(after)
                    yield str(subject), str(before), str(after), f"lienthong.public.{noun}.{word}.v1", code


def types() -> frozenset[str]:
    """Every type of the public topic."""
    return frozenset(kind for _, _, _, kind, _ in rows())
