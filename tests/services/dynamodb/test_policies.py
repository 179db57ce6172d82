"""Resource policies of tables and streams, and whom they let in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.dynamodb.making import make_table
from tests.services.dynamodb.test_tables import described, refused


def allowing(principal: str, *actions: str, effect: str = "Allow") -> str:
    statement = {"Effect": effect, "Principal": {"AWS": principal}, "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def denied(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**params)
    assert error.value.response["Error"]["Code"] == "AccessDeniedException"
    return error.value.response["Error"]["Message"]


def test_a_policy_has_revisions(aws: Account) -> None:
    arn = described(aws, make_table(aws))["TableArn"]
    assert refused(aws, "get_resource_policy", ResourceArn=arn)[0] == "PolicyNotFoundException"
    first = aws.dynamodb.put_resource_policy(ResourceArn=arn, Policy=allowing(aws.id, "dynamodb:GetItem"), ExpectedRevisionId="NO_POLICY")[
        "RevisionId"
    ]
    again = aws.dynamodb.put_resource_policy(ResourceArn=arn, Policy=allowing(aws.id, "dynamodb:GetItem"))["RevisionId"]
    assert again == first
    policy = allowing(aws.id, "dynamodb:PutItem")
    assert refused(aws, "put_resource_policy", ResourceArn=arn, Policy=policy, ExpectedRevisionId="1")[0] == "PolicyNotFoundException"
    second = aws.dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy, ExpectedRevisionId=first)["RevisionId"]
    shown = aws.dynamodb.get_resource_policy(ResourceArn=arn)
    assert (shown["Policy"], shown["RevisionId"]) == (policy, second)
    assert aws.dynamodb.delete_resource_policy(ResourceArn=arn)["RevisionId"] == second
    assert "RevisionId" not in aws.dynamodb.delete_resource_policy(ResourceArn=arn)


def test_what_is_no_policy_is_refused(aws: Account) -> None:
    arn = described(aws, make_table(aws))["TableArn"]
    for text in ("{", "{}", json.dumps({"Version": "2012-10-17", "Statement": []}), allowing(aws.id, "dynamodb:GetItem", effect="Maybe")):
        assert refused(aws, "put_resource_policy", ResourceArn=arn, Policy=text)[0] == "ValidationException"


def test_a_policy_lets_another_account_in(aws: Account) -> None:
    name = make_table(aws)
    arn = described(aws, name)["TableArn"]
    aws.dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}})
    other = aws.node.fresh_account()
    denied(other.dynamodb.get_item, TableName=arn, Key={"p": {"S": "a"}})
    aws.dynamodb.put_resource_policy(ResourceArn=arn, Policy=allowing(other.id, "dynamodb:GetItem"))
    assert other.dynamodb.get_item(TableName=arn, Key={"p": {"S": "a"}})["Item"] == {"p": {"S": "a"}}
    denied(other.dynamodb.put_item, TableName=arn, Item={"p": {"S": "b"}})


def test_a_policy_binds_its_own_accounts_root(aws: Account) -> None:
    policy = allowing("*", "dynamodb:DeleteItem", effect="Deny")
    name = make_table(aws, ResourcePolicy=policy)
    aws.dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}})
    assert "explicit deny" in denied(aws.dynamodb.delete_item, TableName=name, Key={"p": {"S": "a"}})


def test_a_streams_policy_ends_with_the_stream(aws: Account) -> None:
    on = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    name = make_table(aws, StreamSpecification=on)
    stream = described(aws, name)["LatestStreamArn"]
    other = aws.node.fresh_account()
    denied(other.dynamodbstreams.describe_stream, StreamArn=stream)
    aws.dynamodb.put_resource_policy(ResourceArn=stream, Policy=allowing(other.id, "dynamodb:DescribeStream"))
    assert other.dynamodbstreams.describe_stream(StreamArn=stream)["StreamDescription"]["StreamArn"] == stream
    aws.dynamodb.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})
    aws.dynamodb.update_table(TableName=name, StreamSpecification=on)
    renewed = described(aws, name)["LatestStreamArn"]
    assert renewed != stream
    denied(other.dynamodbstreams.describe_stream, StreamArn=renewed)


def test_another_account_uses_a_table_by_its_arn_in_every_way(aws: Account) -> None:
    name = make_table(aws, gsi="g:S")
    arn = described(aws, name)["TableArn"]
    other = aws.node.fresh_account()
    aws.dynamodb.put_resource_policy(ResourceArn=arn, Policy=allowing(other.id, "dynamodb:*"))
    item = {"p": {"S": "a"}, "g": {"S": "x"}}
    client = other.dynamodb
    client.batch_write_item(RequestItems={arn: [{"PutRequest": {"Item": item}}]})
    assert client.batch_get_item(RequestItems={arn: {"Keys": [{"p": {"S": "a"}}]}})["Responses"] == {arn: [item]}
    client.transact_write_items(TransactItems=[{"Put": {"TableName": arn, "Item": {"p": {"S": "b"}}}}])
    assert client.transact_get_items(TransactItems=[{"Get": {"TableName": arn, "Key": {"p": {"S": "b"}}}}])["Responses"] == [
        {"Item": {"p": {"S": "b"}}}
    ]
    client.execute_statement(Statement=f"INSERT INTO \"{arn}\" VALUE {{'p': 'c'}}")
    client.execute_transaction(TransactStatements=[{"Statement": f"INSERT INTO \"{arn}\" VALUE {{'p': 'd'}}"}])
    done = client.batch_execute_statement(Statements=[{"Statement": f"INSERT INTO \"{arn}\" VALUE {{'p': 'e'}}"}])
    assert "Error" not in done["Responses"][0]
    assert sorted(one["p"]["S"] for one in client.scan(TableName=arn)["Items"]) == ["a", "b", "c", "d", "e"]
    query = {"KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "x"}}, "IndexName": "by-g"}
    assert client.query(TableName=arn, **query)["Items"] == [item]
    assert client.describe_table(TableName=arn)["Table"]["TableArn"] == arn
    assert refused(other, "scan", TableName=name)[0] == "ResourceNotFoundException"
