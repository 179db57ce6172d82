"""API destinations: HTTP endpoints that rules and pipes call through a connection.

A record: id, connection (its ARN), endpoint, method, rate, created_ms, modified_ms, and where given description.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html
"""

from __future__ import annotations

from tule.core import arn as arns
from tule.platform.call import Call
from tule.services.events import connections, errors, state
from tule.services.events.state import Record
from tule.store.store import Tx

ACTIVE, INACTIVE = "ACTIVE", "INACTIVE"
MAX_RATE = 300


def arn(account: str, region: str, name: str, record: Record) -> str:
    return arns.arn("events", region, account, f"api-destination/{name}/{record['id']}")


def get(tx: Tx, call: Call, name: str) -> Record:
    """Raises ResourceNotFoundException."""
    found = state.API_DESTINATIONS.get(tx, call.account, call.region, name)
    if found is None:
        raise errors.not_found(f"Failed to describe the api-destination(s). An api-destination '{name}' does not exist.")
    return found


def by_arn(tx: Tx, destination_arn: str) -> Record | None:
    """Also by an ARN without the last part, which no two destinations of a name have had at a time."""
    parsed = arns.parse(destination_arn)
    name, _, id = parsed.resource_id.partition("/")
    found = state.API_DESTINATIONS.get(tx, parsed.account, parsed.region, name)
    return found if found is not None and id in ("", found["id"]) else None


def state_of(tx: Tx, record: Record) -> str:
    """A destination is active while its connection is authorized."""
    found = connections.by_arn(tx, record["connection"])
    return ACTIVE if found is not None and found[1]["state"] == connections.AUTHORIZED else INACTIVE
