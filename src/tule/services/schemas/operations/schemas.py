"""Schemas and their versions.  AWS: EventBridge Schemas API reference, Schemas, Schema versions, Search, Export."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.schemas import built_in, errors, inference, listing, state
from tule.services.schemas.names import BUILT_IN, Scope, schema_arn, scope_of
from tule.services.schemas.state import Record
from tule.services.schemas.tags import checked
from tule.store.store import Tx

Params = dict[str, Any]

OPEN_API = "OpenApi3"
JSON_SCHEMA = "JSONSchemaDraft4"
_BUILT_IN: Record = {
    "type": OPEN_API,
    "description": "",
    "tags": {},
    "version": "1",
    "modified_ms": built_in.CREATED_MS,
    "versions": {"1": {"type": OPEN_API, "created_ms": built_in.CREATED_MS}},
}


def create_schema(call: Call, tx: Tx, params: Params) -> Params:
    registry, name, scope = params["RegistryName"], params["SchemaName"], scope_of(call)
    state.own_registry(tx, scope, registry)
    _check(params["Type"], params["Content"])
    if state.find_schema(tx, scope, registry, name) is not None:
        raise errors.conflict(f"Schema with name {name} already exists in registry {registry}.")
    record: Record = {"description": params.get("Description", ""), "tags": checked(params.get("Tags"))}
    record = state.add_version(tx, scope, registry, name, record, params["Type"], params["Content"])
    return _shown(scope, registry, name, record, record["version"])


def update_schema(call: Call, tx: Tx, params: Params) -> Params:
    registry, name, scope = params["RegistryName"], params["SchemaName"], scope_of(call)
    state.own_registry(tx, scope, registry)
    record = _schema(tx, scope, registry, name)
    if "Description" in params:
        record |= {"description": params["Description"], "modified_ms": tx.now_ms}
        state.put_schema(tx, scope, registry, name, record)
    kind = params.get("Type", record["type"])
    if "Content" in params:
        _check(kind, params["Content"])
        if params["Content"] != state.content(tx, scope, registry, name, record["version"]):
            record = state.add_version(tx, scope, registry, name, record, kind, params["Content"])
    elif kind != record["type"]:
        raise errors.bad_request("Content is required to change the type of a schema.")
    return _shown(scope, registry, name, record, record["version"])


@reads
def describe_schema(call: Call, tx: Tx, params: Params) -> Params:
    registry, name, scope = params["RegistryName"], params["SchemaName"], scope_of(call)
    record, number, content = version(tx, scope, registry, name, params.get("SchemaVersion"))
    return {**_shown(scope, registry, name, record, number), "Content": content}


@reads
def export_schema(call: Call, tx: Tx, params: Params) -> Params:
    registry, name, scope = params["RegistryName"], params["SchemaName"], scope_of(call)
    if params["Type"] != JSON_SCHEMA:
        raise errors.bad_request(f"Schemas can be exported as {JSON_SCHEMA} only.")
    record, number, content = version(tx, scope, registry, name, params.get("SchemaVersion"))
    if record["versions"][number]["type"] == OPEN_API:
        content = orjson.dumps(inference.as_json_schema(orjson.loads(content))).decode()
    return {"Content": content, "SchemaArn": schema_arn(scope, registry, name), "SchemaName": name, "SchemaVersion": number, "Type": JSON_SCHEMA}


def delete_schema(call: Call, tx: Tx, params: Params) -> None:
    registry, name, scope = params["RegistryName"], params["SchemaName"], scope_of(call)
    state.own_registry(tx, scope, registry)
    state.delete_schema(tx, scope, registry, name, _schema(tx, scope, registry, name))


def delete_schema_version(call: Call, tx: Tx, params: Params) -> None:
    registry, name, scope = params["RegistryName"], params["SchemaName"], scope_of(call)
    state.own_registry(tx, scope, registry)
    record, number, _ = version(tx, scope, registry, name, params["SchemaVersion"])
    state.delete_version(tx, scope, registry, name, record, number)


@reads
def list_schemas(call: Call, tx: Tx, params: Params) -> Params:
    registry, scope = params["RegistryName"], scope_of(call)
    after, limit = listing.start(call, params)
    entries = [
        (
            name,
            {
                "LastModified": record["modified_ms"] / 1000,
                "SchemaArn": schema_arn(scope, registry, name),
                "SchemaName": name,
                "Tags": record["tags"],
                "VersionCount": len(record["versions"]),
            },
        )
        for name, record in _schemas(tx, scope, registry, params.get("SchemaNamePrefix", ""), after, limit + 1)
    ]
    return listing.shown(call, "Schemas", entries, limit)


@reads
def list_schema_versions(call: Call, tx: Tx, params: Params) -> Params:
    registry, name, scope = params["RegistryName"], params["SchemaName"], scope_of(call)
    after, limit = listing.start(call, params)
    record = _schema(tx, scope, registry, name)
    rest = [number for number in sorted(record["versions"], key=int) if not after or int(number) > int(after)]
    arn = schema_arn(scope, registry, name)
    entries = [
        (number, {"SchemaArn": arn, "SchemaName": name, "SchemaVersion": number, "Type": record["versions"][number]["type"]})
        for number in rest[: limit + 1]
    ]
    return listing.shown(call, "SchemaVersions", entries, limit)


@reads
def search_schemas(call: Call, tx: Tx, params: Params) -> Params:
    """Schemas in whose name or content, in some version, every keyword occurs."""
    registry, scope = params["RegistryName"], scope_of(call)
    words = params["Keywords"].lower().split()
    if not words:
        raise errors.bad_request("Keywords must not be empty.")
    after, limit = listing.start(call, params)
    entries: list[tuple[str, Params]] = []
    for name, record in _schemas(tx, scope, registry, "", after, 1_000_000):
        found = [number for number, content in _contents(tx, scope, registry, name, record) if _has(words, f"{name} {content}")]
        if found:
            entries.append((name, _result(scope, registry, name, record, found)))
        if len(entries) > limit:
            break
    return listing.shown(call, "Schemas", entries, limit)


def _has(words: list[str], text: str) -> bool:
    lowered = text.lower()
    return all(word in lowered for word in words)


def _result(scope: Scope, registry: str, name: str, record: Record, numbers: list[str]) -> Params:
    versions = [
        {"CreatedDate": record["versions"][number]["created_ms"] / 1000, "SchemaVersion": number, "Type": record["versions"][number]["type"]}
        for number in numbers
    ]
    return {"RegistryName": registry, "SchemaArn": schema_arn(scope, registry, name), "SchemaName": name, "SchemaVersions": versions}


def _contents(tx: Tx, scope: Scope, registry: str, name: str, record: Record) -> Iterator[tuple[str, str]]:
    for number in sorted(record["versions"], key=int):
        yield number, _content(tx, scope, registry, name, number) or ""


def _schemas(tx: Tx, scope: Scope, registry: str, prefix: str, after: str, limit: int) -> list[tuple[str, Record]]:
    if registry == BUILT_IN:
        return [(name, _BUILT_IN) for name in built_in.schemas() if name > after and name.startswith(prefix)][:limit]
    state.registry(tx, scope, registry)
    return state.schemas(tx, scope, registry, prefix, after, limit)


def _schema(tx: Tx, scope: Scope, registry: str, name: str) -> Record:
    """Raises NotFoundException."""
    if registry == BUILT_IN:
        found = _BUILT_IN if name in built_in.schemas() else None
    else:
        state.registry(tx, scope, registry)
        found = state.find_schema(tx, scope, registry, name)
    if found is None:
        raise errors.no_schema(registry, name)
    return found


def version(tx: Tx, scope: Scope, registry: str, name: str, number: str | None) -> tuple[Record, str, str]:
    """The schema, the number (the latest one's without a number), its content.  Raises NotFoundException."""
    record = _schema(tx, scope, registry, name)
    chosen = number or record["version"]
    content = _content(tx, scope, registry, name, chosen)
    if content is None:
        raise errors.no_version(name, chosen)
    return record, chosen, content


def _content(tx: Tx, scope: Scope, registry: str, name: str, number: str) -> str | None:
    if registry == BUILT_IN:
        return built_in.schemas()[name] if number == "1" else None
    return state.content(tx, scope, registry, name, number)


def _check(kind: str, content: str) -> None:
    """Raises BadRequestException."""
    if kind not in (OPEN_API, JSON_SCHEMA):
        raise errors.bad_request(f"Type must be {OPEN_API} or {JSON_SCHEMA}.")
    try:
        document = orjson.loads(content)
    except ValueError as error:
        raise errors.bad_request(f"The content is not valid JSON: {error}.") from error
    if not isinstance(document, dict):
        raise errors.bad_request("The content must be a JSON object.")
    if kind == OPEN_API and not str(document.get("openapi", "")).startswith("3.0"):  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        raise errors.bad_request("The content is not an OpenAPI 3.0 document.")


def _shown(scope: Scope, registry: str, name: str, record: Record, number: str) -> Params:
    version = record["versions"][number]
    described = {"Description": record["description"]} if record["description"] else {}
    return {
        **described,
        "LastModified": record["modified_ms"] / 1000,
        "SchemaArn": schema_arn(scope, registry, name),
        "SchemaName": name,
        "SchemaVersion": number,
        "Tags": record["tags"],
        "Type": version["type"],
        "VersionCreatedDate": version["created_ms"] / 1000,
    }
