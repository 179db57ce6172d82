"""What all languages are told of a schema: a package, and in it classes with typed fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tule.services.schemas.inference import component_name

EVENT = "AWSEvent"
MAX_DEPTH = 255

Kind = Literal["string", "time", "integer", "number", "boolean", "any", "list", "class"]
_KINDS: Mapping[str, Kind] = {"string": "string", "integer": "integer", "number": "number", "boolean": "boolean"}
_OF_LANGUAGES = frozenset(
    (
        *("Array", "BigDecimal", "Boolean", "Class", "Date", "Error", "Function", "JsonIgnoreProperties", "JsonInclude", "JsonProperty", "List"),
        *("Long", "Map", "Marshaller", "None", "Number", "Object", "Objects", "Override", "Promise", "Serializable", "Set", "String", "Symbol"),
        *("True", "False"),
    )
)

Document = Mapping[str, Any]


@dataclass(slots=True, frozen=True)
class Type:
    """`of` is what a list holds, `name` which class it is."""

    kind: Kind
    of: Type | None = None
    name: str = ""


@dataclass(slots=True, frozen=True)
class Field:
    """`name` is the member's in JSON."""

    name: str
    type: Type

    @property
    def snake(self) -> str:
        """`detail-type` and `detailType` are `detail_type`."""
        spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", self.name)
        found = re.sub(r"[^0-9A-Za-z]+", "_", spaced).strip("_").lower() or "_"
        return f"_{found}" if found[0].isdigit() else found

    @property
    def pascal(self) -> str:
        return "".join(word[:1].upper() + word[1:] for word in self.snake.split("_") if word) or "Value"

    @property
    def camel(self) -> str:
        return self.pascal[:1].lower() + self.pascal[1:]


@dataclass(slots=True, frozen=True)
class Class:
    name: str
    fields: tuple[Field, ...]


@dataclass(slots=True)
class Model:
    """`package` is the path to it, `detail` the class of an event's detail, when this is about an event."""

    package: tuple[str, ...]
    classes: dict[str, Class] = field(default_factory=dict[str, Class])

    @property
    def directory(self) -> str:
        return "/".join(self.package)

    @property
    def is_event(self) -> bool:
        return EVENT in self.classes

    @property
    def detail(self) -> str:
        """The class of the event's detail; empty when it has none of its own."""
        found = [each.type.name for each in self.classes[EVENT].fields if each.name == "detail"]
        return found[0] if found else ""


def model_of(schema: str, document: Document) -> Model:
    """Raises ValueError for a document that describes no object."""
    model = Model(package_of(schema))
    _Reader(model, document).read()
    if not model.classes:
        raise ValueError("The schema describes no object.")
    return model


def package_of(schema: str) -> tuple[str, ...]:
    """What SAM's templates import: `aws.ec2@State-change` is `schema.aws.ec2.state_change`, `a.b@C` is `schema.a_b.c`."""
    if schema.startswith("aws.partner-"):
        parts = ["aws", "partner", schema.removeprefix("aws.partner-")]
    else:
        parts = schema.split(".") if schema.startswith("aws.") else [schema]
    return ("schema", *(each for part in parts for each in re.sub("[^a-zA-Z0-9_@]", "_", part).lower().split("@")))


class _Reader:
    """Makes classes of a document's components; objects that stand in place become classes, too."""

    def __init__(self, model: Model, document: Document) -> None:
        self._model = model
        self._components: Document = document.get("components", {}).get("schemas", {}) or document.get("definitions", {})
        self._top = document
        self._names: dict[str, str] = {}

    def read(self) -> None:
        for name, schema in self._components.items():
            if "properties" in schema:
                self._component(name, 0)
        if "properties" in self._top:
            title = component_name(str(self._top.get("title", "Event")))
            is_event = {"detail", "detail-type", "source"} <= set(self._top["properties"])
            self._class(EVENT if is_event else title, self._top, 0)

    def _component(self, name: str, depth: int) -> str:
        if name not in self._names:
            self._names[name] = self._taken(name if name == EVENT else component_name(name))  # first: a component may hold itself
            self._fill(self._names[name], self._components[name], depth)
        return self._names[name]

    def _class(self, wanted: str, schema: Document, depth: int) -> str:
        name = self._taken(wanted)
        self._fill(name, schema, depth)
        return name

    def _taken(self, wanted: str) -> str:
        """A name that no other class has, nor the languages themselves."""
        wanted = f"Model{wanted}" if wanted in _OF_LANGUAGES else wanted
        name, count = wanted, 1
        while name in self._model.classes:
            name, count = f"{wanted}_{count}", count + 1
        self._model.classes[name] = Class(name, ())
        return name

    def _fill(self, name: str, schema: Document, depth: int) -> None:
        fields = tuple(Field(each, self._type(component_name(each), inner, depth + 1)) for each, inner in schema["properties"].items())
        self._model.classes[name] = Class(name, fields)

    def _type(self, name: str, schema: Document, depth: int) -> Type:
        if depth > MAX_DEPTH:
            raise ValueError(f"The schema has more than {MAX_DEPTH} levels.")
        if "$ref" in schema:
            return self._referred(str(schema["$ref"]).rpartition("/")[2], depth)
        if "properties" in schema:
            return Type("class", name=self._class(name, schema, depth))
        kind = schema.get("type")
        if kind == "array":
            return Type("list", of=self._type(f"{name}Item", schema.get("items", {}), depth + 1))
        if kind == "string" and schema.get("format") == "date-time":
            return Type("time")
        return Type(_KINDS.get(str(kind), "any"))

    def _referred(self, name: str, depth: int) -> Type:
        schema = self._components.get(name)
        if schema is None:
            return Type("any")
        return Type("class", name=self._component(name, depth)) if "properties" in schema else self._type(name, schema, depth + 1)
