"""Agencies, exchanges, packages, deliveries, registers and mailboxes."""

from __future__ import annotations

from lienthong.gateway.postgres.migrations.steps import run_step

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_step("0002")
