"""Connections: how API destinations are to be called, with the secrets that it takes.

A record: id, type, auth (AuthParameters as given, secrets included), state, created_ms, modified_ms, authorized_ms, and where
given description, connectivity, kms_key.  The secrets are kept here; the ARN of the secret is the one that it has in
Secrets Manager.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.backbone.jobs import Job, enqueue
from tule.core import arn as arns
from tule.platform.call import Call
from tule.services.events import errors, state
from tule.services.events.state import Record
from tule.store.store import Tx

AUTHORIZE = "authorize"  # a job that fetches the first token of a connection
AUTHORIZED, AUTHORIZING, DEAUTHORIZED, DELETING = "AUTHORIZED", "AUTHORIZING", "DEAUTHORIZED", "DELETING"
OAUTH = "OAUTH_CLIENT_CREDENTIALS"
_PARAMETERS = {"BASIC": "BasicAuthParameters", "API_KEY": "ApiKeyAuthParameters", OAUTH: "OAuthParameters"}
_SECRETS = ("Password", "ApiKeyValue", "ClientSecret")
_AUTHORIZE_ATTEMPTS = 5

Params = dict[str, Any]


def arn(account: str, region: str, name: str, record: Record) -> str:
    return arns.arn("events", region, account, f"connection/{name}/{record['id']}")


def secret_arn(account: str, region: str, name: str, record: Record) -> str:
    return arns.arn("secretsmanager", region, account, f"secret:events!connection/{name}/{record['secret']}")


def get(tx: Tx, call: Call, name: str) -> Record:
    """Raises ResourceNotFoundException."""
    found = state.CONNECTIONS.get(tx, call.account, call.region, name)
    if found is None:
        raise errors.not_found(f"Failed to describe the connection(s). Connection '{name}' does not exist.")
    return found


def by_arn(tx: Tx, connection_arn: str) -> tuple[str, Record] | None:
    """The name and the record."""
    parsed = arns.parse(connection_arn)
    name, _, id = parsed.resource_id.partition("/")
    found = state.CONNECTIONS.get(tx, parsed.account, parsed.region, name)
    return (name, found) if found is not None and found["id"] == id else None


def check(type: str, auth: Mapping[str, Any]) -> None:
    """Raises ValidationException when there is nothing to authorize with."""
    member = _PARAMETERS[type]
    if member not in auth:
        raise errors.validation(f"{member} must be specified for authorization type {type}.")


def authorize(tx: Tx, call: Call, name: str, record: Record) -> None:
    """An OAuth connection is authorized when its first token is there; others are at once."""
    if record["type"] != OAUTH:
        record |= {"state": AUTHORIZED, "authorized_ms": call.now_ms}
        return
    record |= {"state": AUTHORIZING, "authorized_ms": call.now_ms}
    target = arn(call.account, call.region, name, record)
    payload = {"secret": record["secret"]}
    enqueue(tx, Job(AUTHORIZE, target, call.account, call.region, payload, name=f"events.authorize:{target}", max_attempts=_AUTHORIZE_ATTEMPTS))


def merged(before: Any, given: Any) -> Any:
    """What UpdateConnection leaves out stays."""
    if isinstance(before, dict) and isinstance(given, dict):
        return {**before, **{key: merged(before.get(key), value) for key, value in given.items()}}
    return given


def shown_auth(auth: Any) -> Any:
    """AuthParameters without secrets."""
    if isinstance(auth, dict):
        hidden = (*_SECRETS, "Value") if auth.get("IsValueSecret") else _SECRETS
        return {key: shown_auth(value) for key, value in auth.items() if key not in hidden}
    return [shown_auth(item) for item in auth] if isinstance(auth, list) else auth


def became(tx: Tx, connection_arn: str, name: str, secret: str, new_state: str, reason: str) -> None:
    """What came of authorizing, unless the connection was changed meanwhile."""
    found = by_arn(tx, connection_arn)
    if found is None or found[1]["secret"] != secret or found[1]["state"] != AUTHORIZING:
        return
    parsed, record = arns.parse(connection_arn), found[1]
    record |= {"state": new_state, "authorized_ms": tx.now_ms}
    if reason:
        record["reason"] = reason[:512]
    state.CONNECTIONS.put(tx, parsed.account, parsed.region, name, record)
