"""The resource policy of a topic: the one that it is born with, and the statements of AddPermission.

AWS: https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
"""

from __future__ import annotations

from typing import Any

import orjson

from tule.core import arn as arns
from tule.lang import json_tokens
from tule.services.sns import errors

ACTIONS = (
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
)
_IN_SCOPE = frozenset(
    name.lower()
    for name in (
        *ACTIONS,
        "Receive",
        "*",
        "PutDataProtectionPolicy",
        "GetDataProtectionPolicy",
        "TagResource",
        "UntagResource",
        "ListTagsForResource",
    )
)
_MAX_BYTES = 30 * 1024

Policy = dict[str, Any]


def default(topic_arn: str) -> Policy:
    return {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [f"SNS:{name}" for name in ACTIONS],
                "Resource": topic_arn,
                "Condition": {"StringEquals": {"AWS:SourceOwner": arns.parse(topic_arn).account}},
            }
        ],
    }


def text(policy: Policy) -> str:
    return orjson.dumps(policy).decode()


def read(document: str) -> Policy:
    """Raises InvalidParameter."""
    wrong = json_tokens.complaint(document)
    if wrong is not None:
        raise errors.invalid_parameter(f"Policy: failed to parse JSON. {wrong}")
    policy = orjson.loads(document)
    if not isinstance(policy, dict) or not policy.get("Statement"):
        raise errors.invalid_parameter("Policy Error: null")
    if len(document.encode()) > _MAX_BYTES:
        raise errors.invalid_parameter("Policy Error: policy is too long")
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    for statement in statements:
        _check(statement)
    return policy


def _check(statement: Any) -> None:
    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        raise errors.invalid_parameter("Policy Error: null")
    if not ("Principal" in statement or "NotPrincipal" in statement):
        raise errors.invalid_parameter("Policy Error: PrincipalNotFound")
    for action in _listed(statement.get("Action", statement.get("NotAction", []))):
        service, _, name = str(action).partition(":")
        if action != "*" and (service.lower() != "sns" or not _is_in_scope(name)):
            raise errors.invalid_parameter("Policy statement action out of service scope!")


def _is_in_scope(name: str) -> bool:
    lowered = name.lower()
    return lowered in _IN_SCOPE or ("*" in lowered and any(known.startswith(lowered.partition("*")[0]) for known in _IN_SCOPE))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statement(topic_arn: str, label: str, accounts: list[str], actions: list[str]) -> Policy:
    """What AddPermission adds.  Raises InvalidParameter."""
    for action in actions:
        if action != "*" and action not in ACTIONS:
            raise errors.invalid_parameter("Policy statement action out of service scope!")
    partition = arns.parse(topic_arn).partition
    principals = [account if arns.is_arn(account) else f"arn:{partition}:iam::{account}:root" for account in accounts]
    scoped = [f"SNS:{action}" for action in actions]
    return {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": principals[0] if len(principals) == 1 else principals},
        "Action": scoped[0] if len(scoped) == 1 else scoped,
        "Resource": topic_arn,
    }
