"""Settings of Apache Kafka, used when ``queue.broker = "kafka"``. A given broker is used as it is."""

from __future__ import annotations

from typing import Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from ..queue.kafka_settings import KafkaAccount, KafkaSettings
from .public_events import PUBLIC_TOPIC
from .sections import ExistingFile, Secret, Section, is_loopback


class KafkaSection(Section):
    """Where the brokers are, how to enter, and how the topics must be."""

    servers: str = Field(min_length=1, description="các broker: máy:cổng, cách nhau bằng dấu phẩy")
    user: str | None = Field(default=None, description="tài khoản SASL/SCRAM-SHA-512 qua TLS; bỏ trống chỉ cho máy này")
    password_file: Secret | None = Field(default=None, description="tệp chứa mật khẩu của tài khoản")
    ca_file: ExistingFile | None = Field(default=None, description="chứng thư gốc của các broker, PEM")
    prefix: str = Field(default="", pattern=r"^[a-z0-9.-]{0,40}$", description="đứng trước tên chủ đề và nhóm")
    partitions: PositiveInt = Field(default=12, description="số phân vùng của chủ đề tạo mới")
    copies: int = Field(default=3, ge=1, le=9, description="số bản sao; chủ đề có sẵn mà ít hơn thì nút không chạy")
    in_sync: int = Field(default=2, ge=1, le=9, description="số bản sao phải ghi xong thì tin mới coi là đã gửi")
    keep_days: PositiveInt = Field(default=7, description="số ngày Kafka giữ tin")
    resend_seconds: PositiveFloat = Field(default=300.0, description="giây chưa ai nhận thì gửi lại")
    stall_seconds: PositiveFloat = Field(default=120.0, description="giây có tin mà không nhận được: tiến trình dừng")

    public_events: bool = Field(
        default=False, description="phát sự kiện công khai cho hệ thống khác vào lienthong.events"
    )
    public_source: str = Field(
        default="lienthong",
        pattern=r"^[a-z0-9][a-z0-9./-]{0,63}$",
        description="thuộc tính source của sự kiện công khai: tên riêng của nút, mọi tiến trình ghi như nhau",
    )
    public_keep_days: PositiveInt = Field(default=30, description="số ngày Kafka giữ sự kiện công khai")

    @model_validator(mode="after")
    def _never_bare_outside(self) -> Self:
        hosts = [server.strip().rpartition(":")[0] for server in self.servers.split(",")]
        if not all(hosts):
            raise ValueError("servers phải có dạng máy:cổng")
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user và password_file phải đi cùng nhau")
        if self.user is None and not all(is_loopback(host) for host in hosts):
            raise ValueError("broker ngoài máy này phải có user và password_file (SASL/SCRAM qua TLS)")
        if self.in_sync > self.copies:
            raise ValueError("in_sync lớn hơn copies")
        return self

    def to_queue(self, client: str) -> KafkaSettings:
        """What the broker's adapter takes; the password is read now."""
        account = None
        if self.user is not None and self.password_file is not None:
            account = KafkaAccount(user=self.user, password=self.password_file.read(), authority=self.ca_file)
        return KafkaSettings(
            servers=self.servers,
            account=account,
            client=f"lienthong-{client}",
            prefix=self.prefix,
            partitions=self.partitions,
            copies=self.copies,
            in_sync=self.in_sync,
            keep_days=self.keep_days,
            resend_seconds=self.resend_seconds,
            stall_seconds=self.stall_seconds,
            public_topic=PUBLIC_TOPIC if self.public_events else None,
            public_keep_days=self.public_keep_days,
        )
