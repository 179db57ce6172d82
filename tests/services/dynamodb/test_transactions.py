"""TransactWriteItems and TransactGetItems, as boto3 sees them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.dynamodb.making import make_table


def _put(name: str, p: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": name, "Item": {"p": {"S": p}}, **more}}


def _add(name: str, p: str, by: int) -> dict[str, Any]:
    values = {":by": {"N": str(by)}}
    return {"Update": {"TableName": name, "Key": {"p": {"S": p}}, "UpdateExpression": "ADD x :by", "ExpressionAttributeValues": values}}


def _refused(account: Account, items: list[dict[str, Any]], **more: Any) -> Any:
    with pytest.raises(ClientError) as raised:
        account.dynamodb.transact_write_items(TransactItems=items, **more)
    return raised.value.response


def test_all_of_it_happens(aws: Account) -> None:
    one, two = make_table(aws), make_table(aws, "p:S n:N")
    aws.dynamodb.put_item(TableName=one, Item={"p": {"S": "gone"}})
    checked = {"ConditionCheck": {"TableName": two, "Key": {"p": {"S": "a"}, "n": {"N": "1"}}, "ConditionExpression": "attribute_not_exists(p)"}}
    deleted = {"Delete": {"TableName": one, "Key": {"p": {"S": "gone"}}}}
    answer = aws.dynamodb.transact_write_items(TransactItems=[_put(one, "a"), _add(one, "b", 2), deleted, checked], ReturnConsumedCapacity="TOTAL")
    used = {each["TableName"]: (each["CapacityUnits"], each["WriteCapacityUnits"]) for each in answer["ConsumedCapacity"]}
    assert used == {one: (6.0, 6.0), two: (2.0, 2.0)}
    asked = [{"Get": {"TableName": one, "Key": {"p": {"S": p}}}} for p in ("a", "b", "gone")]
    got = aws.dynamodb.transact_get_items(TransactItems=asked, ReturnConsumedCapacity="TOTAL")
    assert got["Responses"] == [{"Item": {"p": {"S": "a"}}}, {"Item": {"p": {"S": "b"}, "x": {"N": "2"}}}, {}]
    assert got["ConsumedCapacity"] == [{"TableName": one, "CapacityUnits": 6.0, "ReadCapacityUnits": 6.0}]


def test_one_failed_condition_cancels_all_and_reasons_stand_in_order(aws: Account) -> None:
    name = make_table(aws)
    aws.dynamodb.put_item(TableName=name, Item={"p": {"S": "there"}, "x": {"N": "1"}})
    not_new = {"ConditionExpression": "attribute_not_exists(p)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    response = _refused(aws, [_put(name, "new"), _put(name, "there", **not_new)])
    assert response["Error"] == {
        "Code": "TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]",
    }
    failed = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", "Item": {"p": {"S": "there"}, "x": {"N": "1"}}}
    assert response["CancellationReasons"] == [{"Code": "None"}, failed]
    assert aws.dynamodb.scan(TableName=name)["Count"] == 1


def test_a_write_that_does_not_fit_cancels_all(aws: Account) -> None:
    name = make_table(aws)
    aws.dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "x": {"S": "text"}})
    response = _refused(aws, [_put(name, "new"), _add(name, "a", 1)])
    assert [reason["Code"] for reason in response["CancellationReasons"]] == ["None", "ValidationError"]
    assert response["CancellationReasons"][1]["Message"] == "An operand in the update expression has an incorrect data type"
    assert aws.dynamodb.scan(TableName=name)["Count"] == 1


def test_an_item_may_stand_in_it_once(aws: Account) -> None:
    name = make_table(aws)
    error = _refused(aws, [_put(name, "a"), _add(name, "a", 1)])["Error"]
    assert error == {"Code": "ValidationException", "Message": "Transaction request cannot include multiple operations on one item"}


def test_the_same_token_means_the_same_transaction_for_ten_minutes(turned: Account) -> None:
    name = make_table(turned)
    asked: dict[str, Any] = {"TransactItems": [_add(name, "a", 1)], "ClientRequestToken": "token", "ReturnConsumedCapacity": "TOTAL"}
    assert turned.dynamodb.transact_write_items(**asked)["ConsumedCapacity"][0]["WriteCapacityUnits"] == 2.0
    again = turned.dynamodb.transact_write_items(**asked)["ConsumedCapacity"]
    assert again == [{"TableName": name, "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0}]
    assert _refused(turned, [_add(name, "a", 5)], ClientRequestToken="token")["Error"]["Code"] == "IdempotentParameterMismatchException"
    turned.node.advance(601)
    turned.dynamodb.transact_write_items(**asked)
    assert turned.dynamodb.get_item(TableName=name, Key={"p": {"S": "a"}})["Item"]["x"] == {"N": "2"}


def test_transactions_at_once_lose_nothing(aws: Account) -> None:
    name = make_table(aws)
    failed: list[BaseException] = []

    def transfer(number: int) -> None:
        client = aws.client("dynamodb")
        try:
            for _ in range(15):
                client.transact_write_items(TransactItems=[_add(name, f"{number % 2}", 1), _add(name, f"{1 - number % 2}", -1)])
        except ClientError as error:
            failed.append(error)

    threads = [threading.Thread(target=transfer, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    items = {item["p"]["S"]: item["x"]["N"] for item in aws.dynamodb.scan(TableName=name)["Items"]}
    assert items == {"0": "0", "1": "0"}


@pytest.mark.parametrize("part", ["Put", "Update", "Delete", "ConditionCheck", "index"])
def test_an_empty_key_is_refused_before_there_is_a_transaction(aws: Account, part: str) -> None:
    name = make_table(aws, gsi="g:S")
    key: dict[str, Any] = {"TableName": name, "Key": {"p": {"S": ""}}}
    parts: dict[str, dict[str, Any]] = {
        "Put": {"TableName": name, "Item": {"p": {"S": ""}}},
        "Update": {**key, "UpdateExpression": "REMOVE a"},
        "Delete": key,
        "ConditionCheck": {**key, "ConditionExpression": "attribute_exists(p)"},
        "index": {"TableName": name, "Item": {"p": {"S": "a"}, "g": {"S": ""}}},
    }
    error = _refused(aws, [{"Put" if part == "index" else part: parts[part]}])["Error"]
    assert error["Code"] == "ValidationException"
    assert "cannot contain an empty string value" in error["Message"]


def test_a_get_of_what_is_no_key_cancels_the_transaction(aws: Account) -> None:
    name = make_table(aws)
    keys: list[dict[str, Any]] = [{"p": {"S": "a"}}, {}]
    with pytest.raises(ClientError) as raised:
        aws.dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": name, "Key": key}} for key in keys])
    response: Any = raised.value.response
    assert response["Error"]["Code"] == "TransactionCanceledException"
    reason = {"Code": "ValidationError", "Message": "The provided key element does not match the schema"}
    assert response["CancellationReasons"] == [{"Code": "None"}, reason]
