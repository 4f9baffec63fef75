"""Packages, deliveries and requests as JSON values for the control plane."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .requests import Request
from .state import Delivery, StoredPackage


def printed_package(package: StoredPackage) -> dict[str, Any]:
    return asdict(package) | {
        "kind": package.kind.value,
        "sent_at": package.sent_at.isoformat(),
        "deliveries": [printed_delivery(delivery) for delivery in package.deliveries],
    }


def printed_delivery(delivery: Delivery) -> dict[str, Any]:
    return asdict(delivery) | {
        "updated": delivery.updated.isoformat(),
        "received_at": delivery.received_at.isoformat() if delivery.received_at else None,
    }


def printed_request(request: Request) -> dict[str, Any]:
    """As JSON values."""
    return asdict(request) | {"at": request.at.isoformat(), "headers": [list(pair) for pair in request.headers]}
