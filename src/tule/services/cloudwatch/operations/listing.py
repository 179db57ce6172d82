"""ListMetrics.  AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tule.platform.call import Call
from tule.services.cloudwatch.dimensions import shown
from tule.services.cloudwatch.errors import bad_token
from tule.watch import metric_store
from tule.watch.metric_store import Dimensions, Listed

PAGE = 500
SHOWN_MS = 14 * 86_400_000
_Position = tuple[str, str, str]
RECENTLY_MS = 3 * 3_600_000


async def list_metrics(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Series that had data in the last two weeks."""
    node = call.node
    scope = f"cloudwatch.metrics:{orjson.dumps({**params, 'NextToken': ''}, option=orjson.OPT_SORT_KEYS).decode()}"
    position: _Position = tuple(node.pager.after(scope, params.get("NextToken"), bad_token)) or ("", "", "")  # type: ignore[assignment]
    since_ms = call.now_ms - (RECENTLY_MS if params.get("RecentlyActive") else SHOWN_MS)
    await node.meter.flush()
    found: list[Listed] = []
    more = True
    while more and len(found) <= PAGE:
        rows = await node.telemetry.read(
            lambda tx, after=position: metric_store.listed(
                tx,
                call.account,
                call.region,
                namespace=params.get("Namespace", ""),
                name=params.get("MetricName", ""),
                since_ms=since_ms,
                after=after,
                limit=PAGE + 1,
            )
        )
        more = len(rows) > PAGE
        found += [row for row in rows if _has(row.dimensions, params.get("Dimensions", ()))]
        position = _position(rows[-1]) if rows else position
    result: dict[str, Any] = {"Metrics": [_shown(one) for one in found[:PAGE]]}
    if len(found) > PAGE:
        result["NextToken"] = node.pager.token(scope, _position(found[PAGE - 1]))
    return result


def _position(row: Listed) -> _Position:
    return row.namespace, row.name, row.id


def _has(dimensions: Dimensions, wanted: Sequence[Mapping[str, str]]) -> bool:
    """Whether each of the wanted dimensions is there, with its value where one is given."""
    values = dict(dimensions)
    return all(one["Name"] in values and one.get("Value", values[one["Name"]]) == values[one["Name"]] for one in wanted)


def _shown(row: Listed) -> dict[str, Any]:
    return {"Namespace": row.namespace, "MetricName": row.name, "Dimensions": shown(row.dimensions)}
