"""deploy/compose: what can be known of it without a container engine. Each process's own configuration is loaded."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiokafka.errors import KafkaConnectionError
from jsonschema import Draft202012Validator

from lienthong.adapters.emulator.settings import EmulatorSettings
from lienthong.deploy.kafka.assemble import assembled
from lienthong.deploy.kafka.cluster import LOGGING, BrokerProcess, free_ports
from lienthong.gateway.settings import Settings
from lienthong.queue.kafka_clients import admin
from lienthong.queue.kafka_settings import KafkaAccount, KafkaSettings
from lienthong.tests.waiting import until

FOLDER = Path(__file__).parents[2] / "deploy" / "compose"
ROLES = ("api", "worker", "relay", "poller")


@cache
def described() -> dict[str, Any]:
    return yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))


def services() -> dict[str, dict[str, Any]]:
    return described()["services"]


NODES = sorted(name for name, service in services().items() if "LIENTHONG_ROLES" in service.get("environment", {}))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as it is after ./prepare.sh."""
    folder = tmp_path_factory.mktemp("compose")
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("secrets"))
    subprocess.run([folder / "prepare.sh"], check=True, capture_output=True, timeout=60)
    return folder


def mounted(prepared: Path, service: dict[str, Any], into: Path) -> Path:
    """What the container of a service has in /run/secrets, and nothing else."""
    into.mkdir()
    for name in service["secrets"]:
        shutil.copy(prepared / described()["secrets"][name]["file"], into / name)
    return into


def load(prepared: Path, name: str, into: Path) -> Settings:
    """The settings of a service, as its container reads them."""
    secrets = mounted(prepared, services()[name], into / "secrets")
    text = (prepared / "config" / "node.toml").read_text("utf-8").replace("/run/secrets", str(secrets))
    path = into / "node.toml"
    path.write_text(text, "utf-8")
    environment = {
        key: value.replace("/run/secrets", str(secrets)) for key, value in services()[name]["environment"].items()
    }
    return Settings.load(path, environment)


def test_the_file_is_valid_after_the_schema_of_the_compose_specification() -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text("utf-8"))
    found = [
        f"{error.json_path}: {error.message[:200]}" for error in Draft202012Validator(schema).iter_errors(described())
    ]
    assert found == []


@pytest.mark.parametrize("name", NODES)
def test_a_process_has_every_secret_that_its_configuration_names(name: str, prepared: Path, tmp_path: Path) -> None:
    settings = load(prepared, name, tmp_path)
    assert settings.instance == name
    role = name.split("-", maxsplit=1)[0]
    assert settings.roles == (("api", "console") if role == "api" else (role,))  # people reach their pages there
    assert settings.kafka is not None
    queue = settings.kafka.to_queue(name)
    assert queue.account is not None
    assert queue.account.password == (prepared / "secrets" / "kafka-password").read_text().strip()
    assert queue.public_topic == "lienthong.events"
    assert settings.database.dsn is not None
    assert "@postgres:5432/" in settings.database.dsn
    assert settings.database.migrate_dsn is None  # only the migration may change tables


def test_every_role_runs_twice_under_names_of_their_own() -> None:
    assert sorted(f"{role}-{number}" for role in ROLES for number in (1, 2)) == NODES


def test_the_migration_runs_as_owner(prepared: Path, tmp_path: Path) -> None:
    dsn = load(prepared, "migrate", tmp_path).database.migrate_dsn
    assert dsn is not None
    assert dsn.startswith("postgresql://lienthong:")


def test_every_file_and_secret_that_is_mounted_is_there(prepared: Path) -> None:
    for service in services().values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (prepared / source).is_file() if source.startswith("./") else source in described()["volumes"]
        for secret in service.get("secrets", []):
            assert (prepared / described()["secrets"][secret]["file"]).stat().st_size


def test_secrets_are_made_once_and_only_their_owner_comes_near_them(prepared: Path) -> None:
    secrets = prepared / "secrets"
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    subprocess.run([prepared / "prepare.sh"], check=True, capture_output=True, timeout=60)
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert (secrets / "ca.key").stat().st_mode & 0o777 == 0o600
    assert len(before["kafka-password"].strip()) >= 32
    assert before["kafka-password"] != before["kafka-reader-password"]
    assert "deploy/compose/secrets" in (FOLDER / "Dockerfile.dockerignore").read_text()
    assert "secrets/" in (FOLDER / ".gitignore").read_text()


@pytest.mark.parametrize(("file", "host"), [("kafka-server.pem", "kafka"), ("edge.pem", "localhost")])
def test_the_certificates_hold_for_the_names_by_which_they_are_reached(prepared: Path, file: str, host: str) -> None:
    client = ssl.create_default_context(cafile=prepared / "secrets" / "ca.pem")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(prepared / "secrets" / file)
    here, there = ssl.MemoryBIO(), ssl.MemoryBIO()
    caller = client.wrap_bio(here, there, server_hostname=host)
    callee = server.wrap_bio(there, here, server_side=True)
    for _ in range(4):
        for side in (caller, callee):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert caller.getpeercert()


