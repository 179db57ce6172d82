"""Global indexes of a stack's table, from one template to the next.

AWS: CloudFormation template reference, AWS::DynamoDB::Table, GlobalSecondaryIndexes: one index is created or deleted per update.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.core.errors import validation
from tule.services.dynamodb.resources.calls import StackTable

Params = Mapping[str, Any]

_MEMBERS = ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput", "OnDemandThroughput", "WarmThroughput")
_CHANGEABLE = ("ProvisionedThroughput", "OnDemandThroughput", "WarmThroughput")


def of_api(index: Params) -> dict[str, Any]:
    """An index as CreateTable takes it."""
    return {member: index[member] for member in _MEMBERS if index.get(member) is not None}


async def change(table: StackTable, new: Sequence[Params], definitions: Sequence[Params]) -> None:
    """From the indexes that the table has: a stack that is rolled back finds those that are there.

    Raises ValidationException for more than one creation or deletion; an index whose keys change is deleted and created.
    """
    before = {index["IndexName"]: index for index in (await table.describe()).get("GlobalSecondaryIndexes") or ()}
    after = {index["IndexName"]: index for index in new}
    changed = {name for name in before.keys() & after.keys() if _shape(before[name]) != _shape(after[name])}
    gone = [name for name in before if name not in after or name in changed]
    come = [index for name, index in after.items() if name not in before or name in changed]
    if len(gone) + len(come) - len(changed) > 1:
        raise validation("Cannot perform more than one GSI creation or deletion in a single update")
    for name in gone:
        await table.call("UpdateTable", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": name}}])
        await table.settled()
    for index in come:
        await table.call("UpdateTable", AttributeDefinitions=list(definitions), GlobalSecondaryIndexUpdates=[{"Create": of_api(index)}])
        await table.settled()


def adjustments(old: Sequence[Params], new: Sequence[Params]) -> list[dict[str, Any]]:
    """The updates for units of indexes that stay as they are."""
    before = {index["IndexName"]: index for index in old}
    found: list[dict[str, Any]] = []
    for index in new:
        was = before.get(index["IndexName"])
        if was is None or _shape(was) != _shape(index):
            continue
        given = {member: index[member] for member in _CHANGEABLE if index.get(member) is not None and index[member] != was.get(member)}
        if given:
            found.append({"Update": {"IndexName": index["IndexName"], **given}})
    return found


def _shape(index: Params) -> Any:
    projection = index["Projection"]
    return index["KeySchema"], projection.get("ProjectionType"), sorted(projection.get("NonKeyAttributes") or ())
