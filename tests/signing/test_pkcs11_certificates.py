"""Tokens that show no certificate: it comes from a file or the register and is matched by its public key."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from lienthong.deploy.demo.pki import Holder
from lienthong.gateway.sections import SigningSettings
from lienthong.gateway.tokens import token_desk_settings
from lienthong.signing.token_desk import TokenDesk, TokenDeskSettings
from lienthong.signing.tokens import TokenError

from .desk import SENDER, SENDER_NAME, Desk
from .softhsm import MODULE, Drawer, SoftToken, certify, open_drawer

PIN = "11223344"


@pytest.fixture(scope="module")
def bare(drawer: Drawer, desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> tuple[Drawer, SoftToken]:
    """A token with keys and no certificate, in a drawer of its own."""
    own = open_drawer(tmp_path_factory.mktemp("bare"))
    holder = Holder(agency_code=SENDER, agency_name=SENDER_NAME, person="Nguyễn Văn TEST")
    kinds = {"rsa": "2048", "ec": "secp256r1", "ngan": "1024"}
    serial = own.new_token("khong", PIN)
    certificates = {
        name: certify(desk.pki, holder, public)
        for name, public in zip(kinds, own.new_keys("khong", PIN, kinds), strict=True)
    }
    return own, SoftToken(label="khong", pin=PIN, serial=serial, certificates=certificates)


@pytest.fixture
def settings(bare: tuple[Drawer, SoftToken]) -> TokenDeskSettings:
    return TokenDeskSettings(modules=(MODULE,), environment=bare[0].environment, seconds=20.0)


@pytest.mark.parametrize("label", ["rsa", "ec"])
async def test_the_certificate_comes_from_outside(
    settings: TokenDeskSettings, bare: tuple[Drawer, SoftToken], label: str
) -> None:
    token = bare[1]
    async with TokenDesk(settings=settings) as desk:
        with pytest.raises(TokenError) as missing:
            await desk.open(token.address, token.pin, label=label)
        held = await desk.open(
            token.address, token.pin, certificate=token.der(label), certificate_sha256=token.sha256(label)
        )
        assert await desk.sign_bytes(held.handle, b"van ban")
    assert missing.value.code == "SIG_TOKEN_CERTIFICATE_MISSING"
    assert held.certificate == token.der(label)


async def test_the_operator_laid_the_certificate_into_a_folder(
    bare: tuple[Drawer, SoftToken], leader: SoftToken, tmp_path: Path
) -> None:
    drawer, token = bare
    (tmp_path / "lanh-dao.cer").write_bytes(token.der("rsa"))
    (tmp_path / "khac.pem").write_bytes(leader.certificates["ky"].public_bytes(Encoding.PEM))
    (tmp_path / "ghi-chu.txt").write_text("không phải chứng thư", encoding="utf-8")
    lines = [f"{name}={value}" for name, value in drawer.environment.items()]
    signing = SigningSettings(modules=(MODULE,), module_environment=tuple(lines), certificates_dir=tmp_path)
    async with TokenDesk(settings=token_desk_settings(signing)) as desk:
        held = await desk.open(token.address, token.pin, certificate_sha256=token.sha256("rsa"))
        with pytest.raises(TokenError) as missing:
            await desk.open(token.address, token.pin, certificate_sha256=token.sha256("ec"))
        assert await desk.sign_bytes(held.handle, b"van ban")
    assert held.certificate == token.der("rsa")
    assert missing.value.code == "SIG_TOKEN_CERTIFICATE_MISSING"


async def test_a_certificate_of_another_key_is_refused(
    settings: TokenDeskSettings, bare: tuple[Drawer, SoftToken], leader: SoftToken
) -> None:
    token = bare[1]
    async with TokenDesk(settings=settings) as desk:
        for label in ("ky", "p256"):
            with pytest.raises(TokenError) as refused:
                await desk.open(token.address, token.pin, certificate=leader.der(label))
            assert refused.value.code == "SIG_TOKEN_KEY_MISSING"
        with pytest.raises(TokenError) as mismatch:
            await desk.open(token.address, token.pin, certificate=leader.der("ky"), certificate_sha256="00" * 32)
    assert mismatch.value.code == "SIG_TOKEN_CERTIFICATE_MISMATCH"


async def test_a_short_key_signs_nothing(settings: TokenDeskSettings, bare: tuple[Drawer, SoftToken]) -> None:
    token = bare[1]
    async with TokenDesk(settings=settings) as desk:
        with pytest.raises(TokenError) as refused:
            await desk.open(token.address, token.pin, certificate=token.der("ngan"))
    assert refused.value.code == "SIG_TOKEN_KEY_UNSUITABLE"


async def test_chain_certificates_of_token_and_register_go_along(
    tokens: TokenDeskSettings, leader: SoftToken, desk: Desk
) -> None:
    root = desk.pki.root.own.certificate
    async with TokenDesk(settings=tokens) as opened:
        held = await opened.open(leader.address, leader.pin, label="cu", chain=(root.public_bytes(Encoding.DER),))
    assert held.chain == (desk.pki.sub.own.certificate.public_bytes(Encoding.DER), root.public_bytes(Encoding.DER))
