"""What a template's members refer to: dependencies between resources, and names that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.template.evaluate import function_of, sub_references

PSEUDO = frozenset(
    {
        "AWS::AccountId",
        "AWS::NotificationARNs",
        "AWS::NoValue",
        "AWS::Partition",
        "AWS::Region",
        "AWS::StackId",
        "AWS::StackName",
        "AWS::URLSuffix",
    }
)


@dataclass(slots=True, frozen=True)
class Reference:
    """`name` is a parameter, pseudo parameter or resource; `attribute` is set for GetAtt; `function` is where it was said."""

    name: str
    attribute: str | None
    function: str


def references(node: Any) -> Iterator[Reference]:
    """All that `node` refers to, in every branch of its conditions."""
    if call := function_of(node):
        name, argument = call
        yield from _of_function(name, argument)
    elif isinstance(node, dict):
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def _of_function(name: str, argument: Any) -> Iterator[Reference]:
    if name == "Ref":
        if not isinstance(argument, str):
            raise TemplateError("Template error: every Ref object must have a single String value.")
        yield Reference(argument, None, name)
    elif name == "Fn::GetAtt":
        yield _of_get_att(argument)
        if isinstance(argument, list) and len(argument) == 2:
            yield from references(argument[1])
    elif name == "Fn::Sub":
        for variable in sub_references(argument):
            logical_id, _, attribute = variable.partition(".")
            yield Reference(logical_id, attribute or None, name)
        if isinstance(argument, list):
            yield from references(argument[1])
    else:
        yield from references(argument)


def _of_get_att(argument: Any) -> Reference:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], str) or not parts[0] or not parts[1]:
        raise TemplateError("Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
    return Reference(parts[0], parts[1] if isinstance(parts[1], str) else "", "Fn::GetAtt")


def condition_names(node: Any) -> Iterator[str]:
    """The conditions that `Fn::If` asks within `node`."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "Fn::If" and isinstance(value, list) and value and isinstance(value[0], str):
                yield value[0]
            yield from condition_names(value)
    elif isinstance(node, list):
        for item in node:
            yield from condition_names(item)


def depends_on(resource: Mapping[str, Any]) -> list[str]:
    named = resource.get("DependsOn")
    return list(named) if isinstance(named, list) else [named] if named else []


def dependencies(resource: Mapping[str, Any], resources: Mapping[str, Any]) -> list[str]:
    """The logical ids of `resources` that must exist before this one, in order of mention."""
    named = [*depends_on(resource), *(reference.name for reference in references(resource.get("Properties") or {}))]
    return list(dict.fromkeys(name for name in named if name in resources))


def check(document: Mapping[str, Any]) -> None:
    """Raises TemplateError for references to what the template does not have, and for resources that need each other."""
    resources: Mapping[str, Any] = document.get("Resources") or {}
    known = {*resources, *(document.get("Parameters") or {})}
    missing: list[str] = []
    for body in resources.values():
        missing += [name for name in depends_on(body) if name not in resources]
        missing += _missing({"p": body.get("Properties"), "m": body.get("Metadata")}, known, resources)
    _refuse(missing, "Resources")
    _refuse(_missing(document.get("Outputs") or {}, known, resources), "Outputs")
    _check_conditions(document)
    order(resources)


def _missing(node: Any, known: set[str], resources: Mapping[str, Any]) -> list[str]:
    missing: list[str] = []
    for reference in references(node):
        if reference.attribute is not None:
            if reference.name not in resources:
                raise _undefined_attribute(reference)
        elif reference.name not in known and reference.name not in PSEUDO:
            missing.append(reference.name)
    return missing


def _undefined_attribute(reference: Reference) -> TemplateError:
    if reference.function == "Fn::Sub":
        return TemplateError(f"Template error: instance of Fn::Sub references invalid resource attribute {reference.name}.{reference.attribute}")
    return TemplateError(f"Template error: instance of Fn::GetAtt references undefined resource {reference.name}")


def _refuse(missing: list[str], block: str) -> None:
    if missing:
        names = ", ".join(dict.fromkeys(missing))
        raise TemplateError(f"Template format error: Unresolved resource dependencies [{names}] in the {block} block of the template")


def _check_conditions(document: Mapping[str, Any]) -> None:
    conditions = document.get("Conditions") or {}
    for section in ("Resources", "Outputs"):
        for body in (document.get(section) or {}).values():
            for name in condition_names(body):
                if name not in conditions:
                    raise TemplateError(f"Template error: unresolved condition dependency {name} in Fn::If")
            named = body.get("Condition")
            if named is not None and named not in conditions:
                raise TemplateError(f"Template format error: Unresolved condition dependency {named} in the {section} block of the template")
    known = {*(document.get("Parameters") or {}), *PSEUDO}
    missing = [reference.name for reference in references(conditions) if reference.name not in known]
    if missing:
        names = ", ".join(dict.fromkeys(missing))
        raise TemplateError(
            f"Template format error: Unresolved dependencies [{names}]. Cannot reference resources in the Conditions block of the template"
        )


def order(resources: Mapping[str, Any]) -> list[str]:
    """Logical ids such that each comes after what it depends on, otherwise in the template's order.

    Raises TemplateError for a circle, naming everybody in it as AWS does.
    """
    waiting = {name: set(dependencies(body, resources)) for name, body in resources.items()}
    ordered: list[str] = []
    while waiting:
        ready = [name for name, needs in waiting.items() if not needs]
        if not ready:
            raise TemplateError(f"Circular dependency between resources: [{', '.join(_circular(waiting))}]")
        for name in ready:
            del waiting[name]
        for needs in waiting.values():
            needs.difference_update(ready)
        ordered += ready
    return ordered


def _circular(waiting: Mapping[str, set[str]]) -> list[str]:
    """Only those in or between circles: what merely hangs on a circle is peeled off from the other side."""
    left = {name: set(needs) for name, needs in waiting.items()}
    while True:
        needed = {need for needs in left.values() for need in needs}
        leaves = [name for name in left if name not in needed]
        if not leaves:
            return sorted(left)
        for name in leaves:
            del left[name]
