"""The Condition element: operators, `...IfExists`, `ForAllValues:` and `ForAnyValue:`.

All operators of a block, and all keys of an operator, must hold; of a key's values one is enough (for the negated
operators none may match).  A key that the request lacks fails an operator, satisfies a negated one, and satisfies any
`IfExists`.  AWS: "IAM JSON policy elements: Condition operators", "Multivalued context keys".
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from tule.access.policy.context import RequestContext, as_text
from tule.access.policy.globs import arn_glob, glob
from tule.access.policy.variables import Template, parse, unmarked

Condition = Callable[[RequestContext], bool]
Test = Callable[[str], bool]  # of one value of the request against one value of the policy

# Operator (lower case) -> what it compares, and whether it is negated.
_OPERATORS: dict[str, tuple[str, bool]] = {
    "stringequals": ("equals", False),
    "stringnotequals": ("equals", True),
    "stringequalsignorecase": ("equals_ignoring_case", False),
    "stringnotequalsignorecase": ("equals_ignoring_case", True),
    "stringlike": ("like", False),
    "stringnotlike": ("like", True),
    "numericequals": ("number =", False),
    "numericnotequals": ("number =", True),
    "numericlessthan": ("number <", False),
    "numericlessthanequals": ("number <=", False),
    "numericgreaterthan": ("number >", False),
    "numericgreaterthanequals": ("number >=", False),
    "dateequals": ("date =", False),
    "datenotequals": ("date =", True),
    "datelessthan": ("date <", False),
    "datelessthanequals": ("date <=", False),
    "dategreaterthan": ("date >", False),
    "dategreaterthanequals": ("date >=", False),
    "bool": ("bool", False),
    "binaryequals": ("binary", False),
    "ipaddress": ("ip", False),
    "notipaddress": ("ip", True),
    "arnequals": ("arn", False),
    "arnlike": ("arn", False),
    "arnnotequals": ("arn", True),
    "arnnotlike": ("arn", True),
}


def known(operator: str) -> bool:
    name = _bare(operator)[1]
    return name in _OPERATORS or name == "null"


def compile_conditions(block: Mapping[str, Any], *, variables: bool, otherwise: bool = False) -> Condition | None:
    """None where there is nothing to hold.  An operator that does not exist holds as `otherwise` says."""
    tests: list[Condition] = []
    for operator, keys in block.items():
        for key, values in keys.items():
            if not known(operator):
                tests.append(lambda context: otherwise)
                continue
            texts = [as_text(value) for value in (values if isinstance(values, list) else [values])]
            tests.append(_compile(operator, key.lower(), texts, variables))
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]
    return lambda context: all(test(context) for test in tests)


def _bare(operator: str) -> tuple[str, str, bool]:
    """The set qualifier, the operator's name in lower case, and whether it says IfExists."""
    qualifier, colon, name = operator.lower().partition(":")
    if not colon:
        qualifier, name = "", qualifier
    return qualifier, name.removesuffix("ifexists"), name.endswith("ifexists")


def _compile(operator: str, key: str, values: list[str], variables: bool) -> Condition:
    qualifier, name, if_exists = _bare(operator)
    if name == "null":
        return _null(key, values)
    comparison, negated = _OPERATORS[name]
    any_of = _any_of(comparison, values, variables)
    if qualifier == "forallvalues":
        return _for_all(key, any_of, negated)
    if qualifier == "foranyvalue":
        return _for_any(key, any_of, negated, if_exists)
    return _single(key, any_of, negated, if_exists)


def _single(key: str, matches: Callable[[str, RequestContext], bool], negated: bool, if_exists: bool) -> Condition:
    missing = negated or if_exists

    def test(context: RequestContext) -> bool:
        found = context.get(key)
        if found is None or found == []:
            return missing
        if isinstance(found, str):
            return matches(found, context) is not negated
        return any(matches(value, context) for value in found) is not negated

    return test


def _for_all(key: str, matches: Callable[[str, RequestContext], bool], negated: bool) -> Condition:
    def test(context: RequestContext) -> bool:
        found = context.get(key)
        values = [] if found is None else [found] if isinstance(found, str) else found
        return all(matches(value, context) is not negated for value in values)

    return test


def _for_any(key: str, matches: Callable[[str, RequestContext], bool], negated: bool, if_exists: bool) -> Condition:
    def test(context: RequestContext) -> bool:
        found = context.get(key)
        if found is None:
            return if_exists
        values = [found] if isinstance(found, str) else found
        return any(matches(value, context) is not negated for value in values)

    return test


def _null(key: str, values: list[str]) -> Condition:
    wanted = {value.lower() for value in values}

    def test(context: RequestContext) -> bool:
        found = context.get(key)
        return ("true" if found is None or found == [] else "false") in wanted

    return test


def _any_of(comparison: str, values: list[str], variables: bool) -> Callable[[str, RequestContext], bool]:
    """Whether a value of the request matches one of the policy's."""
    fixed: list[Test] = []
    templates: list[Template] = []
    for value in values:
        parsed = parse(value, enabled=variables)
        if isinstance(parsed, Template):
            templates.append(parsed)
        else:
            fixed.append(_test(comparison, parsed))

    def matches(value: str, context: RequestContext) -> bool:
        for test in fixed:
            if test(value):
                return True
        for template in templates:
            text = template.expand(context)
            if text is not None and _test(comparison, text)(value):
                return True
        return False

    return matches


def _test(comparison: str, wanted: str) -> Test:
    kind, _, relation = comparison.partition(" ")
    if kind == "like":
        return _literal_aware(glob, wanted)
    if kind == "arn":
        return _literal_aware(arn_glob, wanted)
    wanted = unmarked(wanted)
    match kind:
        case "equals":
            return lambda value: value == wanted
        case "equals_ignoring_case":
            lowered = wanted.lower()
            return lambda value: value.lower() == lowered
        case "number":
            return _related(_number, relation, wanted)
        case "date":
            return _related(_date, relation, wanted)
        case "bool":
            truth = wanted.lower()
            return lambda value: value.lower() == truth
        case "binary":
            expected = _binary(wanted)
            return lambda value: expected is not None and _binary(value) == expected
        case _:
            return _in_network(wanted)


def _literal_aware(matcher: Callable[[str], Test], pattern: str) -> Test:
    """Literal `*` and `?` in the pattern stand for themselves only."""
    if unmarked(pattern) == pattern:
        return matcher(pattern)
    test = matcher(pattern)
    marks = str.maketrans({"*": "\ue000", "?": "\ue001"})
    return lambda value: test(value.translate(marks))


def _related(read: Callable[[str], Any], relation: str, wanted: str) -> Test:
    limit = read(wanted)

    def test(value: str) -> bool:
        found = read(value)
        if found is None or limit is None:
            return False
        match relation:
            case "=":
                return found == limit
            case "<":
                return found < limit
            case "<=":
                return found <= limit
            case ">":
                return found > limit
            case _:
                return found >= limit

    return test


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _date(text: str) -> Decimal | None:
    """Seconds since the epoch, of an ISO 8601 date or of seconds."""
    number = _number(text)
    if number is not None and not (len(text) == 4 and text.isdigit()):
        return number
    try:
        moment = datetime.fromisoformat(text + "-01-01" if len(text) == 4 else text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return Decimal(str(moment.timestamp()))


def _binary(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _in_network(wanted: str) -> Test:
    try:
        network = ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return lambda value: False

    def test(value: str) -> bool:
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return False
        return address.version == network.version and address in network

    return test
