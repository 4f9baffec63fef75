"""Log lines: one JSON object each, and nothing in them that must not be written down."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from lienthong.gateway.monitoring.logs import HIDDEN, configure
from lienthong.gateway.monitoring.seldom import Seldom

SECRET = "TEST-0123456789abcdef"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A configured process; put back as it was, because logging is global."""
    root = logging.getLogger()
    before, level, configured = root.handlers[:], root.level, structlog.get_config()
    text = io.StringIO()
    configure(level="info", form="json", stream=text)
    yield text
    root.handlers[:] = before
    root.setLevel(level)
    structlog.configure(**configured)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_object_with_its_fields(stream: io.StringIO) -> None:
    structlog.get_logger("lienthong.test").info("sent", exchange="vb_1", attempt=2)
    (line,) = lines(stream)
    assert (line["event"], line["exchange"], line["attempt"]) == ("sent", "vb_1", 2)
    assert (line["level"], line["logger"]) == ("info", "lienthong.test")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "fields",
    [
        {"authorization": SECRET},
        {"Authorization": SECRET},
        {"api_key": SECRET},
        {"secret": SECRET},
        {"axis_secret": SECRET},
        {"pin": SECRET},
        {"otp": SECRET},
        {"dsn": SECRET},
        {"headers": {"X-Api-Key": SECRET, "Authorization": SECRET}},
        {"many": [{"password": SECRET}]},
        {"text": f"GET / Authorization: Bearer {SECRET}"},
        {"text": f"postgresql://app:{SECRET}@127.0.0.1/x"},
        {"body": SECRET.encode()},
    ],
)
def test_no_secret_is_written(stream: io.StringIO, fields: dict[str, Any]) -> None:
    structlog.get_logger().warning("event", **fields)
    assert SECRET not in stream.getvalue()
    assert lines(stream)


@pytest.mark.parametrize("mark", ["lt", "ltvh"])
def test_of_a_key_of_ours_only_whose_it_is_is_written(stream: io.StringIO, mark: str) -> None:
    structlog.get_logger().warning(f"b'Bearer \\xe1\\n{mark}_ba0526112616_{'5e' * 32}'")
    (line,) = lines(stream)
    assert line["event"].endswith(f"n{mark}_ba0526112616_{HIDDEN}'")


def test_what_only_sounds_like_a_secret_is_kept(stream: io.StringIO) -> None:
    structlog.get_logger().info("x", keyword="a", monkey="b", key_count=3)
    (line,) = lines(stream)
    assert (line["keyword"], line["monkey"], line["key_count"]) == ("a", "b", 3)


def test_libraries_are_redacted_as_well(stream: io.StringIO) -> None:
    logging.getLogger("aiohttp.client").warning("sent %s", f"Bearer {SECRET}")
    (line,) = lines(stream)
    assert line["event"] == f"sent Bearer {HIDDEN}"


def test_a_traceback_tells_no_local_variables(stream: io.StringIO) -> None:
    def fail(content: str) -> None:
        raise ValueError(f"Bearer {content}")

    try:
        fail(SECRET)
    except ValueError:
        structlog.get_logger().exception("broken")
    assert SECRET not in stream.getvalue()
    assert lines(stream)[0]["exception"][0]["exc_type"] == "ValueError"


def test_level_is_kept(stream: io.StringIO) -> None:
    structlog.get_logger().debug("not shown")
    assert stream.getvalue() == ""


def test_what_a_library_repeats_while_its_server_is_away_is_written_once_a_minute(stream: io.StringIO) -> None:
    chatty, other = logging.getLogger("aiokafka.conn"), logging.getLogger("aiokafkaesque")
    for n in range(100):
        chatty.error("Unable connect to node with id %s", n)
        other.error("Unable connect to node with id %s", n)
    chatty.error("Something else")
    said = [line["logger"] for line in lines(stream)]
    assert (said.count("aiokafka.conn"), said.count("aiokafkaesque")) == (2, 100)


def test_a_minute_later_it_is_written_again() -> None:
    seldom = Seldom("aiokafka", seconds=60.0)
    record = logging.makeLogRecord({"name": "aiokafka", "msg": "away", "created": 1000.0})
    assert [seldom.filter(record), seldom.filter(record)] == [True, False]
    record.created += 60.0
    assert seldom.filter(record)
