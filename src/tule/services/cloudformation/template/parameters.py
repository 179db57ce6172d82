"""Parameters: what a template asks for, and the values it gets.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.template.evaluate import text

MASK = "****"
SSM_VALUE = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
LIST_OF = re.compile(r"List<(.+)>")
AWS_TYPES = frozenset(
    {
        "AWS::EC2::AvailabilityZone::Name", "AWS::EC2::Image::Id", "AWS::EC2::Instance::Id", "AWS::EC2::KeyPair::KeyName",
        "AWS::EC2::SecurityGroup::GroupName", "AWS::EC2::SecurityGroup::Id", "AWS::EC2::Subnet::Id", "AWS::EC2::Volume::Id", "AWS::EC2::VPC::Id",
        "AWS::Route53::HostedZone::Id", "AWS::SSM::Parameter::Name",
    }
)  # fmt: skip
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


@dataclass(slots=True, frozen=True)
class Declaration:
    """One entry of the Parameters section."""

    name: str
    body: Mapping[str, Any]

    @property
    def type(self) -> str:
        return str(self.body["Type"])

    @property
    def no_echo(self) -> bool:
        return text(self.body.get("NoEcho", False)).lower() == "true"

    @property
    def default(self) -> str | None:
        return None if self.body.get("Default") is None else text(self.body["Default"])

    @property
    def ssm_type(self) -> str | None:
        """The type within `AWS::SSM::Parameter::Value<...>`."""
        match = SSM_VALUE.fullmatch(self.type)
        return match.group(1) if match else None


def declarations(section: Mapping[str, Any]) -> dict[str, Declaration]:
    """Raises TemplateError for types that CloudFormation does not know."""
    declared = {name: Declaration(name, body) for name, body in section.items()}
    for declaration in declared.values():
        if not _is_type(declaration.ssm_type or declaration.type):
            raise TemplateError(f"Template format error: Unrecognized parameter type: {declaration.type}")
    return declared


def _is_type(name: str) -> bool:
    if name in ("String", "Number", "CommaDelimitedList"):
        return True
    item = LIST_OF.fullmatch(name)
    return (item.group(1) in ("String", "Number") or item.group(1) in AWS_TYPES) if item else name in AWS_TYPES


@dataclass(slots=True, frozen=True)
class Given:
    """What a caller says of one parameter."""

    value: str | None
    use_previous: bool = False


def given(parameters: Iterable[Mapping[str, Any]]) -> dict[str, Given]:
    """The request's `Parameters` list."""
    found: dict[str, Given] = {}
    for parameter in parameters:
        name = parameter.get("ParameterKey", "")
        value, previous = parameter.get("ParameterValue"), bool(parameter.get("UsePreviousValue"))
        if previous and value is not None:
            raise TemplateError(
                f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true and non empty value for a parameter"
            )
        found[name] = Given(value, previous)
    return found


def values(declared: Mapping[str, Declaration], said: Mapping[str, Given], previous: Mapping[str, str] | None) -> dict[str, str]:
    """Each parameter's text: given, kept from the stack before, or the default.  Raises TemplateError as AWS does.

    `previous` are the stack's present values, None when a stack is created.
    """
    _refuse_unknown(declared, said)
    found: dict[str, str] = {}
    for name, declaration in declared.items():
        value = _value(declaration, said.get(name), previous)
        if value is not None:
            found[name] = value
    missing = [name for name in declared if name not in found]
    if missing:
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
    for name, value in found.items():
        check(declared[name], value)
    return found


def _refuse_unknown(declared: Mapping[str, Declaration], said: Mapping[str, Given]) -> None:
    unknown = [name for name in said if name not in declared]
    if unknown:
        raise TemplateError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")


def _value(declaration: Declaration, said: Given | None, previous: Mapping[str, str] | None) -> str | None:
    if said is not None and said.use_previous:
        if previous is None or declaration.name not in previous:
            raise TemplateError(
                f"Invalid input for parameter key {declaration.name}. Cannot specify usePreviousValue as true for a parameter key not in the previous"
                " template"
            )
        return previous[declaration.name]
    if said is not None and said.value is not None:
        return said.value
    return declaration.default


def check(declaration: Declaration, value: str) -> None:
    """Raises TemplateError when the constraints of the parameter do not hold."""
    for item in items(declaration, value):
        problem = _problem(declaration, item)
        if problem:
            constraint = declaration.body.get("ConstraintDescription")
            raise TemplateError(
                f"Parameter '{declaration.name}' failed to satisfy constraint: {constraint}"
                if constraint and "number." not in problem
                else f"Parameter '{declaration.name}' {problem}"
            )


def items(declaration: Declaration, value: str) -> list[str]:
    """The single value, or each of a list's."""
    return split(value) if is_list(declaration.type) else [value]


def is_list(kind: str) -> bool:
    return kind == "CommaDelimitedList" or LIST_OF.fullmatch(kind) is not None


def split(value: str) -> list[str]:
    return [item.strip() for item in value.split(",")] if value else []


def _problem(declaration: Declaration, value: str) -> str | None:
    body = declaration.body
    number = declaration.type in ("Number", "List<Number>")
    if number and not NUMBER.fullmatch(value):
        return "must be a number."
    allowed = body.get("AllowedValues")
    if allowed is not None and value not in [text(item) for item in allowed]:
        return "must be one of AllowedValues"
    pattern = body.get("AllowedPattern")
    if pattern is not None and not _matches(str(pattern), value):
        return f"must match pattern {pattern}"
    return _number_problem(body, float(value)) if number else _length_problem(body, value)


def _number_problem(body: Mapping[str, Any], value: float) -> str | None:
    if "MinValue" in body and value < float(body["MinValue"]):
        return f"must be a number not less than {text(body['MinValue'])}"
    if "MaxValue" in body and value > float(body["MaxValue"]):
        return f"must be a number not greater than {text(body['MaxValue'])}"
    return None


def _length_problem(body: Mapping[str, Any], value: str) -> str | None:
    if "MinLength" in body and len(value) < int(body["MinLength"]):
        return f"must contain at least {text(body['MinLength'])} characters"
    if "MaxLength" in body and len(value) > int(body["MaxLength"]):
        return f"must contain at most {text(body['MaxLength'])} characters"
    return None


def _matches(pattern: str, value: str) -> bool:
    """Java's patterns are close enough to Python's for what templates use; one that Python cannot read refuses nothing."""
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:
        return True


def referred(declaration: Declaration, value: str) -> Any:
    """What `Ref` of the parameter gives: text, or a list of texts.  `value` of an SSM parameter is what was fetched."""
    return split(value) if is_list(declaration.ssm_type or declaration.type) else value


def described(declared: Mapping[str, Declaration], texts: Mapping[str, str], resolved: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """The `Parameters` member of DescribeStacks: masked where NoEcho, with `ResolvedValue` for SSM parameters."""
    shown: list[dict[str, Any]] = []
    for name, value in texts.items():
        declaration = declared.get(name)
        entry = {"ParameterKey": name, "ParameterValue": MASK if declaration and declaration.no_echo else value}
        if resolved and name in resolved:
            entry["ResolvedValue"] = MASK if declaration and declaration.no_echo else resolved[name]
        shown.append(entry)
    return shown
