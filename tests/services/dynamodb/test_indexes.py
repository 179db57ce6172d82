"""Global indexes that come and go on tables that live."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account, RunningNode
from tests.services.dynamodb.making import make_table
from tests.services.dynamodb.test_tables import described, refused
from tests.services.lambda_.house import opened
from tule.core.errors import ServiceError

INVALID = "One or more parameter values were invalid: "
BY_G = {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}


def create(aws: Account, name: str, kind: str = "S", index: dict[str, Any] = BY_G) -> dict[str, Any]:
    definitions = [{"AttributeName": "g", "AttributeType": kind}]
    updated = aws.dynamodb.update_table(TableName=name, AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=[{"Create": index}])
    return updated["TableDescription"]


def put_many(aws: Account, name: str, count: int) -> None:
    for first in range(0, count, 25):
        requests = [
            {"PutRequest": {"Item": {"p": {"S": str(number)}, "g": {"S": f"g{number % 3}"}}}} for number in range(first, min(count, first + 25))
        ]
        aws.dynamodb.batch_write_item(RequestItems={name: requests})


def in_index(aws: Account, name: str) -> set[str]:
    pages = aws.dynamodb.get_paginator("scan").paginate(TableName=name, IndexName="by-g")
    return {item["p"]["S"] for page in pages for item in page["Items"]}


def test_a_new_index_of_a_small_table_is_ready_at_once(aws: Account) -> None:
    name = make_table(aws)
    put_many(aws, name, 30)
    aws.dynamodb.put_item(TableName=name, Item={"p": {"S": "number"}, "g": {"N": "1"}})
    aws.dynamodb.put_item(TableName=name, Item={"p": {"S": "nothing"}})
    shown = create(aws, name)["GlobalSecondaryIndexes"][0]
    assert (shown["IndexStatus"], shown["Backfilling"]) == ("CREATING", False)
    shown = described(aws, name)["GlobalSecondaryIndexes"][0]
    assert (shown["IndexStatus"], shown["ItemCount"]) == ("ACTIVE", 30)
    assert in_index(aws, name) == {str(number) for number in range(30)}


def test_writes_meanwhile_are_in_an_index_that_is_filled_in_steps(turned: Account) -> None:
    name = make_table(turned)
    put_many(turned, name, 1_100)
    changing = turned.client("dynamodb")

    def change() -> None:
        for number in range(0, 1_100, 50):
            changing.delete_item(TableName=name, Key={"p": {"S": str(number)}})
            changing.put_item(TableName=name, Item={"p": {"S": f"new-{number}"}, "g": {"S": "g"}})

    thread = threading.Thread(target=change)
    thread.start()
    create(turned, name)
    thread.join()
    turned.node.advance(1)
    assert described(turned, name)["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE"
    expected = {str(number) for number in range(1_100) if number % 50} | {f"new-{number}" for number in range(0, 1_100, 50)}
    assert in_index(turned, name) == expected


def test_a_deleted_index_can_be_made_anew_on_another_type(turned: Account) -> None:
    name = make_table(turned, gsi="g:S")
    put_many(turned, name, 700)
    shown = turned.dynamodb.update_table(TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-g"}}])["TableDescription"]
    assert shown["GlobalSecondaryIndexes"][0]["IndexStatus"] == "DELETING"
    turned.node.advance(1)
    shown = described(turned, name)
    assert "GlobalSecondaryIndexes" not in shown
    assert shown["AttributeDefinitions"] == [{"AttributeName": "p", "AttributeType": "S"}]
    turned.dynamodb.put_item(TableName=name, Item={"p": {"S": "n"}, "g": {"N": "7"}})
    create(turned, name, "N")
    turned.node.advance(1)
    assert in_index(turned, name) == {"n"}


async def test_an_index_is_not_read_before_it_is_filled(tmp_path: Path) -> None:
    async with opened(tmp_path, "sqlite") as house:
        await house.call(
            "dynamodb",
            "CreateTable",
            TableName="tab",
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for number in range(600):
            await house.call("dynamodb", "PutItem", TableName="tab", Item={"p": {"S": str(number)}, "g": {"S": "g"}})
        await house.node.jobs.pause()
        definitions = [{"AttributeName": "g", "AttributeType": "S"}]
        await house.call("dynamodb", "UpdateTable", TableName="tab", AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=[{"Create": BY_G}])
        shown = (await house.call("dynamodb", "DescribeTable", TableName="tab"))["Table"]["GlobalSecondaryIndexes"][0]
        assert (shown["IndexStatus"], shown["Backfilling"]) == ("CREATING", True)
        with pytest.raises(ServiceError) as error:
            await house.call("dynamodb", "Scan", TableName="tab", IndexName="by-g")
        assert error.value.code == "ValidationException"
        house.node.jobs.resume()
        await house.node.jobs.settle()
        assert (await house.call("dynamodb", "Scan", TableName="tab", IndexName="by-g"))["Count"] == 600


@pytest.mark.parametrize(
    ("updates", "code", "words"),
    [
        ([{"Create": BY_G}], "ValidationException", INVALID + "Attempting to create an index which already exists"),
        ([{"Delete": {"IndexName": "none"}}], "ResourceNotFoundException", "Requested resource not found"),
        ([{"Create": BY_G, "Delete": {"IndexName": "by-g"}}], "ValidationException", "Only one of Update, Create, Delete may be specified"),
        (
            [{"Create": BY_G}, {"Delete": {"IndexName": "by-g"}}],
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        ),
    ],
    ids=["twice", "absent", "both", "two"],
)
def test_what_is_wrong_with_an_update_of_indexes(aws: Account, updates: list[dict[str, Any]], code: str, words: str) -> None:
    name = make_table(aws, gsi="g:S")
    definitions = [{"AttributeName": "g", "AttributeType": "S"}]
    answer = refused(aws, "update_table", TableName=name, AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=updates)
    assert answer[0] == code
    assert words in answer[1]


def test_a_key_attribute_keeps_its_type(aws: Account) -> None:
    name = make_table(aws, gsi="g:S")
    other = {**BY_G, "IndexName": "other"}
    with pytest.raises(ClientError) as error:
        create(aws, name, "N", other)
    assert error.value.response["Error"]["Message"].startswith(INVALID + "Attributes cannot be redefined.")


def test_an_index_a_backup_and_an_import_survive_the_end_of_their_node(start_node: Callable[..., RunningNode]) -> None:
    running = start_node()
    account = running.fresh_account()
    name = make_table(account)
    put_many(account, name, 3_000)
    account.s3.create_bucket(Bucket="source-of-items")
    lines = "\n".join(json.dumps({"Item": {"p": {"S": str(number)}}}) for number in range(3_000))
    account.s3.put_object(Bucket="source-of-items", Key="all.json", Body=lines.encode())
    keys = {"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}]}
    parameters = {"TableName": "imported", "BillingMode": "PAY_PER_REQUEST", **keys}
    create(account, name)
    backup = account.dynamodb.create_backup(TableName=name, BackupName="one")["BackupDetails"]["BackupArn"]
    account.dynamodb.import_table(S3BucketSource={"S3Bucket": "source-of-items"}, InputFormat="DYNAMODB_JSON", TableCreationParameters=parameters)
    running.kill()
    running.start()
    account = Account(running, account.id)
    running.advance(300)
    assert described(account, name)["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE"
    assert len(in_index(account, name)) == 3_000
    shown = account.dynamodb.describe_backup(BackupArn=backup)["BackupDescription"]
    assert (shown["BackupDetails"]["BackupStatus"], shown["SourceTableDetails"]["ItemCount"]) == ("AVAILABLE", 3_000)
    (done,) = account.dynamodb.list_imports()["ImportSummaryList"]
    shown = account.dynamodb.describe_import(ImportArn=done["ImportArn"])["ImportTableDescription"]
    assert (shown["ImportStatus"], shown["ImportedItemCount"]) == ("COMPLETED", 3_000)
    assert described(account, "imported")["ItemCount"] == 3_000
