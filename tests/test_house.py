"""The rules of the house that a machine can see: layers, owners of libraries, packaging, names, words.

The tables below are DESIGN in data: changing one is a decision and belongs into DECISIONS.md.
"""

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import lienthong

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("adapters", "edxml", "gateway", "queue", "signing")

# folder -> the other folders it may import from
LAYERS = {
    "edxml": set(),
    "signing": set(),
    "queue": set(),
    "adapters": {"edxml"},
    "gateway": {"adapters", "edxml", "queue", "signing"},
}

# Concrete adapters (everything but the port) are built here and nowhere else.
PORT_MODULES = {"adapters.clocks", "adapters.axis", "adapters.errors"}
BUILDERS = {"gateway/bootstrap.py", "gateway/cli/running.py"}

# Inside gateway/: nobody reaches up to a surface or to what builds everything.
SURFACES = ("gateway.api", "gateway.console", "gateway.cli", "gateway.bootstrap")

# third-party library -> where it may be imported (a folder, or one file)
OWNERS = {
    "PIL": ("gateway/files/", "signing/"),
    "aiohttp": ("adapters/", "gateway/api/", "gateway/revocation/", "gateway/bootstrap.py"),
    "aiokafka": ("queue/",),
    "cloudevents": ("queue/",),
    "ijson": ("adapters/vxp/",),
    "multipart": ("gateway/api/",),
    "aiosql": ("queue/", "gateway/postgres/"),
    "alembic": ("gateway/postgres/",),
    "asn1crypto": ("signing/",),
    "asyncpg": (
        "queue/",
        "gateway/postgres/",
        "gateway/pipeline/",
        "gateway/registers/",
        "gateway/api/",
        "gateway/desk/",
    ),
    "cryptography": ("signing/",),
    "obstore": ("gateway/files/",),
    "jinja2": ("gateway/api/", "gateway/console/"),
    "jsonschema": ("gateway/api/",),
    "lxml": ("edxml/",),
    "pikepdf": ("gateway/files/", "signing/"),
    "puremagic": ("gateway/files/",),
    "pybase64": ("edxml/",),
    "pkcs11": ("signing/pkcs11",),
    "pydantic": (
        "gateway/settings.py",
        "gateway/sections.py",
        "gateway/envelope_sections.py",
        "gateway/file_sections.py",
        "gateway/kafka_sections.py",
        "gateway/revocation_section.py",
    ),
    "pydantic_core": ("gateway/settings.py", "gateway/sections.py"),
    "pyhanko": ("signing/",),
    "pyhanko_certvalidator": ("signing/",),
    "pypdfium2": ("signing/",),
    "reportlab": ("gateway/", "signing/"),
    "sqlalchemy": ("gateway/postgres/",),
    "structlog": ("gateway/", "queue/"),
    "typer": ("gateway/cli/",),
    "yaml": ("gateway/",),
}

# The named guards: the worker's per-message guard, the HTTP error middleware, the sandbox around foreign parsers.
GUARDS = {
    "gateway/api/app.py",
    "gateway/files/inspection.py",
    "gateway/pipeline/routine.py",
    "queue/embedded.py",
    "queue/guard.py",
    "queue/kafka.py",
    "queue/worker.py",
    "signing/token_main.py",
    "signing/difference.py",
    "signing/listing.py",
    "signing/verification.py",
    "signing/worker_main.py",
}

# Validators of pydantic and hooks of json say no with ValueError; both are translated beside them.
SPEAKS_VALUE_ERROR = {
    "gateway/sections.py",
    "gateway/settings.py",
    "gateway/api/text.py",
    "gateway/file_sections.py",
    "gateway/kafka_sections.py",
    "gateway/revocation_section.py",
}

# Where time, identity and the environment enter the program.
SOURCES = ("gateway/bootstrap.py", "gateway/settings.py", "gateway/cli/", "adapters/emulator/app.py")
FORBIDDEN_CALLS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "uuid.uuid1",
    "uuid.uuid4",
    "uuid4",
    "os.getenv",
    "random.random",
    "random.choice",
}

