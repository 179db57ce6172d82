"""What Lambda keeps: functions, versions and aliases as documents; deployment packages and who uses them in tables.

A function's document:
    configuration   the members of FunctionConfiguration of $LATEST (its FunctionArn unqualified)
    generation      changes with code and configuration, and with nothing else: instances belong to a generation
    code            the package's SHA-256 in hexadecimal; layers those of its layers; unpacked and layers_unpacked their sizes
    published       the number of the last published version
    tags, reserved (concurrent executions, or null), policies {qualifier or "": {revision, statements}},
    event_invoke {qualifier: config}; and where they were set: recursive_loop, runtime_management {version: config}, code_signing
A version's document has configuration, generation, code and layers, scaling where that was set, and described: the
function's own description, where the version has another; an alias's the members of AliasConfiguration.
"""

from __future__ import annotations

from typing import Any

from tule.services.lambda_ import errors
from tule.services.lambda_.names import LATEST, FunctionRef, is_published
from tule.store.documents import Documents
from tule.store.store import Tx

FUNCTIONS = Documents("lambda.function")
VERSIONS = Documents("lambda.version")
ALIASES = Documents("lambda.alias")
RESERVED = Documents("lambda.reserved")  # one a region: {"functions": {name: reserved concurrent executions}}

SCHEMA = """
CREATE TABLE lambda_packages (
    sha256 TEXT NOT NULL,
    blob TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (sha256)
);
CREATE INDEX lambda_packages_by_blob ON lambda_packages (blob);
CREATE TABLE lambda_package_uses (
    sha256 TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    function TEXT NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (account, region, function, version)
);
CREATE INDEX lambda_package_uses_by_package ON lambda_package_uses (sha256);
"""

_ADD_PACKAGE = "INSERT INTO lambda_packages (sha256, blob, size) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_PACKAGE_BLOB = "SELECT blob FROM lambda_packages WHERE sha256 = ?"
_BLOB_HELD = "SELECT 1 FROM lambda_packages WHERE blob = ?"
_USE = (
    "INSERT INTO lambda_package_uses (sha256, account, region, function, version) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (account, region, function, version) DO UPDATE SET sha256 = excluded.sha256"
)
_USED_BY = "SELECT sha256 FROM lambda_package_uses WHERE account = ? AND region = ? AND function = ? AND version = ?"
_USED_BY_ALL = "SELECT sha256 FROM lambda_package_uses WHERE account = ? AND region = ? AND function = ?"
_UNUSE = "DELETE FROM lambda_package_uses WHERE account = ? AND region = ? AND function = ? AND version = ?"
_UNUSE_ALL = "DELETE FROM lambda_package_uses WHERE account = ? AND region = ? AND function = ?"
_DROP_UNUSED = (
    "DELETE FROM lambda_packages WHERE sha256 = ? AND NOT EXISTS (SELECT 1 FROM lambda_package_uses u WHERE u.sha256 = lambda_packages.sha256)"
)
_HELD = "SELECT version, sha256 FROM lambda_package_uses WHERE account = ? AND region = ? AND function = ? AND version > ? AND version < ?"
_TOTAL_SIZE = (
    "SELECT COALESCE(SUM(p.size), 0) FROM lambda_package_uses u JOIN lambda_packages p ON p.sha256 = u.sha256 WHERE u.account = ? AND u.region = ?"
)
_FUNCTION_COUNT = "SELECT COUNT(*) FROM documents WHERE kind = ? AND account = ? AND region = ?"
_VERSION_DIGITS = 12

CHANGED = "lambda.changed"
"""The topic that is woken whenever anything about a function changed: caches look again."""


def find_function(tx: Tx, ref: FunctionRef) -> dict[str, Any] | None:
    return FUNCTIONS.get(tx, ref.account, ref.region, ref.name)


def function(tx: Tx, ref: FunctionRef) -> dict[str, Any]:
    """Raises ResourceNotFoundException."""
    found = find_function(tx, ref)
    if found is None:
        raise errors.function_not_found(ref.qualified_arn)
    return found


