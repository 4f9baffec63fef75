"""Who may use the check page, and how often: near addresses only, so many calls a minute for each.

Behind a declared proxy the visitor is the last address of X-Forwarded-For, the one that proxy itself wrote; without
that header nobody is let in, because then every visitor would look as near as the proxy.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from aiohttp import web

from ..errors import GatewayError
from ..settings import Settings

_REMEMBERED: Final = 10_000  # callers


class Pace:
    """So many calls a minute for each caller; a bucket that fills evenly."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._left: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def take(self, caller: str, now: datetime) -> None:
        """Raises CHECK_RATE."""
        left, since = self._left.pop(caller, (float(self._per_minute), now))
        passed = max(0.0, (now - since).total_seconds())
        left = min(float(self._per_minute), left + passed * self._per_minute / 60)
        self._left[caller] = (left - 1 if left >= 1 else left, now)
        while len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        if left < 1:
            wait = int((1 - left) * 60 / self._per_minute) + 1
            raise GatewayError("CHECK_RATE", f"Kiểm tra quá dày; hãy đợi {wait} giây rồi thử lại.", retry_after=wait)


class Visitors:
    """The door of the page."""

    def __init__(self, settings: Settings) -> None:
        self._behind_proxy = settings.http.declared_proxy
        self._networks = tuple(ip_network(text) for text in settings.check_page.networks)

    def admit(self, request: web.Request) -> str:
        """The visitor's address. Raises CHECK_NOT_ALLOWED."""
        address = self._address(request)
        if address is None or not any(
            address.version == network.version and address in network for network in self._networks
        ):
            raise GatewayError("CHECK_NOT_ALLOWED", "Trang kiểm tra chỉ mở cho mạng nội bộ đã khai trên nút.")
        if request.headers.get("Sec-Fetch-Site") == "cross-site" and request.method == "POST":
            raise GatewayError("CHECK_NOT_ALLOWED", "Biểu mẫu được gửi từ một trang khác; hãy mở trang này rồi gửi.")
        return str(address)

    def _address(self, request: web.Request) -> IPv4Address | IPv6Address | None:
        told = request.remote
        if self._behind_proxy:
            told = ",".join(request.headers.getall("X-Forwarded-For", ())).rpartition(",")[2].strip()
        try:
            address = ip_address((told or "").partition("%")[0])
        except ValueError:
            return None
        return getattr(address, "ipv4_mapped", None) or address
