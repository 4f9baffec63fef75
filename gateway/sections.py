"""The sections of the settings file: one frozen model for each, every field with unit and consequence.

Knows names, types, defaults and which combinations within a section are impossible. Reads no file and no environment
variable itself; ``settings.py`` does. pydantic stays in these two files.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetPydanticSchema,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    model_validator,
)
from pydantic_core import core_schema

MB = 1_000_000


def is_loopback(host: str) -> bool:
    """Whether the name or address never leaves this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class SecretFile:
    """Where a secret stands. Prints as ``***``; the content is read when it is used and never kept here."""

    __slots__ = ("path",)

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> str:
        """The secret without surrounding white space. Raises OSError when the file is gone."""
        return self.path.read_text(encoding="utf-8").strip()

    def __repr__(self) -> str:
        return "***"


def _placed(path: Path, info: ValidationInfo) -> Path:
    """A relative path is meant from the folder of the settings file, wherever the program was started."""
    folder: Path = (info.context or {}).get("folder", Path())
    return (folder / path).absolute()


def _existing_secret(value: object, info: ValidationInfo) -> SecretFile:
    path = _placed(value.path if isinstance(value, SecretFile) else Path(str(value)), info)
    if not path.is_file() or path.stat().st_size == 0:
        raise ValueError("tệp bí mật không có hoặc rỗng")
    return SecretFile(path)


def _existing_file(path: Path, info: ValidationInfo) -> Path:
    path = _placed(path, info)
    if not path.is_file():
        raise ValueError("không có tệp này")
    return path


def _existing_folder(path: Path, info: ValidationInfo) -> Path:
    path = _placed(path, info)
    if not path.is_dir():
        raise ValueError("không có thư mục này")
    return path


Secret = Annotated[
    SecretFile,
    GetPydanticSchema(lambda _type, _handler: core_schema.with_info_plain_validator_function(_existing_secret)),
]
LocalPath = Annotated[Path, AfterValidator(_placed)]
ExistingFile = Annotated[Path, AfterValidator(_existing_file)]
ExistingFolder = Annotated[Path, AfterValidator(_existing_folder)]


