"""The schemas' data: `data/resource_schemas.zip`, written by `scripts/generate_resource_schemas.py`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson

ARCHIVE = Path(__file__).parent.parent / "data" / "resource_schemas.zip"
Schema = dict[str, Any]


@cache
def type_names() -> frozenset[str]:
    """All types that CloudFormation has."""
    return frozenset(_member("index.json")["types"])


def find(type_name: str) -> Schema | None:
    """The schema of a type, None when CloudFormation has no such type (or it is a custom one)."""
    if type_name not in type_names():
        return None
    vendor, service, _ = type_name.split("::")
    return _namespace(f"{vendor}/{service}.json")[type_name]


@cache
def _namespace(member: str) -> dict[str, Schema]:
    return _member(member)


def _member(name: str) -> dict[str, Any]:
    import zipfile  # slow to load, and not needed before somebody asks

    with zipfile.ZipFile(ARCHIVE) as archive:
        return orjson.loads(archive.read(name))


def read_only(schema: Schema) -> list[str]:
    """Paths below `properties` of what only the service sets (`Arn`, `Endpoint.Address`)."""
    return [path.removeprefix("/properties/").replace("/", ".") for path in schema.get("readOnlyProperties", ())]
