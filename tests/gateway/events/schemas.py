"""The JSON Schemas of ``schemas/events``, compiled once, and every message of a database held against them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

FOLDER = Path(__file__).parents[3] / "schemas" / "events"
SHARED = "public.v1"


@cache
def schemas() -> dict[str, dict[str, Any]]:
    """By type; what the public ones share is there as ``public.v1``."""
    return {path.name.removesuffix(".json"): json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}


@cache
def validator(kind: str) -> Draft202012Validator:
    known = Registry().with_resources(
        (f"{name}.json", Resource.from_contents(schema)) for name, schema in schemas().items()
    )
    return Draft202012Validator(schemas()[kind], registry=known, format_checker=Draft202012Validator.FORMAT_CHECKER)


def faults(kind: str, payload: Mapping[str, Any]) -> list[str]:
    """What is wrong with the payload of a message of this type."""
    if kind not in schemas():
        return [f"{kind}: no schema"]
    return [f"{kind} {error.json_path}: {error.message}" for error in validator(kind).iter_errors(dict(payload))]


def fields_of(kind: str) -> frozenset[str]:
    """Every field that the schema names."""
    schema = schemas()[kind]
    _, _, shape = schema.get("allOf", [{"$ref": ""}])[0]["$ref"].rpartition("/")
    shared = schemas()[SHARED]["$defs"][shape]["properties"] if shape else {}
    return frozenset(schema.get("properties", {})) | frozenset(shared)


def assert_all_valid(messages: Iterable[Mapping[str, Any]]) -> None:
    """Rows of ``outbox`` or ``public_outbox``."""
    wrong = [fault for row in messages for fault in faults(row["type"], row["payload"])]
    assert not wrong, "\n".join(wrong)
