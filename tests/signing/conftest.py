from __future__ import annotations

from datetime import UTC, datetime

import pytest

from .desk import Desk, open_desk


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One PKI and one document signed by the producing profile, for the whole run."""
    return open_desk(tmp_path_factory.mktemp("signing"), datetime.now(UTC).replace(microsecond=0))
