"""The REST operations of one service as a trie over path segments.

A literal segment wins over a label, a label over a greedy one; among operations at one path the one wins whose query
literals and required query and header members are all there, the most demanding first.  That is how UploadPart,
CopyObject and PutObject, all `PUT /{Bucket}/{Key+}`, are told apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tule.wire.shapes import Shapes

Labels = dict[str, str]


@dataclass(slots=True, frozen=True)
class Route:
    """One operation at a path.  `literals`: query names with the value they must have, None for any."""

    operation: str
    labels: tuple[str, ...]
    literals: tuple[tuple[str, str | None], ...]
    needed_query: tuple[str, ...]
    needed_headers: tuple[str, ...]
    deprecated: bool

    def fits(self, query: Mapping[str, Any]) -> bool:
        return all(name in query and (value is None or query[name] == value) for name, value in self.literals)

    def complete(self, query: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
        return all(name in query for name in self.needed_query) and all(name in headers for name in self.needed_headers)

    @property
    def demand(self) -> tuple[int, int, bool]:
        return len(self.literals), len(self.needed_query) + len(self.needed_headers), not self.deprecated


@dataclass(slots=True)
class _Choice:
    """The operations of one method at one path: by the first of their query literals, or without any."""

    by_literal: dict[str, list[Route]] = field(default_factory=dict[str, list[Route]])
    plain: list[Route] = field(default_factory=list[Route])

    def add(self, route: Route) -> None:
        routes = self.by_literal.setdefault(route.literals[0][0], []) if route.literals else self.plain
        routes.append(route)
        routes.sort(key=lambda route: route.demand, reverse=True)

    def best(self, query: Mapping[str, str], headers: Mapping[str, str]) -> Route | None:
        for name in query:
            if name in self.by_literal and (found := _best(self.by_literal[name], query, headers)) is not None:
                return found
        return _best(self.plain, query, headers)


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict[str, "_Node"])
    label: _Node | None = None
    greedy: _Node | None = None
    routes: dict[str, _Choice] = field(default_factory=dict[str, "_Choice"])


class Routes:
    def __init__(self, service: str, operations: Mapping[str, Mapping[str, Any]], shapes: Shapes) -> None:
        self._keeps_slashes = service == "s3"
        self._root = _Node()
        for name, operation in operations.items():
            self._add(name, operation, shapes)

    def find(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> tuple[str, Labels] | None:
        """The operation and its labels (percent-decoded), or None where nothing fits."""
        segments = self._segments(path)
        found = self._walk(self._root, segments, 0, method, query, headers, [])
        if found is None:
            return None
        route, values = found
        return route.operation, dict(zip(route.labels, values, strict=True))

    def _segments(self, path: str) -> list[str]:
        segments = path.split("/")[1:]
        if segments and segments[-1] == "" and (not self._keeps_slashes or len(segments) <= 2):
            segments.pop()
        return segments

    def _add(self, name: str, operation: Mapping[str, Any], shapes: Shapes) -> None:
        path, _, query = operation["http"]["requestUri"].partition("?")
        node, labels = self._root, list[str]()
        for segment in self._segments(path):
            if not segment.startswith("{"):
                node = node.literals.setdefault(segment, _Node())
                continue
            labels.append(segment.strip("{}").rstrip("+"))
            if segment.endswith("+}"):
                node.greedy = node = node.greedy or _Node()
            else:
                node.label = node = node.label or _Node()
        route = _route(name, operation, shapes, tuple(labels), query)
        node.routes.setdefault(operation["http"]["method"], _Choice()).add(route)

    def _walk(
        self,
        node: _Node,
        segments: list[str],
        position: int,
        method: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        values: list[str],
    ) -> tuple[Route, list[str]] | None:
        if position == len(segments):
            choice = node.routes.get(method)
            route = None if choice is None else choice.best(query, headers)
            return None if route is None else (route, values)
        segment = segments[position]
        if (literal := node.literals.get(segment) or node.literals.get(unquote(segment))) is not None:
            found = self._walk(literal, segments, position + 1, method, query, headers, values)
            if found is not None:
                return found
        if node.label is not None and segment:
            found = self._walk(node.label, segments, position + 1, method, query, headers, [*values, unquote(segment)])
            if found is not None:
                return found
        if node.greedy is not None:
            for end in _greedy_ends(node.greedy, position, len(segments)):
                value = unquote("/".join(segments[position:end]))
                if value and (found := self._walk(node.greedy, segments, end, method, query, headers, [*values, value])) is not None:
                    return found
        return None


def _greedy_ends(node: _Node, position: int, length: int) -> range:
    """Where a greedy label may end: at the end of the path, or before a literal that follows it."""
    return range(position + 1, length + 1) if node.literals else range(length, length + 1)


def _best(routes: list[Route], query: Mapping[str, str], headers: Mapping[str, str]) -> Route | None:
    fallback: Route | None = None
    for route in routes:
        if route.fits(query):
            if route.complete(query, headers):
                return route
            fallback = route if fallback is None or route.demand[0] == fallback.demand[0] else fallback
    return fallback


def _route(name: str, operation: Mapping[str, Any], shapes: Shapes, labels: tuple[str, ...], query: str) -> Route:
    literals: list[tuple[str, str | None]] = []
    for piece in query.split("&") if query else ():
        key, _, value = piece.partition("=")
        if key != "x-id":
            literals.append((key, value or None))
    needed_query, needed_headers = list[str](), list[str]()
    if "input" in operation:
        structure = shapes.at(operation["input"])
        members = shapes.members(structure)
        for required in structure.get("required", ()):
            member = members[required]
            wire_name = member.get("locationName", required)
            if member.get("location") == "querystring":
                needed_query.append(wire_name)
            elif member.get("location") == "header":
                needed_headers.append(wire_name.lower())
    return Route(name, labels, tuple(literals), tuple(needed_query), tuple(needed_headers), bool(operation.get("deprecated")))
