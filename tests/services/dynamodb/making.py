"""Tables for tests: one line each."""

from __future__ import annotations

import itertools
from typing import Any

from tests.node import Account

_numbers = itertools.count()


def make_table(account: Account, keys: str = "p:S", *, gsi: str = "", lsi: str = "", projection: str = "ALL", units: int = 0, **more: Any) -> str:
    """The name of a new table.  `keys` is `p:S` or `p:S n:N`; `gsi` gives a global index `by-<first>` on attributes written
    in the same way, `lsi` a local one; `units` makes it provisioned."""
    name = f"table-{next(_numbers)}"
    kinds = dict(one.split(":") for one in f"{keys} {gsi} {lsi}".split())
    settings: dict[str, Any] = {"BillingMode": "PAY_PER_REQUEST"}
    throughput = {"ProvisionedThroughput": {"ReadCapacityUnits": units, "WriteCapacityUnits": units}} if units else {}
    if units:
        settings = throughput
    if gsi:
        settings["GlobalSecondaryIndexes"] = [_index(gsi, projection) | throughput]
    if lsi:
        settings["LocalSecondaryIndexes"] = [_index(f"{keys.split()[0]} {lsi}", projection, lsi)]
    definitions = [{"AttributeName": attribute, "AttributeType": kind} for attribute, kind in kinds.items()]
    account.dynamodb.create_table(**{"TableName": name, "AttributeDefinitions": definitions, "KeySchema": _schema(keys), **settings, **more})
    return name


def _schema(keys: str) -> list[dict[str, str]]:
    names = [one.partition(":")[0] for one in keys.split()]
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


def _index(keys: str, projection: str, named: str = "") -> dict[str, Any]:
    return {
        "IndexName": f"by-{(named or keys).partition(':')[0]}",
        "KeySchema": _schema(keys),
        "Projection": {"ProjectionType": projection},
    }
