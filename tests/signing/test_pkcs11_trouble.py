"""Tokens that count PINs, are pulled out, restart, hang, crash, talk, offer little: a real module does it on order."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from asn1crypto import x509

from lienthong.signing.pkcs11_means import Scheme, check_signature
from lienthong.signing.token_desk import OpenToken, TokenDesk, TokenDeskSettings
from lienthong.signing.tokens import PinState, TokenAddress, TokenError

from ..waiting import until
from .softhsm import RogueModule, SoftToken


@pytest.fixture
def place(rogue: RogueModule, leader: SoftToken) -> TokenAddress:
    return TokenAddress(module=rogue.path, serial=leader.serial)


@pytest.fixture
def settings(rogue: RogueModule) -> TokenDeskSettings:
    return TokenDeskSettings(modules=(rogue.path,), environment=rogue.environment, seconds=20.0)


async def refusal(desk: TokenDesk, held: OpenToken) -> str:
    with pytest.raises(TokenError) as refused:
        await desk.sign_bytes(held.handle, b"van ban")
    return refused.value.code


@pytest.mark.parametrize(
    ("flag", "code", "state"),
    [
        ("final_try", "SIG_PIN_FINAL_TRY", PinState.FINAL_TRY),
        ("locked", "SIG_PIN_LOCKED", PinState.LOCKED),
        ("unset", "SIG_PIN_UNSET", PinState.UNSET),
    ],
)
async def test_no_pin_reaches_a_token_that_might_lock(
    rogue: RogueModule,
    settings: TokenDeskSettings,
    place: TokenAddress,
    leader: SoftToken,
    flag: str,
    code: str,
    state: PinState,
) -> None:
    rogue.order(flag)
    async with TokenDesk(settings=settings) as desk:
        with pytest.raises(TokenError) as refused:
            await desk.open(place, leader.pin, label="cu")
        (seen,) = [token for token in await desk.tokens() if token.serial == leader.serial]
        assert (refused.value.code, refused.value.pin, seen.pin) == (code, state, state)
        assert "login" not in rogue.log()
        rogue.order("low")  # one wrong try so far: the holder may
        assert await desk.open(place, leader.pin, label="cu")
    assert rogue.log().count("login") == 1


async def test_a_token_that_locks_after_three_wrong_pins_is_never_given_the_third(
    rogue: RogueModule, settings: TokenDeskSettings, place: TokenAddress, leader: SoftToken
) -> None:
    rogue.order("count")
    said = []
    async with TokenDesk(settings=settings) as desk:
        for pin in ("000000", "111111", "222222", leader.pin):
            with pytest.raises(TokenError) as refused:
                await desk.open(place, pin, label="cu")
            said.append((refused.value.code, refused.value.pin))
            if refused.value.code == "SIG_PIN_WRONG":
                assert refused.value.pin is not None
                assert refused.value.pin.tries_left in refused.value.message
    assert said == [
        ("SIG_PIN_WRONG", PinState.LOW),
        ("SIG_PIN_WRONG", PinState.FINAL_TRY),
        ("SIG_PIN_FINAL_TRY", PinState.FINAL_TRY),
        ("SIG_PIN_FINAL_TRY", PinState.FINAL_TRY),
    ]
    assert rogue.log().count("login") == 2


async def test_a_token_pulled_out_and_put_back(
    rogue: RogueModule, settings: TokenDeskSettings, place: TokenAddress, leader: SoftToken
) -> None:
    async with TokenDesk(settings=settings) as desk:
        held = await desk.open(place, leader.pin, label="cu")
        rogue.order("removed")
        assert await refusal(desk, held) == "SIG_TOKEN_ABSENT"
        assert [token.serial for token in await desk.tokens()] == []
        with pytest.raises(TokenError) as absent:
            await desk.open(place, leader.pin, label="cu")
        assert absent.value.code == "SIG_TOKEN_ABSENT"
        rogue.order("")
        assert await refusal(desk, held) in {"SIG_TOKEN_SESSION_LOST", "SIG_TOKEN_HANDLE_UNKNOWN"}
        again = await desk.open(place, leader.pin, label="cu")
        assert await desk.sign_bytes(again.handle, b"van ban")


async def test_an_hsm_that_restarts_wants_its_holder_again(
    rogue: RogueModule, settings: TokenDeskSettings, place: TokenAddress, leader: SoftToken
) -> None:
    async with TokenDesk(settings=settings) as desk:
        held = await desk.open(place, leader.pin, label="cu")
        rogue.order("restarted")
        assert await refusal(desk, held) == "SIG_TOKEN_SESSION_LOST"
        rogue.order("")
        assert await refusal(desk, held) == "SIG_TOKEN_SESSION_LOST"  # never opened again by itself
        again = await desk.open(place, leader.pin, label="cu")
        assert await desk.sign_bytes(again.handle, b"van ban")
    assert rogue.log().count("login") == 2


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        ("removed", "SIG_TOKEN_ABSENT"),
        ("restarted", "SIG_TOKEN_SESSION_LOST"),
        ("killed", "SIG_TOKEN_PROCESS_DIED"),
    ],
)
async def test_a_look_tells_what_is_lost_before_somebody_signs(
    rogue: RogueModule, settings: TokenDeskSettings, place: TokenAddress, leader: SoftToken, trouble: str, code: str
) -> None:
    async with TokenDesk(settings=settings) as desk:
        held = await desk.open(place, leader.pin, label="cu")
        await desk.look(held.handle)
        assert await desk.sign_bytes(held.handle, b"van ban")  # the look has disturbed nothing
        if trouble == "killed":
            os.kill(desk.process_ids[0], signal.SIGKILL)
        rogue.order(trouble)
        with pytest.raises(TokenError) as told:
            await desk.look(held.handle)
        assert told.value.code == code
        rogue.order("")
        assert await refusal(desk, held) in {"SIG_TOKEN_SESSION_LOST", "SIG_TOKEN_HANDLE_UNKNOWN"}
        again = await desk.open(place, leader.pin, label="cu")
        await desk.look(again.handle)


@pytest.mark.parametrize(("trouble", "code"), [("hang", "SIG_TOKEN_HUNG"), ("crash", "SIG_TOKEN_PROCESS_DIED")])
async def test_a_module_that_hangs_or_crashes_costs_its_own_process(
    rogue: RogueModule,
    settings: TokenDeskSettings,
    place: TokenAddress,
    leader: SoftToken,
    agency: SoftToken,
    trouble: str,
    code: str,
) -> None:
    async with TokenDesk(settings=replace(settings, seconds=2.0)) as desk:
        other = await desk.open(TokenAddress(module=rogue.path, serial=agency.serial), agency.pin, label="dau")
        held = await desk.open(place, leader.pin, label="cu")
        rogue.order(trouble)
        first, second = await asyncio.gather(refusal(desk, held), refusal(desk, held))
        assert (first, second) == (code, "SIG_TOKEN_SESSION_LOST")
        rogue.order("")
        assert await desk.sign_bytes(other.handle, b"van ban")
        again = await desk.open(place, leader.pin, label="cu")
        assert await desk.sign_bytes(again.handle, b"van ban")


async def test_a_killed_process_ends_the_session(
    settings: TokenDeskSettings, place: TokenAddress, leader: SoftToken
) -> None:
    async with TokenDesk(settings=settings) as desk:
        held = await desk.open(place, leader.pin, label="cu")
        (pid,) = desk.process_ids
        os.kill(pid, signal.SIGKILL)
        assert await refusal(desk, held) == "SIG_TOKEN_PROCESS_DIED"
        assert await refusal(desk, held) == "SIG_TOKEN_SESSION_LOST"
        assert await desk.open(place, leader.pin, label="cu")


async def test_a_caller_that_leaves_does_not_cost_the_session(
    settings: TokenDeskSettings, place: TokenAddress, leader: SoftToken
) -> None:
    async with TokenDesk(settings=settings) as desk:
        held = await desk.open(place, leader.pin, label="cu")
        leaving = asyncio.ensure_future(desk.sign_bytes(held.handle, b"van ban"))
        await asyncio.sleep(0)
        leaving.cancel()
        assert await desk.sign_bytes(held.handle, b"van ban")


async def test_closing_while_the_token_works_answers_everybody(
    rogue: RogueModule, settings: TokenDeskSettings, place: TokenAddress, leader: SoftToken
) -> None:
    async with TokenDesk(settings=settings) as desk:
        held = await desk.open(place, leader.pin, label="cu")
        rogue.order("hang")
        asked = [asyncio.ensure_future(desk.sign_bytes(held.handle, b"van ban")) for _ in range(2)]
        await until(lambda: "sign" in rogue.log(), 10.0)
        await desk.close(held.handle)
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [getattr(answer, "code", None) for answer in answers] == ["SIG_TOKEN_SESSION_LOST"] * 2


async def test_too_many_waiting_requests_are_refused(
    rogue: RogueModule, settings: TokenDeskSettings, place: TokenAddress, leader: SoftToken
) -> None:
    async with TokenDesk(settings=replace(settings, waiting=2)) as desk:
        held = await desk.open(place, leader.pin, label="cu")
        asked = [desk.sign_bytes(held.handle, b"van ban") for _ in range(9)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [answer.code for answer in answers if isinstance(answer, TokenError)]
    assert set(refused) == {"SIG_TOKEN_BUSY"}
    assert len(answers) - len(refused) >= 2


@pytest.mark.parametrize("salt", [None, 64])
async def test_a_token_without_hashing_mechanisms_signs_the_digest(
    rogue: RogueModule, settings: TokenDeskSettings, place: TokenAddress, leader: SoftToken, salt: int | None
) -> None:
    rogue.order("raw_only")
    async with TokenDesk(settings=settings) as desk:
        (seen,) = [token for token in await desk.tokens() if token.serial == leader.serial]
        held = await desk.open(place, leader.pin, label="cu")
        signature = await desk.sign_bytes(held.handle, b"van ban", "sha512", salt)
    assert set(seen.mechanisms) == {"RSA_PKCS", "RSA_PKCS_PSS", "ECDSA"}
    check_signature(x509.Certificate.load(held.certificate), signature, b"van ban", Scheme(digest="sha512", salt=salt))


async def test_a_faulty_signature_never_leaves_the_process(
    rogue: RogueModule, settings: TokenDeskSettings, place: TokenAddress, leader: SoftToken
) -> None:
    async with TokenDesk(settings=settings) as desk:
        held = await desk.open(place, leader.pin, label="cu")
        rogue.order("faulty")
        assert await refusal(desk, held) == "SIG_TOKEN_CERTIFICATE_MISMATCH"


async def test_the_pin_is_nowhere_to_be_read(
    rogue: RogueModule,
    settings: TokenDeskSettings,
    place: TokenAddress,
    leader: SoftToken,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not in the arguments, the environment, the output or the log, even when the module prints it."""
    rogue.order("talk")
    pin = leader.pin.encode()
    async with TokenDesk(settings=settings) as desk:
        held = await desk.open(place, leader.pin, label="cu")
        for pid in (*desk.process_ids, os.getpid()):
            process = Path(f"/proc/{pid}")
            assert pin not in (process / "cmdline").read_bytes()
            if os.geteuid() == 0 or pid == os.getpid():  # nobody else may read it at all
                assert pin not in (process / "environ").read_bytes()
        with pytest.raises(TokenError) as refused:
            await desk.open(place, leader.pin + "9", label="cu")
        assert leader.pin not in f"{refused.value!r} {refused.value.message} {refused.value.__dict__}"
        assert leader.pin not in repr(desk) + repr(held)
    printed = capfd.readouterr()
    assert leader.pin not in printed.out + printed.err + caplog.text
