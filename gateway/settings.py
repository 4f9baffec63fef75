"""The settings of the node: one TOML file and environment variables, read once, frozen.

An environment variable ``LIENTHONG_HTTP__PORT`` overrides ``port`` in ``[http]`` (lists are JSON). A variable or key
that no field knows stops the start, as does a combination that cannot work: a node that half understood its settings
would send documents to the wrong place. Messages are Vietnamese and name the key.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator

from ..edxml.limits import Limits
from .envelope_sections import EnvelopePeer, ServiceKeySettings
from .errors import GatewayError, InputFault
from .file_sections import FilesSettings
from .kafka_sections import KafkaSection
from .revocation_section import RevocationSettings
from .sections import (
    AxisSettings,
    CheckPageSettings,
    DatabaseSettings,
    HttpSettings,
    LocalPath,
    LoggingSettings,
    QueueSettings,
    RetrySettings,
    SecretFile,
    Section,
    SigningSettings,
)

PREFIX = "LIENTHONG_"
Role: TypeAlias = Literal["api", "console", "worker", "relay", "poller"]
API: Final = "api"
CONSOLE: Final = "console"
WORKER: Final = "worker"
RELAY: Final = "relay"
POLLER: Final = "poller"
ROLES: Final[tuple[Role, ...]] = (API, CONSOLE, WORKER, RELAY, POLLER)
CONFIG_VARIABLE = "LIENTHONG_CONFIG"  # names the file itself, so it is no field


class SettingsError(GatewayError):
    """The settings cannot be used; ``faults`` names every key at once."""


def _known_limits(value: object) -> object:
    if isinstance(value, dict):
        unknown = sorted(set(value) - {field.name for field in fields(Limits)})
        if unknown:
            raise ValueError(f"không có khóa: {', '.join(unknown)}")
    return value


class Settings(Section):
    data_dir: LocalPath = Field(
        default=Path("lienthong-data"),
        validate_default=True,
        description="thư mục dữ liệu: tệp văn bản, PostgreSQL nhúng",
    )
    instance: str = Field(
        default="node-1", pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", description="tên tiến trình, ghi vào nhật ký"
    )
    roles: tuple[Role, ...] = Field(
        default=ROLES,
        min_length=1,
        description="vai trò của tiến trình này; chia ra nhiều tiến trình thì cần database.dsn và tên instance riêng",
    )
    province_name: str = Field(default="", description="tên tỉnh, thành phố trên các trang và giấy xác nhận")
    database: DatabaseSettings = DatabaseSettings()
    http: HttpSettings = HttpSettings()
    check_page: CheckPageSettings = CheckPageSettings()
    files: FilesSettings = FilesSettings()
    signing: SigningSettings = SigningSettings()
    revocation: RevocationSettings = RevocationSettings()
    axes: tuple[AxisSettings, ...] = ()
    kafka: KafkaSection | None = None
    service_key: ServiceKeySettings | None = None
    envelope_peers: tuple[EnvelopePeer, ...] = ()
    queue: QueueSettings = QueueSettings()
    retry: RetrySettings = RetrySettings()
    limits: Annotated[Limits, BeforeValidator(_known_limits)] = Limits()
    logging: LoggingSettings = LoggingSettings()

    @property
    def postgres_dir(self) -> Path:
        """Where the embedded server lives."""
        return self.data_dir / "postgres"

    @property
    def public_source(self) -> str:
        """Who speaks on the public topic; empty: nothing is said."""
        return self.kafka.public_source if self.kafka is not None and self.kafka.public_events else ""

    @property
    def files_dir(self) -> Path:
        """The file store."""
        return self.data_dir / "files"

    @property
    def trust_dir(self) -> Path:
        """Trust stores and revocation lists of the site."""
        return self.signing.trust_dir or self.data_dir / "trust"

    @classmethod
    def load(cls, path: Path | None, environ: Mapping[str, str]) -> Self:
        """Read the file (None: defaults only) and lay the environment over it. Raises SettingsError."""
        values = _overlay(_read(path) if path else {}, environ)
        try:
            return cls.model_validate(values, context={"folder": path.parent if path else Path()})
        except ValidationError as error:
            raise _refusal(error, path) from error

    @model_validator(mode="after")
    def _possible(self) -> Self:
        names = [axis.name for axis in self.axes]
        if len(set(names)) != len(names):
            raise ValueError("hai mục [[axes]] trùng tên")
        if self.database.embedded and not set(ROLES) - {CONSOLE} <= set(self.roles):
            raise ValueError("PostgreSQL nhúng chỉ phục vụ một tiến trình: bỏ roles, hoặc đặt database.dsn")
        if self.queue.broker == "kafka" and self.kafka is None:
            raise ValueError("queue.broker = “kafka” cần mục [kafka]")
        if self.public_source and self.queue.broker != "kafka":
            raise ValueError("kafka.public_events = true cần queue.broker = “kafka”")
        if self.service_key is None and any(axis.sign_envelopes for axis in self.axes):
            raise ValueError("sign_envelopes = true cần mục [service_key]")
        if self.signing.mode == "unsafe_off" and not all(axis.loopback for axis in self.axes):
            raise ValueError("signing.mode = “unsafe_off” không được dùng với trục ngoài máy này")
        if self.signing.trial_keys and not all(axis.loopback for axis in self.axes):
            raise ValueError("signing.trial_keys không được dùng với trục ngoài máy này")
        return self


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError("SETTINGS_INVALID", f"Không đọc được tệp cấu hình {path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError("SETTINGS_INVALID", f"Tệp cấu hình {path} sai cú pháp TOML: {error}.") from error


def _overlay(values: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    for variable, text in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable == CONFIG_VARIABLE:
            continue
        *sections, key = variable.removeprefix(PREFIX).lower().split("__")
        place = values
        for name in sections:
            inner = place.setdefault(name, {})
            if not isinstance(inner, dict):
                raise SettingsError("SETTINGS_INVALID", f"Biến môi trường {variable} không khớp mục nào.")
            place = inner
        place[key] = _parse(variable, text)
    return values


def _parse(variable: str, text: str) -> object:
    if not text.startswith("["):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise SettingsError("SETTINGS_INVALID", f"Biến môi trường {variable} không phải JSON: {error}.") from error


# Kinds of pydantic that a person meets often; every other kind shows its own text.
_KINDS = {
    "extra_forbidden": "không có khóa này",
    "missing": "thiếu khóa này",
    "int_parsing": "phải là số nguyên",
    "int_type": "phải là số nguyên",
    "float_parsing": "phải là số",
    "bool_parsing": "phải là true hoặc false",
    "string_type": "phải là chuỗi ký tự",
    "string_pattern_mismatch": "sai dạng, phải khớp {pattern}",
    "literal_error": "phải là một trong: {expected}",
    "greater_than": "phải lớn hơn {gt}",
    "greater_than_equal": "phải từ {ge} trở lên",
    "less_than_equal": "không được quá {le}",
    "value_error": "{error}",
    "model_type": "phải là một mục [tên]",
}


def _refusal(error: ValidationError, path: Path | None) -> SettingsError:
    faults = []
    for detail in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in detail["loc"]) or "(chung)"
        words = {name: str(value).replace(" or ", " hoặc ") for name, value in detail.get("ctx", {}).items()}
        text = _KINDS.get(detail["type"], detail["msg"]).format(**words)
        faults.append(InputFault(code="SETTINGS_INVALID", place=place, message=text))
    lines = "; ".join(f"{fault.place}: {fault.message}" for fault in faults)
    source = f"Cấu hình {path}" if path else "Cấu hình"
    return SettingsError("SETTINGS_INVALID", f"{source} không dùng được. {lines}.", faults=faults)


def describe(settings: Settings) -> str:
    """The effective settings as TOML: secrets are named by their file, a DSN never shows its password."""
    lines: list[str] = []
    _write_table(lines, (), settings)
    return "\n".join(lines).strip() + "\n"


def _write_table(lines: list[str], name: tuple[str, ...], table: object) -> None:
    tables: list[tuple[str, object]] = []
    for key, value in _items(table):
        if isinstance(value, BaseModel | Limits) or _are_tables(value):
            tables.append((key, value))
        elif value is not None:
            lines.append(f"{key} = {_toml(key, value)}")
    for key, value in tables:
        if isinstance(value, tuple):
            for row in value:
                lines.extend(("", f"[[{key}]]"))
                _write_table(lines, (*name, key), row)
        else:
            lines.extend(("", f"[{'.'.join((*name, key))}]"))
            _write_table(lines, (*name, key), value)


def _are_tables(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(row, BaseModel) for row in value)


def _items(table: object) -> list[tuple[str, Any]]:
    if isinstance(table, BaseModel):
        return [(name, getattr(table, name)) for name in type(table).model_fields]
    return [(field.name, getattr(table, field.name)) for field in fields(Limits)]


def _toml(key: str, value: object) -> str:
    if isinstance(value, SecretFile):
        return json.dumps(str(value.path), ensure_ascii=False)
    if key in {"dsn", "migrate_dsn"}:
        return '"***"'
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(key, item) for item in value)}]"
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False)
    if isinstance(value, datetime):
        return value.isoformat()
    return json.dumps(value)
