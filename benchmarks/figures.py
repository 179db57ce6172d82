"""One measured figure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Figure:
    value: float
    unit: str
    more_is_better: bool = True
    note: str = ""
