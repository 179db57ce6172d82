"""Dimensions as the API writes them, and as series are known by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tule.watch.metric_store import Dimensions


def known(given: Iterable[Mapping[str, Any]]) -> Dimensions:
    """In the order of their names; of two of one name the last counts."""
    return tuple(sorted({one["Name"]: one["Value"] for one in given}.items()))


def shown(dimensions: Dimensions) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions]
