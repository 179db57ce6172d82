"""Items that delete themselves, under the clock."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from tests.node import Account
from tests.services.dynamodb.streaming import put, read, refusal, table
from tule.services.dynamodb.lifetimes import TOO_OLD_MS, due_ms

HOUR = 3600


def enable(aws: Account, name: str = "tab", attribute: str = "until", *, on: bool = True) -> None:
    aws.dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification={"AttributeName": attribute, "Enabled": on})


def described(aws: Account, name: str = "tab") -> dict[str, str]:
    return aws.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]


def keys(aws: Account, name: str = "tab", **asked: Any) -> set[str]:
    return {item["p"]["S"] for item in aws.dynamodb.scan(TableName=name, **asked)["Items"]}


def now_s(aws: Account) -> int:
    return aws.node.get("/_tule/clock")["now_ms"] // 1000


def seconds(at: float) -> dict[str, str]:
    return {"N": str(at)}


def test_it_is_on_and_off_when_asked(aws: Account) -> None:
    table(aws)
    assert described(aws) == {"TimeToLiveStatus": "DISABLED"}
    answer = aws.dynamodb.update_time_to_live(TableName="tab", TimeToLiveSpecification={"AttributeName": "until", "Enabled": True})
    assert answer["TimeToLiveSpecification"] == {"AttributeName": "until", "Enabled": True}
    assert described(aws) == {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"}
    enable(aws, on=False)
    assert described(aws) == {"TimeToLiveStatus": "DISABLED"}


@pytest.mark.parametrize(
    ("before", "attribute", "on", "message"),
    [
        (False, "until", False, "TimeToLive is already disabled"),
        (True, "until", True, "TimeToLive is already enabled"),
        (True, "other", True, "TimeToLive is active on a different AttributeName: current AttributeName is until"),
        (True, "other", False, "TimeToLive is active on a different AttributeName: current AttributeName is until"),
    ],
)
def test_what_changes_nothing_is_refused(aws: Account, before: bool, attribute: str, on: bool, message: str) -> None:
    table(aws)
    if before:
        enable(aws)
    with pytest.raises(ClientError) as refused:
        enable(aws, attribute=attribute, on=on)
    assert refusal(refused) == ("ValidationException", message)


def test_a_table_that_is_not_there_has_none(aws: Account) -> None:
    with pytest.raises(ClientError) as refused:
        enable(aws, "absent")
    assert refusal(refused) == ("ResourceNotFoundException", "Requested resource not found: Table: absent not found")


def test_items_go_when_their_time_has_come(turned: Account) -> None:
    table(turned)
    now = now_s(turned)
    put(turned, "before", until=seconds(now + HOUR))
    enable(turned)
    put(turned, "early", until=seconds(now + HOUR))
    put(turned, "late", until=seconds(now + 3 * HOUR))
    put(turned, "fraction", until=seconds(now + HOUR + 0.5))
    put(turned, "text", until={"S": str(now + HOUR)})
    put(turned, "none")
    put(turned, "ancient", until=seconds(now - 6 * 365 * 86_400))
    turned.node.advance(HOUR - 60)
    assert keys(turned) == {"before", "early", "late", "fraction", "text", "none", "ancient"}
    turned.node.advance(120)
    assert keys(turned) == {"late", "text", "none", "ancient"}
    turned.node.advance(2 * HOUR)
    assert keys(turned) == {"text", "none", "ancient"}


def test_what_is_already_expired_goes_at_once(turned: Account) -> None:
    table(turned)
    enable(turned)
    put(turned, "gone", until=seconds(now_s(turned) - 60))
    turned.node.advance(0.001)
    assert keys(turned) == set()


def test_a_later_write_decides_when_an_item_goes(turned: Account) -> None:
    table(turned)
    enable(turned)
    now = now_s(turned)
    for key in ("later", "never", "gone"):
        put(turned, key, until=seconds(now + HOUR))
    put(turned, "later", until=seconds(now + 5 * HOUR))
    put(turned, "never")
    turned.dynamodb.update_item(
        TableName="tab",
        Key={"p": {"S": "added"}},
        UpdateExpression="SET #u = :u",
        ExpressionAttributeNames={"#u": "until"},
        ExpressionAttributeValues={":u": seconds(now + HOUR)},
    )
    turned.node.advance(2 * HOUR)
    assert keys(turned) == {"later", "never"}
    enable(turned, on=False)
    turned.node.advance(5 * HOUR)
    assert keys(turned) == {"later", "never"}


def test_the_stream_says_who_deleted_an_item_and_when(turned: Account) -> None:
    arn = table(turned)
    enable(turned)
    now = now_s(turned)
    put(turned, "a", until=seconds(now + HOUR))
    turned.node.advance(10 * HOUR)
    _, record = read(turned, arn)
    assert record["eventName"] == "REMOVE"
    assert record["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    assert record["dynamodb"]["OldImage"] == {"p": {"S": "a"}, "until": seconds(now + HOUR)}
    assert int(record["dynamodb"]["ApproximateCreationDateTime"].timestamp()) == now + HOUR


def test_indexes_lose_what_expires(turned: Account) -> None:
    index = {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
    turned.dynamodb.create_table(
        TableName="tab",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("p", "g")],
        GlobalSecondaryIndexes=[index],
        BillingMode="PAY_PER_REQUEST",
    )
    enable(turned)
    put(turned, "a", g={"S": "x"}, until=seconds(now_s(turned) + HOUR))
    put(turned, "b", g={"S": "x"})
    assert keys(turned, IndexName="by-g") == {"a", "b"}
    turned.node.advance(2 * HOUR)
    assert keys(turned, IndexName="by-g") == {"b"}


def test_many_items_that_were_there_before_expire_too(turned: Account) -> None:
    table(turned, view=None)
    now = now_s(turned)
    for begin in range(0, 1_200, 25):
        requests = [{"PutRequest": {"Item": {"p": {"S": f"k{begin + one}"}, "until": seconds(now + HOUR)}}} for one in range(25)]
        turned.dynamodb.batch_write_item(RequestItems={"tab": requests})
    put(turned, "stays")
    enable(turned)
    turned.node.advance(60)
    enable(turned, on=False)
    turned.node.advance(60)
    enable(turned)
    turned.node.advance(2 * HOUR)
    assert keys(turned) == {"stays"}


@given(st.integers(0, 2**41), st.integers(0, 2**41))
def test_an_expiry_is_due_at_its_second(now_ms: int, at_s: int) -> None:
    due = due_ms({"N": str(at_s)}, now_ms)
    assert due == (at_s * 1000 if at_s * 1000 > now_ms - TOO_OLD_MS else None)


@pytest.mark.parametrize("value", [None, {"S": "12"}, {"N": "1E+125"}, {"N": "-1E+125"}, {"BOOL": True}])
def test_what_is_no_time_never_comes(value: dict[str, Any] | None) -> None:
    assert due_ms(value, 0) is None
