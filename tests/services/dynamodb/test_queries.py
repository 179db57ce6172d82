"""Query and Scan, as boto3 sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account, RunningNode
from tests.services.dynamodb.making import make_table


def _fill(account: Account, name: str, items: list[dict[str, Any]]) -> None:
    for start in range(0, len(items), 25):
        account.dynamodb.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]})


def _numbers(answer: dict[str, Any]) -> list[int]:
    return [int(item["n"]["N"]) for item in answer["Items"]]


def _words(raised: pytest.ExceptionInfo[ClientError]) -> str:
    assert raised.value.response["Error"]["Code"] == "ValidationException"
    return raised.value.response["Error"]["Message"]


@pytest.fixture
def numbers(aws: Account) -> str:
    """A table with ten items of the partition key `a`, -3 to 6, each with one of two groups."""
    name = make_table(aws, "p:S n:N", gsi="g:S n:N", lsi="t:S", projection="KEYS_ONLY")
    items = [{"p": {"S": "a"}, "n": {"N": str(n)}, "g": {"S": f"g{n % 2}"}, "t": {"S": f"t{abs(n)}"}, "x": {"S": "x" * 100}} for n in range(-3, 7)]
    _fill(aws, name, items)
    return name


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        ("n = :a", ["2"], [2]),
        ("n < :a", ["-1"], [-3, -2]),
        ("n <= :a", ["-1"], [-3, -2, -1]),
        ("n > :a", ["4"], [5, 6]),
        ("n >= :a", ["4"], [4, 5, 6]),
        ("n BETWEEN :a AND :b", ["-1", "1"], [-1, 0, 1]),
    ],
)
def test_sort_keys_are_compared_as_numbers(aws: Account, numbers: str, condition: str, values: list[str], expected: list[int]) -> None:
    given = {":p": {"S": "a"}, **{f":{letter}": {"N": value} for letter, value in zip("ab", values, strict=False)}}
    asked = {"TableName": numbers, "KeyConditionExpression": f"p = :p AND {condition}", "ExpressionAttributeValues": given}
    assert _numbers(aws.dynamodb.query(**asked)) == expected
    assert _numbers(aws.dynamodb.query(**asked, ScanIndexForward=False)) == expected[::-1]


def test_texts_and_binaries_begin_with_others(aws: Account) -> None:
    name = make_table(aws, "p:S b:B")
    values = [b"\xff", b"\xff\xff", b"\xff\x00", b"\xfe", b"\x00"]
    _fill(aws, name, [{"p": {"S": "a"}, "b": {"B": value}} for value in values])
    answer = aws.dynamodb.query(
        TableName=name,
        KeyConditionExpression="p = :p AND begins_with(b, :b)",
        ExpressionAttributeValues={":p": {"S": "a"}, ":b": {"B": b"\xff"}},
    )
    assert [item["b"]["B"] for item in answer["Items"]] == [b"\xff", b"\xff\x00", b"\xff\xff"]


def test_a_page_ends_at_its_limit_even_where_nothing_follows(aws: Account, numbers: str) -> None:
    asked = {"TableName": numbers, "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}
    whole = aws.dynamodb.query(**asked, Limit=10)
    assert whole["LastEvaluatedKey"] == {"p": {"S": "a"}, "n": {"N": "6"}}
    rest = aws.dynamodb.query(**asked, ExclusiveStartKey=whole["LastEvaluatedKey"])
    assert rest["Items"] == [] and rest["Count"] == 0 and "LastEvaluatedKey" not in rest


def test_a_page_has_one_megabyte(aws: Account) -> None:
    name = make_table(aws, "p:S n:N")
    for n in range(5):
        aws.dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "n": {"N": str(n)}, "x": {"S": "x" * 300_000}})
    first = aws.dynamodb.scan(TableName=name, Select="COUNT", FilterExpression="attribute_exists(nothing)")
    assert (first["Count"], first["ScannedCount"], first["LastEvaluatedKey"]["n"]) == (0, 4, {"N": "3"})
    pages = aws.dynamodb.get_paginator("query").paginate(
        TableName=name, KeyConditionExpression="p = :p", ExpressionAttributeValues={":p": {"S": "a"}}
    )
    assert [_numbers(page) for page in pages] == [[0, 1, 2, 3], [4]]


def test_filters_come_after_the_limit_and_projections_last(aws: Account, numbers: str) -> None:
    answer = aws.dynamodb.query(
        TableName=numbers,
        KeyConditionExpression="p = :p",
        FilterExpression="g = :g",
        ProjectionExpression="n",
        ExpressionAttributeValues={":p": {"S": "a"}, ":g": {"S": "g0"}},
        Limit=4,
    )
    assert answer["Items"] == [{"n": {"N": "-2"}}, {"n": {"N": "0"}}]
    assert (answer["Count"], answer["ScannedCount"], answer["LastEvaluatedKey"]["n"]) == (2, 4, {"N": "0"})


def test_an_index_shows_what_it_has(aws: Account, numbers: str) -> None:
    asked = {"TableName": numbers, "IndexName": "by-g", "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "g1"}}}
    answer = aws.dynamodb.query(**asked, Limit=2, ReturnConsumedCapacity="INDEXES")
    assert answer["Items"][0] == {"p": {"S": "a"}, "n": {"N": "-3"}, "g": {"S": "g1"}}
    assert answer["LastEvaluatedKey"] == {"p": {"S": "a"}, "n": {"N": "-1"}, "g": {"S": "g1"}}
    assert answer["ConsumedCapacity"] == {"TableName": numbers, "CapacityUnits": 0.5, "GlobalSecondaryIndexes": {"by-g": {"CapacityUnits": 0.5}}}
    with pytest.raises(ClientError) as raised:
        aws.dynamodb.query(**asked, ProjectionExpression="x")
    assert _words(raised) == "One or more parameter values were invalid: Global secondary index by-g does not project [x]"
    with pytest.raises(ClientError) as raised:
        aws.dynamodb.query(**asked, ConsistentRead=True)
    assert _words(raised) == "Consistent reads are not supported on global secondary indexes"


def test_a_local_index_fetches_what_it_lacks(aws: Account, numbers: str) -> None:
    answer = aws.dynamodb.query(
        TableName=numbers,
        IndexName="by-t",
        KeyConditionExpression="p = :p AND t = :t",
        ExpressionAttributeValues={":p": {"S": "a"}, ":t": {"S": "t3"}},
        Select="ALL_ATTRIBUTES",
        ReturnConsumedCapacity="INDEXES",
    )
    assert sorted(_numbers(answer)) == [-3, 3] and all(item["x"]["S"] == "x" * 100 for item in answer["Items"])
    assert answer["ConsumedCapacity"] == {
        "TableName": numbers,
        "CapacityUnits": 1.5,
        "Table": {"CapacityUnits": 1.0},
        "LocalSecondaryIndexes": {"by-t": {"CapacityUnits": 0.5}},
    }


def test_an_item_that_lacks_the_indexs_key_is_not_in_it(aws: Account, numbers: str) -> None:
    aws.dynamodb.update_item(TableName=numbers, Key={"p": {"S": "a"}, "n": {"N": "2"}}, UpdateExpression="REMOVE g")
    aws.dynamodb.delete_item(TableName=numbers, Key={"p": {"S": "a"}, "n": {"N": "4"}})
    assert sorted(_numbers(aws.dynamodb.scan(TableName=numbers, IndexName="by-g"))) == [-3, -2, -1, 0, 1, 3, 5, 6]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"IndexName": "none"}, "The table does not have the specified index: none"),
        ({"ExclusiveStartKey": {"p": {"S": "a"}}}, "The provided starting key is invalid"),
        (
            {"ExclusiveStartKey": {"p": {"S": "b"}, "n": {"N": "1"}}},
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
        ({"ExclusiveStartKey": {"p": {"S": "a"}, "n": {"N": "1"}}}, "The provided starting key does not match the range key predicate"),
        (
            {"Select": "ALL_PROJECTED_ATTRIBUTES"},
            "One or more parameter values were invalid: ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
        ),
        ({"Select": "COUNT", "ProjectionExpression": "x"}, "Cannot specify the ProjectionExpression when choosing to get COUNT"),
        (
            {"FilterExpression": "attribute_exists(n)"},
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: n",
        ),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(aws: Account, numbers: str, more: dict[str, Any], words: str) -> None:
    with pytest.raises(ClientError) as raised:
        aws.dynamodb.query(
            TableName=numbers,
            KeyConditionExpression="p = :p AND n > :n",
            ExpressionAttributeValues={":p": {"S": "a"}, ":n": {"N": "3"}},
            **more,
        )
    assert _words(raised) == words


def test_segments_share_the_table(aws: Account) -> None:
    name = make_table(aws)
    _fill(aws, name, [{"p": {"S": str(number)}} for number in range(50)])
    shares = [[item["p"]["S"] for item in aws.dynamodb.scan(TableName=name, Segment=number, TotalSegments=4)["Items"]] for number in range(4)]
    assert sorted(int(p) for share in shares for p in share) == list(range(50))
    assert all(5 <= len(share) <= 20 for share in shares)
    with pytest.raises(ClientError) as raised:
        aws.dynamodb.scan(TableName=name, Segment=0, TotalSegments=4, ExclusiveStartKey={"p": {"S": shares[3][0]}})
    assert _words(raised).startswith("The provided starting key is invalid: Invalid ExclusiveStartKey.")
    with pytest.raises(ClientError) as raised:
        aws.dynamodb.scan(TableName=name, Segment=4, TotalSegments=4)
    assert "Segment: 4 is not less than TotalSegments: 4" in _words(raised)


def test_an_index_passes_over_what_cannot_be_its_key_until_it_can(aws: Account) -> None:
    name = make_table(aws)
    _fill(aws, name, [{"p": {"S": "number"}, "g": {"N": "1"}}, {"p": {"S": "text"}, "g": {"S": "a"}}, {"p": {"S": "long"}, "g": {"S": "a" * 3000}}])
    index = {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
    definitions = [{"AttributeName": attribute, "AttributeType": "S"} for attribute in ("p", "g")]
    aws.dynamodb.update_table(TableName=name, AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=[{"Create": index}])
    update = {"TableName": name, "Key": {"p": {"S": "number"}}, "UpdateExpression": "SET x = :x", "ExpressionAttributeValues": {":x": {"S": "x"}}}
    aws.dynamodb.update_item(**update)
    assert [item["p"]["S"] for item in aws.dynamodb.scan(TableName=name, IndexName="by-g")["Items"]] == ["text"]
    aws.dynamodb.update_item(**update | {"UpdateExpression": "SET g = :x"})
    assert {item["p"]["S"] for item in aws.dynamodb.scan(TableName=name, IndexName="by-g")["Items"]} == {"text", "number"}


def test_under_chaos_a_global_index_lags_behind(tmp_path: Path) -> None:
    with RunningNode(tmp_path, env={"TULE_CHAOS": "1", "TULE_CLOCK": "frozen"}) as node:
        account = node.fresh_account()
        name = make_table(account, gsi="g:S")
        account.dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "g": {"S": "x"}})
        reading = {"TableName": name, "IndexName": "by-g"}
        assert account.dynamodb.scan(**reading)["Count"] == 0
        node.advance(1)
        assert account.dynamodb.scan(**reading)["Count"] == 1
