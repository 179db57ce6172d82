"""Streams read by real functions and by pipes, end to end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.node import Account
from tests.services.dynamodb.streaming import delete, put, table
from tests.services.lambda_.functions import create, existing_role
from tests.services.lambda_.test_end_to_end import eventually
from tests.services.pipes.house import PipesHouse, arn
from tests.services.pipes.house import opened as opened_for_pipes

COPY = """
import boto3
client = boto3.client("dynamodb")

def handler(event, context):
    for record in event["Records"]:
        change = record["dynamodb"]
        number = change.get("NewImage", {}).get("n", {"N": "-1"})
        client.update_item(
            TableName="seen",
            Key={"p": change["Keys"]["p"]},
            UpdateExpression="SET #log = list_append(if_not_exists(#log, :none), :entry)",
            ExpressionAttributeNames={"#log": "log"},
            ExpressionAttributeValues={":none": {"L": []}, ":entry": {"L": [{"S": record["eventName"]}, number]}},
        )
"""
ALL_TABLES = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}]}


def seen(aws: Account, key: str) -> list[str]:
    item = aws.dynamodb.get_item(TableName="seen", Key={"p": {"S": key}}, ConsistentRead=True).get("Item", {})
    return [next(iter(entry.values())) for entry in item.get("log", {"L": []})["L"]]


def test_a_real_function_hears_of_every_change_in_order(aws: Account) -> None:
    stream = table(aws, "orders", shards=4)
    table(aws, "seen", view=None)
    role = existing_role(aws)
    aws.iam.put_role_policy(RoleName="runner", PolicyName="tables", PolicyDocument=json.dumps(ALL_TABLES))
    create(aws, code=COPY, Role=role, Timeout=30)
    aws.lambda_.create_event_source_mapping(FunctionName="f", EventSourceArn=stream, StartingPosition="TRIM_HORIZON", BatchSize=5)
    for number in range(3):
        for key in "abc":
            put(aws, key, into="orders", n={"N": str(number)})
    delete(aws, "b", "orders")
    expected = ["INSERT", "0", "MODIFY", "1", "MODIFY", "2"]
    assert eventually(lambda: len(seen(aws, "b")) == 8 and seen(aws, "b"), 30) == [*expected, "REMOVE", "-1"]
    assert eventually(lambda: len(seen(aws, "a")) == 6 and seen(aws, "a"), 30) == expected
    assert eventually(lambda: len(seen(aws, "c")) == 6 and seen(aws, "c"), 30) == expected


@pytest.fixture(params=["sqlite", "postgresql"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[PipesHouse]:
    async with opened_for_pipes(tmp_path, request.param) as running:
        yield running


async def test_a_pipe_carries_changes_that_its_filter_wants(house: PipesHouse) -> None:
    made = await house.call(
        "dynamodb",
        "CreateTable",
        TableName="tab",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    await house.queue("out")
    pattern = json.dumps({"eventName": ["REMOVE"], "dynamodb": {"OldImage": {"n": {"N": ["2"]}}}})
    await house.pipe(
        arn("sqs", "out"),
        source=made["TableDescription"]["LatestStreamArn"],
        SourceParameters={
            "DynamoDBStreamParameters": {"StartingPosition": "TRIM_HORIZON"},
            "FilterCriteria": {"Filters": [{"Pattern": pattern}]},
        },
        TargetParameters={"InputTemplate": '{"gone": "<$.dynamodb.Keys.p.S>"}'},
    )
    for number in range(4):
        await house.call("dynamodb", "PutItem", TableName="tab", Item={"p": {"S": f"k{number}"}, "n": {"N": str(number)}})
    for number in range(4):
        await house.call("dynamodb", "DeleteItem", TableName="tab", Key={"p": {"S": f"k{number}"}})
    await house.settle()
    assert [json.loads(body) for body in await house.bodies()] == [{"gone": "k2"}]
