"""Channels with a breaker, and who changed it."""

from __future__ import annotations

# Alembic loads this file by its path, so there is no package to be relative to.
from lienthong.gateway.postgres.migrations.steps import run_step

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_step("0008")