class Section(BaseModel):
    """What all sections share: frozen, and an unknown key stops the start."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class DatabaseSettings(Section):
    """PostgreSQL. Without ``dsn`` the node starts its own server in ``data_dir``."""

    dsn: str | None = Field(
        default=None, repr=False, description="DSN của vai trò ứng dụng; bỏ trống: PostgreSQL nhúng"
    )
    migrate_dsn: str | None = Field(
        default=None, repr=False, description="DSN của vai trò chủ sở hữu, chỉ lệnh migrate dùng"
    )
    dsn_file: Secret | None = Field(default=None, description="tệp chứa dsn, thay cho dsn")
    migrate_dsn_file: Secret | None = Field(default=None, description="tệp chứa migrate_dsn, thay cho migrate_dsn")
    pool_size: int = Field(default=16, ge=2, le=500, description="số kết nối; quá ít thì yêu cầu phải chờ nhau")

    @property
    def embedded(self) -> bool:
        return self.dsn is None

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, values: object, info: ValidationInfo) -> object:
        if not isinstance(values, dict):
            return values
        filled = dict(values)
        for name in ("dsn", "migrate_dsn"):
            reference = filled.get(f"{name}_file")
            if reference is None:
                continue
            if filled.get(name) is not None:
                raise ValueError(f"chỉ được đặt một trong hai: {name} hoặc {name}_file")
            filled[name] = _existing_secret(reference, info).read()
        return filled

    @model_validator(mode="after")
    def _owner_needs_app(self) -> Self:
        if self.migrate_dsn is not None and self.dsn is None:
            raise ValueError("có migrate_dsn mà không có dsn")
        return self


class HttpSettings(Section):
    """Where eOffice systems and operators connect, and what one request may cost."""

    host: str = Field(default="127.0.0.1", description="địa chỉ nghe; ngoài máy này phải có TLS hoặc declared_proxy")
    port: int = Field(default=8180, ge=0, le=65535, description="cổng; 0: hệ điều hành chọn")
    health_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="cổng riêng ở 127.0.0.1 của /healthz và /readyz, cho tiến trình có hay không có API; 0: không mở",
    )
    tls_cert_file: ExistingFile | None = Field(default=None, description="chuỗi chứng thư máy chủ, PEM")
    tls_key_file: Secret | None = Field(default=None, description="khóa của chứng thư máy chủ, PEM")
    declared_proxy: bool = Field(default=False, description="đã có proxy kết thúc TLS đứng trước; không tự kiểm được")
    max_body_bytes: PositiveInt = Field(default=60 * MB, description="byte; một yêu cầu lớn hơn nhận 413")
    max_file_bytes: PositiveInt = Field(default=50 * MB, description="byte; một tệp lớn hơn nhận 413 (edXML: 50 MB)")
    max_metadata_bytes: PositiveInt = Field(default=1 * MB, description="byte; phần metadata lớn hơn nhận 413")
    max_uploads: PositiveInt = Field(default=32, description="số lần tải lên cùng lúc; nhiều hơn nhận 503")
    body_timeout_s: PositiveFloat = Field(default=120.0, description="giây không nhận được byte nào thì ngắt")
    notice_s: float = Field(
        default=1.0, ge=0, le=60, description="giây vẫn nghe và trả 503 khi dừng, để bộ cân bằng tải biết mà tránh"
    )
    shutdown_s: PositiveFloat = Field(
        default=8.0, description="giây chờ yêu cầu đang dở khi dừng; cả nút dừng trong 10 giây"
    )

    @model_validator(mode="after")
    def _never_bare_outside(self) -> Self:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_cert_file và tls_key_file phải đi cùng nhau")
        if not (is_loopback(self.host) or self.tls_cert_file or self.declared_proxy):
            raise ValueError(f"nghe ở {self.host} phải có tls_cert_file và tls_key_file, hoặc declared_proxy = true")
        if self.health_port and self.health_port == self.port:
            raise ValueError("health_port phải khác port")
        if self.max_file_bytes > self.max_body_bytes:
            raise ValueError("max_file_bytes lớn hơn max_body_bytes")
        return self


def _network(text: str) -> str:
    ip_network(text)  # the ValueError is pydantic's to report
    return text


class CheckPageSettings(Section):
    """The page /kiem-tra, on which a clerk drops a file. Needs no key, so it is for near addresses only."""

    enabled: bool = Field(default=True, description="false: không có trang /kiem-tra; giao diện /v1/checks vẫn còn")
    networks: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        default=("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
        description="mạng được mở trang; nơi khác nhận 403. Sau proxy: theo X-Forwarded-For do proxy ghi",
    )
    at_once: int = Field(default=1, ge=1, le=64, description="số tệp kiểm tra cùng lúc; ít hơn signing.workers thì tốt")
    waiting: int = Field(default=8, ge=0, le=1000, description="số lượt chờ; nhiều hơn nhận 503")
    per_minute: PositiveInt = Field(default=20, description="lượt mỗi phút của một địa chỉ hoặc khóa; quá thì nhận 429")
    time_limit_s: PositiveFloat = Field(default=60.0, description="giây cho một lượt, mọi tệp trong gói; quá thì 503")


class SigningSettings(Section):
    """Verification of PDF signatures in worker processes."""

    mode: Literal["verify", "unsafe_off"] = Field(
        default="verify", description="unsafe_off: không kiểm tra chữ ký, mọi văn bản CHƯA XÁC ĐỊNH; chỉ để đo tốc độ"
    )
    workers: int = Field(default=2, ge=1, le=64, description="số tiến trình kiểm tra; mỗi tiến trình dùng trọn một lõi")
    time_limit_s: PositiveFloat = Field(default=20.0, description="giây cho một tệp; quá thì CHƯA XÁC ĐỊNH")
    memory_limit_mb: int = Field(
        default=1024, ge=256, description="MB địa chỉ nhớ của một tiến trình; quá thì CHƯA XÁC ĐỊNH"
    )
    trust_dir: LocalPath | None = Field(default=None, description="thư mục chứng thư gốc thay cho bộ đi kèm")
    trust_store: str = Field(
        default="bcy", pattern=r"^[a-z][a-z0-9_]*$", description="tên kho tin cậy: bcy (chuyên dùng), neac (công cộng)"
    )
    sha1_documents_until: AwareDatetime | None = Field(
        default=None,
        description="thời điểm; văn bản cũ băm SHA-1 chỉ được nhận khi dấu thời gian chứng minh ký trước đó",
    )
    modules: tuple[str, ...] = Field(
        default=(), description="mô-đun PKCS#11 của token, HSM (đường dẫn đầy đủ); nút không nạp mô-đun nào khác"
    )
    module_environment: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*=")], ...] = Field(
        default=(), description="biến môi trường TÊN=giá trị mà mô-đun cần; tiến trình của token không có biến nào khác"
    )
    certificates_dir: ExistingFolder | None = Field(
        default=None,
        description="thư mục chứng thư (PEM, DER) của token không cho đọc chứng thư; khớp theo khóa công khai",
    )
    token_limit_s: PositiveFloat = Field(
        default=60.0, description="giây cho một lần ký trên token; quá thì tiến trình của token bị dừng"
    )
    trial_keys: bool = Field(
        default=False,
        description="cho mở khóa tệp pkcs12:ĐƯỜNG_DẪN để thử; chữ ký không có giá trị, chỉ với trục ở máy này",
    )
    tsa_url: str | None = Field(
        default=None, pattern=r"^https?://", description="địa chỉ cấp dấu thời gian (RFC 3161); trống: ký mức B-B"
    )
    level: Literal["B-B", "B-T", "B-LT", "B-LTA"] = Field(
        default="B-LT", description="mức PAdES khi ký; B-LT kèm dữ liệu thu hồi, B-LTA thêm dấu thời gian lưu trữ"
    )
    subfilter: Literal["adbe.pkcs7.detached", "ETSI.CAdES.detached"] = Field(
        default="ETSI.CAdES.detached", description="dạng chữ ký; adbe.pkcs7.detached như bộ công cụ VGCA"
    )
    seal_diameter_mm: float = Field(default=36.0, ge=20, le=60, description="mm; đường kính thật của con dấu")
    session_minutes: float = Field(default=15.0, gt=0, le=480, description="phút; thời hạn mặc định của phiên ký")
    session_minutes_max: float = Field(default=60.0, gt=0, le=480, description="phút; thời hạn dài nhất được xin")
    session_cases_max: int = Field(default=200, ge=1, le=1000, description="số hồ sơ của một phiên ký")
    ticket_minutes: float = Field(default=30.0, gt=0, le=1440, description="phút; hạn của vé ký trên máy người ký")
    public_url: str | None = Field(
        default=None, pattern=r"^https?://", description="địa chỉ nút mà máy người ký gọi tới; trống: theo yêu cầu"
    )

    @model_validator(mode="after")
    def _listed_modules(self) -> Self:
        files = [module for module in self.modules if module.startswith("pkcs12:")]
        if files and not self.trial_keys:
            raise ValueError("khóa tệp pkcs12: chỉ dùng để thử; phải đặt trial_keys = true")
        if any(not module.removeprefix("pkcs12:").startswith("/") for module in self.modules):
            raise ValueError("modules: mỗi mục là một đường dẫn đầy đủ")
        return self

    @model_validator(mode="after")
    def _session_fits(self) -> Self:
        if self.session_minutes > self.session_minutes_max:
            raise ValueError("session_minutes lớn hơn session_minutes_max")
        return self


class AxisSettings(Section):
    """One channel to an axis: address, system id and key."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", description="tên kênh, ghi vào sổ sự kiện")
    kind: Literal["vxp"] = Field(default="vxp", description="giao thức")
    base_url: str = Field(description="địa chỉ gốc của trục; https trừ máy này")
    system_id: str = Field(min_length=1, description="mã hệ thống do trục cấp")
    secret_file: Secret = Field(description="tệp chứa khóa do trục cấp")
    plain_http: bool = Field(
        default=False, description="máy chủ an ninh của trục chỉ có http và nằm trong mạng truyền số liệu chuyên dùng"
    )
    connect_timeout_s: PositiveFloat = Field(default=10.0, description="giây; quá thì chắc chắn chưa gửi, sẽ gửi lại")
    read_timeout_s: PositiveFloat = Field(
        default=60.0, description="giây chờ trả lời; quá thì CHƯA RÕ, hỏi lại trục trước"
    )
    sign_envelopes: bool = Field(default=False, description="ký phong bì gói tin gửi qua trục này bằng khóa dịch vụ")
    poll_seconds: PositiveFloat = Field(default=5.0, description="giây giữa hai lần hỏi văn bản đến")
    directory_sync_seconds: PositiveFloat = Field(default=3600.0, description="giây giữa hai lần đồng bộ danh bạ")

    @model_validator(mode="after")
    def _address(self) -> Self:
        parts = urlsplit(self.base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("base_url không phải địa chỉ http hay https")
        if parts.scheme == "http" and not (is_loopback(parts.hostname) or self.plain_http):
            raise ValueError("base_url ngoài máy này phải dùng https, hoặc khai plain_http = true (mạng chuyên dùng)")
        if self.name == "local":
            raise ValueError("tên “local” dành cho văn bản giữa các đơn vị cùng nút")
        return self

    @property
    def loopback(self) -> bool:
        return is_loopback(urlsplit(self.base_url).hostname or "")


class QueueSettings(Section):
    """Messages and work rows."""

    broker: Literal["embedded", "kafka"] = Field(
        default="embedded", description="embedded: bảng outbox của PostgreSQL; kafka: Apache Kafka của mục [kafka]"
    )
    poll_seconds: PositiveFloat = Field(default=2.0, description="giây giữa hai lần dò khi không có NOTIFY")
    batch: int = Field(default=50, ge=1, le=1000, description="số tin của một lần nhận")
    work_concurrency: int = Field(default=8, ge=1, le=256, description="số việc làm cùng lúc")
    lease_seconds: PositiveFloat = Field(
        default=60.0, description="giây giữ một việc; chết giữa chừng thì sau đó việc làm lại"
    )
    drain_seconds: float = Field(
        default=8.0,
        ge=0,
        le=3600,
        description="giây chờ việc đang làm khi dừng; cả nút dừng chậm nhất 2 giây sau đó (PostgreSQL treo: 3 giây)",
    )


class RetrySettings(Section):
    """When a package of certain failure goes again, and when an unknown outcome becomes a person's."""

    base_seconds: PositiveFloat = Field(default=30.0, description="giây chờ trước lần thứ hai; mỗi lần sau chờ gấp đôi")
    cap_seconds: PositiveFloat = Field(default=3600.0, description="giây chờ lâu nhất giữa hai lần")
    attempts: PositiveInt = Field(default=100, description="số lần gửi; hết thì giữ lại chờ người xử lý")
    unknown_checks: PositiveInt = Field(default=3, description="số lần hỏi trục khi chưa rõ kết quả; hết thì giữ lại")
    unknown_wait_seconds: PositiveFloat = Field(default=30.0, description="giây giữa hai lần hỏi")
    breaker_failures: PositiveInt = Field(
        default=5, description="số lần lỗi liên tiếp do đường truyền hoặc trục; đủ thì kênh ngắt mạch, việc chờ"
    )
    breaker_base_seconds: PositiveFloat = Field(
        default=15.0, description="giây ngắt mạch trước lần thăm dò đầu; thăm dò không được thì lần sau chờ gấp đôi"
    )
    breaker_cap_seconds: PositiveFloat = Field(default=300.0, description="giây chờ lâu nhất giữa hai lần thăm dò")


class LoggingSettings(Section):
    """Lines on standard output."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="mức nhỏ nhất được ghi")
    format: Literal["json", "console"] = Field(
        default="json", description="json: một dòng một đối tượng; console: cho người"
    )
