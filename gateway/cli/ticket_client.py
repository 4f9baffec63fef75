"""The calls that a signer's own computer makes to the node for one ticket. Standard library only: it runs on Windows.

Plain HTTP is for this machine alone; elsewhere the ticket would travel for anybody to read.
"""

from __future__ import annotations

import json
import ssl
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from ..errors import GatewayError
from ..sections import is_loopback

LARGEST: Final = 64 * 1024 * 1024  # bytes of an answer
SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One file of the ticket."""

    position: int
    name: str
    step_label: str
    sha256: str
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What the ticket lets its holder sign."""

    agency: str
    role_label: str
    holder: str
    certificate_sha256: str
    number: str | None
    notation: str
    subject: str
    papers: tuple[Paper, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """``attributes``: DER of what the token signs; ``digest``: its SHA-256, hexadecimal."""

    attributes: bytes
    digest: str
    algorithm: str
    gap: tuple[int, int]  # of the prepared file


class TicketClient:
    """``node``: its address. ``authority``: PEM of the CA behind it, where the system does not know it."""

    def __init__(self, node: str, ticket: str, *, authority: Path | None = None) -> None:
        parts = urlsplit(node)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise GatewayError("TICKET_NODE", "Địa chỉ nút phải dạng https://tên-nút.")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise GatewayError("TICKET_NODE", "Nút ở máy khác phải gọi bằng https.")
        self._base = f"{node.rstrip('/')}/v1/signing/tickets/{ticket}"
        context = ssl.create_default_context(cafile=None if authority is None else str(authority))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        handlers = [HTTPSHandler(context=context)]
        self._opener = build_opener(*handlers, *([ProxyHandler({})] if is_loopback(parts.hostname) else []))

    def errand(self) -> Errand:
        value = self._ask("")
        return Errand(
            agency=value["agency"],
            role_label=value["role_label"],
            holder=value["holder"],
            certificate_sha256=value["certificate"],
            number=value["number"],
            notation=value["notation"],
            subject=value["subject"],
            papers=tuple(
                Paper(
                    position=file["position"],
                    name=file["name"],
                    step_label=file["step_label"],
                    sha256=file["sha256"],
                    done=file["done"],
                )
                for file in value["files"]
            ),
        )

    def document(self, position: int) -> bytes:
        """The file as it will be signed, for its holder to read."""
        return self._bytes(f"/files/{position}")

    def start(self, position: int, certificate: bytes, chain: Sequence[bytes]) -> Wanted:
        body = {
            "certificate": b64encode(certificate).decode(),
            "chain": [b64encode(der).decode() for der in chain],
        }
        value = self._ask(f"/files/{position}/start", body)
        return Wanted(
            attributes=b64decode(value["signed_attributes"]),
            digest=value["digest"],
            algorithm=value["algorithm"],
            gap=(int(value["gap"][0]), int(value["gap"][1])),
        )

    def prepared(self, position: int) -> bytes:
        """The file whose digest is to be signed."""
        return self._bytes(f"/files/{position}/prepared")

    def finish(self, position: int, signature: bytes) -> str:
        """The state of the case after the node has checked and kept the signature."""
        value = self._ask(f"/files/{position}/finish", {"signature": b64encode(signature).decode()})
        return str(value["state"])

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return json.loads(self._bytes(path, body))

    def _bytes(self, path: str, body: dict[str, Any] | None = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        request = Request(self._base + path, data=data, headers=headers)  # noqa: S310 - the scheme was checked
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                content: bytes = answer.read(LARGEST + 1)
        except HTTPError as error:
            raise _refused(error) from error
        except (URLError, OSError) as error:
            raise GatewayError(
                "TICKET_UNREACHABLE", f"Không gọi được nút: {getattr(error, 'reason', error)}."
            ) from error
        if len(content) > LARGEST:
            raise GatewayError("TICKET_UNREACHABLE", "Câu trả lời của nút lớn bất thường.")
        return content


def _refused(error: HTTPError) -> GatewayError:
    """The node's own words; whatever else answers at this address is named by its status."""
    try:
        problem = json.loads(error.read(LARGEST))
        return GatewayError(str(problem["code"]), f"{problem['detail']} {problem['action']}")
    except (ValueError, KeyError, TypeError):
        return GatewayError("TICKET_UNREACHABLE", f"Địa chỉ đã gọi trả lời HTTP {error.code}, không giống một nút.")
