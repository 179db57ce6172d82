"""Tags of tables.  AWS: DynamoDB API reference, TagResource, UntagResource, ListTagsOfResource."""

from __future__ import annotations

from typing import Any

from tule.core.tags import to_list
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import errors, tagging
from tule.services.dynamodb.names import resource_ref
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import Table
from tule.store.store import Tx

Params = dict[str, Any]


def tag_resource(call: Call, tx: Tx, params: Params) -> None:
    table = _table(tx, params["ResourceArn"])
    if not params["Tags"]:
        raise errors.validation("1 validation error detected: Value '[]' at 'tags' failed to satisfy constraint: Member must have length >= 1")
    tags = {**table.tags, **tagging.given(params["Tags"])}
    tagging.check_count(tags)
    rows.configure(tx, table, tags=tags)


def untag_resource(call: Call, tx: Tx, params: Params) -> None:
    table = _table(tx, params["ResourceArn"])
    gone = frozenset(params["TagKeys"])
    rows.configure(tx, table, tags={key: value for key, value in table.tags.items() if key not in gone})


@reads
def list_tags_of_resource(call: Call, tx: Tx, params: Params) -> Params:
    """All of them at once: a table has fifty at most."""
    return {"Tags": to_list(_table(tx, params["ResourceArn"]).tags)}


def _table(tx: Tx, arn: str) -> Table:
    """Raises ValidationException, ResourceNotFoundException."""
    if not arn.startswith("arn:"):
        raise errors.validation(f"Invalid TableArn: ARNs must start with 'arn:': {arn}")
    ref = resource_ref(arn)
    if ref is None:
        raise errors.invalid_table_arn(arn)
    if ref.kind != "table":
        raise errors.parameter_values(f"Invalid resource arn provided, only table or stream is accepted. Provided resource arn: {arn}")
    table = rows.find(tx, *ref.table)
    if table is None:
        raise errors.no_resource_at(arn)
    return table
