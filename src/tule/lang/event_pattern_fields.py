"""The grammar of event patterns: text to the fields that an event must have.

A pattern is an object of fields; a field's array lists what its value may be.  `$or` makes several rules of one: each rule
is a map from paths (`detail.state`) to what is accepted there.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html; texts of refusals as its rule engine has them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from tule.lang import event_pattern_values as values
from tule.lang.event_pattern_json import InvalidPattern, Kind, PatternReader
from tule.lang.event_pattern_values import InvalidValue, Test, Value

MAX_RULES = 1_000  # that `$or` may make of one pattern
_OR = "$or"
_MATCHES = "exactly equals-ignore-case prefix suffix anything-but exists wildcard numeric cidr = < <= > >="
_FUTURE = (
    "regex not-wildcard not-equals-ignore-case date-after date-on-or-after date-before date-on-or-before in-date-range"
    " ip-address-in-range ip-address-not-in-range"
)
_RESERVED_IN_OR = frozenset((*_MATCHES.split(), *_FUTURE.split()))


@dataclass(slots=True)
class Accepted:
    """What a field's value may be: any of these."""

    present: bool = False  # `exists: true`
    absent: bool = False  # `exists: false`
    texts: set[str] = field(default_factory=set[str])
    numbers: set[int | float] = field(default_factory=set[int | float])
    literals: set[bool | None] = field(default_factory=set[bool | None])
    tests: list[Test] = field(default_factory=list[Test])

    def accepts(self, value: Value) -> bool:
        if self.present:
            return True
        if isinstance(value, str):
            known = value in self.texts
        elif value is None or isinstance(value, bool):
            known = value in self.literals
        else:
            known = value in self.numbers
        return known or any(test(value) for test in self.tests)


Rule = dict[str, Accepted]


def read(source: str) -> list[Rule]:
    """Raises InvalidPattern."""
    reader = PatternReader(source)
    if reader.next() != "{":
        reader.fail("Filter is not an object")
    rules: list[Rule] = []
    return _object(reader, rules, "", inside_or=False)


def _object(reader: PatternReader, rules: list[Rule], path: str, *, inside_or: bool) -> list[Rule]:
    """The rules, each with this object's fields added."""
    empty = True
    while reader.next() != "}":
        empty = False
        name = reader.name
        if name == _OR:
            rules = _or(reader, rules, path)
            continue
        if inside_or and name in _RESERVED_IN_OR:
            reader.fail(f"{name} is Ruler reserved fieldName which cannot be used inside {_OR}.")
        inner = f"{path}.{name}" if path else name
        match reader.next():
            case "{":
                rules = _object(reader, rules, inner, inside_or=inside_or)
            case "[":
                accepted = _array(reader)
                rules = [{**rule, inner: accepted} for rule in rules or [{}]]
            case _:
                reader.fail(f'"{name}" must be an object or an array')
    if empty:
        reader.fail("Empty objects are not allowed")
    return rules


def _or(reader: PatternReader, rules: list[Rule], path: str) -> list[Rule]:
    if reader.next() != "[":
        reader.fail(f"It must be an Array followed with {_OR}.")
    found: list[Rule] = []
    count = 0
    while (kind := reader.next()) != "]":
        count += 1
        if kind != "{":
            reader.fail(f"Only JSON object is allowed in array of {_OR} relationship.")
        found += _object(reader, list(rules) or [{}], path, inside_or=True)
        if len(found) > MAX_RULES:
            reader.fail(f"Rule is too complex - {_OR} makes more than {MAX_RULES} combinations of it")
    if count < 2:
        reader.fail(f"There must have at least 2 Objects in {_OR} relationship.")
    return found


def _array(reader: PatternReader) -> Accepted:
    accepted = Accepted()
    empty = True
    while (kind := reader.next()) != "]":
        empty = False
        match kind:
            case "{":
                _expression(reader, accepted)
            case "string":
                _text(accepted, reader.text)
            case "number":
                accepted.numbers.add(values.plain_number(reader.text))
            case "true" | "false":
                accepted.literals.add(kind == "true")
            case "null":
                accepted.literals.add(None)
            case _:
                reader.fail("Match value must be String, number, true, false, or null")
    if empty:
        reader.fail("Empty arrays are not allowed")
    return accepted


