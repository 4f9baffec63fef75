"""The documents in the root do not lie where a machine can tell: names of files, commands, settings and messages."""

import re
import tomllib
from pathlib import Path

import pytest

from lienthong.gateway.cli.exits import Exit
from lienthong.gateway.cli.main import COMMANDS, GROUPS
from lienthong.gateway.pipeline.handover import HANDOVERS
from lienthong.gateway.pipeline.steps import STEPS
from lienthong.gateway.settings import Settings, SettingsError

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "GLOSSARY.md", "DECISIONS.md", "CONTRIBUTING.md", "CHANGELOG.md")
FOLDERS = ("schemas", "edxml", "signing", "queue", "adapters", "gateway", "tests", "deploy", "bench", "docs")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text_of(name), re.DOTALL)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_that_are_named_exist(name: str) -> None:
    quoted = re.findall(r"`([\w./-]+\.(?:py|sql|yaml|toml|md|xsd)|(?:[\w-]+/)+)`", text_of(name))
    named = [path for path in quoted if path.split("/")[0] in FOLDERS or path.endswith(".md")]
    missing = [path for path in named if not (ROOT / path).exists()]
    assert not missing


def test_rooms_of_the_map_exist() -> None:
    """Short names of the map (``pipeline/inward.py``, ``api/intake.py``) are meant from the room that is spoken of."""
    short = re.findall(r"`?((?:pipeline|policies|api|files)/\w+\.py)`?", text_of("ARCHITECTURE.md"))
    missing = [path for path in short if not (ROOT / "gateway" / path).exists() and not (ROOT / path).exists()]
    assert short
    assert not missing


def test_messages_of_the_map_are_those_of_the_pipeline() -> None:
    table = blocks("ARCHITECTURE.md", "")
    (told,) = [block for block in table if block.startswith("message ")]
    assert set(re.findall(r"lienthong\.[\w.]+\.v1", told)) == set(HANDOVERS)
    words = set(re.findall(r"[a-z_]+", told))
    assert set(STEPS) <= words


def test_commands_of_the_readme_exist() -> None:
    known = {command.__name__ for command in COMMANDS} | set(GROUPS)
    used = set(re.findall(r"^(?:\w+=\$\()?lienthong ([a-z-]+)", "\n".join(blocks("README.md", "sh")), re.MULTILINE))
    table = {name for row in re.findall(r"^\| (`.+?) \|", text_of("README.md"), re.MULTILINE) for name in spoken(row)}
    assert used
    assert used <= known
    assert table == known


def spoken(row: str) -> list[str]:
    return re.findall(r"`([a-z][a-z-]*)", row)


def test_settings_of_the_readme_are_understood(tmp_path: Path) -> None:
    (sample,) = blocks("README.md", "toml")
    values = tomllib.loads(sample)
    secret = tmp_path / "khoa"
    secret.write_text("postgresql://127.0.0.1/x", encoding="utf-8")
    for place in re.findall(r'"(/etc/lienthong/[\w-]+)"', sample):
        sample = sample.replace(place, str(secret))
    path = tmp_path / "lienthong.toml"
    path.write_text(sample, encoding="utf-8")
    settings = Settings.load(path, {})
    assert settings.axes[0].name == values["axes"][0]["name"]
    path.write_text(sample.replace("system_id", "sistem_id"), encoding="utf-8")
    with pytest.raises(SettingsError):
        Settings.load(path, {})


def test_exit_statuses_of_the_readme_are_those_of_the_program() -> None:
    told = text_of("README.md").split("Mã thoát:")[1].split("\n\n")[0]
    assert {int(number) for number in re.findall(r"`(\d+)`", told)} == set(Exit)


def test_contributing_stays_within_two_pages() -> None:
    assert len(text_of("CONTRIBUTING.md").splitlines()) <= 110


@pytest.mark.parametrize("name", DOCUMENTS)
def test_nothing_of_a_workplace_is_told(name: str) -> None:
    assert not re.search(r"/root/|/home/|/tmp/", text_of(name))


def test_decisions_are_numbered_from_one_without_gap() -> None:
    numbers = [int(number) for number in re.findall(r"(?m)^## (\d+)\. ", (ROOT / "DECISIONS.md").read_text("utf-8"))]
    assert numbers == list(range(1, len(numbers) + 1))
