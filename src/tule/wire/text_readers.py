"""What readers of forms and of XML share: one compiled reader a shape, made when first needed, recursive shapes included."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from tule.wire.shapes import Shape, Shapes

Source = TypeVar("Source")  # what a value is read from: a tree of form fields, the elements of one name


class TextReaders(ABC, Generic[Source]):
    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        self._made: dict[tuple[str, bool], Callable[[Source], Any]] = {}

    def reader(self, shape: Shape) -> Callable[[Source], Any]:
        key = (shape["shape"], bool(shape.get("flattened")))
        made = self._made.get(key)
        if made is None:
            self._made[key] = lambda source: self._made[key](source)  # for a shape that holds itself
            made = self._made[key] = self._compile(shape)
        return made

    def _compile(self, shape: Shape) -> Callable[[Source], Any]:
        kind = shape["type"]
        if kind == "structure":
            return self._structure(shape)
        if kind == "list":
            return self._list(shape)
        if kind == "map":
            return self._map(shape)
        return self._leaf(kind)

    @abstractmethod
    def _structure(self, shape: Shape) -> Callable[[Source], Any]: ...

    @abstractmethod
    def _list(self, shape: Shape) -> Callable[[Source], Any]: ...

    @abstractmethod
    def _map(self, shape: Shape) -> Callable[[Source], Any]: ...

    @abstractmethod
    def _leaf(self, kind: str) -> Callable[[Source], Any]:
        """The reader of a single value: a string, a number, a blob, a timestamp."""
        ...
