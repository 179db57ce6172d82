"""Key policies: the default one, those of AWS managed keys, and whether a new one would lock its author out.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tule.access.policy.validate import InvalidPolicy, resource_policy
from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import Need
from tule.services.kms import errors

NAME = "default"
MAX_BYTES = 32_768
_THROUGH_SERVICE = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"]


def _root(account: str, region: str) -> str:
    return f"arn:{arns.partition_of(region)}:iam::{account}:root"


def default(account: str, region: str) -> str:
    statement = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": _root(account, region)},
        "Action": "kms:*",
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]}, indent=2, separators=(",", " : "))


def of_managed(service: str, account: str, region: str) -> str:
    """The policy of `alias/aws/<service>`: everybody in the account, but only through the service."""
    host = f"{service}.{region}.amazonaws.com"
    through = {
        "Sid": f"Allow access through {service} for all principals in the account that are authorized to use {service}",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": _THROUGH_SERVICE,
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": host, "kms:CallerAccount": account}},
    }
    direct = {
        "Sid": "Allow direct access to key metadata to the account",
        "Effect": "Allow",
        "Principal": {"AWS": _root(account, region)},
        "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
        "Resource": "*",
    }
    document = {"Version": "2012-10-17", "Id": f"auto-{service}-1", "Statement": [through, direct]}
    return json.dumps(document, indent=2, separators=(",", " : "))


def checked(text: str) -> Mapping[str, Any]:
    """Raises MalformedPolicyDocumentException, LimitExceededException."""
    if len(text.encode()) > MAX_BYTES:
        raise errors.limit_exceeded(f"The policy is larger than {MAX_BYTES} bytes.")
    try:
        return resource_policy(text)
    except InvalidPolicy as error:
        raise errors.malformed_policy(str(error)) from error


async def check_new(call: Call, key_arn: str, owner: str, text: str, *, bypass: bool) -> None:
    """A policy under which its author could not put another is refused.  Raises MalformedPolicyDocumentException."""
    document = checked(text)
    if bypass or call.principal.trusted:
        return
    decision = await call.node.authorizer.decide(call, Need("kms:PutKeyPolicy", key_arn, {}, document, owner, policy_decides=True))
    if not decision.allowed and decision.layer == "resource":
        raise errors.malformed_policy("The new key policy will not allow you to update the key policy in the future.")
