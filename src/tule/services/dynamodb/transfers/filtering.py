"""FilterSpecification: which items an export has, and what of them.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_FilterSpecification.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.lang.dynamodb import clauses
from tule.lang.dynamodb.conditions import condition
from tule.lang.dynamodb.placeholders import Placeholders
from tule.services.dynamodb.table import Table

Item = dict[str, Any]

_KEYS = "KeyConditionExpression"


class Filter:
    """Raises ValidationException for a specification that is wrong, as Query and Scan do."""

    def __init__(self, specification: Mapping[str, Any], table: Table) -> None:
        by_key = _KEYS in specification
        reading = clauses.queried(specification) if by_key else clauses.scanned(specification)
        if reading.keys is not None:
            reading.keys.on(table.keys.hash, table.keys.range, table.types)
            reading.check_filter(table.keys.all)
        self._conditions = [] if reading.filter is None else [reading.filter]
        if by_key:
            self._conditions.append(condition(_KEYS, specification[_KEYS], Placeholders.of(specification)))
        self._projection = reading.projection

    def takes(self, item: Item) -> bool:
        return all(one.matches(item) for one in self._conditions)

    def shown(self, item: Item) -> Item:
        return item if self._projection is None else self._projection.of(item)
