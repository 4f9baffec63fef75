"""Settings of the file store: a folder of this machine, or a bucket of an S3 server. What is given is used as it is."""

from __future__ import annotations

import ssl
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from .sections import MB, ExistingFile, Secret, Section, is_loopback


class S3Section(Section):
    """The bucket, and how to enter. Several processes of one node share it."""

    endpoint: str = Field(description="địa chỉ máy chủ S3, https://máy:cổng; http chỉ cho máy này")
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="bucket đã tạo sẵn")
    region: str = Field(default="us-east-1", min_length=1, description="vùng, như máy chủ đặt")
    access_key_file: Secret = Field(description="tệp chứa mã khóa truy cập")
    secret_key_file: Secret = Field(description="tệp chứa khóa bí mật")
    ca_file: ExistingFile | None = Field(default=None, description="chứng thư gốc của máy chủ, PEM")
    prefix: str = Field(
        default="",
        pattern=r"^([a-z0-9][a-z0-9.-]{0,39}(/[a-z0-9][a-z0-9.-]{0,39})*)?$",
        description="đứng trước tên mọi tệp",
    )
    answer_seconds: PositiveFloat = Field(
        default=30.0, description="giây chờ máy chủ S3 trả lời, hoặc gửi byte tiếp theo; quá thì coi là sự cố, báo 503"
    )
    cache_mb: PositiveInt = Field(default=2000, description="MB của đĩa máy này cho tệp lấy về để xử lý")

    @model_validator(mode="after")
    def _authority_can_be_read(self) -> Self:
        if self.ca_file is not None:
            try:
                ssl.create_default_context(cafile=str(self.ca_file))
            except OSError as error:  # ssl.SSLError is one
                raise ValueError("ca_file không phải chứng thư PEM") from error
        return self

    @model_validator(mode="after")
    def _never_bare_outside(self) -> Self:
        parts = urlsplit(self.endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.username:
            raise ValueError("endpoint phải có dạng https://máy:cổng")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError("endpoint ngoài máy này phải dùng https")
        return self


class FilesSettings(Section):
    """Where the bytes of documents lie."""

    store: Literal["local", "s3"] = Field(
        default="local", description="local: thư mục files của data_dir; s3: bucket của mục [files.s3]"
    )
    reserve_bytes: NonNegativeInt = Field(
        default=1_000 * MB, description="byte; đĩa còn ít hơn thì không nhận thêm, trả 503"
    )
    orphan_hours: int = Field(
        default=24,
        ge=0,
        description="giờ một tệp không hồ sơ nào nhắc tới được để yên, rồi cất riêng, rồi mới xóa; từ 2, 0: không dọn",
    )
    scrub_bytes_per_second: NonNegativeInt = Field(
        default=5 * MB, description="byte mỗi giây đọc lại để so mã băm; 0: không đọc lại"
    )
    scrub_days: PositiveInt = Field(default=30, description="số ngày giữa hai vòng đọc lại toàn kho")
    s3: S3Section | None = Field(default=None, description="mục [files.s3], khi store = s3")

    @model_validator(mode="after")
    def _has_a_place(self) -> Self:
        if self.store == "s3" and self.s3 is None:
            raise ValueError("files.store = “s3” cần mục [files.s3]")
        if self.orphan_hours == 1:
            raise ValueError("orphan_hours phải từ 2 trở lên, hoặc 0 để không dọn")
        return self
