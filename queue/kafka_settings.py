"""How this node uses Apache Kafka: addresses, account, names and settings of topics. No client library here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .messages import Lane

DAY_MS: Final = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaAccount:
    """TLS and SASL/SCRAM-SHA-512. ``authority``: the PEM of who certified the brokers; None trusts the system's."""

    user: str
    password: str
    authority: Path | None = None

    def __repr__(self) -> str:
        return f"KafkaAccount({self.user!r}, ***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """Times in seconds. ``prefix`` stands before each topic and group, so that several nodes may share a cluster."""

    servers: str  # host:port, host:port
    account: KafkaAccount | None = None  # None: plain text, loopback only
    client: str = "lienthong"
    prefix: str = ""
    partitions: int = 12
    copies: int = 3
    in_sync: int = 2  # copies that must have a record before it counts as sent
    keep_days: int = 7
    request_seconds: float = 20.0  # three brokers need up to 9 s to replace a dead leader
    session_seconds: float = 10.0
    resend_seconds: float = 300.0  # sent and not absorbed for so long: said again
    stall_seconds: float = 120.0  # messages wait and nothing arrives for so long: the consumer is stuck
    public_topic: str | None = None  # events for others; None: nothing is published
    public_keep_days: int = 30

    def topic(self, topic: str, lane: Lane) -> str:
        return f"{self.prefix}{topic}.urgent" if lane is Lane.URGENT else f"{self.prefix}{topic}"

    def dead(self, topic: str) -> str:
        """Where records go that cannot be read at all."""
        return f"{self.prefix}{topic}.dlt"

    def topic_configs(self) -> dict[str, str]:
        return {
            "min.insync.replicas": str(self.in_sync),
            "retention.ms": str(self.keep_days * DAY_MS),
            "cleanup.policy": "delete",
            "message.timestamp.type": "LogAppendTime",  # retention by the brokers' clock, whatever ours says
            "unclean.leader.election.enable": "false",
        }
