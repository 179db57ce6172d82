"""What Query and Scan show of items: Select, projections, and what an index has of an item.

AWS: API reference, Query, Select.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tule.lang.dynamodb.projections import Projection
from tule.services.dynamodb.errors import parameter_values, validation
from tule.services.dynamodb.table import ALL, INCLUDE, Index, Table

Item = dict[str, Any]
Params = dict[str, Any]


@dataclass(slots=True)
class Selection:
    """`show` None: items as they are.  `fetches`: what the index lacks is read from the table."""

    show: Callable[[Item], Item] | None = None
    counts: bool = False
    fetches: bool = False


def selection(params: Params, table: Table, index: Index | None, projection: Projection | None, operation: str) -> Selection:
    """Raises ValidationException for a Select that contradicts the rest."""
    select = params.get("Select")
    _check(select, params, index, projection, operation)
    if select == "COUNT":
        return Selection(counts=True)
    shown = None if projection is None else projection.of
    if index is None or index.projection == ALL:
        return Selection(shown)
    if select == "ALL_ATTRIBUTES":
        if index.is_global:
            what = f"Select type ALL_ATTRIBUTES is not supported for global secondary index {index.name} because its projection type is not ALL"
            raise parameter_values(what)
        return Selection(shown, fetches=True)
    if projection is None:
        return Selection()
    lacking = sorted(projection.attributes - projected_names(table, index))
    if lacking and index.is_global:
        raise parameter_values(f"Global secondary index {index.name} does not project [{', '.join(lacking)}]")
    return Selection(shown, fetches=bool(lacking))


def projected_names(table: Table, index: Index) -> frozenset[str]:
    """Attributes that an index has, other than one that has all."""
    names = frozenset((*table.keys.all, *index.keys.all))
    return names | index.included if index.projection == INCLUDE else names


def _check(select: str | None, params: Params, index: Index | None, projection: Projection | None, operation: str) -> None:
    if select is None:
        return
    if projection is not None and select != "SPECIFIC_ATTRIBUTES":
        parameter = "ProjectionExpression" if "ProjectionExpression" in params else "AttributesToGet"
        words = f"specify the {parameter} when choosing to get {select}"
        raise validation(f"Cannot {words}") if parameter == "ProjectionExpression" else parameter_values(f"Cannot {words}")
    if projection is None and select == "SPECIFIC_ATTRIBUTES":
        raise parameter_values("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
    if select == "ALL_PROJECTED_ATTRIBUTES" and index is None:
        raise parameter_values(f"ALL_PROJECTED_ATTRIBUTES can be used only when {operation} using an IndexName")
