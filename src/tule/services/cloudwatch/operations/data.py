"""GetMetricData.  AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.services.cloudwatch.dimensions import known
from tule.services.cloudwatch.errors import bad_token, combination, invalid
from tule.services.cloudwatch.periods import periods, rounded_ms
from tule.services.cloudwatch.statistic import statistic
from tule.watch.metric_store import Series, Summary

MAX_QUERIES = 500
MAX_DATAPOINTS = 100_800
_Point = tuple[float, float]


async def get_metric_data(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    queries = params["MetricDataQueries"]
    _check(queries, params)
    limit = min(params.get("MaxDatapoints", MAX_DATAPOINTS), MAX_DATAPOINTS)
    scope = f"cloudwatch.data:{orjson.dumps({**params, 'NextToken': ''}, option=orjson.OPT_SORT_KEYS, default=str).decode()}"
    passed = int(call.node.pager.after(scope, params.get("NextToken"), bad_token) or 0)
    results: list[dict[str, Any]] = []
    left, skipped = limit, passed
    cut = False
    labels = _labels(queries)
    for query in queries:
        if not query.get("ReturnData", True):
            continue
        points, messages = await _points(call, query["MetricStat"], params)
        if params.get("ScanBy", "TimestampDescending") == "TimestampDescending":
            points.reverse()
        here = points[skipped : skipped + left]
        cut = cut or len(points) > skipped + left
        skipped = max(0, skipped - len(points))
        left -= len(here)
        results.append(_result(query, labels[query["Id"]], here, messages))
    answer: dict[str, Any] = {"MetricDataResults": results, "Messages": []}
    if cut:
        answer["NextToken"] = call.node.pager.token(scope, passed + limit)
        for result in results:
            result["StatusCode"] = "PartialData"
    return answer


def _check(queries: Sequence[Mapping[str, Any]], params: Mapping[str, Any]) -> None:
    if len(queries) > MAX_QUERIES:
        raise invalid(f"The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}.")
    if params["StartTime"] >= params["EndTime"]:
        raise invalid("The parameter StartTime must be less than the parameter EndTime.")
    ids = Counter(query["Id"] for query in queries)
    for id, times in ids.items():
        if times > 1:
            raise invalid(f"The values for parameter id must be unique. Id {id} is used more than once.")
        if not id[:1].islower():
            raise invalid(f"The value {id} for parameter MetricDataQueries.member.1.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.")
    for number, query in enumerate(queries, 1):
        if "Expression" in query and "MetricStat" in query:
            path = f"MetricDataQueries.member.{number}"
            raise combination(f"The parameters {path}.Expression and {path}.MetricStat are mutually exclusive and you have specified both.")
        if "MetricStat" not in query:
            raise ServiceError("NotImplemented", "Expressions of metrics are not implemented by Tule yet.", 501)
    if not any(query.get("ReturnData", True) for query in queries):
        raise invalid("At least one of the MetricDataQueries must return data.")


def _labels(queries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The metric's name, with what tells it from another of the same name."""
    names = Counter(query["MetricStat"]["Metric"]["MetricName"] for query in queries)
    labels: dict[str, str] = {}
    for query in queries:
        name = query["MetricStat"]["Metric"]["MetricName"]
        labels[query["Id"]] = query.get("Label") or (name if names[name] == 1 else f"{name} {query['MetricStat']['Stat']}")
    return labels


async def _points(call: Call, asked: Mapping[str, Any], params: Mapping[str, Any]) -> tuple[list[_Point], list[dict[str, str]]]:
    metric, period_ms = asked["Metric"], asked["Period"] * 1_000
    tell = statistic(asked["Stat"])
    series = Series(call.account, call.region, metric.get("Namespace", ""), metric.get("MetricName", ""), known(metric.get("Dimensions", ())))
    begin_ms = rounded_ms(params["StartTime"], period_ms)
    found = await periods(call.node, series, begin_ms, round(params["EndTime"] * 1_000), period_ms)
    unit, messages = _unit(asked, found)
    return [(at_ms / 1_000, tell(summary)) for at_ms, summary in sorted(found.get(unit, {}).items())], messages


def _unit(asked: Mapping[str, Any], found: Mapping[str, dict[int, Summary]]) -> tuple[str, list[dict[str, str]]]:
    """The unit that is shown: the one asked for, or the first of those that came."""
    if "Unit" in asked:
        return asked["Unit"], []
    units = sorted(found)
    if len(units) > 1:
        return units[0], [{"Code": "MultipleUnits", "Value": f"Multiple units returned: '[{', '.join(units)}]'"}]
    return (units[0] if units else ""), []


def _result(query: Mapping[str, Any], label: str, points: Sequence[_Point], messages: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "Id": query["Id"],
        "Label": label,
        "Timestamps": [at for at, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": "Complete",
        **({"Messages": messages} if messages else {}),
    }
