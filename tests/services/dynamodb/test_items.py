"""PutItem, GetItem, UpdateItem, DeleteItem, as boto3 sees them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.dynamodb.making import make_table

EVERY_KIND: dict[str, Any] = {
    "p": {"S": "é"},
    "n": {"N": "-1.5"},
    "b": {"B": b"\x00\xff"},
    "ss": {"SS": ["a", "b"]},
    "m": {"M": {"l": {"L": [{"BOOL": True}, {"NULL": True}, {"S": ""}]}}},
}


def _refusal(raised: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_an_item_comes_back_as_it_was_put(aws: Account) -> None:
    name = make_table(aws)
    assert "Attributes" not in aws.dynamodb.put_item(TableName=name, Item=EVERY_KIND, ReturnValues="ALL_OLD")
    assert aws.dynamodb.get_item(TableName=name, Key={"p": {"S": "é"}})["Item"] == EVERY_KIND
    assert "Item" not in aws.dynamodb.get_item(TableName=name, Key={"p": {"S": "e"}})


def test_numbers_are_kept_in_one_form_in_keys_too(aws: Account) -> None:
    name = make_table(aws, "p:N")
    aws.dynamodb.put_item(TableName=name, Item={"p": {"N": "1e3"}, "a": {"N": "0012.50"}})
    assert aws.dynamodb.get_item(TableName=name, Key={"p": {"N": "1000.0"}})["Item"] == {"p": {"N": "1000"}, "a": {"N": "12.5"}}


def test_a_failed_condition_shows_the_item_when_asked(aws: Account) -> None:
    name = make_table(aws)
    item = {"p": {"S": "a"}, "price": {"N": "650"}}
    aws.dynamodb.put_item(TableName=name, Item=item)
    with pytest.raises(ClientError) as raised:
        aws.dynamodb.put_item(TableName=name, Item=item, ConditionExpression="attribute_not_exists(p)", ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert _refusal(raised) == ("ConditionalCheckFailedException", "The conditional request failed")
    shown: Any = raised.value.response
    assert shown["Item"] == item


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("NONE", None),
        ("ALL_OLD", {"p": {"S": "a"}, "x": {"N": "1"}, "y": {"S": "y"}}),
        ("ALL_NEW", {"p": {"S": "a"}, "x": {"N": "3"}, "y": {"S": "y"}, "z": {"L": []}}),
        ("UPDATED_OLD", {"x": {"N": "1"}}),
        ("UPDATED_NEW", {"x": {"N": "3"}, "z": {"L": []}}),
    ],
)
def test_an_update_returns_what_is_asked(aws: Account, values: str, expected: dict[str, Any] | None) -> None:
    name = make_table(aws)
    aws.dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "x": {"N": "1"}, "y": {"S": "y"}})
    answer = aws.dynamodb.update_item(
        TableName=name,
        Key={"p": {"S": "a"}},
        UpdateExpression="ADD x :two SET z = :empty",
        ExpressionAttributeValues={":two": {"N": "2"}, ":empty": {"L": []}},
        ReturnValues=values,
    )
    assert answer.get("Attributes") == expected


def test_an_update_makes_an_item_but_not_by_removing(aws: Account) -> None:
    name = make_table(aws)
    aws.dynamodb.update_item(TableName=name, Key={"p": {"S": "a"}}, UpdateExpression="REMOVE x")
    aws.dynamodb.update_item(TableName=name, Key={"p": {"S": "b"}})
    assert aws.dynamodb.scan(TableName=name)["Items"] == [{"p": {"S": "b"}}]


def test_deleting_returns_what_was_there(aws: Account) -> None:
    name = make_table(aws)
    aws.dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "x": {"S": "y"}})
    deleting = {"TableName": name, "Key": {"p": {"S": "a"}}, "ReturnValues": "ALL_OLD"}
    assert aws.dynamodb.delete_item(**deleting)["Attributes"] == {"p": {"S": "a"}, "x": {"S": "y"}}
    assert "Attributes" not in aws.dynamodb.delete_item(**deleting)


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"x": {"S": "a"}}, "One or more parameter values were invalid: Missing the key p in the item"),
        ({"p": {"N": "1"}, "n": {"N": "1"}}, "One or more parameter values were invalid: Type mismatch for key p expected: S actual: N"),
        (
            {"p": {"S": ""}, "n": {"N": "1"}},
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: p",
        ),
        (
            {"p": {"S": "a" * 2049}, "n": {"N": "1"}},
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
        ),
        (
            {"p": {"S": "a"}, "n": {"N": "1"}, "g": {"N": "1"}},
            "One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: by-g",
        ),
        (
            {"p": {"S": "a"}, "n": {"N": "1"}, "g": {"S": ""}},
            "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key"
            " attribute cannot contain an empty string value. IndexName: by-g, IndexKey: g",
        ),
        ({"p": {"S": "a"}, "n": {"N": "1"}, "x": {"S": "x" * 409_600}}, "Item size has exceeded the maximum allowed size"),
    ],
)
def test_an_item_that_cannot_be_kept_is_refused(aws: Account, item: dict[str, Any], words: str) -> None:
    name = make_table(aws, "p:S n:N", gsi="g:S")
    with pytest.raises(ClientError) as raised:
        aws.dynamodb.put_item(TableName=name, Item=item)
    assert _refusal(raised) == ("ValidationException", words)
    assert aws.dynamodb.scan(TableName=name)["Count"] == 0


def test_an_item_may_have_400_kb_and_an_update_may_not_go_beyond(aws: Account) -> None:
    name = make_table(aws)
    aws.dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "x": {"S": "x" * (409_600 - 3)}})
    with pytest.raises(ClientError) as raised:
        aws.dynamodb.update_item(TableName=name, Key={"p": {"S": "a"}}, UpdateExpression="SET y = :y", ExpressionAttributeValues={":y": {"S": "y"}})
    assert _refusal(raised) == ("ValidationException", "Item size to update has exceeded the maximum allowed size")


@pytest.mark.parametrize("key", [{}, {"p": {"S": "a"}}, {"p": {"S": "a"}, "n": {"S": "1"}}, {"p": {"S": "a"}, "n": {"N": "1"}, "x": {"S": "x"}}])
def test_a_key_must_be_the_tables_own(aws: Account, key: dict[str, Any]) -> None:
    name = make_table(aws, "p:S n:N")
    for ask in (aws.dynamodb.get_item, aws.dynamodb.delete_item, aws.dynamodb.update_item):
        with pytest.raises(ClientError) as raised:
            ask(TableName=name, Key=key)
        assert _refusal(raised) == ("ValidationException", "The provided key element does not match the schema")


def test_a_key_cannot_be_updated(aws: Account) -> None:
    name = make_table(aws)
    with pytest.raises(ClientError) as raised:
        aws.dynamodb.update_item(TableName=name, Key={"p": {"S": "a"}}, UpdateExpression="SET p = :p", ExpressionAttributeValues={":p": {"S": "b"}})
    words = "One or more parameter values were invalid: Cannot update attribute p. This attribute is part of the key"
    assert _refusal(raised) == ("ValidationException", words)


def test_a_table_that_is_not_there(aws: Account) -> None:
    with pytest.raises(ClientError) as raised:
        aws.dynamodb.get_item(TableName="nowhere", Key={"p": {"S": "a"}})
    assert _refusal(raised) == ("ResourceNotFoundException", "Requested resource not found")


def test_a_write_costs_the_larger_state_and_its_indexes(aws: Account) -> None:
    name = make_table(aws, gsi="g:S", projection="KEYS_ONLY")
    large = {"p": {"S": "a"}, "g": {"S": "x"}, "text": {"S": "t" * 3000}}
    put = aws.dynamodb.put_item(TableName=name, Item=large, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert put == {
        "TableName": name,
        "CapacityUnits": 4.0,
        "Table": {"CapacityUnits": 3.0},
        "GlobalSecondaryIndexes": {"by-g": {"CapacityUnits": 1.0}},
    }
    same_index = aws.dynamodb.put_item(TableName=name, Item={**large, "text": {"S": "t"}}, ReturnConsumedCapacity="TOTAL")
    assert same_index["ConsumedCapacity"] == {"TableName": name, "CapacityUnits": 3.0}
    moved = aws.dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "g": {"S": "y"}}, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert moved["GlobalSecondaryIndexes"] == {"by-g": {"CapacityUnits": 2.0}}


def test_a_read_costs_half_when_it_may_be_stale(aws: Account) -> None:
    name = make_table(aws)
    aws.dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "text": {"S": "t" * 5000}})
    reading = {"TableName": name, "Key": {"p": {"S": "a"}}, "ReturnConsumedCapacity": "TOTAL"}
    assert aws.dynamodb.get_item(**reading)["ConsumedCapacity"]["CapacityUnits"] == 1.0
    assert aws.dynamodb.get_item(**reading, ConsistentRead=True)["ConsumedCapacity"]["CapacityUnits"] == 2.0


def test_item_collections_are_measured_where_there_are_local_indexes(aws: Account) -> None:
    name, plain = make_table(aws, "p:S n:N", lsi="t:S"), make_table(aws)
    put = aws.dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "n": {"N": "1"}}, ReturnItemCollectionMetrics="SIZE")
    assert put["ItemCollectionMetrics"] == {"ItemCollectionKey": {"p": {"S": "a"}}, "SizeEstimateRangeGB": [0.0, 1.0]}
    assert "ItemCollectionMetrics" not in aws.dynamodb.put_item(TableName=plain, Item={"p": {"S": "a"}}, ReturnItemCollectionMetrics="SIZE")


def test_a_table_may_be_named_by_its_arn(aws: Account) -> None:
    name = make_table(aws)
    arn = aws.dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
    aws.dynamodb.put_item(TableName=arn, Item={"p": {"S": "a"}})
    got = aws.dynamodb.get_item(TableName=arn, Key={"p": {"S": "a"}}, ReturnConsumedCapacity="TOTAL")
    assert got["Item"] == {"p": {"S": "a"}} and got["ConsumedCapacity"]["TableName"] == arn


def test_the_attributes_of_an_indexs_key_share_its_limit(aws: Account) -> None:
    name = make_table(
        aws,
        "p:S a:S",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-all",
                "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}]
                + [{"AttributeName": attribute, "KeyType": "RANGE"} for attribute in ("a", "b")],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        AttributeDefinitions=[{"AttributeName": attribute, "AttributeType": "S"} for attribute in ("p", "a", "b")],
    )
    item = {"p": {"S": "p"}, "a": {"S": "a" * 500}, "b": {"S": "\0" * 524}}
    aws.dynamodb.put_item(TableName=name, Item=item)
    assert aws.dynamodb.scan(TableName=name, IndexName="by-all")["Items"] == [item]
    with pytest.raises(ClientError) as raised:
        aws.dynamodb.put_item(TableName=name, Item={**item, "b": {"S": "b" * 525}})
    assert "Aggregated size of all range keys has exceeded the size limit of 1024 bytes" in _refusal(raised)[1]
