"""An agency's eOffice as the node sees it: plain HTTP with a key, nothing but the standard library.

Good to read for whoever connects his own: one call sends a document, one reads the mailbox.
"""

from __future__ import annotations

import http.client
import json
import mimetypes
import secrets
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

_SECONDS = 60.0
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the node is on this machine


class RefusedError(Exception):
    """An answer that was not expected; ``problem`` is the node's problem document."""

    def __init__(self, what: str, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{what}: {status} {problem.get('code', '')}. {problem.get('detail', '')}")
        self.status = status
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: dict[str, str]  # names in lower case
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


def call(method: str, url: str, *, headers: dict[str, str] | None = None, content: bytes | None = None) -> Answer:
    """One HTTP request, whatever its answer. Raises OSError when nobody answers."""
    request = urllib.request.Request(url, data=content, method=method, headers=headers or {})
    try:
        with _NO_PROXY.open(request, timeout=_SECONDS) as response:
            return Answer(status=response.status, headers=_lower(response.headers), content=response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(status=error.code, headers=_lower(error.headers), content=error.read())
    except urllib.error.URLError as error:
        raise ConnectionError(f"{url}: không có ai trả lời ({error.reason})") from error
    except http.client.HTTPException as error:
        raise ConnectionError(f"Kết nối đứt giữa chừng: {error}") from error


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """One agency (or the operator, whose ``code`` is empty) with its key."""

    code: str
    name: str
    base: str
    key: str

    def ask(self, method: str, path: str, *, json_body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """Whatever the node answers."""
        more = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        content = None
        if json_body is not None:
            content, more["Content-Type"] = json.dumps(json_body).encode(), "application/json"
        return call(method, self.base + path, headers=more, content=content)

    def get(self, path: str) -> Any:
        """The JSON of a page that must be there. Raises RefusedError."""
        return self._good("GET " + path, self.ask("GET", path)).json

    def post(self, path: str, body: Any) -> Any:
        """Raises RefusedError."""
        return self._good("POST " + path, self.ask("POST", path, json_body=body)).json

    def download(self, path: str) -> bytes:
        """Raises RefusedError."""
        return self._good("GET " + path, self.ask("GET", path)).content

    def send(self, metadata: dict[str, Any], files: Sequence[Path], *, key: str) -> Answer:
        """Post a document: metadata first, then the main document, then the annexes."""
        content_type, content = multipart(metadata, files)
        headers = {"Idempotency-Key": key, "Content-Type": content_type, "Authorization": f"Bearer {self.key}"}
        return call("POST", f"{self.base}/v1/documents", headers=headers, content=content)

    def validate(self, metadata: dict[str, Any], files: Sequence[Path]) -> Answer:
        """Ask what would be said of a document; nothing is kept."""
        content_type, content = multipart(metadata, files)
        headers = {"Content-Type": content_type, "Authorization": f"Bearer {self.key}"}
        return call("POST", f"{self.base}/v1/validations", headers=headers, content=content)

    def mailbox(self, kind: str, *, document: str | None = None) -> list[dict[str, Any]]:
        """All items of one kind, oldest first, page by page as a real eOffice reads them."""
        items: list[dict[str, Any]] = []
        after, more = 0, True
        while more:
            page = self.get(f"/v1/mailbox?after={after}&limit=100")
            items += page["items"]
            after, more = page["next"], page["more"]
        return [one for one in items if one["kind"] == kind and document in {None, one["id"]}]

    def timeline(self, document: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = self.get(f"/v1/documents/{document}/timeline?after={after}&limit=100")
            items += page["items"]
            after = page["next"]
        return items

    def register(self, direction: str, year: int) -> dict[str, Any]:
        """A whole register: titles of the columns and every line."""
        register: dict[str, Any] = {"items": []}
        after = ""
        while after is not None:
            page = self.get(f"/v1/registers/{direction}/{year}?limit=100" + (f"&after={quote(after)}" if after else ""))
            register = {**page, "items": register["items"] + page["items"]}
            after = page["next"]
        return register

    @staticmethod
    def _good(what: str, answer: Answer) -> Answer:
        if answer.status >= 400:
            raise RefusedError(what, answer.status, answer.json)
        return answer


def multipart(metadata: dict[str, Any], files: Sequence[Path]) -> tuple[str, bytes]:
    """Content type and body (RFC 7578), the parts in the order that the contract asks for."""
    boundary = secrets.token_hex(16)
    body = bytearray()
    parts = [('name="metadata"', "application/json", json.dumps(metadata, ensure_ascii=False).encode())]
    for place, file in enumerate(files):
        name = "attachment" if place else "main"
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        parts.append((f'name="{name}"; filename="{_quoted(file.name)}"', kind, file.read_bytes()))
    for disposition, kind, content in parts:
        head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {kind}\r\n\r\n"
        body += head.encode() + content + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", bytes(body)


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
