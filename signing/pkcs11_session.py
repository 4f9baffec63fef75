"""A token that its holder has opened: several PKCS#11 sessions under one login, each used by one thread at a time.

Login is per process and token, so further sessions open without a PIN. Whatever breaks one of them ends all for good; a
new login needs the holder and the PIN again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import pkcs11

from .pkcs11_errors import is_lost, open_refusal, refusal
from .pkcs11_objects import Holdings, read_holdings, signing_mechanisms
from .tokens import TokenAddress, TokenError

if TYPE_CHECKING:
    from .pkcs11 import Module

T = TypeVar("T")


@dataclass(slots=True, kw_only=True, eq=False)
class Seat:
    """One PKCS#11 session, used by one thread at a time, with the key handles found in it."""

    session: Any  # pkcs11.Session, whose handle is not in the library's types
    handles: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class TokenSession:
    """A token its holder has opened. Threads share it: each call borrows a session of its own."""

    module: Module
    address: TokenAddress
    slot: pkcs11.Slot
    holdings: Holdings
    mechanisms: tuple[str, ...]
    _permits: threading.BoundedSemaphore
    _idle: list[Seat] = field(default_factory=list)
    _over: str | None = None  # why no call can succeed any more

    @classmethod
    def opened(
        cls, module: Module, slot: pkcs11.Slot, address: TokenAddress, first: pkcs11.Session, seats: int
    ) -> TokenSession:
        """Of a first session that is logged in."""
        try:
            holdings, mechanisms = read_holdings(first), signing_mechanisms(slot)
        except pkcs11.PKCS11Error as cause:
            module.functions.close_all_sessions(slot.slot_id)
            raise open_refusal(cause, address.serial) from cause
        return cls(
            module=module,
            address=address,
            slot=slot,
            holdings=holdings,
            mechanisms=mechanisms,
            _permits=threading.BoundedSemaphore(seats),
            _idle=[Seat(session=first)],
        )

    def run(self, work: Callable[[Seat], T]) -> T:
        """``work`` with a session that no other thread uses meanwhile. Raises TokenError, translated and final."""
        with self._permits, self.module.calling(), self._translated():
            self.refuse_when_over()
            seat = self._seat()
            try:
                return work(seat)
            finally:  # kept even after an error: closing the last session would end the login
                self._idle.append(seat)

    def _seat(self) -> Seat:
        try:
            return self._idle.pop()  # one call, so that no other thread comes between
        except IndexError:
            return Seat(session=self.slot.get_token().open())

    def refuse_when_over(self) -> None:
        if self._over is None:
            return
        if self._over != "logout" and not self.module.present(self.address):
            raise TokenError("SIG_TOKEN_ABSENT", self.address.serial)
        raise TokenError("SIG_TOKEN_SESSION_LOST", self._over)

    def look(self) -> None:
        """Whether the token is there and the login stands. Raises TokenError, as the next signature would."""
        stands = self.run(lambda seat: self.module.functions.logged_in(seat.session.handle))
        if stands and self.module.present(self.address):
            return
        with self.module.calling():
            self._over = "look"
            self._forget()
            self.refuse_when_over()

    def logout(self) -> None:
        """End the login and every session of this process with the token. Harmless when the token is gone."""
        with self.module.calling():
            if self._over is None:
                self._over = "logout"
                if self._idle:
                    self.module.functions.logout(self._idle[0].session.handle)
            self._forget()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except pkcs11.PKCS11Error as cause:
            if not is_lost(cause):
                raise refusal(cause, self.address.serial) from cause
            self._over = type(cause).__name__
            self._forget()
            self.refuse_when_over()

    def _forget(self) -> None:
        self._idle.clear()
        self.module.functions.close_all_sessions(self.slot.slot_id)
