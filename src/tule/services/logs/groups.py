"""Log groups: documents in the store, named by account and region; their events live in the telemetry store under the group's id.

A group's document: id, created_ms, class, and, where given, retention_days, kms_key, sealed (it had a key), tags, deletion_protected.
"""

from __future__ import annotations

import re
from typing import Any

from tule.core import arn as arns
from tule.platform.call import Call
from tule.services.logs import errors
from tule.store.documents import Documents
from tule.store.store import Tx

GROUPS = Documents("logs.group")
DAY_MS = 86_400_000
_NAME = re.compile(r"[\.\-_/#A-Za-z0-9]+")
MAX_NAME_CHARS = 512

Group = dict[str, Any]


def group_arn(account: str, region: str, name: str) -> str:
    """Without the `:*` that policies on its streams need."""
    return arns.arn("logs", region, account, f"log-group:{name}")


def stream_arn(account: str, region: str, group: str, stream: str) -> str:
    return f"{group_arn(account, region, group)}:log-stream:{stream}"


def check_name(name: str) -> None:
    if len(name) > MAX_NAME_CHARS:
        raise errors.invalid_parameter("Invalid LogGroup or LogStream, both must have length less than or equal to 512.")
    if not _NAME.fullmatch(name):
        rule = f"Member must satisfy regular expression pattern: {_NAME.pattern}"
        raise errors.constraint("logGroupName", name, rule)


def name_of(params: dict[str, Any], member: str = "logGroupIdentifier") -> str:
    """The group's name from `logGroupName`, or from an identifier that is a name or an ARN."""
    name, identifier = params.get("logGroupName"), params.get(member)
    if name and identifier:
        raise errors.validation("LogGroup name and LogGroup ARN are mutually exclusive parameters.")
    if not name and not identifier:
        raise errors.invalid_parameter("logGroupName or logGroupIdentifier is required.")
    return name or name_from_identifier(str(identifier))


def name_from_identifier(identifier: str) -> str:
    """Raises InvalidParameterException."""
    if not arns.is_arn(identifier):
        return identifier
    parsed = arns.parse(identifier)
    if parsed.service != "logs" or not parsed.resource.startswith("log-group:"):
        raise errors.invalid_parameter("Invalid resource identifier.")
    return parsed.resource.removeprefix("log-group:").removesuffix(":*")


def find(tx: Tx, call: Call, name: str) -> Group | None:
    return GROUPS.get(tx, call.account, call.region, name)


def get(tx: Tx, call: Call, name: str) -> Group:
    """Raises ResourceNotFoundException."""
    group = find(tx, call, name)
    if group is None:
        raise errors.no_group()
    return group


def put(tx: Tx, call: Call, name: str, group: Group) -> None:
    GROUPS.put(tx, call.account, call.region, name, group)


def oldest_shown_ms(group: Group, now_ms: int) -> int:
    """Events older than this have expired."""
    days = group.get("retention_days")
    return now_ms - days * DAY_MS if days else 0


async def fetch(call: Call, name: str) -> Group:
    """For operations that own their transactions.  Raises ResourceNotFoundException."""
    return await call.node.store.read(lambda tx: get(tx, call, name))
