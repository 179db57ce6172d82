"""Filter policies of SNS, compiled: tests of values, and AWS's own refusals.

The words of a refusal are those of AWS's compiler (event-ruler), which reads token by token and says where it stopped; the
positions are those in the policy as it is after white space is taken out.
AWS: https://github.com/aws/event-ruler and https://docs.aws.amazon.com/sns/latest/dg/string-value-matching.html
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import orjson

from tule.lang.json_tokens import Token, position, tokens

Test = Callable[[Any], bool]

_OR = "$or"
_SHOWN_CHARS = 500
_IPV4 = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
_IPV6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*")
_NOT_IN_OR = frozenset(
    (
        *("exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr"),
        *("=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case"),
        *("date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"),
        *("ip-address-in-range", "ip-address-not-in-range"),
    )
)


class InvalidFilter(ValueError):
    """`text` is what AWS says of the policy, to be put behind `FilterPolicy: `."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(slots=True)
class Leaf:
    """The values of one key: plain strings, and tests for all else.  `absent` is `exists: false`, `null` the word null."""

    path: tuple[str, ...]
    strings: set[str] = field(default_factory=set[str])
    tests: list[Test] = field(default_factory=list[Test])
    absent: bool = False
    null: bool = False
    count: int = 0

    def takes(self, value: Any) -> bool:
        if value.__class__ is str and value in self.strings:
            return True
        if value is None and self.null:
            return True
        return any(test(value) for test in self.tests)


@dataclass(slots=True)
class Keys:
    """Keys that must all match, and for each `$or` its alternatives."""

    children: dict[str, Leaf | Keys] = field(default_factory=dict[str, "Leaf | Keys"])
    alternatives: list[list[Keys]] = field(default_factory=list["list[Keys]"])


