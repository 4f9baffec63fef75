"""Documents that their senders take back."""

from __future__ import annotations

# Alembic loads this file by its path, so there is no package to be relative to.
from lienthong.gateway.postgres.migrations.steps import run_step

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_step("0012")
