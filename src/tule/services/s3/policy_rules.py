"""Bucket policies: what PutBucketPolicy accepts, and whether one is public.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_network
from typing import Any

from tule.core.errors import ServiceError
from tule.services.s3.state.access_points import AccessPoint
from tule.services.s3.state.buckets import Bucket

MAX_BYTES = 20 * 1024
_VERSIONS = ("2012-10-17", "2008-10-17")
_PRINCIPALS = ("AWS", "Service", "Federated", "CanonicalUser")
# Condition keys that, with fixed values, keep an Allow for everybody from being public.
_NARROWING = frozenset(
    (
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalarn",
        "aws:principalaccount",
        "aws:sourcearn",
        "aws:sourceaccount",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "s3:dataaccesspointarn",
        "s3:dataaccesspointaccount",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    )
)


def parsed(text: str, is_of: Callable[[str], bool]) -> dict[str, Any]:
    """`is_of` says whether a resource may stand in this policy.  Raises MalformedPolicy, or PolicyTooLarge."""
    if len(text.encode()) > MAX_BYTES:
        raise ServiceError("PolicyTooLarge", f"The bucket policy must not exceed {MAX_BYTES} bytes", 400)
    try:
        policy = json.loads(text) if text.startswith("{") else None
    except ValueError:
        policy = None
    if not isinstance(policy, dict):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    if "Statement" not in policy:
        raise _malformed("Missing required field Statement")
    if policy.get("Version", "2008-10-17") not in _VERSIONS:
        raise _malformed("The policy must contain a valid version string")
    for statement in statements(policy):
        _check_statement(statement, is_of)
    return policy


def _malformed(message: str) -> ServiceError:
    return ServiceError("MalformedPolicy", message, 400)


def statements(policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = policy["Statement"]
    found = found if isinstance(found, list) else [found]
    if not found or not all(isinstance(statement, dict) for statement in found):
        raise _malformed("Could not parse the policy: Statement is empty!" if not found else "Invalid policy syntax.")
    return found


def _check_statement(statement: Mapping[str, Any], is_of: Callable[[str], bool]) -> None:
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise _malformed("Missing required field Effect" if "Effect" not in statement else f"Invalid effect: {statement['Effect']}")
    if "Principal" not in statement and "NotPrincipal" not in statement:
        raise _malformed("Missing required field Principal")
    _check_principal(statement.get("Principal", statement.get("NotPrincipal")))
    actions = _texts(statement.get("Action", statement.get("NotAction")))
    if not actions:
        raise _malformed("Missing required field Action")
    if not all(re.fullmatch(r"\*|s3[a-z-]*:[A-Za-z*?]+", action, re.IGNORECASE) for action in actions):
        raise _malformed("Policy has invalid action")
    resources = _texts(statement.get("Resource", statement.get("NotResource")))
    if not resources:
        raise _malformed("Missing required field Resource")
    if not all(is_of(resource) for resource in resources):
        raise _malformed("Policy has invalid resource")
    if not isinstance(statement.get("Condition", {}), dict):
        raise _malformed("Invalid policy syntax.")


def _check_principal(principal: Any) -> None:
    if principal == "*":
        return
    if not isinstance(principal, dict) or not principal or not set(principal) <= set(_PRINCIPALS):
        raise _malformed("Invalid policy syntax.")
    for name in _texts(principal.get("AWS")):
        if not (name == "*" or re.fullmatch(r"\d{12}|arn:aws[a-z-]*:(iam|sts)::(\d{12}|cloudfront):.+|A[A-Z]{3}[A-Z0-9]{16,}", name)):
            raise _malformed("Invalid principal in policy")


def of_bucket(bucket: Bucket) -> Callable[[str], bool]:
    """A policy speaks of its own bucket, or of a pattern that may mean it."""

    def is_of(resource: str) -> bool:
        return resource == "*" or _may_mean(resource.partition(":::")[2].partition("/")[0], bucket.name)

    return is_of


def of_point(point: AccessPoint) -> Callable[[str], bool]:
    """The same of an access point: its ARN, or objects through it."""

    def is_of(resource: str) -> bool:
        own, slash, rest = resource.partition("/object/")
        return _may_mean(own, point.arn) and (not slash or bool(rest))

    return is_of


def _may_mean(pattern: str, name: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), name) is not None


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _malformed("Invalid policy syntax.")
    return value


def is_public(policy: Mapping[str, Any] | None) -> bool:
    return policy is not None and any(_is_public(statement) for statement in statements(policy))


def _is_public(statement: Mapping[str, Any]) -> bool:
    if statement["Effect"] != "Allow":
        return False
    principal = statement.get("Principal")
    everybody = principal == "*" or "NotPrincipal" in statement
    if isinstance(principal, dict):
        everybody = "*" in _texts(principal.get("AWS"))
    return everybody and not any(_narrows(operator, keys) for operator, keys in statement.get("Condition", {}).items())


def _narrows(operator: str, keys: Mapping[str, Any]) -> bool:
    if "Not" in operator or operator.endswith("IfExists") or operator.startswith("ForAllValues"):
        return False
    return any(_narrow_values(key.lower(), _texts(value) if not isinstance(value, bool) else []) for key, value in keys.items())


def _narrow_values(key: str, values: Iterable[str]) -> bool:
    found = list(values)
    if key == "aws:sourceip":
        return bool(found) and all(_narrow_network(value) for value in found)
    return key in _NARROWING and bool(found) and not any(value in ("", "*") or value.startswith("${") for value in found)


def _narrow_network(text: str) -> bool:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= (8 if network.version == 4 else 32)