class Compiler:
    """Follows the tokens as AWS's compiler does, so that it refuses at the same place in the same words."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._index = -1
        self._was_read = False

    def compile(self) -> Keys:
        if self._next().kind != "{":
            self._refuse("Filter is not an object")
        keys = Keys()
        self._keys(keys, (), inside_or=False)
        return keys

    @property
    def _token(self) -> Token:
        return self._tokens[self._index]

    def _next(self) -> Token:
        self._index += 1
        self._was_read = False
        return self._token

    def _read(self) -> str:
        """The text of the token at hand, by which a string is read to its end."""
        self._was_read = True
        return self._token.text

    def _refuse(self, why: str) -> NoReturn:
        token = self._token
        is_read = self._was_read
        if token.kind == "name":  # the parser looks at the beginning of the value with the name
            token, is_read = self._tokens[self._index + 1], False
        at = token.end if is_read else token.read_to
        shown = f'"{self._text[:_SHOWN_CHARS]}"'
        if len(self._text) > _SHOWN_CHARS:
            shown += f"[truncated {len(self._text) - _SHOWN_CHARS} chars]"
        raise InvalidFilter(f"{why}\n at [Source: (String){shown}; {position(self._text, at)}]")

    def _keys(self, keys: Keys, path: tuple[str, ...], *, inside_or: bool) -> None:
        empty = True
        while self._next().kind != "}":
            empty = False
            name = self._token.text
            if name == _OR:
                keys.alternatives.append(self._or(path))
                continue
            if inside_or and name in _NOT_IN_OR:
                self._refuse(f"{name} is Ruler reserved fieldName which cannot be used inside {_OR}.")
            below = (*path, name)
            match self._next().kind:
                case "{":
                    child = Keys()
                    self._keys(child, below, inside_or=inside_or)
                    keys.children[name] = child
                case "[":
                    keys.children[name] = self._values(below)
                case _:
                    self._refuse(f'"{name}" must be an object or an array')
        if empty:
            self._refuse("Empty objects are not allowed")

    def _or(self, path: tuple[str, ...]) -> list[Keys]:
        if self._next().kind != "[":
            self._refuse(f"It must be an Array followed with {_OR}.")
        found: list[Keys] = []
        while self._next().kind != "]":
            if self._token.kind != "{":
                self._refuse(f"Only JSON object is allowed in array of {_OR} relationship.")
            alternative = Keys()
            self._keys(alternative, path, inside_or=True)
            found.append(alternative)
        if len(found) < 2:
            self._refuse(f"There must have at least 2 Objects in {_OR} relationship.")
        return found

    def _values(self, path: tuple[str, ...]) -> Leaf:
        leaf = Leaf(path)
        while self._next().kind != "]":
            leaf.count += 1
            token = self._token
            match token.kind:
                case "{":
                    self._expression(leaf)
                case "string":
                    text = self._read()
                    leaf.strings.add(text)
                    if (address := _address(text)) is not None:
                        leaf.tests.append(lambda value, address=address: value.__class__ is str and _address(value) == address)
                case "number":
                    leaf.tests.append(_equals(orjson.loads(token.text)))
                case "null":
                    leaf.null = True
                case "true" | "false":
                    leaf.tests.append(lambda value, wanted=token.kind == "true": value is wanted)
                case _:
                    self._refuse("Match value must be String, number, true, false, or null")
        if not leaf.count:
            self._refuse("Empty arrays are not allowed")
        return leaf

    def _expression(self, leaf: Leaf) -> None:
        if self._next().kind != "name":
            self._refuse("Match expression name not found")
        match self._token.text:
            case "exactly":
                leaf.strings.add(self._only_string("exact"))
            case "prefix" | "suffix" as which:
                leaf.tests.append(self._affix(which))
            case "numeric":
                leaf.tests.append(self._numeric())
            case "anything-but":
                leaf.tests.append(self._anything_but())
            case "exists":
                self._exists(leaf)
            case "cidr":
                leaf.tests.append(self._cidr())
            case "equals-ignore-case":
                leaf.tests.append(_strings(_same_letters(self._only_string("equals-ignore-case"))))
            case "wildcard":
                leaf.tests.append(self._wildcard())
            case other:
                self._refuse(f"Unrecognized match type {other}")

    def _only_string(self, kind: str) -> str:
        if self._next().kind != "string":
            self._refuse(f"{kind} match pattern must be a string")
        text = self._read()
        self._only_key()
        return text

    def _only_key(self) -> None:
        if self._next().kind != "}":
            self._refuse("Only one key allowed in match expression")

    def _affix(self, which: str) -> Test:
        if self._tokens[self._index + 1].kind != "{":
            return _strings(_affix_test(which, self._only_string(which)))
        self._next()
        if self._next().kind != "name":
            self._refuse(f"{which.capitalize()} expression name not found")
        if self._token.text != "equals-ignore-case":
            self._refuse(f"Unsupported {which} pattern: {self._token.text}")
        test = _affix_test(which, self._only_string("equals-ignore-case").lower())
        self._only_key()
        return _strings(lambda value: test(value.lower()))

    def _exists(self, leaf: Leaf) -> None:
        match self._next().kind:
            case "true":
                leaf.tests.append(lambda _: True)
            case "false":
                leaf.absent = True
            case _:
                self._refuse("exists match pattern must be either true or false.")
        self._only_key()

    def _cidr(self) -> Test:
        if self._next().kind != "string":
            self._refuse("prefix match pattern must be a string")
        network = _network(self._read())
        self._only_key()

        def within(value: Any) -> bool:
            address = _address(value) if value.__class__ is str else None
            return address is not None and address.version == network.version and address in network

        return within

    def _wildcard(self) -> Test:
        if self._next().kind != "string":
            self._refuse("wildcard match pattern must be a string")
        pattern = self._pattern(self._read())
        self._only_key()
        return _strings(_like(pattern))

    def _pattern(self, text: str) -> re.Pattern[str]:
        """`*` is anything, `\\*` and `\\\\` are themselves.  Positions count the quote and bytes, as AWS's do."""
        parts: list[str] = []
        index = 0
        while index < len(text):
            char, after = text[index], text[index + 1 : index + 2]
            if char == "*":
                if after == "*":
                    self._refuse(f"Consecutive wildcard characters at pos {1 + len(text[:index].encode())}")
                parts.append(".*")
            elif char == "\\":
                if after not in ("*", "\\"):
                    self._refuse(f"Invalid escape character at pos {1 + len(text[:index].encode())}")
                parts.append(re.escape(after))
                index += 1
            else:
                parts.append(re.escape(char))
            index += 1
        return re.compile("".join(parts), re.DOTALL)

    def _numeric(self) -> Test:
        if self._next().kind != "[":
            self._refuse("Value of numeric must be an array.")
        if self._next().kind != "string":
            self._refuse(f"Invalid member in numeric match: {self._read()}")
        operator = self._read()
        if operator not in ("=", ">", ">=", "<", "<="):
            self._next()
            self._refuse(f"Unrecognized numeric range operator: {operator}")
        bound = self._number("equals" if operator == "=" else operator)
        if operator in (">", ">=") and self._next().kind != "]":
            test = self._range(operator, bound)
        elif operator in (">", ">="):
            test = _compared(operator, bound)
        else:
            if self._next().kind != "]":
                self._refuse("Too many elements in numeric expression")
            test = _compared(operator, bound)
        if self._next().kind != "}":
            self._refuse("Too many elements in numeric expression")
        return test

    def _number(self, operator: str) -> float:
        if self._next().kind != "number":
            self._refuse(f"Value of {operator} must be numeric")
        return orjson.loads(self._token.text)

    def _range(self, lower: str, bottom: float) -> Test:
        if self._token.kind != "string":
            self._refuse(f"Bad value in numeric range: {self._read()}")
        upper = self._read()
        if upper not in ("<", "<="):
            self._refuse(f"Bad numeric range operator: {upper}")
        top = self._number(upper)
        if self._next().kind != "]":
            self._refuse("Too many terms in numeric range expression")
        if bottom >= top:
            self._refuse("Bottom must be less than top")
        above, below = _compared(lower, bottom), _compared(upper, top)
        return lambda value: above(value) and below(value)

    def _anything_but(self) -> Test:
        kind = ""
        if self._next().kind == "{":
            if self._next().kind != "name":
                self._refuse("Anything-But expression name not found")
            kind = self._token.text
            if kind not in ("equals-ignore-case", "prefix", "suffix", "wildcard"):
                self._refuse(f"Unsupported anything-but pattern: {kind}")
            self._next()
        if self._token.kind not in ("[", "string", "number"):
            self._refuse("Value of anything-but must be an array or single string/number value.")
        test = self._but_kind(kind) if kind else self._but_values()
        for _ in range(2 if kind else 1):
            if self._next().kind != "}":
                self._refuse("Too many elements in numeric expression")
        return lambda value: not test(value)

    def _but_values(self) -> Test:
        strings: set[str] = set()
        numbers: list[Test] = []
        for token in self._but_tokens():
            if token.kind == "string":
                strings.add(self._read())
            elif token.kind == "number":
                numbers.append(_equals(orjson.loads(token.text)))
            else:
                self._refuse("Inside anything but list, start|null|boolean is not supported.")
        if bool(strings) == bool(numbers):
            self._refuse("Inside anything but list, either all values are number or string, mixed type is not supported")
        if numbers:
            return lambda value: any(equals(value) for equals in numbers)
        return lambda value: value.__class__ is str and value in strings

    def _but_kind(self, kind: str) -> Test:
        tests: list[Callable[[str], bool]] = []
        for token in self._but_tokens():
            if token.kind != "string":
                self._refuse(_BUT_KIND_MUST.get(kind, "prefix/suffix match pattern must be a string"))
            text = self._read()
            if not text and kind in ("prefix", "suffix"):
                self._refuse("Null prefix/suffix not allowed")
            tests.append(self._but_test(kind, text))
        return _strings(lambda value: any(test(value) for test in tests))

    def _but_test(self, kind: str, text: str) -> Callable[[str], bool]:
        match kind:
            case "equals-ignore-case":
                return _same_letters(text)
            case "wildcard":
                return _like(self._pattern(text))
            case _:
                return _affix_test(kind, text)

    def _but_tokens(self) -> Iterator[Token]:
        """The one value, or those of the array."""
        if self._token.kind != "[":
            yield self._token
            return
        while self._next().kind != "]":
            yield self._token


