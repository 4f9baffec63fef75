"""The section ``[revocation]`` of the settings file: which hosts may be asked for revocation data, and how often."""

from __future__ import annotations

from typing import Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from .sections import MB, Section


class RevocationSettings(Section):
    """Where revocation lists and OCSP answers may be fetched from. Nothing is asked of a host that is not named."""

    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="máy chủ (hoặc máy:cổng) được hỏi CRL, OCSP; bỏ trống: nút không tải gì"
    )
    mirrors: tuple[str, ...] = Field(
        default=(), description="đổi địa chỉ trước khi hỏi, mỗi mục “http://cũ/ => http://mới/”"
    )
    lists: tuple[str, ...] = Field(default=(), description="địa chỉ CRL tải thêm mà không chứng thư nào nêu")
    ocsp: bool = Field(default=True, description="hỏi OCSP khi chứng thư không có danh sách thu hồi dùng được")
    refresh_seconds: PositiveFloat = Field(default=6 * 3600.0, description="giây; danh sách cũ hơn thì tải lại")
    check_seconds: PositiveFloat = Field(default=60.0, description="giây giữa hai lần xem có gì phải tải")
    timeout_s: PositiveFloat = Field(default=15.0, description="giây cho một lần tải; quá thì để lần sau")
    max_bytes: PositiveInt = Field(default=32 * MB, description="byte của một danh sách; lớn hơn thì bỏ")
    wait_s: NonNegativeFloat = Field(
        default=8.0, description="giây một văn bản chờ dữ liệu thu hồi đang tải, trước khi CHƯA XÁC ĐỊNH; 0: không chờ"
    )
    retry_held_seconds: PositiveFloat = Field(
        default=300.0, description="giây giữa hai lần xét lại văn bản đang giữ vì thiếu dữ liệu thu hồi"
    )

    @model_validator(mode="after")
    def _addresses(self) -> Self:
        pairs = [mirror.partition("=>") for mirror in self.mirrors]
        if not all(before.strip() and after.strip() for before, _arrow, after in pairs):
            raise ValueError("mirrors: mỗi mục viết “http://cũ/ => http://mới/”")
        return self