def test_addresses_name_services_and_their_ports(prepared: Path, tmp_path: Path) -> None:
    settings = load(prepared, "api-1", tmp_path)
    properties = (FOLDER / "kafka" / "server.properties").read_text("utf-8")
    assert settings.kafka is not None
    assert f"SECURE://{settings.kafka.servers}" in properties
    emulator = EmulatorSettings.from_toml(FOLDER / "config" / "emulator.toml")
    [axis] = settings.axes
    assert axis.base_url == f"http://emulator:{emulator.port}"
    [center] = emulator.systems
    assert (center.id, center.secret) == (axis.system_id, (prepared / "secrets" / "axis-secret").read_text().strip())
    upstream = re.findall(r"server ([a-z0-9-]+):(\d+)", (FOLDER / "nginx" / "default.conf").read_text("utf-8"))
    assert upstream == [("api-1", str(settings.http.port)), ("api-2", str(settings.http.port))]
    assert f"127.0.0.1:{settings.http.health_port}/readyz" in str(services()["worker-1"]["healthcheck"])


@pytest.mark.parametrize("name", [*NODES, "migrate", "emulator", "edge"])
def test_our_containers_can_write_nothing_but_their_volumes(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert "USER 10001:10001" in (FOLDER / "Dockerfile").read_text("utf-8")


def test_images_have_a_version_and_only_the_edge_is_seen_outside() -> None:
    images = [service["image"] for service in services().values()]
    images += re.findall(r"(?m)^FROM (\S+)", (FOLDER / "Dockerfile").read_text("utf-8"))
    assert all(re.search(r":[0-9]", image) for image in images)
    assert [name for name, service in services().items() if "ports" in service] == ["edge"]
    assert all(port.startswith("127.0.0.1:") for port in services()["edge"]["ports"])
    assert described()["networks"]["inside"]["internal"] is True


@pytest.fixture
def broker(prepared: Path, tmp_path: Path) -> Iterator[BrokerProcess]:
    """A real broker under the compose file's own properties; addresses and folders replaced."""
    local, controller, secure = free_ports(3)
    secrets = mounted(prepared, services()["kafka"], tmp_path / "secrets")
    text = (FOLDER / "kafka" / "server.properties").read_text("utf-8")
    for there, here in {
        "/run/secrets": str(secrets),
        "/var/lib/kafka/data": str(tmp_path / "data"),
        "0.0.0.0:9094": f"127.0.0.1:{secure}",
        "kafka:9094": f"localhost:{secure}",
        "127.0.0.1:9092": f"127.0.0.1:{local}",
        "127.0.0.1:9093": f"127.0.0.1:{controller}",
    }.items():
        assert there in text
        text = text.replace(there, here)
    (tmp_path / "server.properties").write_text(text)
    (tmp_path / "log4j2.properties").write_text(LOGGING)
    tool = ["java", "-cp", f"{assembled()}/*", "kafka.tools.StorageTool", "format", "-t", "5L6g3nShT-eMCtK--X86sw"]
    subprocess.run([*tool, "-c", tmp_path / "server.properties"], check=True, capture_output=True, timeout=60)
    process = BrokerProcess(
        number=1, folder=tmp_path, port=local, inner_port=local, controller_port=controller, secure_port=secure
    )
    process.start(assembled())
    yield process
    process.stop()


@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_the_broker_lets_in_the_accounts_that_are_made_for_it(broker: BrokerProcess, prepared: Path) -> None:
    await until(lambda: listening(broker), 60)
    secrets, tools = broker.folder / "secrets", broker.folder / "tools"
    tools.mkdir()
    command = f'exec java -cp "{assembled()}/*" kafka.admin.ConfigCommand "$@"'
    for name, body in (("kafka-configs.sh", command), ("kafka-acls.sh", f'echo "$@" >> {tools}/granted')):
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    environment = {**os.environ, "KAFKA_BIN": str(tools), "SECRETS": str(secrets), "KAFKA_LOCAL": broker.address}
    made = await asyncio.to_thread(
        subprocess.run, ["sh", FOLDER / "kafka" / "accounts.sh"], env=environment, check=False, capture_output=True
    )
    assert made.returncode == 0, made.stderr
    for line in (tools / "granted").read_text().splitlines():
        if "User:theo-doi" in line:
            assert "--operation Read" in line
            assert not re.search(r"--operation (All|Write|Create|Alter|Delete)", line)
            assert ("--topic lienthong.events" in line) != ("--group theo-doi" in line)
    for user, file in (("lienthong", "kafka_password"), ("theo-doi", "kafka_reader_password")):
        client = admin(account(broker, user, (secrets / file).read_text().strip(), prepared))
        await client.start()
        await client.close()
    stranger = admin(account(broker, "lienthong", "TEST-guessed", prepared))
    with pytest.raises(KafkaConnectionError):
        await stranger.start()
    await stranger.close()


async def listening(broker: BrokerProcess) -> bool:
    return broker.answers()


def account(broker: BrokerProcess, user: str, password: str, prepared: Path) -> KafkaSettings:
    entry = KafkaAccount(user=user, password=password, authority=prepared / "secrets" / "ca.pem")
    return KafkaSettings(servers=f"localhost:{broker.secure_port}", account=entry)
