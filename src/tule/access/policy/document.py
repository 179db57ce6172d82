"""A policy document, compiled: each statement becomes a few closures that say whether it applies.

AWS: "IAM JSON policy reference", https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tule.access.policy.conditions import Condition, compile_conditions
from tule.access.policy.context import RequestContext
from tule.access.policy.globs import Matcher, action_matcher, arn_glob
from tule.access.policy.principals import Named, PrincipalMatcher, not_principal_matcher, principal_matcher
from tule.access.policy.variables import LITERAL_MARK, LITERAL_STAR, Template, parse
from tule.access.principal import Principal

ResourceMatcher = Callable[[str, RequestContext], bool]


@dataclass(slots=True, frozen=True)
class Statement:
    """`principals` and `condition` are None where the statement does not speak of them."""

    policy: str
    label: str  # the Sid, or `statement 2`
    allows: bool
    actions: Matcher
    resources: ResourceMatcher
    principals: PrincipalMatcher | None
    condition: Condition | None

    def applies(self, action: str, resource: str, context: RequestContext) -> bool:
        """To anybody it speaks of; `action` is in lower case."""
        return self.actions(action) and self.resources(resource, context) and (self.condition is None or self.condition(context))

    def named(self, principal: Principal) -> Named:
        return Named.ITSELF if self.principals is None else self.principals(principal)


@dataclass(slots=True, frozen=True)
class CompiledPolicy:
    name: str
    statements: tuple[Statement, ...]


def compile_policy(name: str, document: Mapping[str, Any]) -> CompiledPolicy:
    """The document must be valid (see `validate`); parts that make no sense match nothing."""
    variables = document.get("Version") == "2012-10-17"
    return CompiledPolicy(name, tuple(_statements(name, document, variables)))


def _statements(name: str, document: Mapping[str, Any], variables: bool) -> Iterator[Statement]:
    statements = document.get("Statement", [])
    for number, raw in enumerate([statements] if isinstance(statements, Mapping) else statements, 1):
        yield Statement(
            name,
            raw.get("Sid") or f"statement {number}",
            raw.get("Effect") == "Allow",
            _actions(raw),
            _resources(raw, variables),
            _principals(raw),
            compile_conditions(raw.get("Condition") or {}, variables=variables, otherwise=raw.get("Effect") == "Deny"),
        )


def _actions(raw: Mapping[str, Any]) -> Matcher:
    if "NotAction" in raw:
        matches = action_matcher(_texts(raw["NotAction"]))
        return lambda action: not matches(action)
    return action_matcher(_texts(raw.get("Action", [])))


def _principals(raw: Mapping[str, Any]) -> PrincipalMatcher | None:
    if "NotPrincipal" in raw:
        return not_principal_matcher(raw["NotPrincipal"])
    return principal_matcher(raw["Principal"]) if "Principal" in raw else None


def _resources(raw: Mapping[str, Any], variables: bool) -> ResourceMatcher:
    if "NotResource" in raw:
        matches = _any_resource(_texts(raw["NotResource"]), variables)
        return lambda resource, context: not matches(resource, context)
    if "Resource" not in raw:  # a trust policy speaks of the role that it belongs to
        return lambda resource, context: True
    return _any_resource(_texts(raw["Resource"]), variables)


def _any_resource(patterns: tuple[str, ...], variables: bool) -> ResourceMatcher:
    fixed: list[Matcher] = []
    templates: list[Template] = []
    for pattern in patterns:
        parsed = parse(pattern, enabled=variables)
        if isinstance(parsed, Template):
            templates.append(parsed)
        else:
            fixed.append(_resource(parsed))
    if not templates:
        if len(fixed) == 1:
            only = fixed[0]
            return lambda resource, context: only(resource)
        return lambda resource, context: any(matches(resource) for matches in fixed)

    def matches(resource: str, context: RequestContext) -> bool:
        if any(test(resource) for test in fixed):
            return True
        texts = (template.expand(context) for template in templates)
        return any(text is not None and _resource(text)(resource) for text in texts)

    return matches


def _resource(pattern: str) -> Matcher:
    matches = arn_glob(pattern)
    if LITERAL_STAR not in pattern and LITERAL_MARK not in pattern:
        return matches
    marks = str.maketrans({"*": LITERAL_STAR, "?": LITERAL_MARK})
    return lambda resource: matches(resource.translate(marks))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else (value,)
