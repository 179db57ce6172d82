"""YAML template text to a plain document.

It is composed from the parser's events rather than by PyYAML's constructors: the short tags become long forms,
timestamps stay text, depth and size are limited before anything recursive sees the document, and an alias costs what it
refers to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.template.text import MAX_DEPTH, too_deep

MAX_NODES = 500_000
LIST_FUNCTIONS = frozenset({"GetAtt"})
FUNCTIONS = frozenset(
    {
        "And", "Base64", "Cidr", "Contains", "EachMemberEquals", "EachMemberIn", "Equals", "FindInMap", "ForEach", "GetAtt", "GetAZs",
        "If", "ImportValue", "Join", "Length", "Not", "Or", "RefAll", "Select", "Split", "Sub", "ToJsonString", "Transform", "ValueOf", "ValueOfAll",
    }
)  # fmt: skip


def parse(text: str) -> Any:
    try:
        return _Composer(text).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _not_well_formed(mark) from error
    except (yaml.YAMLError, ValueError) as error:
        raise TemplateError("Template format error: YAML not well-formed.") from error


def _not_well_formed(mark: yaml.Mark | None) -> TemplateError:
    place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return TemplateError(f"Template format error: YAML not well-formed.{place}")


class _Composer:
    """One YAML document, built from events with an explicit depth."""

    def __init__(self, text: str) -> None:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=loader))
        self._resolver = Resolver()
        self._constructor = SafeConstructor()
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0

    def document(self) -> Any:
        for event in self._events:
            if isinstance(event, yaml.StreamEndEvent):
                return None
            if isinstance(event, yaml.DocumentStartEvent):
                value = self._node(next(self._events), 0)
                next(self._events)
                self._no_second_document(next(self._events))
                return value
        return None

    def _no_second_document(self, event: yaml.Event) -> None:
        if not isinstance(event, yaml.StreamEndEvent):
            raise _not_well_formed(event.start_mark)

    def _node(self, event: yaml.Event, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise too_deep()
        before = self._nodes
        self._count(1)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        value = self._untagged(event, depth)
        anchor = getattr(event, "anchor", None)
        value = self._tagged(event, value)
        if anchor:
            self._anchors[anchor] = (value, self._nodes - before)
        return value

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise TemplateError("Template format error: the template has too many elements.")

    def _alias(self, event: yaml.AliasEvent) -> Any:
        if event.anchor not in self._anchors:
            raise _not_well_formed(event.start_mark)
        value, nodes = self._anchors[event.anchor]
        self._count(nodes)
        return value

    def _untagged(self, event: yaml.Event, depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(depth)
        return self._mapping(depth)

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._resolver.resolve(yaml.ScalarNode, event.value, event.implicit)
        node = yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark)
        match tag:
            case "tag:yaml.org,2002:null":
                return None
            case "tag:yaml.org,2002:bool":
                return self._constructor.construct_yaml_bool(node)
            case "tag:yaml.org,2002:int":
                return self._constructor.construct_yaml_int(node)
            case "tag:yaml.org,2002:float":
                return self._constructor.construct_yaml_float(node)
            case _:
                return event.value

    def _sequence(self, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        items: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event)
            value = self._node(next(self._events), depth + 1)
            if key == "<<" and getattr(event, "implicit", (False,))[0]:
                self._merge(merged, value, event)
            else:
                items[key] = value
        return {**merged, **items}

    def _key(self, event: yaml.Event) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise _not_well_formed(event.start_mark)
        return event.value

    def _merge(self, merged: dict[str, Any], value: Any, event: yaml.Event) -> None:
        for source in value if isinstance(value, list) else [value]:
            if not isinstance(source, dict):
                raise _not_well_formed(event.start_mark)
            for key, inner in source.items():
                merged.setdefault(key, inner)

    def _tagged(self, event: yaml.Event, value: Any) -> Any:
        """`!Sub x` to `{"Fn::Sub": "x"}`.  Tags of YAML itself say nothing more than what was resolved."""
        tag: str | None = getattr(event, "tag", None)
        if not tag or tag == "!" or tag.startswith("tag:yaml.org,2002:"):
            return value
        name = tag.removeprefix("!")
        raw = event.value if isinstance(event, yaml.ScalarEvent) else value
        if name in ("Ref", "Condition"):
            return {name: raw}
        if name not in FUNCTIONS:
            raise _not_well_formed(event.start_mark)
        if name in LIST_FUNCTIONS and isinstance(raw, str):
            return {f"Fn::{name}": raw.split(".", 1)}
        return {f"Fn::{name}": raw}
