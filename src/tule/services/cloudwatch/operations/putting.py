"""PutMetricData.  AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tule.core.clock import iso8601
from tule.platform.call import Call
from tule.services.cloudwatch.dimensions import known
from tule.services.cloudwatch.errors import exclusive, invalid, missing
from tule.watch import metric_store
from tule.watch.metric_store import Series, Summary

DAY_MS = 86_400_000
MAX_DATA = 1_000
MAX_DIMENSIONS = 30
MAX_VALUES = 150
GREATEST = 2.0**360
OLDEST_MS, NEWEST_MS = 14 * DAY_MS, 2 * 3_600_000


async def put_metric_data(call: Call, params: dict[str, Any]) -> None:
    """Kept before it is answered, unlike what services count."""
    namespace = params["Namespace"]
    if namespace.startswith("AWS/"):
        raise invalid("The value AWS/ for parameter Namespace is invalid.")
    data = [*params.get("MetricData", ()), *(one for entity in params.get("EntityMetricData", ()) for one in entity.get("MetricData", ()))]
    if not data:
        raise missing("The parameter MetricData is required.")
    if len(data) > MAX_DATA:
        raise invalid(f"The collection MetricData must not have a size greater than {MAX_DATA}.")
    gathered = [_gathered(call, namespace, datum, f"MetricData.member.{number}") for number, datum in enumerate(data, 1)]
    await call.node.telemetry.write(lambda tx: metric_store.merge(tx, gathered))


def _gathered(call: Call, namespace: str, datum: Mapping[str, Any], path: str) -> tuple[Series, int, str, Summary]:
    dimensions = datum.get("Dimensions", [])
    if len(dimensions) > MAX_DIMENSIONS:
        raise invalid(f"The collection {path}.Dimensions must not have a size greater than {MAX_DIMENSIONS}.")
    series = Series(call.account, call.region, namespace, datum["MetricName"], known(dimensions))
    resolution_ms = _resolution_s(datum, path) * 1_000
    at_ms = _at_ms(call, datum, path)
    return series, at_ms - at_ms % resolution_ms, datum.get("Unit", "None"), _summary(datum, path)


def _resolution_s(datum: Mapping[str, Any], path: str) -> int:
    resolution = datum.get("StorageResolution", 60)
    if resolution not in (1, 60):
        raise invalid(f"The parameter {path}.StorageResolution must be a value in the set [1, 60].")
    return resolution


def _at_ms(call: Call, datum: Mapping[str, Any], path: str) -> int:
    if "Timestamp" not in datum:
        return call.now_ms
    at_ms = round(datum["Timestamp"] * 1_000)
    if not call.now_ms - OLDEST_MS <= at_ms <= call.now_ms + NEWEST_MS:
        raise invalid(
            f"The parameter {path}.Timestamp must specify a time no more than two weeks in the past or two hours in the future: {iso8601(at_ms)}"
        )
    return at_ms


def _summary(datum: Mapping[str, Any], path: str) -> Summary:
    ways = [way for way in ("Value", "Values", "StatisticValues") if way in datum]
    for other in ways[1:]:
        raise exclusive(f"{path}.{ways[0]}", f"{path}.{other}")
    if not ways:
        raise missing(f"At least one of the parameters must be specified: {path}.Value, {path}.Values, {path}.StatisticValues.")
    if ways == ["StatisticValues"]:
        return _of_statistics(datum["StatisticValues"], f"{path}.StatisticValues")
    values = [datum["Value"]] if ways == ["Value"] else datum["Values"]
    counts = datum.get("Counts", [1.0] * len(values)) if ways == ["Values"] else [1.0]
    if len(values) != len(counts):
        raise invalid(f"The parameters {path}.Values and {path}.Counts must be of the same size.")
    if len(values) > MAX_VALUES:
        raise invalid(f"The collection {path}.Values must not have a size greater than {MAX_VALUES}.")
    summary = Summary()
    for value, count in zip(values, counts, strict=True):
        summary.add(_number(value, f"{path}.{ways[0]}"), _number(count, f"{path}.Counts"))
    return summary


def _of_statistics(given: Mapping[str, float], path: str) -> Summary:
    low, high, total, count = (_number(given[name], f"{path}.{name}") for name in ("Minimum", "Maximum", "Sum", "SampleCount"))
    if high < low:
        raise invalid(f"The parameter {path}.Maximum must be greater than or equal to {path}.Minimum.")
    if count < 0:
        raise invalid(f"The parameter {path}.SampleCount must be greater than 0.")
    return Summary(count, total, low, high, {low: count} if low == high else {})


def _number(value: float, path: str) -> float:
    if not math.isfinite(value) or abs(value) > GREATEST:
        raise invalid(f"The parameter {path} must be a valid numeric value: {value}")
    return float(value)
