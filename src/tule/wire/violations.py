"""What is wrong with params, in AWS's words.  Runs only once a check has failed.

The words are those of the validator in front of most AWS services, down to the order in which it lists an enum's
values: that of a hash table of 32 buckets by Java's string hash, newest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tule.core.errors import ServiceError
from tule.wire.constraints import SIZED, Checks, Manner, manner_of, nothing_to_check
from tule.wire.patterns import matcher
from tule.wire.shapes import Shape, Shapes

_MALFORMED_XML = "The XML you provided was not well-formed or did not validate against our published schema"


_MATCHED_THOUGH_TOO_LONG = 256


class Validator:
    """Validates params of the operations of one service."""

    def __init__(self, service: str, shapes: Shapes) -> None:
        self._service = service
        self._shapes = shapes
        self._manner: Manner = manner_of(service)
        self._checks = Checks(shapes, self._manner)

    def of(self, name: str, operation: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], None]:
        """A function that raises ServiceError when the params of an operation break a constraint."""
        if "input" not in operation:
            return nothing_to_check
        structure = self._shapes.at(operation["input"])
        check = self._checks.check(structure)
        if check is None:
            return nothing_to_check

        def validate(params: Mapping[str, Any]) -> None:
            if not check(params):
                self._refuse(name, structure, params)

        return validate

    def _refuse(self, name: str, structure: Shape, params: Mapping[str, Any]) -> None:
        manner = self._manner
        if manner.words != "coral":
            missing = next(self._missing(structure, params, ""), None)
            if manner.words == "s3":
                self._refuse_s3(structure, missing)
                return
            if missing is not None:
                raise _missing_parameter(self._service, manner, missing)
        if manner.words == "must-contain-parameter":
            return
        found = list(self._violations_of(name, structure, params))
        plural = "s" if len(found) > 1 else ""
        raise ServiceError(manner.code, f"{len(found)} validation error{plural} detected: {'; '.join(found)}", 400)

    def _refuse_s3(self, structure: Shape, missing: str | None) -> None:
        if missing is None:
            return
        member = self._shapes.members(structure).get(missing)
        if member is None:
            raise ServiceError("MalformedXML", _MALFORMED_XML, 400)
        if member.get("location") is None and member["type"] != "string":  # a policy's text may be an empty one
            raise ServiceError("MissingRequestBodyError", "Request Body is empty", 400)

    def _missing(self, shape: Shape, value: Any, path: str) -> Iterator[str]:
        """Paths of required members that are absent, as the query protocol writes them (`Tags.member.1.Key`)."""
        kind = shape["type"]
        if kind == "structure":
            for name in self._checks.required(shape):
                if value.get(name) is None:
                    yield path + name
            for name, member in self._shapes.members(shape).items():
                if value.get(name) is not None:
                    yield from self._missing(member, value[name], f"{path}{name}.")
        elif kind == "list":
            member = self._shapes.at(shape["member"])
            step = "" if self._service in ("ec2", "sqs") else "member."
            for number, inner in enumerate(value, 1):
                if inner is not None:
                    yield from self._missing(member, inner, f"{path}{step}{number}.")
        elif kind == "map":
            member = self._shapes.at(shape["value"])
            for number, inner in enumerate(value.values(), 1):
                yield from self._missing(member, inner, f"{path}{number}.Value.")

    def _violations_of(self, name: str, structure: Shape, params: Mapping[str, Any]) -> Iterator[str]:
        prefix = f"{camel(name)}Input." if self._manner.body_prefix else ""
        required = self._checks.required(structure)
        for member_name, member in self._shapes.members(structure).items():
            path = camel(member_name) if member.get("location") else prefix + camel(member_name)
            yield from self._member(member, params.get(member_name), path, is_required=member_name in required)

    def _member(self, shape: Shape, value: Any, path: str, *, is_required: bool) -> Iterator[str]:
        if value is not None:
            yield from self._value(shape, value, path)
        elif is_required:
            yield _sentence("null", path, "Member must not be null")

    def _value(self, shape: Shape, value: Any, path: str) -> Iterator[str]:
        shown = self._shown(shape, value)
        for broken in self._broken(shape, value):
            yield _sentence(shown, path, broken)
        kind = shape["type"]
        if kind == "structure":
            required = self._checks.required(shape)
            for name, member in self._shapes.members(shape).items():
                yield from self._member(member, value.get(name), f"{path}.{camel(name)}", is_required=name in required)
        elif kind == "list":
            yield from self._items(shape, value, path, shown)
        elif kind == "map":
            yield from self._entries(shape, value, path, shown)

    def _items(self, shape: Shape, value: Any, path: str, shown: str) -> Iterator[str]:
        member = self._shapes.at(shape["member"])
        if member["type"] in ("structure", "list", "map"):
            for number, inner in enumerate(value, 1):
                yield from self._value(member, inner, f"{path}.{number}.member")
        elif any(next(self._broken(member, inner), None) for inner in value if inner is not None):
            rules = [*self._rules(member), *(["Member must not be null"] if self._manner.null_members else [])]
            yield _sentence(shown, path, f"Member must satisfy constraint: [{', '.join(rules)}]")

    def _entries(self, shape: Shape, value: Any, path: str, shown: str) -> Iterator[str]:
        key, member = self._shapes.at(shape["key"]), self._shapes.at(shape["value"])
        if any(next(self._broken(key, name), None) for name in value):
            yield _sentence(shown, path, f"Map keys must satisfy constraint: [{', '.join(self._rules(key))}]")
        if member["type"] in ("structure", "list", "map"):
            for name, inner in value.items():
                yield from self._value(member, inner, f"{path}.{name}.member")
        elif any(next(self._broken(member, inner), None) for inner in value.values()):
            yield _sentence(shown, path, f"Map value must satisfy constraint: [{', '.join(self._rules(member))}]")

    def _broken(self, shape: Shape, value: Any) -> Iterator[str]:
        """The words of every constraint of the shape itself that the value breaks."""
        if not self._checks.own(shape):
            return
        kind = shape["type"]
        low, high = shape.get("min"), shape.get("max")
        if kind == "string":
            if "enum" in shape:
                if self._manner.enums and value not in shape["enum"]:
                    yield _enum_words(shape)
            elif "pattern" in shape and not _hopeless(value, high) and matcher(shape["pattern"])(value) is None:
                yield _pattern_words(shape)
        size = len(value) if kind in SIZED else value if kind in ("integer", "long", "float", "double") else 0
        if high is not None and size > high:
            yield f"Member must have {_measure(kind)} less than or equal to {high}"
        if low is not None and size < low:
            yield f"Member must have {_measure(kind)} greater than or equal to {low}"

    def _rules(self, shape: Shape) -> list[str]:
        """The words of all constraints of a scalar shape, as they are listed for members of lists and maps."""
        rules: list[str] = []
        if "max" in shape:
            rules.append(f"Member must have {_measure(shape['type'])} less than or equal to {shape['max']}")
        if "min" in shape:
            rules.append(f"Member must have {_measure(shape['type'])} greater than or equal to {shape['min']}")
        if "enum" in shape:
            rules.append(_enum_words(shape))
        elif "pattern" in shape:
            rules.append(_pattern_words(shape))
        return rules

    def _shown(self, shape: Shape, value: Any) -> str:
        """The value in quotes; nothing where it is a secret."""
        return "" if shape.get("sensitive") else f"'{self._text(shape, value)}'"

    def _text(self, shape: Shape, value: Any) -> str:
        """As Java prints it."""
        if value is None:
            return "null"
        if shape.get("sensitive"):
            return "***Sensitive Data Redacted***"
        kind = shape["type"]
        if kind == "structure":
            members = self._shapes.members(shape).items()
            return f"{shape['shape']}({', '.join(f'{camel(name)}={self._text(member, value.get(name))}' for name, member in members)})"
        if kind == "list":
            member = self._shapes.at(shape["member"])
            return f"[{', '.join(self._text(member, inner) for inner in value)}]"
        if kind == "map":
            member = self._shapes.at(shape["value"])
            return f"{{{', '.join(f'{name}={self._text(member, inner)}' for name, inner in value.items())}}}"
        if kind == "blob":
            return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
        return str(value).lower() if kind == "boolean" else str(value)


def camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def enum_order(values: list[str]) -> list[str]:
    """An enum's values in the order in which AWS's validator lists them."""
    buckets: dict[int, list[str]] = {}
    for value in values:
        buckets.setdefault(_java_hash(value) & 31, []).insert(0, value)
    return [value for bucket in sorted(buckets) for value in buckets[bucket]]


def _java_hash(text: str) -> int:
    result = 0
    for char in text:
        result = (31 * result + ord(char)) & 0xFFFFFFFF
    return result


def _sentence(shown: str, path: str, broken: str) -> str:
    return (
        f"Value {shown} at '{path}' failed to satisfy constraint: {broken}" if shown else f"Value at '{path}' failed to satisfy constraint: {broken}"
    )


def _hopeless(value: str, high: int | None) -> bool:
    """Far too long: matching could take long too, and there is another reason to refuse it."""
    return high is not None and len(value) > max(high, _MATCHED_THOUGH_TOO_LONG)


def _measure(kind: str) -> str:
    return "length" if kind in SIZED else "value"


def _enum_words(shape: Shape) -> str:
    return f"Member must satisfy enum value set: [{', '.join(enum_order(shape['enum']))}]"


def _pattern_words(shape: Shape) -> str:
    return f"Member must satisfy regular expression pattern: {shape['pattern']}"


def _missing_parameter(service: str, manner: Manner, path: str) -> ServiceError:
    if manner.words == "parameter-is-required":
        return ServiceError("MissingRequiredParameterException", f"The parameter {path} is required.", 400)
    stop = "." if service == "sqs" else ""
    return ServiceError(manner.code, f"The request must contain the parameter {path}{stop}", 400)
