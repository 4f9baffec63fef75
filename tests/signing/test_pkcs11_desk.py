"""The node's desk over real SoftHSM tokens: discovery, signing, wrong PINs, and where a PIN must not be found."""

from __future__ import annotations

from pathlib import Path

import pytest
from asn1crypto import x509

from lienthong.signing.pkcs11_means import Scheme, check_signature
from lienthong.signing.token_desk import TokenDesk, TokenDeskSettings
from lienthong.signing.tokens import PinState, TokenAddress, TokenError

from .softhsm import Drawer, SoftToken


async def test_the_desk_lists_tokens_keys_and_mechanisms(tokens: TokenDeskSettings, leader: SoftToken) -> None:
    async with TokenDesk(settings=tokens) as desk:
        found = {token.label: token for token in await desk.tokens()}
    seen = found["lanhdao"]
    assert set(found) == {"lanhdao", "coquan"}
    assert (seen.serial, seen.pin, seen.pin_min, seen.pin_max) == (leader.serial, PinState.OK, 4, 255)
    assert {(key.label, key.algorithm, key.bits, key.sha256) for key in seen.keys} == {
        ("ky", "rsa", 3072, leader.sha256("ky")),
        ("cu", "rsa", 2048, leader.sha256("cu")),
        ("lon", "rsa", 4096, leader.sha256("lon")),
        ("p256", "ec", 256, leader.sha256("p256")),
        ("p384", "ec", 384, leader.sha256("p384")),
    }
    assert len(seen.chain) == 1
    assert {"SHA256_RSA_PKCS", "RSA_PKCS", "ECDSA"} <= set(seen.mechanisms)


@pytest.mark.parametrize(
    ("label", "digest"), [("ky", "sha256"), ("cu", "sha512"), ("lon", "sha384"), ("p256", "sha256"), ("p384", "sha384")]
)
async def test_the_holder_opens_the_token_and_signs(
    tokens: TokenDeskSettings, leader: SoftToken, label: str, digest: str
) -> None:
    async with TokenDesk(settings=tokens) as desk:
        held = await desk.open(leader.address, leader.pin, certificate_sha256=leader.sha256(label))
        signature = await desk.sign_bytes(held.handle, b"van ban", digest)
    assert held.certificate == leader.der(label)
    check_signature(x509.Certificate.load(held.certificate), signature, b"van ban", Scheme(digest=digest))


async def test_a_wrong_pin_is_tried_once_and_said(tokens: TokenDeskSettings, leader: SoftToken) -> None:
    async with TokenDesk(settings=tokens) as desk:
        with pytest.raises(TokenError) as refused:
            await desk.open(leader.address, "000000", label="ky")
        assert (refused.value.code, refused.value.pin) == ("SIG_PIN_WRONG", PinState.LOW)
        assert "ít nhất 2 lần" in refused.value.message
        held = await desk.open(leader.address, leader.pin, label="ky")
        assert await desk.sign_bytes(held.handle, b"x")


@pytest.mark.parametrize("pin", ["123", "1" * 256])
async def test_a_pin_of_wrong_length_is_not_tried(tokens: TokenDeskSettings, leader: SoftToken, pin: str) -> None:
    async with TokenDesk(settings=tokens) as desk:
        with pytest.raises(TokenError) as refused:
            await desk.open(leader.address, pin, label="ky")
        (seen,) = [token for token in await desk.tokens() if token.serial == leader.serial]
    assert (refused.value.code, seen.pin) == ("SIG_PIN_LENGTH", PinState.OK)


async def test_only_listed_modules_are_loaded(tokens: TokenDeskSettings, tmp_path: Path) -> None:
    stranger = TokenAddress(module=str(tmp_path / "bad.so"), serial="1")
    async with TokenDesk(settings=tokens) as desk:
        with pytest.raises(TokenError) as refused:
            await desk.open(stranger, "123456")
    assert refused.value.code == "SIG_TOKEN_MODULE_NOT_LISTED"


async def test_an_unreadable_module_says_so(drawer: Drawer, tmp_path: Path) -> None:
    path = tmp_path / "no.so"
    path.write_bytes(b"no library")
    async with TokenDesk(settings=TokenDeskSettings(modules=(str(path),), environment=drawer.environment)) as desk:
        with pytest.raises(TokenError) as refused:
            await desk.tokens()
    assert refused.value.code == "SIG_TOKEN_MODULE_UNREADABLE"


async def test_a_token_that_is_not_there(tokens: TokenDeskSettings, leader: SoftToken) -> None:
    async with TokenDesk(settings=tokens) as desk:
        with pytest.raises(TokenError) as refused:
            await desk.open(TokenAddress(module=leader.module, serial="0000"), leader.pin)
    assert refused.value.code == "SIG_TOKEN_ABSENT"


async def test_two_handles_on_one_token_need_the_same_pin(tokens: TokenDeskSettings, leader: SoftToken) -> None:
    async with TokenDesk(settings=tokens) as desk:
        first = await desk.open(leader.address, leader.pin, label="ky")
        with pytest.raises(TokenError) as refused:
            await desk.open(leader.address, "111111", label="p256")
        second = await desk.open(leader.address, leader.pin, label="p256")
        await desk.close(second.handle)
        assert refused.value.code == "SIG_PIN_WRONG"
        assert await desk.sign_bytes(first.handle, b"x")
        with pytest.raises(TokenError) as closed:
            await desk.sign_bytes(second.handle, b"x")
        assert closed.value.code == "SIG_TOKEN_HANDLE_UNKNOWN"
        (seen,) = [token for token in await desk.tokens() if token.serial == leader.serial]
    assert seen.pin is PinState.OK  # the stranger's guess never reached the token