FORBIDDEN_WORDS = {
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "misc",
    "manager",
    "processor",
    "orchestrator",
    "impl",
}
FORBIDDEN_FILES = FORBIDDEN_WORDS | {"base", "data", "info"}
SQL = re.compile(
    r"(?is)\b(select\b.+\bfrom|insert\s+into|update\s+\w+\s+set|delete\s+from|create\s+(table|index|role|database))\b"
)
# Statements that take no name from aiosql: they run before any schema exists or outside of a transaction.
SQL_IN_PYTHON: set[str] = set()
VENDORED = ("gateway/api/static/", "schemas/edxml/")


@cache
def product_files() -> tuple[Path, ...]:
    return tuple(sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")))


@cache
def checks() -> tuple[Path, ...]:
    return tuple(sorted((ROOT / "tests").rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_of(path: Path) -> list[str]:
    """Dotted parts below the root package; a package is its folder."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return parts[:-1] if parts[-1] == "__init__" else parts


def own_imports(path: Path) -> Iterator[str]:
    """Modules of the house that a file imports, as ``folder.module``; absolute forms are told apart elsewhere."""
    package = module_of(path) if path.name == "__init__.py" else module_of(path)[:-1]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.level:
            anchor = package[: len(package) - (node.level - 1)]
            target = [*anchor, *(node.module.split(".") if node.module else ())]
            if node.module and (ROOT.joinpath(*target).with_suffix(".py").exists()):
                yield ".".join(target)
            else:  # names of a package: each may be a module
                yield from (".".join([*target, alias.name]) for alias in node.names)


def foreign_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.split(".")[0]


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def docstrings(module: ast.Module) -> set[int]:
    found = set()
    for node in ast.walk(module):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            found.add(id(body[0].value))
    return found


def test_this_checkout_is_the_package_under_test() -> None:
    assert Path(lienthong.__file__ or "").resolve().parent == ROOT


def test_folders_import_only_downwards() -> None:
    wrong = [
        f"{name_of(path)} -> {target}"
        for path in product_files()
        for target in own_imports(path)
        if (other := target.split(".")[0]) != (own := module_of(path)[0]) and other not in LAYERS[own]
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_builders_know_concrete_adapters() -> None:
    wrong = [
        f"{name_of(path)} -> {target}"
        for path in product_files()
        if module_of(path)[0] == "gateway" and name_of(path) not in BUILDERS
        for target in own_imports(path)
        if target.startswith("adapters") and target not in PORT_MODULES
    ]
    assert not wrong, "\n".join(wrong)


def test_nobody_reaches_up_to_a_surface() -> None:
    allowed = ("gateway/cli/", "gateway/bootstrap.py")
    wrong = [
        f"{name_of(path)} -> {target}"
        for path in product_files()
        if not name_of(path).startswith(allowed)
        for target in own_imports(path)
        if target.startswith(SURFACES) and not ".".join(module_of(path)).startswith(target.rsplit(".", 1)[0])
    ]
    assert not wrong, "\n".join(wrong)


def test_imports_between_folders_are_relative() -> None:
    bare = {*FOLDERS, "lienthong"} - {"queue"}  # "queue" alone is the standard library's
    wrong = [
        f"{name_of(path)}: {name}"
        for path in product_files()
        # Alembic loads its revisions by path, outside of any package.
        if not name_of(path).startswith("gateway/postgres/migrations/")
        for name in foreign_imports(path)
        if name in bare
    ]
    assert not wrong, "\n".join(wrong)


def test_libraries_are_imported_by_their_owner_only() -> None:
    known = sys.stdlib_module_names | {"lienthong"}
    wrong = [
        f"{name_of(path)}: {library}"
        for path in product_files()
        for library in foreign_imports(path)
        if library not in known and not name_of(path).startswith(OWNERS.get(library, ("(no owner)",)))
    ]
    assert not wrong, "\n".join(wrong)


def test_edxml_is_pure() -> None:
    outside = {"asyncio", "socket", "ssl", "http", "subprocess", "sqlite3", "time"}
    wrong = [
        name_of(path)
        for path in (ROOT / "edxml").rglob("*.py")
        if outside & set(foreign_imports(path))
        or any(isinstance(n, ast.AsyncFunctionDef) for n in ast.walk(tree(path)))
    ]
    assert not wrong, "\n".join(wrong)


def test_time_identity_and_environment_come_in_as_arguments() -> None:
    wrong = []
    for path in product_files():
        if name_of(path).startswith(SOURCES):
            continue
        for node in ast.walk(tree(path)):
            name = (
                dotted(node.func)
                if isinstance(node, ast.Call)
                else dotted(node)
                if isinstance(node, ast.Attribute)
                else ""
            )
            short = ".".join(name.split(".")[-2:])
            if (isinstance(node, ast.Call) and short in FORBIDDEN_CALLS) or name == "os.environ":
                wrong.append(f"{name_of(path)}:{node.lineno} {name}")
    assert not wrong, "\n".join(wrong)


def test_broad_excepts_stand_in_named_guards_only() -> None:
    wrong = []
    for path in product_files():
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            if isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None:
                continue  # cleans up and lets everything pass
            caught = {dotted(part) for part in ast.walk(node.type) if isinstance(part, ast.Name)} if node.type else {""}
            if caught & {"", "Exception", "BaseException"} and name_of(path) not in GUARDS:
                wrong.append(f"{name_of(path)}:{node.lineno}")
    assert not wrong, "\n".join(wrong)


def test_our_rules_raise_our_own_errors() -> None:
    vanilla = {"Exception", "RuntimeError", "BaseException", "ValueError"}
    wrong = [
        f"{name_of(path)}:{node.lineno}"
        for path in product_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Raise) and node.exc is not None and name_of(path) not in SPEAKS_VALUE_ERROR
        if dotted(node.exc.func if isinstance(node.exc, ast.Call) else node.exc) in vanilla
    ]
    assert not wrong, "\n".join(wrong)


def test_product_code_has_no_assert() -> None:
    wrong = [
        f"{name_of(path)}:{node.lineno}"
        for path in product_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Assert)
    ]
    assert not wrong, "\n".join(wrong)


def test_sql_stands_in_sql_files() -> None:
    wrong = []
    for path in product_files():
        if name_of(path) in SQL_IN_PYTHON:
            continue
        skipped = docstrings(tree(path))
        wrong += [
            f"{name_of(path)}:{node.lineno}"
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            if id(node) not in skipped and SQL.search(node.value)
        ]
    assert not wrong, "\n".join(wrong)


def test_names_say_what_a_thing_is() -> None:
    wrong = []
    for path in (*product_files(), *checks()):
        parts = [part for piece in module_of(path) for part in piece.split("_")]
        wrong += [name_of(path)] * bool(
            FORBIDDEN_FILES & {path.stem.removeprefix("test_")} or FORBIDDEN_WORDS & set(parts)
        )
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                words = {word.lower() for word in re.findall(r"[A-Z][a-z]+|[A-Z]+(?![a-z])", node.name)}
                wrong += [f"{name_of(path)}: {node.name}"] * bool(FORBIDDEN_WORDS & words)
    assert not wrong, "\n".join(wrong)


def test_no_word_of_unfinished_work() -> None:
    words = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
    kinds = {".py", ".md", ".sql", ".yaml", ".yml", ".toml", ".sh", ".html", ".mako", ""}
    wrong = []
    for path in tracked():
        if path.suffix in kinds and not name_of(path).startswith(VENDORED):
            text = path.read_text(encoding="utf-8", errors="replace")
            wrong += [f"{name_of(path)}: {found.group()}" for found in words.finditer(text)]
    assert not wrong, "\n".join(wrong)


def test_tests_use_fakes_and_virtual_time() -> None:
    wrong = []
    for path in checks():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom | ast.Import):
                names = {getattr(node, "module", None) or "", *(alias.name for alias in node.names)}
                if names & {"unittest.mock", "mock"}:
                    wrong.append(f"{name_of(path)}:{node.lineno} mock")
            if isinstance(node, ast.Call):
                called = dotted(node.func)
                still = [isinstance(arg, ast.Constant) and arg.value == 0 for arg in node.args]
                if called.endswith("sleep") and still != [True] and path.name != "waiting.py":
                    wrong.append(f"{name_of(path)}:{node.lineno} {called}")
                if called == "monkeypatch.setattr":
                    wrong.append(f"{name_of(path)}:{node.lineno} {called}")
    assert not wrong, "\n".join(wrong)


def test_queue_never_shadows_the_standard_library() -> None:
    assert not (ROOT / "queue" / "__init__.py").exists()
    program = "import queue, concurrent.futures.thread; queue.SimpleQueue()"
    environment = {"PATH": os.defpath}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_init_files_export_nothing() -> None:
    wrong = [
        name_of(path)
        for path in product_files()
        if path.name == "__init__.py"
        if any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(tree(path)))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_list_of_packages_is_the_tree() -> None:
    listed = pyproject()["tool"]["setuptools"]["packages"]
    found = {"lienthong", "lienthong.queue"} | {
        ".".join(["lienthong", *module_of(path)]) for path in product_files() if path.name == "__init__.py"
    }
    with_code = {".".join(["lienthong", *path.relative_to(ROOT).parent.parts]) for path in product_files()}
    assert sorted(listed) == sorted(found)
    assert with_code <= found


def test_no_stray_module_in_the_root() -> None:
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_every_library_is_declared_and_every_declared_one_is_used() -> None:
    listed = {re.split(r"[\[<>=;]", line)[0].lower() for line in pyproject()["project"]["dependencies"]}
    owners = importlib.metadata.packages_distributions()
    # pydantic pins pydantic-core itself, to one version.
    used = {name for path in product_files() for name in foreign_imports(path)} - {"pydantic_core", "lienthong"}
    distributions = {
        name: {owner.lower().replace("_", "-") for owner in owners.get(name, ())}
        for name in used
        if name not in sys.stdlib_module_names
    }
    assert {name: found for name, found in distributions.items() if not found & listed} == {}
    assert listed <= set().union(*distributions.values())


def test_licences_that_bind_the_whole_stay_out() -> None:
    wanted = " ".join(pyproject()["project"]["dependencies"]).lower()
    assert not [name for name in ("psycopg", "workalendar", "lunardate", "oletools", "pypdf2") if name in wanted]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the source archive that was built from what git knows."""
    folder = tmp_path_factory.mktemp("wheel")
    for path in tracked():
        copy = folder / "checkout" / name_of(path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, folder / "checkout"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_wheel_carries_every_data_file_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("lienthong/")}
    own = ("py.typed", "__init__.py", "__main__.py")
    wanted = {
        f"lienthong/{name_of(path)}" for path in tracked() if name_of(path).startswith((*FOLDERS, "schemas", *own))
    }
    assert wanted - packed == set()
    assert packed - wanted == set()


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_installed_wheel_finds_its_data(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel]
    subprocess.run(pip, check=True, env={**os.environ, "PIP_USER": "0"})
    program = (
        "import lienthong; print(lienthong.__file__);"
        "from lienthong.gateway.api.contract import load_contract; load_contract();"
        "from lienthong.gateway.api.problems import load_catalogue; load_catalogue();"
        "from lienthong.gateway.postgres.statements import statements; statements();"
        "from lienthong.gateway.postgres.migrations.runner import script; script();"
        "from lienthong.edxml.codes import code_lists; code_lists();"
        "from lienthong.edxml.validation import _schema; _schema()"
    )
    environment = {"PYTHONPATH": str(target), "PATH": os.defpath}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
    assert done.stdout.decode().strip() == str(target / "lienthong" / "__init__.py")


@cache
def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def tracked() -> tuple[Path, ...]:
    """Files that git knows; without git, every file outside of generated folders."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
        names = [name for name in done.stdout.decode().split("\0") if name]
        if done.returncode == 0 and names:  # git refuses a checkout of somebody else
            return tuple(ROOT / name for name in names if (ROOT / name).is_file())
    generated = re.compile(
        r"(^|/)(\.venv.*|\..*_cache|\.hypothesis|__pycache__|build|dist|lienthong-data|[^/]*\.egg-info)/"
    )
    return tuple(path for path in ROOT.rglob("*") if path.is_file() and not generated.search(name_of(path)))
