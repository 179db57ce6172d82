"""Managed policies, a customer's and AWS's own, found alike by their ARN."""

from __future__ import annotations

from typing import Any

from tule.core import arn as arns
from tule.core import tags
from tule.services.iam import aws_managed, errors, shapes, state
from tule.store.documents import Documents
from tule.store.store import Tx

CUSTOMER = Documents("iam.policy")
AWS_ACCOUNT = "aws"
ManagedPolicy = dict[str, Any]


def find(tx: Tx, account: str, policy_arn: str) -> ManagedPolicy | None:
    """The policy of this ARN as the account sees it: its own and AWS's."""
    try:
        parsed = arns.parse(policy_arn)
    except ValueError:
        return None
    if parsed.service != "iam" or not parsed.resource.startswith("policy/"):
        return None
    if parsed.account == AWS_ACCOUNT:
        return aws_managed.find(policy_arn)
    if parsed.account != account:
        return None
    policy = CUSTOMER.get(tx, account, state.GLOBAL, parsed.resource.rpartition("/")[2].lower())
    return policy if policy is not None and arn(account, policy) == policy_arn else None


def get(tx: Tx, account: str, policy_arn: str) -> ManagedPolicy:
    """Raises InvalidInput for what is no ARN, NoSuchEntity."""
    require_arn(policy_arn)
    policy = find(tx, account, policy_arn)
    if policy is None:
        raise errors.policy_not_found(policy_arn)
    return policy


def changeable(tx: Tx, account: str, policy_arn: str) -> ManagedPolicy:
    """A policy of the account's own.  Raises NoSuchEntity, AccessDenied."""
    policy = get(tx, account, policy_arn)
    if is_aws(policy_arn):
        raise errors.aws_managed_is_read_only(policy_arn)
    return policy


def attachable(tx: Tx, account: str, policy_arn: str) -> ManagedPolicy:
    require_arn(policy_arn)
    policy = find(tx, account, policy_arn)
    if policy is None:
        raise errors.policy_not_attachable(policy_arn)
    return policy


def create(tx: Tx, account: str, policy: ManagedPolicy) -> None:
    """Raises EntityAlreadyExists: names are taken whatever their path."""
    if not CUSTOMER.create(tx, account, state.GLOBAL, policy["name"].lower(), policy):
        raise errors.already_exists(f"A policy called {policy['name']} already exists. Duplicate names are not allowed.")
    state.changed(tx)


def put(tx: Tx, account: str, policy: ManagedPolicy) -> None:
    CUSTOMER.put(tx, account, state.GLOBAL, policy["name"].lower(), policy)
    state.changed(tx)


def delete(tx: Tx, account: str, policy: ManagedPolicy) -> None:
    CUSTOMER.delete(tx, account, state.GLOBAL, policy["name"].lower())
    state.changed(tx)


def of_account(tx: Tx, account: str) -> list[ManagedPolicy]:
    return [policy for _, policy in CUSTOMER.page(tx, account, state.GLOBAL)]


def require_arn(policy_arn: str) -> None:
    """Raises InvalidInput."""
    if not arns.is_arn(policy_arn):
        raise errors.invalid_input(f"ARN {policy_arn} is not valid.")


def path_of(policy_arn: str) -> str:
    """`/service-role/` of `arn:aws:iam::aws:policy/service-role/Name`."""
    return policy_arn.partition(":policy")[2].rpartition("/")[0] + "/"


def is_aws(policy_arn: str) -> bool:
    return policy_arn.split(":", 5)[4] == AWS_ACCOUNT


def arn(account: str, policy: ManagedPolicy) -> str:
    """`account` is `aws` for AWS's own."""
    return policy.get("arn") or arns.arn("iam", "", account, f"policy{policy['path']}{policy['name']}")


def version(policy: ManagedPolicy, version_id: str) -> dict[str, Any] | None:
    return next((one for one in policy["versions"] if one["id"] == version_id), None)


def default_document(tx: Tx, account: str, policy_arn: str) -> str | None:
    """The text of the default version; None when there is no such policy."""
    policy = find(tx, account, policy_arn)
    if policy is None:
        return None
    default = version(policy, policy["default"])
    return None if default is None else default["text"]


def shape(account: str, policy: ManagedPolicy, attached: int, bounding: int, *, listed: bool = False) -> dict[str, Any]:
    """As GetPolicy says it; lists (`listed`) leave out description and tags."""
    result = {
        "PolicyName": policy["name"],
        "PolicyId": policy["id"],
        "Arn": arn(account, policy),
        "Path": policy["path"],
        "DefaultVersionId": policy["default"],
        "AttachmentCount": attached,
        "PermissionsBoundaryUsageCount": bounding,
        "IsAttachable": True,
        "CreateDate": shapes.seconds(policy["created_ms"]),
        "UpdateDate": shapes.seconds(policy["updated_ms"]),
    }
    if not listed:
        if policy.get("description"):
            result["Description"] = policy["description"]
        result["Tags"] = tags.to_list(policy.get("tags"))
    return result


def version_shape(policy: ManagedPolicy, one: dict[str, Any], *, document: bool) -> dict[str, Any]:
    result = {
        "VersionId": one["id"],
        "IsDefaultVersion": one["id"] == policy["default"],
        "CreateDate": shapes.seconds(one["created_ms"]),
    }
    return {"Document": shapes.encoded(one["text"]), **result} if document else result
