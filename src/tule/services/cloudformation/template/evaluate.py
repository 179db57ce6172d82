"""Intrinsic functions: a template's value to what it stands for.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html

`resolve(node, scope)` is pure.  What is not known before a stack runs (the Ref of a resource that does not exist yet)
is `UNKNOWN`, which swallows whatever it is joined into; a change set shows it as `{{changeSet:KNOWN_AFTER_APPLY}}`.
`AWS::NoValue` is `NO_VALUE`, which removes the property or list item that holds it.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from tule.services.cloudformation.errors import TemplateError

KNOWN_AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}"
SUB_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
SUB_NAME = re.compile(r"[A-Za-z0-9_.:]+")
ZONES = "abc"


class _Marker:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


UNKNOWN: Final = _Marker("UNKNOWN")
NO_VALUE: Final = _Marker("NO_VALUE")


class Resources(Protocol):
    """What `Ref` and `Fn::GetAtt` find.  UNKNOWN is a fine answer; raises TemplateError for what can never be found."""

    def __contains__(self, logical_id: object) -> bool: ...

    def ref(self, logical_id: str) -> Any: ...

    def attribute(self, logical_id: str, name: str) -> Any: ...


class NoResources:
    """Where a template may not speak of resources: Conditions, Rules, transforms."""

    def __contains__(self, logical_id: object) -> bool:
        return False

    def ref(self, logical_id: str) -> Any:
        raise TemplateError(f"Template error: Unable to resolve reference {logical_id}")

    def attribute(self, logical_id: str, name: str) -> Any:
        raise TemplateError(f"Template error: Unable to resolve attribute {logical_id}.{name}")


@dataclass(slots=True, frozen=True)
class Scope:
    """All that values are resolved against.

    `parameters` are text or lists of text; `pseudo` the pseudo parameters by their full names; `conditions` decided;
    `exports` what `Fn::ImportValue` may import, by name.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    pseudo: Mapping[str, Any] = field(default_factory=dict[str, Any])
    mappings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    conditions: Mapping[str, bool] = field(default_factory=dict[str, bool])
    exports: Mapping[str, str] | None = field(default_factory=dict[str, str])
    resources: Resources = field(default_factory=NoResources)


def function_of(node: Any) -> tuple[str, Any] | None:
    """`("Fn::Sub", argument)` when `node` calls a function."""
    if isinstance(node, dict) and len(node) == 1:
        name, argument = next(iter(node.items()))
        if name == "Ref" or name.startswith("Fn::"):
            return name, argument
    return None


def resolve(node: Any, scope: Scope) -> Any:
    """What `node` stands for.  Raises TemplateError."""
    if call := function_of(node):
        name, argument = call
        function = FUNCTIONS.get(name)
        if function is None:
            raise TemplateError(f"Template error: {name} is not a valid function here")
        return function(argument, scope)
    if isinstance(node, dict):
        resolved = {key: resolve(value, scope) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not NO_VALUE}
    if isinstance(node, list):
        return [value for item in node if (value := resolve(item, scope)) is not NO_VALUE]
    return node


