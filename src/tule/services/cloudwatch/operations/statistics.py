"""GetMetricStatistics.  AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html"""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.services.cloudwatch.dimensions import known
from tule.services.cloudwatch.errors import combination, invalid, missing
from tule.services.cloudwatch.periods import periods, rounded_ms
from tule.services.cloudwatch.statistic import statistic
from tule.watch.metric_store import Series, Summary

MAX_DATAPOINTS = 1_440
HIGH_RESOLUTION = (1, 5, 10, 20, 30)


async def get_metric_statistics(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    plain, extended = params.get("Statistics", []), params.get("ExtendedStatistics", [])
    if not plain and not extended:
        raise missing("Must specify either Statistics or ExtendedStatistics")
    period_s = params["Period"]
    if period_s not in HIGH_RESOLUTION and (period_s < 60 or period_s % 60):
        raise invalid("The parameter Period must be a multiple of 60, or one of 1, 5, 10, 20 and 30.")
    if params["StartTime"] >= params["EndTime"]:
        raise invalid("The parameter StartTime must be less than the parameter EndTime.")
    asked = int((params["EndTime"] - params["StartTime"]) / period_s)
    if asked > MAX_DATAPOINTS:
        raise combination(
            f"You have requested up to {asked:,} datapoints, which exceeds the limit of {MAX_DATAPOINTS:,}. You may reduce the datapoints requested"
            " by increasing Period, or decreasing the time range."
        )
    series = Series(call.account, call.region, params["Namespace"], params["MetricName"], known(params.get("Dimensions", ())))
    begin_ms = rounded_ms(params["StartTime"], period_s * 1_000)
    found = await periods(call.node, series, begin_ms, round(params["EndTime"] * 1_000), period_s * 1_000)
    wanted = params.get("Unit")
    points = [
        _datapoint(at_ms, unit, summary, plain, extended)
        for unit, of_unit in found.items()
        if wanted in (None, unit)
        for at_ms, summary in of_unit.items()
    ]
    return {"Label": params["MetricName"], "Datapoints": sorted(points, key=lambda point: point["Timestamp"])}


def _datapoint(at_ms: int, unit: str, summary: Summary, plain: list[str], extended: list[str]) -> dict[str, Any]:
    point: dict[str, Any] = {"Timestamp": at_ms / 1_000, "Unit": unit, **{name: statistic(name)(summary) for name in plain}}
    if extended:
        point["ExtendedStatistics"] = {name: statistic(name)(summary) for name in extended}
    return point
