"""A service key whose token or process is gone: readiness says so before the next document finds out."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from lienthong.gateway.envelope_sections import ServiceKeySettings
from lienthong.gateway.envelopes import TokenSigner, open_signer
from lienthong.gateway.readiness import Readiness, Report
from lienthong.tests.journeys.test_envelopes import service_token

from .conftest import Room

pytestmark = pytest.mark.timeout(60)
CODE = "SERVICE_KEY_UNAVAILABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hsm:
    """SoftHSM with the service key. ``pin``: the file in which the PIN stands."""

    signer: TokenSigner
    folder: Path
    pin: Path

    def kill_process(self) -> None:
        (pid,) = self.signer.desk.process_ids
        os.kill(pid, signal.SIGKILL)

    def pull_out(self) -> None:
        (self.folder / "tokens").rename(self.folder / "elsewhere")
        self.kill_process()

    def put_back(self) -> None:
        (self.folder / "elsewhere").rename(self.folder / "tokens")


@pytest_asyncio.fixture
async def hsm(tmp_path: Path) -> AsyncIterator[Hsm]:
    token, environment = service_token(tmp_path / "hsm")
    pin = tmp_path / "pin"
    pin.write_text(token.pin)
    settings = ServiceKeySettings.model_validate(
        {
            "module": token.module,
            "serial": token.serial,
            "environment": environment,
            "pin_file": pin,
            "certificate_file": tmp_path / "hsm" / "service.der",
        }
    )
    async with open_signer(settings) as signer:
        assert isinstance(signer, TokenSigner)
        yield Hsm(signer=signer, folder=tmp_path / "hsm", pin=pin)


async def look(room: Room, hsm: Hsm, *roles: str) -> Report:
    settings = room.node.settings.model_copy(update={"roles": roles})
    return await Readiness(node=dataclasses.replace(room.node, settings=settings, signer=hsm.signer)).look()


async def test_a_dead_process_is_told_once_and_the_key_is_opened_again(room: Room, hsm: Hsm) -> None:
    assert (await look(room, hsm, "worker")).parts["tokens"] == "ok"
    hsm.kill_process()
    report = await look(room, hsm, "worker")
    assert report.error is not None
    assert (report.error.code, report.parts["tokens"]) == (CODE, CODE)
    assert "SIG_TOKEN_PROCESS_DIED" in report.error.message
    assert (await look(room, hsm, "worker")).error is None
    assert await hsm.signer.value(b"phong bi")


async def test_a_token_that_is_gone_is_told_for_as_long_as_it_is_gone(room: Room, hsm: Hsm) -> None:
    hsm.pull_out()
    for _ in range(2):
        assert (await look(room, hsm, "worker")).parts["tokens"] == CODE
    taking = await look(room, hsm, "api", "worker")  # documents are safe with it, so it may go on taking them in
    assert taking.error is None
    assert [one for one in taking.warnings if one.startswith(CODE)]
    hsm.put_back()
    assert (await look(room, hsm, "worker")).error is None


async def test_a_refused_pin_is_told_and_never_tried_again(room: Room, hsm: Hsm) -> None:
    hsm.pin.write_text("00000000")
    hsm.kill_process()
    codes = [(await look(room, hsm, "worker")).error for _ in range(4)]
    said = [error.message for error in codes if error is not None]
    assert ["SIG_TOKEN_PROCESS_DIED" in said[0], "SIG_PIN_WRONG" in said[1]] == [True, True]
    assert all("SIG_PIN_REFUSED_BEFORE" in one for one in said[2:])
    assert len(said) == 4
