"""Stack policies: which resources an update may touch, and how.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from tule.core.errors import ServiceError
from tule.services.cloudformation import errors

ACTIONS = frozenset({"Update:Modify", "Update:Replace", "Update:Delete", "Update:*"})
KEYS = frozenset({"Effect", "Action", "NotAction", "Principal", "Resource", "NotResource", "Condition", "Sid"})
MAX_CHARS = 16_384


def invalid() -> ServiceError:
    return errors.validation("Error validating stack policy: Invalid stack policy")


def check(text: str) -> None:
    """Raises ServiceError unless `text` is a stack policy; an empty one allows what no policy allows."""
    try:
        policy = json.loads(text)
    except ValueError as error:
        raise invalid() from error
    if not isinstance(policy, dict) or not policy.keys() <= {"Statement", "Version"}:
        raise invalid()
    for statement in _statements(policy):
        _check_statement(statement)


def _statements(policy: dict[str, Any]) -> list[Any]:
    statements = policy.get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def _check_statement(statement: Any) -> None:
    if not isinstance(statement, dict) or not statement.keys() <= KEYS or statement.get("Effect") not in ("Allow", "Deny"):
        raise invalid()
    if statement.get("Principal") != "*" or ("Action" in statement) == ("NotAction" in statement):
        raise invalid()
    if ("Resource" in statement) == ("NotResource" in statement):
        raise invalid()
    if not set(_list(statement.get("Action", statement.get("NotAction")))) <= ACTIONS:
        raise invalid()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def denial(text: str | None, action: str, logical_id: str, type_name: str) -> str | None:
    """Why the policy does not let an update do `action` (`Modify`, `Replace`, `Delete`) to the resource; None when it does."""
    statements = _statements(json.loads(text)) if text else []
    if not statements:
        return None
    what, resource = f"Update:{action}", f"LogicalResourceId/{logical_id}"
    matching = [(n, s) for n, s in enumerate(statements, 1) if _applies(s, what, resource, type_name)]
    deny = next((n for n, statement in matching if statement["Effect"] == "Deny"), None)
    if deny is not None:
        return f"Action denied by stack policy: Statement [#{deny}] does not allow [{what}] for resource [{resource}];"
    if not matching:
        return f"Action not allowed by stack policy: no statement allows [{what}] for resource [{resource}];"
    return None


def _applies(statement: dict[str, Any], action: str, resource: str, type_name: str) -> bool:
    return (
        _matches(statement, "Action", "NotAction", action)
        and _matches(statement, "Resource", "NotResource", resource)
        and _holds(statement.get("Condition") or {}, type_name)
    )


def _matches(statement: dict[str, Any], positive: str, negative: str, value: str) -> bool:
    if positive in statement:
        return any(_like(str(pattern), value) for pattern in _list(statement[positive]))
    return not any(_like(str(pattern), value) for pattern in _list(statement[negative]))


def _holds(condition: dict[str, Any], type_name: str) -> bool:
    for operator, tests in condition.items():
        patterns = [str(pattern) for pattern in _list(tests.get("ResourceType", []))]
        like = operator in ("StringLike", "StringNotLike")
        found = any(_like(pattern, type_name) if like else pattern == type_name for pattern in patterns)
        if found == ("Not" in operator):
            return False
    return True


def _like(pattern: str, value: str) -> bool:
    expression = "".join(".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.fullmatch(expression, value) is not None