def shown(value: Any) -> Any:
    """`value` as a change set shows it: what is not known yet as AWS's marker."""
    if value is UNKNOWN:
        return KNOWN_AFTER_APPLY
    if isinstance(value, dict):
        return {key: shown(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shown(inner) for inner in value]
    return value


def is_known(value: Any) -> bool:
    if isinstance(value, dict):
        return all(is_known(inner) for inner in value.values())
    if isinstance(value, list):
        return all(is_known(inner) for inner in value)
    return value is not UNKNOWN


def text(value: Any) -> str:
    """A scalar as CloudFormation writes it into a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _ref(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, str):
        raise TemplateError("Template error: every Ref object must have a single String value.")
    if argument == "AWS::NoValue":
        return NO_VALUE
    if argument in scope.pseudo:
        return scope.pseudo[argument]
    if argument in scope.parameters:
        return scope.parameters[argument]
    return scope.resources.ref(argument)


def _get_att(argument: Any, scope: Scope) -> Any:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], str) or not parts[0] or not parts[1]:
        raise TemplateError("Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
    name = resolve(parts[1], scope)
    return UNKNOWN if name is UNKNOWN else scope.resources.attribute(parts[0], text(name))


def _sub(argument: Any, scope: Scope) -> Any:
    template, variables = _sub_parts(argument)
    values = {name: resolve(value, scope) for name, value in variables.items()}
    pieces: list[str] = []
    end = 0
    for match in SUB_VARIABLE.finditer(template):
        pieces.append(template[end : match.start()])
        end = match.end()
        value = _sub_value(match.group(1), values, scope)
        if value is UNKNOWN:
            return UNKNOWN
        pieces.append(value)
    return "".join(pieces) + template[end:]


def _sub_parts(argument: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(argument, str):
        return argument, {}
    if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[0], str) and isinstance(argument[1], dict):
        return argument[0], argument[1]
    raise TemplateError(
        "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an"
        " optional second argument to specify a mapping of values to replace in the string"
    )


def sub_references(argument: Any) -> list[str]:
    """The names that `Fn::Sub` takes from the template: `Bucket`, `Bucket.Arn`, `AWS::Region`."""
    template, variables = _sub_parts(argument)
    names = [match.group(1).strip() for match in SUB_VARIABLE.finditer(template)]
    found = [name for name in names if not name.startswith("!") and name not in variables]
    if any(not SUB_NAME.fullmatch(name) for name in found):
        raise TemplateError(
            "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons"
        )
    return found


def _sub_value(name: str, values: Mapping[str, Any], scope: Scope) -> Any:
    name = name.strip()
    if name.startswith("!"):
        return "${" + name[1:] + "}"
    if not SUB_NAME.fullmatch(name):
        raise TemplateError(
            "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons"
        )
    if name in values:
        value = values[name]
    elif "." in name:
        value = _get_att(name, scope)
    else:
        value = _ref(name, scope)
    if value is UNKNOWN:
        return UNKNOWN
    if isinstance(value, list) and all(is_scalar(item) for item in value):
        return ",".join(text(item) for item in value)
    if not is_scalar(value):
        raise TemplateError(f"Template error: Fn::Sub expression does not resolve to a string for ${{{name}}}")
    return text(value)


JOIN_FORM = (
    "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that"
    " returns a list of strings (such as Fn::GetAZs) to be joined."
)


def _join(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 2:
        raise TemplateError(JOIN_FORM)
    delimiter, items = resolve(argument[0], scope), resolve(argument[1], scope)
    if items is UNKNOWN or delimiter is UNKNOWN or (isinstance(items, list) and not is_known(items)):
        return UNKNOWN
    if not is_scalar(delimiter) or not isinstance(items, list) or not all(is_scalar(item) for item in items):
        raise TemplateError(JOIN_FORM)
    return text(delimiter).join(text(item) for item in items)


SPLIT_FORM = (
    "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a"
    " string to be split."
)


def _split(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 2:
        raise TemplateError(SPLIT_FORM)
    delimiter, source = resolve(argument[0], scope), resolve(argument[1], scope)
    if source is UNKNOWN or delimiter is UNKNOWN:
        return UNKNOWN
    if not isinstance(delimiter, str) or not delimiter or not is_scalar(source):
        raise TemplateError(SPLIT_FORM)
    return text(source).split(delimiter)


SELECT_FORM = "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"


def _select(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 2:
        raise TemplateError(SELECT_FORM)
    index, items = resolve(argument[0], scope), resolve(argument[1], scope)
    if index is UNKNOWN or items is UNKNOWN:
        return UNKNOWN
    if not re.fullmatch(r"\d+", text(index)) or not isinstance(items, list):
        raise TemplateError(SELECT_FORM)
    if int(index) >= len(items):
        if isinstance(argument[1], list):  # what the template itself says is refused as malformed
            raise TemplateError(SELECT_FORM)
        raise TemplateError(f"Template error: Fn::Select  cannot select nonexistent value at index {index}")
    return items[int(index)]


def _find_in_map(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) not in (3, 4):
        raise TemplateError(
            "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value"
        )
    keys = [resolve(part, scope) for part in argument[:3]]
    if any(key is UNKNOWN for key in keys):
        return UNKNOWN
    map_name, first, second = (text(key) for key in keys)
    default = argument[3] if len(argument) == 4 else None
    found = scope.mappings.get(map_name, {}).get(first, {})
    if second in found:
        return found[second]
    if isinstance(default, dict) and "DefaultValue" in default:
        return resolve(default["DefaultValue"], scope)
    if map_name not in scope.mappings:
        raise TemplateError(f"Template error: Mapping named '{map_name}' is not present in the 'Mappings' section of template.")
    raise TemplateError(f"Template error: Unable to get mapping for {map_name}::{first}::{second}")


def _base64(argument: Any, scope: Scope) -> Any:
    value = resolve(argument, scope)
    if value is UNKNOWN:
        return UNKNOWN
    if not is_scalar(value):
        raise TemplateError("Template error: every Fn::Base64 object must have a String-typed value.")
    return base64.b64encode(text(value).encode()).decode()


def _cidr(argument: Any, scope: Scope) -> Any:
    form = "Template error: every Fn::Cidr object requires two parameters, (1) a CIDR block and (2) a count, and optionally (3) the cidrBits"
    if not isinstance(argument, list) or len(argument) not in (2, 3):
        raise TemplateError(form)
    values = [resolve(part, scope) for part in argument]
    if any(value is UNKNOWN for value in values):
        return UNKNOWN
    try:
        network = ipaddress.ip_network(text(values[0]), strict=False)
        count, bits = int(values[1]), int(values[2]) if len(values) == 3 else 8
    except (ValueError, TypeError) as error:
        raise TemplateError(form) from error
    prefix = network.max_prefixlen - bits
    if not 1 <= count <= 256 or prefix < network.prefixlen or count > 2 ** (prefix - network.prefixlen):
        raise TemplateError(f"Template error: Fn::Cidr cannot make {count} blocks of {bits} bits of {network}")
    size = 2**bits
    first = int(network.network_address)
    return [f"{type(network.network_address)(first + i * size)}/{prefix}" for i in range(count)]


def _get_azs(argument: Any, scope: Scope) -> Any:
    region = resolve(argument, scope)
    if region is UNKNOWN:
        return UNKNOWN
    if not isinstance(region, str):
        raise TemplateError("Template error: every Fn::GetAZs object must have a String-typed value.")
    return [f"{region or scope.pseudo['AWS::Region']}{zone}" for zone in ZONES]


def _import_value(argument: Any, scope: Scope) -> Any:
    name = resolve(argument, scope)
    if name is UNKNOWN:
        return UNKNOWN
    if not is_scalar(name):
        raise TemplateError("Template error: the attribute in Fn::ImportValue must be a string")
    if scope.exports is None:
        raise TemplateError("Template error: Cannot use Fn::ImportValue in Conditions.")
    if text(name) not in scope.exports:
        raise TemplateError(f"No export named {text(name)} found")
    return scope.exports[text(name)]


def _if(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 3 or not isinstance(argument[0], str):
        raise TemplateError("Template error: Fn::If requires a list argument with three elements")
    if argument[0] not in scope.conditions:
        raise TemplateError(f"Template error: unresolved condition dependency {argument[0]} in Fn::If")
    return resolve(argument[1] if scope.conditions[argument[0]] else argument[2], scope)


def _length(argument: Any, scope: Scope) -> Any:
    items = resolve(argument, scope)
    if items is UNKNOWN:
        return UNKNOWN
    if not isinstance(items, list):
        raise TemplateError("Template error: every Fn::Length object must have a list value.")
    return len(items)


def _to_json_string(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, dict | list):
        raise TemplateError("Template error: every Fn::ToJsonString object must have a map or list value.")
    value = resolve(argument, scope)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False) if is_known(value) else UNKNOWN


FUNCTIONS: Mapping[str, Callable[[Any, Scope], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::FindInMap": _find_in_map,
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::GetAZs": _get_azs,
    "Fn::ImportValue": _import_value,
    "Fn::If": _if,
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json_string,
}
