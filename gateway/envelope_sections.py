"""Settings of XML signatures over envelopes: the node's service key, and whose signatures are known. Off by default.

The service certificate signs transport only (Nghị định 68/2024/NĐ-CP, Điều 10); keys of leaders and agencies never
stand here.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from .sections import ExistingFile, Secret, Section

Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", to_lower=True)]


class ServiceKeySettings(Section):
    """A key on a PKCS#11 token or in an HSM slot, opened once at start."""

    module: str = Field(min_length=1, description="đường dẫn thư viện PKCS#11")
    serial: str = Field(min_length=1, description="số sê-ri của token")
    environment: dict[str, str] = Field(default={}, description="biến môi trường mà thư viện cần, như SOFTHSM2_CONF")
    pin_file: Secret = Field(description="tệp chứa mã PIN; chỉ được thử một lần lúc khởi động")
    certificate_file: ExistingFile = Field(description="chứng thư dịch vụ, PEM hoặc DER")


class EnvelopePeer(Section):
    """An agency whose system signs its envelopes."""

    agency: str = Field(min_length=1, max_length=64, description="mã định danh của cơ quan gửi")
    certificates: tuple[Fingerprint, ...] = Field(min_length=1, description="SHA-256 các chứng thư dịch vụ được dùng")
    required: bool = Field(default=False, description="gói tin không có chữ ký đúng thì giữ lại")
