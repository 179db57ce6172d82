"""Policy documents as clients give them, checked before they are kept.  AWS: IAM user guide, grammar of the policy language."""

from __future__ import annotations

from typing import Any

import orjson

from tule.services.iam import errors
from tule.store.store import Tx


def check(text: str) -> None:
    """An identity policy.  Raises MalformedPolicyDocument."""
    _parsed(text, "Syntax errors in policy.")


def check_trust(tx: Tx, account: str, text: str) -> None:
    """A role's trust policy.  Raises MalformedPolicyDocument."""
    _parsed(text, "This policy contains invalid Json")


def _parsed(text: str, otherwise: str) -> dict[str, Any]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise errors.malformed_policy(otherwise) from error
    if not isinstance(document, dict):
        raise errors.malformed_policy("Syntax errors in policy.")
    return document