def _text(accepted: Accepted, text: str) -> None:
    address = values.address(text)
    if address is None:
        accepted.texts.add(text)
    else:
        accepted.tests.append(values.same_address(address))


def _expression(reader: PatternReader, accepted: Accepted) -> None:
    """`{"prefix": "a"}`, whose brace has been read."""
    if reader.next() != "name":
        reader.fail("Match expression name not found")
    match reader.name:
        case "exactly":
            accepted.texts.add(_string(reader, "exact match pattern must be a string"))
            _end(reader)
        case "prefix":
            accepted.tests.append(_affix(reader, "prefix", values.prefix, values.prefix_ignoring_case))
        case "suffix":
            accepted.tests.append(_affix(reader, "suffix", values.suffix, values.suffix_ignoring_case))
        case "numeric":
            accepted.tests.append(_numeric(reader))
        case "anything-but":
            accepted.tests.append(_anything_but(reader))
        case "exists":
            _exists(reader, accepted)
        case "cidr":
            accepted.tests.append(_cidr(reader))
            _end(reader)
        case "equals-ignore-case":
            accepted.tests.append(values.equals_ignoring_case(_string(reader, "equals-ignore-case match pattern must be a string")))
            _end(reader)
        case "wildcard":
            accepted.tests.append(_wildcard(reader, _string(reader, "wildcard match pattern must be a string")))
            _end(reader)
        case name:
            reader.fail(f"Unrecognized match type {name}")


def _string(reader: PatternReader, otherwise: str) -> str:
    if reader.next() != "string":
        reader.fail(otherwise)
    return reader.text


def _end(reader: PatternReader, otherwise: str = "Only one key allowed in match expression") -> None:
    if reader.next() != "}":
        reader.fail(otherwise)


def _affix(reader: PatternReader, what: str, test: Callable[[str], Test], ignoring_case: Callable[[str], Test]) -> Test:
    kind = reader.next()
    if kind == "{":
        if reader.next() != "name":
            reader.fail(f"{what.capitalize()} expression name not found")
        if reader.name != "equals-ignore-case":
            reader.fail(f"Unsupported {what} pattern: {reader.name}")
        text = _string(reader, "equals-ignore-case match pattern must be a string")
        _end(reader)
        _end(reader)
        return ignoring_case(text)
    if kind != "string":
        reader.fail(f"{what} match pattern must be a string")
    found = test(reader.text)
    _end(reader)
    return found


def _wildcard(reader: PatternReader, text: str) -> Test:
    try:
        return values.wildcard(text)
    except InvalidValue as error:
        reader.fail(str(error))


def _cidr(reader: PatternReader) -> Test:
    text = _string(reader, "prefix match pattern must be a string")
    try:
        return values.cidr(text)
    except InvalidValue as error:
        raise InvalidPattern(str(error)) from error  # said without a position


def _exists(reader: PatternReader, accepted: Accepted) -> None:
    match reader.next():
        case "true":
            accepted.present = True
        case "false":
            accepted.absent = True
        case _:
            reader.fail("exists match pattern must be either true or false.")
    _end(reader)


def _anything_but(reader: PatternReader) -> Test:
    kind = reader.next()
    if kind != "{":
        found = _anything_but_values(reader, kind)
        _end(reader, "Too many elements in numeric expression")
        return found
    if reader.next() != "name":
        reader.fail("Anything-But expression name not found")
    found = _anything_but_tests(reader, reader.name)
    _end(reader, "Too many elements in numeric expression")
    _end(reader, "Too many elements in numeric expression")
    return found


def _anything_but_values(reader: PatternReader, kind: Kind) -> Test:
    texts: set[str] = set()
    numbers: set[int | float] = set()
    if kind == "[":
        while (kind := reader.next()) != "]":
            _exclude(reader, kind, texts, numbers)
        if bool(texts) == bool(numbers):
            reader.fail("Inside anything but list, either all values are number or string, mixed type is not supported")
    elif kind in ("string", "number"):
        _exclude(reader, kind, texts, numbers)
    else:
        _no_anything_but(reader)
    return values.nothing_of([values.equals_text(frozenset(texts)), values.equals_number(frozenset(numbers))])


