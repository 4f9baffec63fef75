"""What breaks first as one province grows, and what to do then. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from lienthong.bench.scale.model import DAY, Assumptions, Need, node_cpu


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A resource that comes to its end: at how many times a province's load, and what to do then."""

    resource: str
    times: float
    then: str


def limits(one: Need, peak: float, given: Assumptions) -> list[Limit]:
    """In the order in which they break as a single province grows."""
    day = one.day
    loop = node_cpu(day) * peak / DAY
    database = day["postgres"] * peak / DAY
    small = node_cpu(day) + day["signatures"] + day["postgres"]
    found = [
        Limit(
            resource="máy 4 lõi làm tất cả (nút, kiểm tra, PostgreSQL)",
            times=4 * given.busy / (small * peak / DAY),
            then="tách PostgreSQL ra máy riêng, thêm worker",
        ),
        Limit(
            resource="một tiến trình nút (một vòng sự kiện, một lõi)",
            times=given.busy / loop,
            then="chia vai trò: api, worker, relay, poller thành nhiều tiến trình",
        ),
        Limit(
            resource=f"một bộ chuyển outbox → Kafka ({given.relay_rate:.0f} tin/giây)",
            times=given.relay_rate / one.messages,
            then="chia outbox theo khóa, mỗi phần một người dẫn",
        ),
        Limit(
            resource=f"PostgreSQL một máy chủ {given.postgres_cores:.0f} lõi",
            times=given.postgres_cores * given.busy / database,
            then="mỗi tỉnh một nút và một cơ sở dữ liệu riêng; không dùng chung",
        ),
        Limit(
            resource=f"{given.postgres_connections} kết nối PostgreSQL",
            times=given.postgres_connections / one.connections,
            then="pool_size nhỏ hơn; PgBouncer chế độ session",
        ),
        Limit(
            resource="đĩa 10 TB cho tệp, trong một năm",
            times=10e12 / (one.file_bytes * given.working_days),
            then="kho S3, nhiều đĩa; lưu trữ sang kho lưu trữ lịch sử",
        ),
        Limit(
            resource="100 MB/giây nhật ký WAL lúc cao điểm",
            times=100e6 / (one.wal_bytes * peak / DAY),
            then="đĩa riêng cho WAL, nén WAL",
        ),
    ]
    return sorted(found, key=lambda limit: limit.times)