def put_function(tx: Tx, ref: FunctionRef, body: dict[str, Any]) -> None:
    FUNCTIONS.put(tx, ref.account, ref.region, ref.name, body)
    tx.wake(CHANGED)


def functions(tx: Tx, account: str, region: str, after: str, limit: int) -> list[tuple[str, dict[str, Any]]]:
    return FUNCTIONS.page(tx, account, region, after=after, limit=limit)


def runtimes(tx: Tx) -> set[str]:
    """Those of all functions, in all accounts."""
    return {body["configuration"]["Runtime"] for _, _, _, body in FUNCTIONS.everywhere(tx)}


def delete_function(tx: Tx, ref: FunctionRef) -> None:
    """The function with its versions, aliases and packages."""
    prefix = f"{ref.name}/"
    for documents in (VERSIONS, ALIASES):
        for key, _ in documents.page(tx, ref.account, ref.region, prefix=prefix):
            documents.delete(tx, ref.account, ref.region, key)
    FUNCTIONS.delete(tx, ref.account, ref.region, ref.name)
    reserve(tx, ref, None)
    used = {row[0] for row in tx.all(_USED_BY_ALL, ref.account, ref.region, ref.name)}
    tx.execute(_UNUSE_ALL, ref.account, ref.region, ref.name)
    for sha256 in used:
        tx.execute(_DROP_UNUSED, sha256)
    tx.wake(CHANGED)


def function_count(tx: Tx, account: str, region: str) -> int:
    row = tx.one(_FUNCTION_COUNT, FUNCTIONS.kind, account, region)
    return int(row[0]) if row else 0


def reserved_by_function(tx: Tx, account: str, region: str) -> dict[str, int]:
    """Reserved concurrent executions of the functions that have any."""
    body = RESERVED.get(tx, account, region, "functions")
    return {} if body is None else body["functions"]


def reserve(tx: Tx, ref: FunctionRef, executions: int | None) -> None:
    """Set the function's reserved concurrency; None takes it away."""
    functions = reserved_by_function(tx, ref.account, ref.region)
    if executions is not None:
        functions[ref.name] = executions
    elif functions.pop(ref.name, None) is None:
        return
    RESERVED.put(tx, ref.account, ref.region, "functions", {"functions": functions})


def version(tx: Tx, ref: FunctionRef, number: str) -> dict[str, Any] | None:
    return VERSIONS.get(tx, ref.account, ref.region, _version_key(ref.name, number))


def put_version(tx: Tx, ref: FunctionRef, number: str, body: dict[str, Any]) -> None:
    VERSIONS.put(tx, ref.account, ref.region, _version_key(ref.name, number), body)
    tx.wake(CHANGED)


def versions(tx: Tx, ref: FunctionRef, after: str = "", limit: int = 1_000_000) -> list[dict[str, Any]]:
    """Published versions in the order of their numbers, those after number `after`."""
    key = _version_key(ref.name, after) if after else ""
    return [body for _, body in VERSIONS.page(tx, ref.account, ref.region, after=key, limit=limit, prefix=f"{ref.name}/")]


def delete_version(tx: Tx, ref: FunctionRef, number: str) -> bool:
    release_package(tx, ref, number)
    hold_layers(tx, ref, number, [])
    tx.wake(CHANGED)
    return VERSIONS.delete(tx, ref.account, ref.region, _version_key(ref.name, number))


def _version_key(name: str, number: str) -> str:
    return f"{name}/{number.zfill(_VERSION_DIGITS)}"


def alias(tx: Tx, ref: FunctionRef, name: str) -> dict[str, Any] | None:
    return ALIASES.get(tx, ref.account, ref.region, f"{ref.name}/{name}")


def create_alias(tx: Tx, ref: FunctionRef, name: str, body: dict[str, Any]) -> bool:
    tx.wake(CHANGED)
    return ALIASES.create(tx, ref.account, ref.region, f"{ref.name}/{name}", body)


def put_alias(tx: Tx, ref: FunctionRef, name: str, body: dict[str, Any]) -> None:
    ALIASES.put(tx, ref.account, ref.region, f"{ref.name}/{name}", body)
    tx.wake(CHANGED)