def _no_anything_but(reader: PatternReader) -> NoReturn:
    reader.fail("Value of anything-but must be an array or single string/number value.")


def _exclude(reader: PatternReader, kind: Kind, texts: set[str], numbers: set[int | float]) -> None:
    match kind:
        case "string":
            texts.add(reader.text)
        case "number":
            numbers.add(_number(reader))
        case _:
            reader.fail("Inside anything but list, start|null|boolean is not supported.")


def _anything_but_tests(reader: PatternReader, operator: str) -> Test:
    """`{"anything-but": {"prefix": ["a", "b"]}}` from the operator's value on."""
    makers: dict[str, Callable[[str], Test]] = {
        "equals-ignore-case": values.equals_ignoring_case,
        "prefix": values.prefix,
        "suffix": values.suffix,
        "wildcard": lambda text: _wildcard(reader, text),
    }
    make = makers.get(operator)
    if make is None:
        reader.fail(f"Unsupported anything-but pattern: {operator}")
    kind = reader.next()
    if kind not in ("[", "string", "number"):
        _no_anything_but(reader)
    if kind != "[":
        return values.nothing_of([make(_excluded_text(reader, kind, operator))])
    tests: list[Test] = []
    while (kind := reader.next()) != "]":
        tests.append(make(_excluded_text(reader, kind, operator)))
    return values.nothing_of(tests)


def _excluded_text(reader: PatternReader, kind: Kind, operator: str) -> str:
    if kind != "string":
        match operator:
            case "equals-ignore-case":
                reader.fail("Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.")
            case "wildcard":
                reader.fail("wildcard match pattern must be a string")
            case _:
                reader.fail("prefix/suffix match pattern must be a string")
    if operator in ("prefix", "suffix") and not reader.text:
        reader.fail("Null prefix/suffix not allowed")
    return reader.text


def _numeric(reader: PatternReader) -> Test:
    if reader.next() != "[":
        reader.fail("Value of numeric must be an array.")
    test = _range(reader)
    _end(reader, "Too many elements in numeric expression")
    return test


def _range(reader: PatternReader) -> Test:
    kind = reader.next()
    if kind != "string":
        reader.fail(f"Invalid member in numeric match: {reader.text if kind == 'number' else kind}")
    operator = reader.text
    if operator not in ("=", ">=", ">", "<=", "<"):
        reader.next()
        reader.fail(f"Unrecognized numeric range operator: {operator}")
    bound = _bound(reader, "equals" if operator == "=" else operator)
    if operator in (">", ">="):
        return _from(reader, bound, above=operator == ">")
    if reader.next() != "]":
        reader.fail("Too many elements in numeric expression")
    match operator:
        case "=":
            return values.equals_number(frozenset([bound]))
        case "<=":
            return values.between(None, bound)
        case _:
            return values.between(None, bound, below=True)


def _from(reader: PatternReader, bottom: int | float, *, above: bool) -> Test:
    kind = reader.next()
    if kind == "]":
        return values.between(bottom, None, above=above)
    if kind != "string":
        reader.fail(f"Bad value in numeric range: {reader.text if kind == 'number' else kind}")
    operator = reader.text
    if operator not in ("<", "<="):
        reader.fail(f"Bad numeric range operator: {operator}")
    top = _bound(reader, operator)
    if reader.next() != "]":
        reader.fail("Too many terms in numeric range expression")
    try:
        return values.between(bottom, top, above=above, below=operator == "<")
    except InvalidValue as error:
        reader.fail(str(error))


def _bound(reader: PatternReader, operator: str) -> int | float:
    if reader.next() != "number":
        reader.fail(f"Value of {operator} must be numeric")
    return _number(reader)


def _number(reader: PatternReader) -> int | float:
    try:
        return values.number(reader.text)
    except InvalidValue as error:
        reader.fail(str(error))
