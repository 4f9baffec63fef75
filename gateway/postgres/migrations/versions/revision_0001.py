"""Outbox, inbox, work and channels."""

from __future__ import annotations

from lienthong.gateway.postgres.migrations.steps import run_step

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_step("0001")
