"""What is kept of event source mappings: one document each, under its UUID.

    shown      the members of EventSourceMappingConfiguration
    function   the function's name; qualifier as it was given, or null
    enabled, created_ms, tags
    sealed     the filter criteria, encrypted, where they are (`sealed_criteria.py`)
    revision   changes with what its poller must know

How the reading goes is a document of its own (`problem`; empty when it goes well), written only when it changes.
"""

from __future__ import annotations

from typing import Any

from tule.core import arn as arns
from tule.services.lambda_.names import FunctionRef
from tule.store.documents import Documents
from tule.store.store import Tx

MAPPINGS = Documents("lambda.mapping")
RESULTS = Documents("lambda.mapping-result")

CHANGED = "lambda.mappings.changed"
"""The topic that is woken when a mapping changed."""

RESOURCE = "event-source-mapping"


def arn(account: str, region: str, uuid: str) -> str:
    return arns.arn("lambda", region, account, f"{RESOURCE}:{uuid}")


def uuid_of(mapping_arn: str) -> tuple[str, str, str] | None:
    """(account, region, UUID) of a mapping's ARN; None when it is the ARN of something else."""
    if not arns.is_arn(mapping_arn):
        return None
    parsed = arns.parse(mapping_arn)
    kind, _, uuid = parsed.resource.partition(":")
    return (parsed.account, parsed.region, uuid) if parsed.service == "lambda" and kind == RESOURCE else None


def function_ref(account: str, region: str, mapping: dict[str, Any]) -> FunctionRef:
    return FunctionRef(account, region, mapping["function"], mapping["qualifier"])


def find(tx: Tx, account: str, region: str, uuid: str) -> dict[str, Any] | None:
    return MAPPINGS.get(tx, account, region, uuid)


def put(tx: Tx, account: str, region: str, mapping: dict[str, Any]) -> None:
    MAPPINGS.put(tx, account, region, mapping["shown"]["UUID"], mapping)
    tx.wake(CHANGED)


def delete(tx: Tx, account: str, region: str, uuid: str) -> None:
    MAPPINGS.delete(tx, account, region, uuid)
    RESULTS.delete(tx, account, region, uuid)
    tx.wake(CHANGED)


def page(tx: Tx, account: str, region: str, after: str = "", limit: int = 1_000_000) -> list[tuple[str, dict[str, Any]]]:
    return MAPPINGS.page(tx, account, region, after=after, limit=limit)


def everywhere(tx: Tx) -> list[tuple[str, str, str, dict[str, Any]]]:
    return MAPPINGS.everywhere(tx)


def result(tx: Tx, account: str, region: str, uuid: str) -> str | None:
    """How the last reading went; None while nothing was read."""
    found = RESULTS.get(tx, account, region, uuid)
    return None if found is None else found["problem"]


def put_result(tx: Tx, account: str, region: str, uuid: str, problem: str) -> None:
    if MAPPINGS.get(tx, account, region, uuid) is not None:
        RESULTS.put(tx, account, region, uuid, {"problem": problem})
