"""Metrics, from outside, over each of CloudWatch's protocols."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account


def _range() -> dict[str, Any]:
    now = datetime.datetime.now(datetime.UTC)
    return {"StartTime": now - datetime.timedelta(minutes=10), "EndTime": now + datetime.timedelta(minutes=2)}


@pytest.fixture
def cloudwatch(aws: Account) -> Any:
    return aws.cloudwatch


def query(name: str, stat: str = "Sum", id: str = "m1", **more: Any) -> dict[str, Any]:
    metric = {"Namespace": "App", "MetricName": name, "Dimensions": more.pop("Dimensions", [])}
    return {"Id": id, "MetricStat": {"Metric": metric, "Period": 600, "Stat": stat, **more}}


def values(cloudwatch: Any, *queries: dict[str, Any]) -> list[dict[str, Any]]:
    return cloudwatch.get_metric_data(MetricDataQueries=list(queries), **_range())["MetricDataResults"]


def test_what_is_put_is_summed_up(cloudwatch: Any) -> None:
    cloudwatch.put_metric_data(Namespace="App", MetricData=[{"MetricName": "sum", "Value": number, "Unit": "Count"} for number in range(10)])
    now = _range()
    (point,) = cloudwatch.get_metric_statistics(
        Namespace="App",
        MetricName="sum",
        Period=3600,
        Statistics=["SampleCount", "Average", "Sum", "Minimum", "Maximum"],
        ExtendedStatistics=["p50", "p99.9"],
        **now,
    )["Datapoints"]
    assert (point["SampleCount"], point["Average"], point["Sum"], point["Minimum"], point["Maximum"]) == (10, 4.5, 45, 0, 9)
    assert point["ExtendedStatistics"] == {"p50": 4.0, "p99.9": 9.0}
    assert point["Unit"] == "Count"


def test_values_with_counts_and_statistics_add_up(cloudwatch: Any) -> None:
    cloudwatch.put_metric_data(
        Namespace="App",
        MetricData=[
            {"MetricName": "many", "Values": [1.0, 10.0], "Counts": [2.0, 4.0]},
            {"MetricName": "many", "StatisticValues": {"SampleCount": 3, "Sum": 6, "Minimum": 0.5, "Maximum": 4}},
        ],
    )
    asked = [query("many", stat, stat.lower()) for stat in ("SampleCount", "Sum", "Minimum", "Maximum")]
    assert [sum(one["Values"]) for one in values(cloudwatch, *asked)][:2] == [9.0, 48.0]
    assert [one["Label"] for one in values(cloudwatch, *asked)] == ["many SampleCount", "many Sum", "many Minimum", "many Maximum"]


def test_dimensions_make_another_series_and_their_order_none(cloudwatch: Any) -> None:
    first, second = {"Name": "a", "Value": "1"}, {"Name": "b", "Value": "2"}
    cloudwatch.put_metric_data(
        Namespace="App",
        MetricData=[
            {"MetricName": "dim", "Value": 1, "Dimensions": [first, second]},
            {"MetricName": "dim", "Value": 2, "Dimensions": [second, first]},
            {"MetricName": "dim", "Value": 4, "Dimensions": [first]},
        ],
    )
    assert sum(values(cloudwatch, query("dim", Dimensions=[second, first]))[0]["Values"]) == 3
    assert values(cloudwatch, query("dim"))[0]["Values"] == []
    listed = cloudwatch.list_metrics(Namespace="App", MetricName="dim", Dimensions=[{"Name": "b"}])["Metrics"]
    assert listed == [{"Namespace": "App", "MetricName": "dim", "Dimensions": [first, second]}]
    assert len(cloudwatch.list_metrics(Namespace="App", MetricName="dim")["Metrics"]) == 2


def test_several_units_are_told_of(cloudwatch: Any) -> None:
    data = [{"MetricName": "unit", "Value": value, "Unit": unit} for unit, value in (("Seconds", 60), ("Milliseconds", 60000))]
    cloudwatch.put_metric_data(Namespace="App", MetricData=data)
    (result,) = values(cloudwatch, query("unit"))
    assert result["Values"] == [60000.0]
    assert result["Messages"] == [{"Code": "MultipleUnits", "Value": "Multiple units returned: '[Milliseconds, Seconds]'"}]
    assert values(cloudwatch, query("unit", Unit="Seconds"))[0]["Values"] == [60.0]


@pytest.mark.parametrize(
    ("datum", "code", "words"),
    [
        (
            {"Value": 1, "Values": [1]},
            "InvalidParameterCombination",
            "MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive",
        ),
        ({"Values": [1], "Counts": [1, 2]}, "InvalidParameterValue", "MetricData.member.1.Counts must be of the same size."),
        ({"Value": 1, "Timestamp": 0}, "InvalidParameterValue", "MetricData.member.1.Timestamp"),
        ({}, "MissingParameter", "MetricData.member.1.Value"),
    ],
)
def test_bad_data_is_refused(cloudwatch: Any, datum: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(ClientError) as caught:
        cloudwatch.put_metric_data(Namespace="App", MetricData=[{"MetricName": "bad", **datum}])
    assert caught.value.response["Error"]["Code"] == code
    assert words in caught.value.response["Error"]["Message"]


def test_the_namespaces_of_services_are_theirs(cloudwatch: Any) -> None:
    with pytest.raises(ClientError, match="The value AWS/ for parameter Namespace is invalid"):
        cloudwatch.put_metric_data(Namespace="AWS/Lambda", MetricData=[{"MetricName": "x", "Value": 1}])


def test_what_is_not_built_says_so(cloudwatch: Any) -> None:
    with pytest.raises(ClientError) as caught:
        cloudwatch.get_metric_data(MetricDataQueries=[{"Id": "e1", "Expression": "m1 * 2"}], **_range())
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_pages_of_data_follow_each_other(cloudwatch: Any) -> None:
    now = datetime.datetime.now(datetime.UTC)
    data = [{"MetricName": "pages", "Value": number, "Timestamp": now - datetime.timedelta(minutes=number)} for number in range(7)]
    cloudwatch.put_metric_data(Namespace="App", MetricData=data)
    asked = query("pages")
    asked["MetricStat"]["Period"] = 60
    seen: list[float] = []
    token: dict[str, Any] = {}
    window = {"StartTime": now - datetime.timedelta(minutes=20), "EndTime": now + datetime.timedelta(minutes=2)}
    while True:
        page = cloudwatch.get_metric_data(MetricDataQueries=[asked], MaxDatapoints=3, **window, **token)
        seen += page["MetricDataResults"][0]["Values"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert seen == [0, 1, 2, 3, 4, 5, 6]
