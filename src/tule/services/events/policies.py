"""The policy of a bus: statements by which other accounts may put events and make rules on it.

AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from tule.access.policy.validate import InvalidPolicy, resource_policy
from tule.core import arn as arns
from tule.services.events import errors
from tule.services.events.names import BusRef

Policy = dict[str, Any]

MAX_CHARS = 10_240
_ACCOUNT = re.compile(r"\d{12}")


def parse(text: str) -> Policy:
    """Raises ValidationException."""
    try:
        document = dict(resource_policy(text))
    except InvalidPolicy as error:
        raise errors.validation(f"Parameter Policy is not valid. Reason: {error}") from error
    return checked(document)


def checked(policy: Policy) -> Policy:
    """Raises PolicyLengthExceededException."""
    if len(orjson.dumps(policy)) > MAX_CHARS:
        raise errors.policy_too_long()
    return policy


def statement(ref: BusRef, sid: str, action: str, principal: str, condition: Mapping[str, str] | None) -> Policy:
    """What PutPermission adds.  Raises ValidationException."""
    if principal != "*" and not _ACCOUNT.fullmatch(principal):
        raise errors.invalid_parameter("Principal", "Principal must be a 12-digit account number or '*'.")
    made: Policy = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {"AWS": f"arn:{arns.partition_of(ref.region)}:iam::{principal}:root"},
        "Action": action,
        "Resource": ref.arn,
    }
    if condition is not None:
        made["Condition"] = {condition["Type"]: {condition["Key"]: condition["Value"]}}
    return made


def with_statement(policy: Policy | None, added: Policy) -> Policy:
    """A statement of the same id is replaced."""
    statements = [statement for statement in _statements(policy) if statement.get("Sid") != added["Sid"]]
    return checked({"Version": "2012-10-17", **(policy or {}), "Statement": [*statements, added]})


def without_statement(policy: Policy | None, sid: str) -> Policy | None:
    """None when nothing is left.  Raises ResourceNotFoundException."""
    statements = _statements(policy)
    left = [statement for statement in statements if statement.get("Sid") != sid]
    if len(left) == len(statements):
        raise errors.not_found("Statement with the provided id does not exist.")
    return {**(policy or {}), "Statement": left} if left else None


def _statements(policy: Policy | None) -> list[Policy]:
    found = (policy or {}).get("Statement", [])
    return found if isinstance(found, list) else [found]
