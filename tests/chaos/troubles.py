"""Troubles around the node while it works: each function makes one, lets it last, and mends it."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from random import Random
from typing import Any, Final

from lienthong.deploy.kafka.cluster import BrokerProcess, Cluster
from lienthong.gateway.pipeline.handover import TOPIC
from lienthong.queue.kafka_settings import KafkaSettings
from lienthong.queue.messages import Lane
from lienthong.tests.chaos import disk_faults, kafka_faults, postgres_faults, s3_faults
from lienthong.tests.chaos.settings import PREFIX
from lienthong.tests.chaos.stage import Stage, Wire
from lienthong.tests.chaos.wires import Cut
from lienthong.tests.crash.load import rest
from lienthong.tests.crash.scene import CONTROL_TIMEOUT

SHARE_STARTING: Final = 0.15  # of the kills that fall on a process in its start
OPERATIONS: Final = ("sendEdoc", "getReceivedEdocList", "getEdoc", "updateStatus", "getSentEdocList")
# What an axis does wrong, in the words of the report: a code of the emulator, a variant, whether only sends show it.
WRONGS: Final[tuple[tuple[str, str, str, tuple[str, ...]], ...]] = (
    ("trục ngắt kết nối", "F01", "", OPERATIONS),
    ("trục không trả lời, không nhận", "F02", "", OPERATIONS),
    ("trục nhận rồi không trả lời", "F03", "", ("sendEdoc", "updateStatus")),
    ("trục trả trang lỗi 502", "F04", "html502", OPERATIONS),
    ("trục trả lời rỗng", "F04", "empty", OPERATIONS),
    ("trục trả lời cụt", "F04", "truncated", OPERATIONS),
    ("trục nhận mà không cho mã", "F06", "missing", ("sendEdoc",)),
    ("trục liệt kê hai lần", "F15", "", ("getReceivedEdocList",)),
    ("trục quên lời báo «done»", "F16", "", ("updateStatus",)),
    ("trục báo sai khóa, người trực mở lại kênh", "F07", "401", ("sendEdoc", "getReceivedEdocList")),
)
TWICE: Final = "trục giao lại gói đã giao, mã mới"


async def kill_any(stage: Stage, random: Random, happened: Counter[str]) -> None:
    """One process dies at any time, or while it starts."""
    victim = random.choice(stage.members)
    await rest(random.uniform(0.0, 0.5))
    if random.random() < SHARE_STARTING:
        happened[f"giết {victim.plan.roles[0]} bất kỳ lúc nào"] += await victim.kill()
        await victim.start()
        await rest(random.uniform(0.0, 1.5))
    happened[f"giết {victim.plan.roles[0]} bất kỳ lúc nào"] += await victim.kill()
    await victim.serve()


async def restart_postgres(stage: Stage, random: Random, happened: Counter[str]) -> None:
    """A fast shutdown, an immediate one, everything killed, or one session killed."""
    how = random.choice(("fast", "immediate", "kill", "session"))
    happened[f"PostgreSQL: {POSTGRES[how]}"] += 1
    if how == "session":
        await postgres_faults.kill_a_backend(stage.server.dsn)
        return
    signals = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT, "kill": signal.SIGKILL}
    await postgres_faults.restart(stage.server.cluster, signals[how], stage.server.dsn)


POSTGRES: Final = {
    "fast": "dừng và chạy lại",
    "immediate": "dừng ngay và phục hồi",
    "kill": "SIGKILL mọi tiến trình và phục hồi",
    "session": "SIGKILL một phiên, cả máy chủ phục hồi",
}


async def lose_a_broker(stage: Stage, random: Random, happened: Counter[str]) -> None:
    """One broker is killed or stands still for some seconds. Of three each in its turn, and of those whose turn it may
    be the one that leads most of the partitions in use; now and then the one that leads the controllers.
    """
    cluster = stage.cluster
    assert cluster is not None
    broker, name = await _chosen(cluster, random, happened)
    if random.random() < 0.25:
        happened[f"Kafka: {name} đứng yên"] += 1
        async with kafka_faults.paused(broker):
            await rest(random.uniform(2.0, 12.0))
        return
    happened[f"Kafka: SIGKILL {name}"] += 1
    async with kafka_faults.absent(cluster, broker):
        await rest(random.uniform(1.0, 8.0))


async def _chosen(cluster: Cluster, random: Random, happened: Counter[str]) -> tuple[BrokerProcess, str]:
    """The broker and what the report calls it."""
    if cluster.size == 1:
        return cluster.brokers[0], "broker"
    names = {one.number: f"broker {one.number} của ba" for one in cluster.brokers}
    turns = {number: sum(n for what, n in happened.items() if name in what) for number, name in names.items()}
    next_ones = [one for one in cluster.brokers if turns[one.number] == min(turns.values())]
    kafka = KafkaSettings(servers=cluster.bootstrap, prefix=PREFIX, request_seconds=5.0)
    topics = [kafka.topic(TOPIC, lane) for lane in Lane]
    broker = await kafka_faults.leading(next_ones, kafka, *topics)
    if random.random() < 0.2:
        broker = kafka_faults.leader(cluster)
    leads = (await kafka_faults.led(kafka, *topics))[broker.number]
    return broker, names[broker.number] + (", đang dẫn phân vùng có văn bản" if leads else "")


async def cut_the_axis(stage: Stage, random: Random, happened: Counter[str]) -> None:
    """The network between the node and the axis is cut in some way, or slow, for some seconds."""
    await _cut(stage, Wire.AXIS, "mạng tới trục", random, happened)


async def _cut(stage: Stage, where: Wire, what: str, random: Random, happened: Counter[str]) -> None:
    wires = stage.wires_to(where)
    how = random.choice((*Cut, None))
    happened[f"{what}: {CUTS[how]}"] += 1
    for wire in wires:
        if how is None:
            wire.slow(random.uniform(0.1, 0.6), 0.3)
        else:
            await wire.cut(how)
    await rest(random.uniform(1.0, 8.0))
    for wire in wires:
        wire.slow()
        await wire.mend()


CUTS: Final[dict[Cut | None, str]] = {
    Cut.RESET: "đứt, kết nối bị hủy",
    Cut.SILENT: "câm cả hai chiều",
    Cut.ANSWERS: "mất chiều trả lời",
    Cut.REQUESTS: "mất chiều hỏi",
    None: "chậm",
}


async def lose_the_store(stage: Stage, random: Random, happened: Counter[str]) -> None:
    """The S3 server is killed, stands still, or the network to it is cut in some way, for some seconds."""
    assert stage.s3 is not None
    how = random.choice(("kill", "pause", "cut", "cut"))
    if how == "cut":
        await _cut(stage, Wire.FILES, "mạng tới kho S3", random, happened)
        return
    happened[f"kho S3: {'SIGKILL máy chủ' if how == 'kill' else 'máy chủ đứng yên'}"] += 1
    async with s3_faults.absent(stage.s3) if how == "kill" else s3_faults.paused(stage.s3):
        await rest(random.uniform(1.0, 12.0))


async def wrong_axis(stage: Stage, random: Random, happened: Counter[str]) -> None:
    """The axis answers late, twice, wrong or never, a few times; or it hands out again what it handed out before."""
    if random.random() < 0.2:
        await _deliver_again(stage, random, happened)
        return
    name, code, variant, operations = random.choice(WRONGS)
    fault = {"code": code, "variant": variant, "operation": random.choice(operations), "count": random.randint(1, 4)}
    await _control(stage, "POST", "/faults", json=fault)
    happened[name] += fault["count"]
    await rest(random.uniform(0.5, 3.0))


async def _deliver_again(stage: Stage, random: Random, happened: Counter[str]) -> None:
    agency = random.choice(stage.scene.cast.own)
    found = await _control(stage, "GET", f"/packages?receiver={agency}&kind={random.choice(('edoc', 'status'))}")
    rows = [row for one in found[-200:] for row in one["deliveries"] if row["receiver"] == agency]
    for row in random.sample(rows, min(3, len(rows))):
        await _control(stage, "POST", "/redeliver", json={"receiver_doc_id": row["receiver_doc_id"], "twin": True})
        happened[TWICE] += 1


async def everything(stage: Stage, random: Random, happened: Counter[str]) -> None:
    """Two troubles at the same time."""
    async with asyncio.TaskGroup() as group:
        for trouble in random.sample(ALL, 2):
            group.create_task(trouble(stage, random, happened))


ALL: Final = (kill_any, kill_any, restart_postgres, lose_a_broker, cut_the_axis, wrong_axis)


async def fill_the_disk(stage: Stage, random: Random, happened: Counter[str]) -> None:
    """The disk of the file store has no byte left for some seconds."""
    happened["đĩa của kho tệp đầy"] += 1
    with disk_faults.filled(stage.scene.data / "files", leave=random.choice((0, 1 << 14, 1 << 20))):
        await rest(random.uniform(2.0, 6.0))


async def end_faults(stage: Stage) -> None:
    """The axis is well again."""
    await _control(stage, "DELETE", "/faults")


async def _control(stage: Stage, method: str, path: str, **more: Any) -> Any:
    url = stage.scene.control_url + path
    async with stage.scene.http.request(method, url, timeout=CONTROL_TIMEOUT, **more) as response:
        assert response.status == 200, await response.text()
        return await response.json()
