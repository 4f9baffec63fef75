"""What names a file of the store, what is set aside, what the scrub found."""

from __future__ import annotations

# Alembic loads this file by its path, so there is no package to be relative to.
from lienthong.gateway.postgres.migrations.steps import run_step

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_step("0010")
