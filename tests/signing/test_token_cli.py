"""``lienthong token list`` and the settings behind it, over real tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lienthong.gateway.cli.exits import Exit
from lienthong.gateway.cli.main import run
from lienthong.gateway.settings import Settings, SettingsError, describe
from lienthong.gateway.tokens import token_desk_settings

from .softhsm import MODULE, RogueModule, SoftToken


@pytest.fixture
def config(rogue: RogueModule, tmp_path: Path) -> Path:
    lines = [f"{name}={value}" for name, value in rogue.environment.items()]
    path = tmp_path / "node.toml"
    path.write_text(
        f"[signing]\nmodules = [{json.dumps(rogue.path)}]\nmodule_environment = {json.dumps(lines)}\n", encoding="utf-8"
    )
    return path


def test_tokens_with_pin_states_keys_and_expiry(
    config: Path, rogue: RogueModule, leader: SoftToken, capsys: pytest.CaptureFixture[str]
) -> None:
    rogue.order("final_try")
    assert run(["--config", str(config), "token", "list"]) == Exit.DONE
    shown = capsys.readouterr().out
    for words in (
        f"Token “lanhdao”, số sê-ri {leader.serial}",
        "Mã PIN: lần thử cuối; còn đúng 1 lần thử",
        "RSA 3072",
        "Nguyễn Văn TEST",
        "699 ngày",
        leader.sha256("ky"),
    ):
        assert words in shown
    assert "login" not in rogue.log()


def test_the_same_as_json(config: Path, leader: SoftToken, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--config", str(config), "token", "list", "--json"]) == Exit.DONE
    rows = {row["label"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["lanhdao"]["serial"] == leader.serial
    assert {key["label"] for key in rows["lanhdao"]["keys"]} == set(leader.certificates)


def test_a_module_that_cannot_be_loaded_does_not_hide_the_others(
    drawer_shell: None, tmp_path: Path, leader: SoftToken, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "hong.so"
    broken.write_bytes(b"no library")
    status = run(["token", "list", "--module", str(broken), "--module", MODULE])
    printed = capsys.readouterr()
    assert status == Exit.UNREADABLE
    assert leader.serial in printed.out
    assert "SIG_TOKEN_MODULE_UNREADABLE" in printed.err


def test_without_modules_it_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "node.toml").write_text("", encoding="utf-8")
    assert run(["--config", str(tmp_path / "node.toml"), "token", "list"]) == Exit.DONE
    assert "signing.modules" in capsys.readouterr().out


@pytest.fixture
def drawer_shell(rogue: RogueModule, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell in which SoftHSM finds the tokens."""
    monkeypatch.setenv("SOFTHSM2_CONF", rogue.environment["SOFTHSM2_CONF"])


def test_settings_reach_the_desk(config: Path, rogue: RogueModule) -> None:
    settings = Settings.load(config, {})
    desk = token_desk_settings(settings.signing)
    assert (desk.modules, desk.environment, desk.trial_keys) == ((rogue.path,), rogue.environment, False)
    assert f'modules = ["{rogue.path}"]' in describe(settings)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('modules = ["pkcs12:/etc/lienthong/a.p12"]', "trial_keys"),
        ('modules = ["libsofthsm2.so"]', "đường dẫn đầy đủ"),
        ('module_environment = ["không có dấu bằng"]', "module_environment"),
    ],
)
def test_settings_that_cannot_be_meant_stop_the_start(tmp_path: Path, lines: str, words: str) -> None:
    path = tmp_path / "node.toml"
    path.write_text(f"[signing]\n{lines}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=words):
        Settings.load(path, {})


def test_trial_keys_never_meet_a_real_axis(tmp_path: Path) -> None:
    (tmp_path / "khoa").write_text("TEST", encoding="utf-8")
    path = tmp_path / "node.toml"
    axis = 'name = "quoc-gia"\nbase_url = "https://truc.example/a"\nsystem_id = "TEST"\nsecret_file = "khoa"\n'
    path.write_text(f"[signing]\ntrial_keys = true\n[[axes]]\n{axis}", encoding="utf-8")
    with pytest.raises(SettingsError, match="trial_keys"):
        Settings.load(path, {})
