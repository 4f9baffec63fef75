"""The OpenAPI document at run time: its operations, the checks they ask for, its own bytes for the docs page.

The document is the contract: routes, callers, parameters and JSON bodies come from it, so code and contract cannot
drift apart. Validators are compiled once at the start; a validation by openapi-core costs a millisecond per request,
this one some microseconds. Knows no HTTP server.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

_METHODS: Final = ("get", "post", "put", "patch", "delete")


class Audience(StrEnum):
    """Who may call an operation: the security scheme of the document."""

    AGENCY = "agencyKey"
    OPERATOR = "operatorKey"
    ANYBODY = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    name: str
    place: str  # path, query, header
    required: bool
    kind: str  # integer or string
    default: object
    validator: Draft202012Validator


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    id: str
    method: str
    path: str
    audience: Audience
    parameters: tuple[Parameter, ...]
    body: Draft202012Validator | None  # None: no JSON body, or one that streams


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    operations: tuple[Operation, ...]
    metadata: Draft202012Validator
    signing: Draft202012Validator  # the metadata part of a signing case
    as_yaml: bytes
    as_json: bytes


@cache
def load_contract() -> Contract:
    """Read and compile the document that is shipped with the package, once per process."""
    text = (files("lienthong") / "schemas" / "api" / "openapi.yaml").read_bytes()
    document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    plain = _inline(document, document)
    return Contract(
        operations=tuple(
            _operation(plain, path, item, method)
            for path, item in plain["paths"].items()
            for method in _METHODS
            if method in item
        ),
        metadata=_compile(plain["components"]["schemas"]["DocumentMetadata"]),
        signing=_compile(plain["components"]["schemas"]["SigningRequest"]),
        as_yaml=text,
        as_json=json.dumps(document, ensure_ascii=False, default=str).encode(),
    )


def _operation(document: Mapping[str, Any], path: str, item: Mapping[str, Any], method: str) -> Operation:
    described = item[method]
    security = described.get("security", document["security"])
    content = described.get("requestBody", {}).get("content", {})
    body = content.get("application/json")
    return Operation(
        id=described["operationId"],
        method=method.upper(),
        path=path,
        audience=Audience(next(iter(security[0]))) if security else Audience.ANYBODY,
        parameters=tuple(_parameter(p) for p in (*item.get("parameters", ()), *described.get("parameters", ()))),
        body=_compile(body["schema"]) if body else None,
    )


def _parameter(value: Mapping[str, Any]) -> Parameter:
    schema = value["schema"]
    return Parameter(
        name=value["name"],
        place=value["in"],
        required=value.get("required", False),
        kind=schema["type"],
        default=schema.get("default"),
        validator=_compile(schema),
    )


def _compile(schema: Mapping[str, Any]) -> Draft202012Validator:
    """What is shipped is a schema: the tests have checked each."""
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _inline(value: Any, document: Mapping[str, Any]) -> Any:
    """The document without references (it has no recursive schema): looking them up costs more than validating."""
    if isinstance(value, list):
        return [_inline(item, document) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        target: Any = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return _inline(target, document)
    return {key: _inline(item, document) for key, item in value.items()}
