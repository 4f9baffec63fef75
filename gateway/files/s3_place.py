"""Where a bucket is, how it is entered and what its keys mean."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from obstore.store import S3Store as Bucket

from .layout import StoredObject, is_key

if TYPE_CHECKING:
    from datetime import datetime

REQUEST_SECONDS: Final = 3600.0  # of one HTTP request with its body; the store gives up long before what stands still
# Whoever is not the endpoint itself is asked through this proxy, which does not exist: redirects lead nowhere.
_NOWHERE: Final = "http://127.0.0.1:1"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class S3Place:
    """Where the bucket is and how to enter."""

    endpoint: str  # http(s)://host:port
    bucket: str
    region: str
    access_key: str
    secret_key: str
    authority: bytes | None = None  # PEM of the server's root certificate
    prefix: str = ""  # before every key, without a slash at its end
    answer_seconds: float = 30.0  # for one question with its repetitions, or the next bytes of a file


def open_bucket(place: S3Place) -> Bucket:
    host = urlsplit(place.endpoint).hostname or ""
    client: dict[str, Any] = {
        "allow_http": place.endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=min(5.0, place.answer_seconds)),
        "timeout": timedelta(seconds=REQUEST_SECONDS),
        "proxy_url": _NOWHERE,
        "proxy_excludes": host,
    }
    if place.authority is not None:
        client["root_certificate"] = place.authority
    return Bucket(
        place.bucket,
        endpoint=place.endpoint,
        region=place.region,
        access_key_id=place.access_key,
        secret_access_key=place.secret_key,
        virtual_hosted_style_request=False,
        client_options=client,  # type: ignore[arg-type]
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
    )


def object_of(prefix: str, key: str, size: int, modified_at: datetime) -> StoredObject | None:
    """None for what is no file: probes, what is set aside, what others put there."""
    owner, _, rest = key.removeprefix(prefix).partition("/")
    beginning, _, sha256 = rest.partition("/")
    if not is_key(owner, sha256) or beginning != sha256[:2]:
        return None
    return StoredObject(owner=owner, sha256=sha256, size=size, modified_at=modified_at)
