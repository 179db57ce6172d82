"""Which tables and indexes CloudWatch Contributor Insights watches.

AWS: DynamoDB API reference, UpdateContributorInsights, DescribeContributorInsights, ListContributorInsights.  The setting is
kept and shown; reports come with CloudWatch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import errors
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import Table
from tule.services.dynamodb.tables import table_of
from tule.store.store import Tx

Params = dict[str, Any]

ACCESSED_AND_THROTTLED = "ACCESSED_AND_THROTTLED_KEYS"
MAX_SHOWN = 100
_TABLE = ""  # the name under which the table's own setting is kept, beside those of its indexes
_ANSWERS = {"ENABLE": "ENABLING", "DISABLE": "DISABLING"}


def update_contributor_insights(call: Call, tx: Tx, params: Params) -> Params:
    table = table_of(call, tx, params["TableName"])
    index = _index(table, params)
    action = params["ContributorInsightsAction"]
    mode = params.get("ContributorInsightsMode") or _settings(table).get(index, {}).get("mode", ACCESSED_AND_THROTTLED)
    setting = {"status": "ENABLED" if action == "ENABLE" else "DISABLED", "mode": mode, "updated_ms": tx.now_ms}
    rows.configure(tx, table, insights={**_settings(table), index: setting})
    return _named(table, index) | {"ContributorInsightsStatus": _ANSWERS[action], "ContributorInsightsMode": mode}


@reads
def describe_contributor_insights(call: Call, tx: Tx, params: Params) -> Params:
    table = table_of(call, tx, params["TableName"])
    index = _index(table, params)
    setting = _settings(table).get(index)
    if setting is None:
        return _named(table, index) | {"ContributorInsightsStatus": "DISABLED"}
    shown = _named(table, index) | {
        "ContributorInsightsStatus": setting["status"],
        "ContributorInsightsMode": setting["mode"],
        "LastUpdateDateTime": setting["updated_ms"] / 1000,
    }
    return shown | ({"ContributorInsightsRuleList": _rules(table, index, setting["mode"])} if setting["status"] == "ENABLED" else {})


@reads
def list_contributor_insights(call: Call, tx: Tx, params: Params) -> Params:
    tables = [table_of(call, tx, params["TableName"])] if "TableName" in params else rows.of_account(tx, call.account, call.region)
    everything = [_summary(table, index, setting) for table in tables for index, setting in sorted(_settings(table).items())]
    limit = params.get("MaxResults") or MAX_SHOWN
    scope = "dynamodb.insights"
    begin = call.node.pager.after(scope, params.get("NextToken"), lambda: errors.validation("Invalid NextToken")) or 0
    shown: Params = {"ContributorInsightsSummaries": everything[begin : begin + limit]}
    if begin + limit < len(everything):
        shown["NextToken"] = call.node.pager.token(scope, begin + limit)
    return shown


def _settings(table: Table) -> Mapping[str, Mapping[str, Any]]:
    return table.config.get("insights") or {}


def _index(table: Table, params: Params) -> str:
    name = params.get("IndexName", _TABLE)
    if name and table.index(name) is None:
        raise errors.no_resource()
    return name


def _named(table: Table, index: str) -> Params:
    return {"TableName": table.name} | ({"IndexName": index} if index else {})


def _summary(table: Table, index: str, setting: Mapping[str, Any]) -> Params:
    return _named(table, index) | {"ContributorInsightsStatus": setting["status"], "ContributorInsightsMode": setting["mode"]}


def _rules(table: Table, index: str, mode: str) -> list[str]:
    """DynamoDBContributorInsights-PKC-table-1575000000000: partition and sort keys, accessed (C) and throttled (T)."""
    found = table.index(index) if index else None
    keys = (table.keys if found is None else found.keys).range
    kinds = ("T",) if mode != ACCESSED_AND_THROTTLED else ("C", "T")
    name = f"{table.name}-{index}" if index else table.name
    return [f"DynamoDBContributorInsights-{key}{kind}-{name}-{table.created_ms}" for key in (("PK", "SK") if keys else ("PK",)) for kind in kinds]
