"""The state tables: what may follow what, and that nothing else may."""

from __future__ import annotations

import itertools

import pytest

from lienthong.gateway import exchanges
from lienthong.gateway.errors import GatewayError
from lienthong.gateway.exchanges import (
    DELIVERY_BY_STATUS,
    LABELS,
    TRANSITIONS,
    Delivery,
    Inward,
    Outgoing,
    Outward,
    Subject,
    may,
    require,
)

STATES = {
    Subject.OUTWARD: Outward,
    Subject.INWARD: Inward,
    Subject.OUTGOING_PACKAGE: Outgoing,
    Subject.INCOMING_PACKAGE: exchanges.Incoming,
    Subject.DELIVERY: Delivery,
}


@pytest.mark.parametrize("subject", list(Subject))
def test_every_state_is_reached_from_the_beginning_and_has_a_vietnamese_word(subject: Subject) -> None:
    reached, open_states = set(), [exchanges.NEW]
    while open_states:
        for after in TRANSITIONS[subject].get(open_states.pop(), ()):
            if after not in reached:
                reached.add(after)
                open_states.append(after)
    assert reached == {str(state) for state in STATES[subject]}
    assert {str(state) for state in LABELS[subject]} == reached


@pytest.mark.parametrize(
    ("subject", "terminal"),
    [
        (Subject.OUTWARD, {"sent", "undeliverable", "cancelled"}),
        (Subject.INWARD, {"refused", "recalled"}),
        (Subject.OUTGOING_PACKAGE, {"rejected", "delivered", "delivery_failed", "cancelled"}),
        (Subject.INCOMING_PACKAGE, {"delivered", "duplicate", "settled", "closed"}),
        (Subject.DELIVERY, {"refused", "recall_accepted", "undeliverable", "cancelled"}),
    ],
)
def test_terminal_states_have_no_way_out(subject: Subject, terminal: set[str]) -> None:
    without = {str(state) for state in STATES[subject]} - {key for key, after in TRANSITIONS[subject].items() if after}
    assert without == terminal


def test_an_unknown_send_never_goes_back_to_sending_without_a_look() -> None:
    assert not may(Subject.OUTGOING_PACKAGE, Outgoing.UNKNOWN, Outgoing.SENDING)
    assert may(Subject.OUTGOING_PACKAGE, Outgoing.UNKNOWN, Outgoing.QUEUED)


def test_a_late_status_never_takes_a_delivery_back() -> None:
    order = [DELIVERY_BY_STATUS[code] for code in ("01", "03", "04", "05", "06")]
    for earlier, later in itertools.combinations(order, 2):
        assert may(Subject.DELIVERY, earlier, later)
        if (earlier, later) != (Delivery.ASSIGNED, Delivery.PROCESSING):
            assert not may(Subject.DELIVERY, later, earlier)


def test_a_forbidden_change_says_in_vietnamese_which_one() -> None:
    with pytest.raises(GatewayError) as caught:
        require(Subject.OUTWARD, Outward.SENT, Outward.CANCELLED)
    assert caught.value.code == "STATE_CONFLICT"
    assert "Đã gửi" in caught.value.message