def delete_alias(tx: Tx, ref: FunctionRef, name: str) -> bool:
    tx.wake(CHANGED)
    return ALIASES.delete(tx, ref.account, ref.region, f"{ref.name}/{name}")


def aliases(tx: Tx, ref: FunctionRef, after: str = "", limit: int = 1_000_000) -> list[dict[str, Any]]:
    key = f"{ref.name}/{after}" if after else ""
    return [body for _, body in ALIASES.page(tx, ref.account, ref.region, after=key, limit=limit, prefix=f"{ref.name}/")]


def use_package(tx: Tx, ref: FunctionRef, number: str, sha256: str, blob: str, size: int) -> None:
    """The function's version (`$LATEST` or a number) runs this package from now on; the one that it ran before may go."""
    before = tx.one(_USED_BY, ref.account, ref.region, ref.name, number)
    tx.execute(_ADD_PACKAGE, sha256, blob, size)
    tx.execute(_USE, sha256, ref.account, ref.region, ref.name, number)
    if before is not None and before[0] != sha256:
        tx.execute(_DROP_UNUSED, before[0])


def share_package(tx: Tx, ref: FunctionRef, number: str, sha256: str) -> None:
    """A published version runs the package of $LATEST."""
    tx.execute(_USE, sha256, ref.account, ref.region, ref.name, number)


def release_package(tx: Tx, ref: FunctionRef, number: str) -> None:
    before = tx.one(_USED_BY, ref.account, ref.region, ref.name, number)
    if before is not None:
        tx.execute(_UNUSE, ref.account, ref.region, ref.name, number)
        tx.execute(_DROP_UNUSED, before[0])


def hold_layers(tx: Tx, ref: FunctionRef, number: str, sha256s: list[str]) -> None:
    """The function's version has the packages of these layers from now on, also when the layers are deleted."""
    for held, _ in tx.all(_HELD, ref.account, ref.region, ref.name, f"{number}+", f"{number},"):
        release_package(tx, ref, held)
    for i, sha256 in enumerate(sha256s):
        tx.execute(_USE, sha256, ref.account, ref.region, ref.name, f"{number}+{i}")


def package_blob(tx: Tx, sha256: str) -> str | None:
    row = tx.one(_PACKAGE_BLOB, sha256)
    return None if row is None else str(row[0])


def packages_among(tx: Tx, sha256s: list[str]) -> set[str]:
    return {sha256 for sha256 in sha256s if tx.one(_PACKAGE_BLOB, sha256) is not None}


def blobs_held(tx: Tx, names: list[str]) -> set[str]:
    """For the sweeper: those of `names` that are packages of functions."""
    return {name for name in names if tx.one(_BLOB_HELD, name) is not None}


def total_code_bytes(tx: Tx, account: str, region: str) -> int:
    row = tx.one(_TOTAL_SIZE, account, region)
    return int(row[0]) if row else 0


def resolve(tx: Tx, ref: FunctionRef, pick: float = 0.0) -> tuple[dict[str, Any], dict[str, Any]]:
    """The function, and the document of the version that `ref` names: $LATEST, a number, or an alias.

    `pick`, from 0 to 1, chooses between the versions of an alias that splits its traffic.  Raises ResourceNotFoundException.
    """
    found = function(tx, ref)
    qualifier = ref.qualifier
    if qualifier is None or qualifier == LATEST:
        return found, found
    if not is_published(qualifier):
        pointer = alias(tx, ref, qualifier)
        if pointer is None:
            raise errors.function_not_found(ref.qualified_arn)
        qualifier = _alias_target(pointer, pick)
        if qualifier == LATEST:
            return found, found
    published = version(tx, ref, qualifier)
    if published is None:
        raise errors.function_not_found(ref.qualified_arn)
    return found, published


def _alias_target(pointer: dict[str, Any], pick: float) -> str:
    weights: dict[str, float] = pointer.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    for number, weight in weights.items():
        if pick < weight:
            return number
        pick -= weight
    return str(pointer["FunctionVersion"])
