"""Policy documents as clients give them, checked before they are kept.  AWS: IAM user guide, grammar of the policy language."""

from __future__ import annotations

from typing import Any

from tule.access.policy import validate
from tule.services.iam import errors, trust
from tule.store.store import Tx


def parsed(text: str) -> dict[str, Any]:
    """An identity policy.  Raises MalformedPolicyDocument."""
    try:
        return validate.identity_policy(text)
    except validate.InvalidPolicy as error:
        raise errors.malformed_policy(str(error)) from error


def check_trust(tx: Tx, account: str, text: str) -> dict[str, str]:
    """A role's trust policy; the unique ids of the account's users and roles that it names.  Raises MalformedPolicyDocument."""
    try:
        document = validate.trust_policy(text)
    except validate.InvalidPolicy as error:
        raise errors.malformed_policy(str(error)) from error
    return trust.principal_ids(tx, account, document)
