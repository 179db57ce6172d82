"""Conditions, and the assertions of Rules, which are conditions with functions of their own.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html
AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.template.evaluate import Scope, is_scalar, resolve, text

EQUALS_FORM = "Template error: every Fn::Equals object requires a list of 2 string parameters."


def decide(definitions: Mapping[str, Any], scope: Scope) -> dict[str, bool]:
    """Every condition of the template, true or false.  Raises TemplateError, also for conditions that need each other."""
    decided: dict[str, bool] = {}
    for name in definitions:
        _decide(name, definitions, scope, decided, ())
    return decided


def _decide(name: str, definitions: Mapping[str, Any], scope: Scope, decided: dict[str, bool], path: tuple[str, ...]) -> bool:
    if name in decided:
        return decided[name]
    if name not in definitions:
        raise TemplateError(f"Template format error: Unresolved condition dependency {name} in the Conditions block of the template")
    if name in path:
        raise TemplateError(f"Template error: Found circular condition dependency between conditions: [{', '.join(path)}]")

    def other(inner: str) -> bool:
        return _decide(inner, definitions, scope, decided, (*path, name))

    decided[name] = holds(definitions[name], scope, other)
    return decided[name]


def holds(node: Any, scope: Scope, condition: Callable[[str], bool]) -> bool:
    """Whether a boolean expression is true; `condition` decides the named ones."""
    if not isinstance(node, dict) or len(node) != 1:
        raise TemplateError("Template format error: Every Conditions member must be a boolean operation on parameters and other conditions.")
    name, argument = next(iter(node.items()))
    if name == "Condition":
        while isinstance(argument, dict) and argument.keys() == {"Condition"}:  # as SAM writes it
            argument = argument["Condition"]
        if not isinstance(argument, str):
            raise TemplateError("Template error: every Condition object must have a single String value.")
        return condition(argument)
    function = BOOLEAN.get(name)
    if function is None:
        raise TemplateError(
            f"Template error: {name} cannot be used as a condition; conditions are boolean operations on parameters and other conditions"
        )
    return function(argument, scope, condition)


def _equals(argument: Any, scope: Scope, condition: Callable[[str], bool]) -> bool:
    if not isinstance(argument, list) or len(argument) != 2:
        raise TemplateError(EQUALS_FORM)
    left, right = (_comparable(value, scope, condition) for value in argument)
    return left == right


def _comparable(node: Any, scope: Scope, condition: Callable[[str], bool]) -> Any:
    value = _value(node, scope, condition)
    return text(value) if is_scalar(value) else value


def _value(node: Any, scope: Scope, condition: Callable[[str], bool]) -> Any:
    """A value within a condition: `Fn::If` there asks conditions that may not be decided yet, and nothing is imported."""
    return resolve(node, dataclasses.replace(scope, conditions=_Lazily(condition), exports=None))


class _Lazily(Mapping[str, bool]):
    """Conditions by name, decided when somebody asks."""

    def __init__(self, condition: Callable[[str], bool]) -> None:
        self._condition = condition

    def __getitem__(self, name: str) -> bool:
        return self._condition(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __iter__(self):  # type: ignore[no-untyped-def]
        raise NotImplementedError("conditions are asked by name")

    def __len__(self) -> int:
        raise NotImplementedError("conditions are asked by name")


def _not(argument: Any, scope: Scope, condition: Callable[[str], bool]) -> bool:
    if not isinstance(argument, list) or len(argument) != 1:
        raise TemplateError("Template error: every Fn::Not object requires one boolean parameter.")
    return not holds(argument[0], scope, condition)


def _operands(name: str, argument: Any) -> list[Any]:
    if not isinstance(argument, list) or not 2 <= len(argument) <= 10:
        raise TemplateError(f"Template error: every {name} object requires a list of at least 2 and at most 10 boolean parameters.")
    return argument


def _and(argument: Any, scope: Scope, condition: Callable[[str], bool]) -> bool:
    return all(holds(item, scope, condition) for item in _operands("Fn::And", argument))


def _or(argument: Any, scope: Scope, condition: Callable[[str], bool]) -> bool:
    return any(holds(item, scope, condition) for item in _operands("Fn::Or", argument))


def _pair(name: str, argument: Any, scope: Scope, condition: Callable[[str], bool]) -> tuple[Any, Any]:
    if not isinstance(argument, list) or len(argument) != 2:
        raise TemplateError(f"Template error: every {name} object requires two parameters.")
    return _value(argument[0], scope, condition), _value(argument[1], scope, condition)


def _contains(argument: Any, scope: Scope, condition: Callable[[str], bool]) -> bool:
    items, value = _pair("Fn::Contains", argument, scope, condition)
    return isinstance(items, list) and text(value) in [text(item) for item in items]


def _each_member_equals(argument: Any, scope: Scope, condition: Callable[[str], bool]) -> bool:
    items, value = _pair("Fn::EachMemberEquals", argument, scope, condition)
    return isinstance(items, list) and all(text(item) == text(value) for item in items)


def _each_member_in(argument: Any, scope: Scope, condition: Callable[[str], bool]) -> bool:
    items, allowed = _pair("Fn::EachMemberIn", argument, scope, condition)
    return isinstance(items, list) and isinstance(allowed, list) and {text(i) for i in items} <= {text(a) for a in allowed}


BOOLEAN: Mapping[str, Callable[[Any, Scope, Callable[[str], bool]], bool]] = {
    "Fn::Equals": _equals,
    "Fn::Not": _not,
    "Fn::And": _and,
    "Fn::Or": _or,
    "Fn::Contains": _contains,
    "Fn::EachMemberEquals": _each_member_equals,
    "Fn::EachMemberIn": _each_member_in,
}


def assert_rules(rules: Mapping[str, Any], scope: Scope) -> None:
    """Raises TemplateError with the descriptions of the assertions that the parameters do not meet."""

    def unknown(name: str) -> bool:
        raise TemplateError(f"Template error: conditions cannot be used in Rules: {name}")

    failed: list[str] = []
    for name, rule in rules.items():
        if "RuleCondition" in rule and not holds(rule["RuleCondition"], scope, unknown):
            continue
        for assertion in rule.get("Assertions") or []:
            if not holds(assertion.get("Assert"), scope, unknown):
                failed.append(assertion.get("AssertDescription") or f"{name} failed")
    if failed:
        raise TemplateError(f"Template error: the following rule assertions failed: {'; '.join(failed)}")
