"""What a session brings along and what limits it: session policies, tags, and how much of both fits.

AWS: "Session policies" and "Pass session tags in AWS STS" (IAM user guide).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import orjson

from tule.access.policy import validate
from tule.access.principal import Principal
from tule.core import tags as core_tags
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.sts import errors
from tule.store.store import Tx

_MAX_POLICY_ARNS = 10
_PACKED_BYTES = 1500  # of compressed policies and tags: what AWS calls 100 %


@dataclass(slots=True, frozen=True)
class Limits:
    policies: tuple[dict[str, Any], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    transitive_keys: tuple[str, ...] = ()
    packed_percent: int | None = None  # None: nothing was passed


def of_request(call: Call, tx: Tx, params: Params, account: str) -> Limits:
    """Raises MalformedPolicyDocument, PackedPolicyTooLarge, InvalidParameterValue, ValidationError."""
    policies = _policies(call, tx, params, account)
    tags = _tags(params)
    transitive = _transitive_keys(params, tags)
    inherited = _inherited(call.principal)
    if {key.lower() for key in inherited} & {key.lower() for key in tags}:
        raise errors.invalid_parameter(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session."
        )
    packed = None
    if policies or tags:
        packed = _packed_percent(policies, tags)
        if packed > 100:
            raise errors.packed_policy_too_large(packed)
    return Limits(policies, tuple({**inherited, **tags}.items()), (*inherited, *transitive), packed)


def _policies(call: Call, tx: Tx, params: Params, account: str) -> tuple[dict[str, Any], ...]:
    found: list[dict[str, Any]] = []
    if "Policy" in params:
        found.append(_parsed(params["Policy"]))
    arns = [one["arn"] for one in params.get("PolicyArns", []) if "arn" in one]
    if len(arns) > _MAX_POLICY_ARNS:
        raise errors.validation_error("PolicyArns may name at most 10 managed policies.")
    for arn in arns:
        policy = call.node.identities.managed_policy(tx, account, arn)
        if policy is None:
            raise errors.validation_error(f"Policy {arn} does not exist or is not attachable.")
        found.append(policy.document)
    return tuple(found)


def _parsed(text: str) -> dict[str, Any]:
    try:
        return validate.identity_policy(text)
    except validate.InvalidPolicy as error:
        raise errors.malformed_policy(str(error)) from error


def _tags(params: Params) -> dict[str, str]:
    tags = params.get("Tags", [])
    folded = [tag["Key"].lower() for tag in tags]
    if len(set(folded)) != len(folded):
        raise errors.invalid_parameter("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if any(key.startswith("aws:") for key in folded):
        raise errors.invalid_parameter("Tag keys beginning with aws: are reserved for system use.")
    return core_tags.to_map(tags)


def _transitive_keys(params: Params, tags: dict[str, str]) -> tuple[str, ...]:
    keys = params.get("TransitiveTagKeys", [])
    given = {key.lower() for key in tags}
    if any(key.lower() not in given for key in keys):
        raise errors.invalid_parameter("The specified transitive tag key must be included in the requested tags.")
    return tuple(keys)


def _inherited(principal: Principal) -> dict[str, str]:
    """The caller's session tags that go along a chain of roles."""
    keys = principal.context.get("transitive_tag_keys", ())
    return {key: value for key, value in principal.session_tags if key in keys}


def _packed_percent(policies: tuple[dict[str, Any], ...], tags: dict[str, str]) -> int:
    packed = zlib.compress(orjson.dumps([policies, tags]), 9)
    return max(1, len(packed) * 100 // _PACKED_BYTES)
