"""The next piece of the event table before the one in use is full; names of the directory as they are searched."""

from __future__ import annotations

# Alembic loads this file by its path, so there is no package to be relative to.
from lienthong.gateway.postgres.migrations.steps import run_step

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_step("0011")
