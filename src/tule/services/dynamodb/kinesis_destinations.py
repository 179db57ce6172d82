"""Changes of items on their way to Kinesis streams.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds.html
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import md5
from typing import Any

import orjson

from tule.backbone.jobs import enqueue
from tule.lang.dynamodb.sizes import size
from tule.platform import targets
from tule.services.dynamodb.state.items import Stored
from tule.services.dynamodb.streams.records import name_of
from tule.services.dynamodb.table import Table
from tule.store.store import Tx

SERVICE = "kinesisreplication.dynamodb.amazonaws.com"
DAY_MS = 86_400_000


def send(tx: Tx, table: Table, key_item: Mapping[str, Any], old: Stored | None, new: Stored | None, identity: Mapping[str, str] | None) -> None:
    """To every stream that the table's changes go to, in the order of each item's changes."""
    partition = md5(table.uuid.encode() + orjson.dumps(key_item, option=orjson.OPT_SORT_KEYS), usedforsecurity=False).hexdigest().upper()
    for stream, settings in table.config["destinations"].items():
        text = _text(tx, table, key_item, old, new, identity, settings.get("precision"))
        enqueue(
            tx,
            targets.job(
                stream,
                text,
                account=table.account,
                region=table.region,
                source_service=SERVICE,
                source_arn=table.arn,
                role=settings["role"],
                settings={"PartitionKey": partition},
                group=f"{stream} {partition}",
                max_attempts=1_000,
                expires_ms=tx.now_ms + DAY_MS,
            ),
        )


def _text(
    tx: Tx,
    table: Table,
    key_item: Mapping[str, Any],
    old: Stored | None,
    new: Stored | None,
    identity: Mapping[str, str] | None,
    precision: str | None,
) -> str:
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": tx.now_ms * 1000 if precision == "MICROSECOND" else tx.now_ms,
        "Keys": key_item,
    }
    if new is not None:
        change["NewImage"] = orjson.Fragment(new.item)
    if old is not None:
        change["OldImage"] = orjson.Fragment(old.item)
    change["SizeBytes"] = size(key_item) + sum(image.size for image in (old, new) if image is not None)
    if precision is not None:
        change["ApproximateCreationDateTimePrecision"] = precision
    shown: dict[str, Any] = {
        "awsRegion": table.region,
        "eventID": tx.ids.uuid(),
        "eventName": name_of(old, new).decode(),
        "userIdentity": None if identity is None else {"type": identity["Type"], "principalId": identity["PrincipalId"]},
        "recordFormat": "application/json",
        "tableName": table.name,
        "dynamodb": change,
        "eventSource": "aws:dynamodb",
    }
    return orjson.dumps(shown).decode()
