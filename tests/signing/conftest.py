from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lienthong.deploy.demo.pki import STORE, Holder
from lienthong.signing.token_desk import TokenDeskSettings

from .desk import SENDER, SENDER_NAME, Desk, open_desk
from .office import Office
from .softhsm import MODULE, Drawer, RogueModule, SoftToken, furnish, open_drawer


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One PKI and one document signed by the producing profile, for the whole run."""
    return open_desk(tmp_path_factory.mktemp("signing"), datetime.now(UTC).replace(microsecond=0))


@pytest.fixture(scope="session")
def drawer(tmp_path_factory: pytest.TempPathFactory) -> Drawer:
    """A private folder of SoftHSM tokens, for the whole run."""
    if not (Path(MODULE).exists() and shutil.which("pkcs11-tool")):
        pytest.skip("softhsm2, opensc")
    return open_drawer(tmp_path_factory.mktemp("softhsm"))


@pytest.fixture(scope="session")
def leader(drawer: Drawer, desk: Desk) -> SoftToken:
    holder = Holder(agency_code=SENDER, agency_name=SENDER_NAME, person="Nguyễn Văn TEST", title="Giám đốc")
    kinds = {"ky": "3072", "cu": "2048", "lon": "4096", "p256": "secp256r1", "p384": "secp384r1"}
    return furnish(drawer, desk.pki, holder, "lanhdao", "24681357", kinds)


@pytest.fixture(scope="session")
def agency(drawer: Drawer, desk: Desk) -> SoftToken:
    holder = Holder(agency_code=SENDER, agency_name=SENDER_NAME)
    return furnish(drawer, desk.pki, holder, "coquan", "13572468", {"dau": "3072"})


@pytest.fixture(scope="session")
def rogue_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The misbehaving module, built from its source beside us."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc")
    built = tmp_path_factory.mktemp("rogue") / "rogue.so"
    source = Path(__file__).with_name("rogue_module.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(built), str(source), "-ldl"], check=True)
    return built


@pytest.fixture
def rogue(rogue_library: Path, drawer: Drawer, leader: SoftToken, agency: SoftToken, tmp_path: Path) -> RogueModule:
    """Both tokens behind a module that does as it is told."""
    del leader, agency
    return RogueModule(path=str(rogue_library), folder=tmp_path, drawer=drawer)


@pytest.fixture
def tokens(drawer: Drawer, leader: SoftToken, agency: SoftToken) -> TokenDeskSettings:
    """Settings of a desk that sees both tokens."""
    del leader, agency
    return TokenDeskSettings(modules=(MODULE,), environment=drawer.environment, seconds=20.0)


@pytest.fixture
def office(desk: Desk, tmp_path: Path) -> Iterator[Office]:
    paper = tmp_path / "draft.pdf"
    paper.write_bytes(desk.blank)
    settings = {
        "now": desk.now,
        "trust_folder": str(desk.folder),
        "trust_store": STORE,
        "sender_code": SENDER,
        "sender_name": SENDER_NAME,
        "registry": desk.registry,
    }
    yield Office(desk=desk, folder=tmp_path, paper=paper, settings=settings)
    assert not list(tmp_path.glob("*.part"))
