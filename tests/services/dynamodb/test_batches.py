"""BatchGetItem and BatchWriteItem, as boto3 sees them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.dynamodb.making import make_table


def _put(item: dict[str, Any]) -> dict[str, Any]:
    return {"PutRequest": {"Item": item}}


def _words(raised: pytest.ExceptionInfo[ClientError]) -> str:
    assert raised.value.response["Error"]["Code"] == "ValidationException"
    return raised.value.response["Error"]["Message"]


def test_batches_reach_several_tables(aws: Account) -> None:
    one, two = make_table(aws), make_table(aws, "p:S n:N", gsi="g:S")
    aws.dynamodb.put_item(TableName=one, Item={"p": {"S": "old"}})
    written = aws.dynamodb.batch_write_item(
        RequestItems={
            one: [_put({"p": {"S": "a"}, "x": {"S": "x"}}), {"DeleteRequest": {"Key": {"p": {"S": "old"}}}}],
            two: [_put({"p": {"S": "a"}, "n": {"N": "1"}, "g": {"S": "g"}})],
        },
        ReturnConsumedCapacity="TOTAL",
    )
    assert written["UnprocessedItems"] == {}
    assert {each["TableName"]: each["CapacityUnits"] for each in written["ConsumedCapacity"]} == {one: 2.0, two: 2.0}
    got = aws.dynamodb.batch_get_item(
        RequestItems={
            one: {"Keys": [{"p": {"S": "a"}}, {"p": {"S": "old"}}], "ProjectionExpression": "x"},
            two: {"Keys": [{"p": {"S": "a"}, "n": {"N": "1.0"}}], "ConsistentRead": True},
        }
    )
    assert got["Responses"] == {one: [{"x": {"S": "x"}}], two: [{"p": {"S": "a"}, "n": {"N": "1"}, "g": {"S": "g"}}]}
    assert got["UnprocessedKeys"] == {}
    assert aws.dynamodb.scan(TableName=two, IndexName="by-g")["Count"] == 1


def test_an_answer_has_16_megabytes_and_names_what_it_left_out(aws: Account) -> None:
    name = make_table(aws)
    for number in range(45):
        aws.dynamodb.put_item(TableName=name, Item={"p": {"S": str(number)}, "x": {"S": "x" * 390_000}})
    asked: dict[str, Any] = {name: {"Keys": [{"p": {"S": str(number)}} for number in range(45)], "ConsistentRead": True}}
    first = aws.dynamodb.batch_get_item(RequestItems=asked)
    left = first["UnprocessedKeys"][name]
    assert (len(first["Responses"][name]), len(left["Keys"]), left["ConsistentRead"]) == (43, 2, True)
    rest = aws.dynamodb.batch_get_item(RequestItems=first["UnprocessedKeys"])
    assert len(rest["Responses"][name]) == 2 and rest["UnprocessedKeys"] == {}


@pytest.mark.parametrize(
    ("requests", "words"),
    [
        ([_put({"p": {"N": "1000"}}), _put({"p": {"N": "1e3"}})], "Provided list of item keys contains duplicates"),
        ([_put({"p": {"S": "a"}})], "The provided key element does not match the schema"),
        ([_put({"p": {"N": "1"}}), _put({"x": {"S": "a"}})], "The provided key element does not match the schema"),
        ([_put({"p": {"N": "1"}, "x": {"S": "x" * 409_600}})], "Item size has exceeded the maximum allowed size"),
    ],
)
def test_one_wrong_write_refuses_the_batch(aws: Account, requests: list[dict[str, Any]], words: str) -> None:
    name = make_table(aws, "p:N")
    with pytest.raises(ClientError) as raised:
        aws.dynamodb.batch_write_item(RequestItems={name: [_put({"p": {"N": "7"}}), *requests]})
    assert _words(raised) == words
    assert aws.dynamodb.scan(TableName=name)["Count"] == 0


def test_a_batch_has_its_limits(aws: Account) -> None:
    one, two = make_table(aws), make_table(aws)
    puts = [_put({"p": {"S": str(number)}}) for number in range(13)]
    with pytest.raises(ClientError) as raised:
        aws.dynamodb.batch_write_item(RequestItems={one: puts, two: puts})
    assert _words(raised) == "Too many items requested for the BatchWriteItem call"
    keys = {"Keys": [{"p": {"S": str(number)}} for number in range(51)]}
    with pytest.raises(ClientError) as raised:
        aws.dynamodb.batch_get_item(RequestItems={one: keys, two: keys})
    assert _words(raised) == "Too many items requested for the BatchGetItem call"
    with pytest.raises(ClientError) as raised:
        aws.dynamodb.batch_get_item(RequestItems={one: {"Keys": [{"p": {"S": "1"}}, {"p": {"S": "1"}}]}})
    assert _words(raised) == "Provided list of item keys contains duplicates"


def test_tables_of_a_batch_are_all_asked_in_the_older_way_or_in_the_newer(aws: Account) -> None:
    one, two = make_table(aws), make_table(aws)
    keys = [{"p": {"S": "a"}}]
    with pytest.raises(ClientError) as raised:
        aws.dynamodb.batch_get_item(RequestItems={one: {"Keys": keys, "ProjectionExpression": "p"}, two: {"Keys": keys, "AttributesToGet": ["p"]}})
    assert _words(raised).startswith("Can not use both expression and non-expression parameters in the same request")
