"""What would be decided: the policy engine asked about calls that nobody makes.

AWS: "Testing IAM policies with the IAM policy simulator"; SimulateCustomPolicy, SimulatePrincipalPolicy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tule.access.policy.context import RequestContext
from tule.access.policy.document import CompiledPolicy, compile_policy
from tule.access.policy.evaluate import Asked, Decision, PolicySet, decide
from tule.access.principal import Principal

SOURCE_TYPE = "IAM Policy"
_SPACE = " \t\r\n"


@dataclass(slots=True, frozen=True)
class Source:
    """A policy in the simulation: its id in answers, its text, and its compiled form."""

    id: str
    text: str
    compiled: CompiledPolicy


@dataclass(slots=True, frozen=True)
class Simulation:
    caller: Principal
    owner: str
    identity: Sequence[Source] = ()
    boundary: Sequence[Source] = ()
    resource: Source | None = None
    context: dict[str, Any] = field(default_factory=dict[str, Any])

    def run(self, action: str, resource: str) -> dict[str, Any]:
        """One EvaluationResult."""
        missing: list[str] = []

        def absent(name: str) -> None:
            if name not in missing:
                missing.append(name)

        context = RequestContext(self.context, absent)
        decision = self._decide(action, resource, context)
        result: dict[str, Any] = {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": _word(decision),
            "MatchedStatements": [_position(source, number) for source, number in self._matched(action, resource, context)],
            "MissingContextValues": missing,
        }
        if self.boundary:
            allows = any(_allows(source, action, resource, context) for source in self.boundary)
            result["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": allows}
        return result

    def _decide(self, action: str, resource: str, context: RequestContext) -> Decision:
        boundary = None
        if self.boundary:
            statements = tuple(statement for source in self.boundary for statement in source.compiled.statements)
            boundary = CompiledPolicy("permissions boundary", statements)
        policies = PolicySet(tuple(source.compiled for source in self.identity), boundary)
        resource_policy = None if self.resource is None else self.resource.compiled
        return decide(Asked(self.caller, action.lower(), resource, self.owner), policies, resource_policy, context)

    def _matched(self, action: str, resource: str, context: RequestContext) -> Iterator[tuple[Source, int]]:
        """The statements that decide: those that deny if any does, else those that allow."""
        sources = [*self.identity, *self.boundary, *([self.resource] if self.resource else [])]
        found = [
            (source, number, statement.allows)
            for source in sources
            for number, statement in enumerate(source.compiled.statements)
            if (source is not self.resource or statement.named(self.caller)) and statement.applies(action.lower(), resource, context)
        ]
        denied = any(not allows for _, _, allows in found)
        return ((source, number) for source, number, allows in found if allows != denied)


def source(identifier: str, text: str) -> Source:
    """Raises ValueError for what is no JSON."""
    return Source(identifier, text, compile_policy(identifier, json.loads(text)))


def context_keys(documents: Sequence[dict[str, Any]]) -> list[str]:
    """The condition keys that policies ask for, by conditions and by variables."""
    found: dict[str, None] = {}
    for document in documents:
        statements = document.get("Statement", [])
        for statement in [statements] if isinstance(statements, dict) else statements:
            for keys in statement.get("Condition", {}).values():
                found.update(dict.fromkeys(keys))
            found.update(dict.fromkeys(_variables(statement)))
    return list(found)


def _variables(value: Any) -> Iterator[str]:
    """`aws:username` of `arn:...:user/${aws:username}`; `${*}` and the like are no variables."""
    if isinstance(value, str):
        for part in value.split("${")[1:]:
            name = part.partition("}")[0].partition(",")[0].strip()
            if ":" in name:
                yield name
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _variables(inner)


def _word(decision: Decision) -> str:
    if decision.allowed:
        return "allowed"
    return "explicitDeny" if decision.explicit else "implicitDeny"


def _allows(source: Source, action: str, resource: str, context: RequestContext) -> bool:
    return any(statement.allows and statement.applies(action.lower(), resource, context) for statement in source.compiled.statements)


def _position(source: Source, number: int) -> dict[str, Any]:
    start, end = list(statement_spans(source.text))[number]
    return {
        "SourcePolicyId": source.id,
        "SourcePolicyType": SOURCE_TYPE,
        "StartPosition": _line_and_column(source.text, start),
        "EndPosition": _line_and_column(source.text, end),
    }


def _line_and_column(text: str, at: int) -> dict[str, int]:
    before = text[:at]
    return {"Line": before.count("\n") + 1, "Column": at - (before.rfind("\n") + 1) + 1}


def statement_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each statement begins and ends in a policy's text."""
    decoder = json.JSONDecoder()
    at = _skip(text, 0) + 1
    while text[at := _skip(text, at)] != "}":
        name, at = decoder.raw_decode(text, at)
        start = _skip(text, _skip(text, at) + 1)
        value, at = decoder.raw_decode(text, start)
        if name == "Statement":
            yield from _elements(text, start, decoder) if isinstance(value, list) else [(start, at)]
        at = _skip(text, at)
        at += text[at] == ","


def _elements(text: str, start: int, decoder: json.JSONDecoder) -> Iterator[tuple[int, int]]:
    at = start + 1
    while text[at := _skip(text, at)] != "]":
        _, end = decoder.raw_decode(text, at)
        yield at, end
        at = _skip(text, end)
        at += text[at] == ","


def _skip(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at
