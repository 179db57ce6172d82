"""Filter policies of SNS subscriptions: what a subscriber wants to hear, of a message's attributes or of its body.

    policy = compile('{"store": ["example"], "price": [{"numeric": [">", 0, "<=", 100]}]}', "MessageAttributes")
    policy.matches({"store": ["example"], "price": [42]})

A policy is an object of keys that must all match; a key has values of which one must match, or, on bodies, keys below it.
`$or` holds alternatives.
AWS: https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html and subscription-filter-policy-constraints.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from tule.lang.json_tokens import complaint, tokens
from tule.lang.sns_filter_compiler import Compiler, InvalidFilter, Keys, Leaf

Scope = Literal["MessageAttributes", "MessageBody"]

MAX_KEYS = 5
MAX_COMBINATIONS = 150
MAX_BYTES = 256 * 1024
_MISSING: dict[str, Any] = {}


@dataclass(slots=True, frozen=True)
class Filter:
    keys: Keys
    scope: Scope

    def matches(self, event: Mapping[str, Any]) -> bool:
        """`event` is a message's body, or its attributes as lists of values by name."""
        return _all(self.keys, event, event, self.scope == "MessageAttributes")


def compile(text: str, scope: Scope = "MessageAttributes") -> Filter:
    """Raises InvalidFilter."""
    wrong = complaint(text)
    if wrong is not None:
        raise InvalidFilter(f"failed to parse JSON. {wrong}")
    keys = Compiler(_compact(text)).compile()
    if scope == "MessageAttributes" and any(len(leaf.path) > 1 for leaf in _leaves(keys)):
        raise InvalidFilter("Filter policy scope MessageAttributes does not support nested filter policy")
    if len({leaf.path for leaf in _leaves(keys)}) > MAX_KEYS:
        raise InvalidFilter(f"Filter policy can not have more than {MAX_KEYS} keys")
    if _combinations(keys) > MAX_COMBINATIONS or len(text.encode(errors="replace")) > MAX_BYTES:
        raise InvalidFilter("Filter policy is too complex")
    return Filter(keys, scope)


def _compact(text: str) -> str:
    """Without white space between tokens, which is how AWS hands it to its compiler."""
    parts: list[str] = []
    before = ""
    for token in tokens(text):
        raw = text[token.start : token.end]
        if before == "name":
            parts.append(":")
        elif before not in ("", "{", "[") and token.kind not in ("}", "]", "end"):
            parts.append(",")
        parts.append(raw)
        before = token.kind
    return "".join(parts)


def _leaves(keys: Keys) -> Iterator[Leaf]:
    for child in keys.children.values():
        if isinstance(child, Leaf):
            yield child
        else:
            yield from _leaves(child)
    for alternatives in keys.alternatives:
        for alternative in alternatives:
            yield from _leaves(alternative)


def _combinations(keys: Keys) -> int:
    """The product of each key's number of values, times its depth; of alternatives the sum."""
    product = 1
    for child in keys.children.values():
        product *= child.count * len(child.path) if isinstance(child, Leaf) else _combinations(child)
    for alternatives in keys.alternatives:
        product *= sum(_combinations(alternative) for alternative in alternatives)
    return product


# Matching.


def _all(keys: Keys, value: Any, event: Mapping[str, Any], attributes: bool) -> bool:
    for name, child in keys.children.items():
        found = value.get(name, _MISSING)
        if isinstance(child, Leaf):
            if not _leaf(child, found, event, attributes):
                return False
        elif not any(_all(child, below, event, attributes) for below in _objects(found)):
            return False
    return all(any(_all(alternative, value, event, attributes) for alternative in group) for group in keys.alternatives)


def _leaf(leaf: Leaf, found: Any, event: Mapping[str, Any], attributes: bool) -> bool:
    if found is _MISSING:
        return (leaf.absent and not _is_there(event, leaf.path)) or (attributes and leaf.null)
    if found.__class__ is list:
        if any(map(leaf.takes, _scalars(found))):
            return True
    elif found.__class__ is not dict and leaf.takes(found):
        return True
    return leaf.absent and not _is_there(event, leaf.path)


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects at a place: itself, those of an array, or one that has nothing, for keys that must be absent."""
    if value.__class__ is list:
        any_found = False
        for item in value:
            if item.__class__ in (dict, list):
                any_found = True
                yield from _objects(item)
        if not any_found:
            yield _MISSING
    else:
        yield value if value.__class__ is dict else _MISSING


def _scalars(values: list[Any]) -> Iterator[Any]:
    for value in values:
        if value.__class__ is list:
            yield from _scalars(value)
        elif value.__class__ is not dict:
            yield value


def _is_there(value: Any, path: tuple[str, ...]) -> bool:
    """Whether there is a plain value anywhere on the path, through arrays."""
    if value.__class__ is list:
        return any(_is_there(item, path) for item in value)
    if not path:
        return value.__class__ is not dict
    return value.__class__ is dict and path[0] in value and _is_there(value[path[0]], path[1:])


def attribute_values(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Any]]:
    """What a policy on attributes sees of a message's: strings, numbers, and the values of `String.Array`; no binaries."""
    found: dict[str, list[Any]] = {}
    for name, attribute in attributes.items():
        kind, text = attribute["DataType"], attribute.get("StringValue", "")
        if kind == "String.Array":
            values = _array(text)
            if values is not None:
                found[name] = values
        elif kind == "Number" or kind.startswith("Number."):
            found[name] = [_number(text)]
        elif not kind.startswith("Binary"):
            found[name] = [text]
    return found


def _array(text: str) -> list[Any] | None:
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return values if isinstance(values, list) else [values]


def _number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        return float(text)