_BUT_KIND_MUST = {
    "equals-ignore-case": "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
    "wildcard": "wildcard match pattern must be a string",
}


def _strings(test: Callable[[str], bool]) -> Test:
    return lambda value: value.__class__ is str and test(value)


def _affix_test(which: str, text: str) -> Callable[[str], bool]:
    return (lambda value: value.startswith(text)) if which == "prefix" else (lambda value: value.endswith(text))


def _same_letters(text: str) -> Callable[[str], bool]:
    wanted = text.lower()
    return lambda value: value.lower() == wanted


def _like(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: pattern.fullmatch(value) is not None


def _is_number(value: Any) -> bool:
    return value.__class__ is int or value.__class__ is float


def _equals(wanted: float) -> Test:
    return lambda value: _is_number(value) and value == wanted


def _compared(operator: str, bound: float) -> Test:
    match operator:
        case "=":
            return _equals(bound)
        case ">":
            return lambda value: _is_number(value) and value > bound
        case ">=":
            return lambda value: _is_number(value) and value >= bound
        case "<":
            return lambda value: _is_number(value) and value < bound
        case _:
            return lambda value: _is_number(value) and value <= bound


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Only what looks like an address, and is one."""
    if not _IPV4.fullmatch(text) and not _IPV6.fullmatch(text):
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Raises InvalidFilter; these refusals name no place."""
    parts = text.rstrip("/").split("/")
    if len(parts) != 2:
        raise InvalidFilter("Malformed CIDR, one '/' required")
    base, mask = parts
    if not re.fullmatch(r"[+-]?\d{1,9}", mask):
        raise InvalidFilter("Malformed CIDR, mask bits must be an integer")
    bits = int(mask)
    if bits < 0:
        raise InvalidFilter("Malformed CIDR, mask bits must not be negative")
    if not _IPV4.fullmatch(base) and not _IPV6.fullmatch(base):
        raise InvalidFilter(f"Nonstandard IP address: {base}")
    address = _address(base)
    if address is None:
        raise InvalidFilter(f"Invalid IP address: {base}")
    if address.version == 4 and bits > 31:
        raise InvalidFilter("IPv4 mask bits must be < 32")
    if address.version == 6 and bits > 127:
        raise InvalidFilter("IPv6 mask bits must be < 128")
    return ipaddress.ip_network((address, bits), strict=False)
