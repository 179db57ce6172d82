"""What the service keeps, as documents under the account and region.

A registry:   description, tags, policy and revision where it has a policy
A schema:     type, description, tags, version (of the latest), modified_ms, versions ({number: {type, created_ms}})
A version:    content, under `registry/schema/number`
A binding:    status, created_ms, modified_ms, under `registry/schema/number/language`
A discoverer: source, state, cross_account, description, tags
"""

from __future__ import annotations

from typing import Any

from tule.services.schemas import errors
from tule.services.schemas.names import BUILT_IN, DISCOVERED, Scope
from tule.store.documents import Documents
from tule.store.store import Tx

REGISTRIES = Documents("schemas.registry")
SCHEMAS = Documents("schemas.schema")
CONTENTS = Documents("schemas.content")
DISCOVERERS = Documents("schemas.discoverer")
BINDINGS = Documents("schemas.binding")

Record = dict[str, Any]


def registry(tx: Tx, scope: Scope, name: str) -> Record:
    """Raises NotFoundException."""
    found = REGISTRIES.get(tx, *scope, name)
    if found is None:
        raise errors.no_registry(name)
    return found


def own_registry(tx: Tx, scope: Scope, name: str) -> Record:
    """One that may be changed.  Raises NotFoundException or ForbiddenException."""
    if name == BUILT_IN:
        raise errors.read_only(name)
    return registry(tx, scope, name)


def discovered_registry(tx: Tx, scope: Scope) -> None:
    """Make the registry of what is discovered, with its first discoverer."""
    REGISTRIES.create(tx, *scope, DISCOVERED, {"description": "", "tags": {}})


def find_schema(tx: Tx, scope: Scope, registry: str, name: str) -> Record | None:
    return SCHEMAS.get(tx, *scope, f"{registry}/{name}")


def put_schema(tx: Tx, scope: Scope, registry: str, name: str, record: Record) -> None:
    SCHEMAS.put(tx, *scope, f"{registry}/{name}", record)


def schemas(tx: Tx, scope: Scope, registry: str, prefix: str = "", after: str = "", limit: int = 1_000_000) -> list[tuple[str, Record]]:
    """By name, those of `registry` whose names begin with `prefix`."""
    start = f"{registry}/"
    found = SCHEMAS.page(tx, *scope, after=start + after, limit=limit, prefix=start + prefix)
    return [(key[len(start) :], record) for key, record in found]


def add_version(tx: Tx, scope: Scope, registry: str, name: str, record: Record, kind: str, content: str) -> Record:
    """The schema's record with one more version, stored."""
    number = str(int(record.get("version", "0")) + 1)
    versions = {**record.get("versions", {}), number: {"type": kind, "created_ms": tx.now_ms}}
    changed = {**record, "type": kind, "version": number, "versions": versions, "modified_ms": tx.now_ms}
    CONTENTS.put(tx, *scope, f"{registry}/{name}/{number}", {"content": content})
    put_schema(tx, scope, registry, name, changed)
    return changed


def content(tx: Tx, scope: Scope, registry: str, name: str, number: str) -> str | None:
    found = CONTENTS.get(tx, *scope, f"{registry}/{name}/{number}")
    return None if found is None else found["content"]


def delete_version(tx: Tx, scope: Scope, registry: str, name: str, record: Record, number: str) -> None:
    """The last one takes the schema with it."""
    _forget_version(tx, scope, f"{registry}/{name}/{number}")
    left = {each: version for each, version in record["versions"].items() if each != number}
    if not left:
        SCHEMAS.delete(tx, *scope, f"{registry}/{name}")
        return
    latest = max(left, key=int)
    put_schema(tx, scope, registry, name, {**record, "versions": left, "version": latest, "type": left[latest]["type"]})


def delete_schema(tx: Tx, scope: Scope, registry: str, name: str, record: Record) -> None:
    for number in record["versions"]:
        _forget_version(tx, scope, f"{registry}/{name}/{number}")
    SCHEMAS.delete(tx, *scope, f"{registry}/{name}")


def _forget_version(tx: Tx, scope: Scope, key: str) -> None:
    """Its content, and the bindings made of it."""
    CONTENTS.delete(tx, *scope, key)
    for binding, _ in BINDINGS.page(tx, *scope, prefix=f"{key}/"):
        BINDINGS.delete(tx, *scope, binding)
