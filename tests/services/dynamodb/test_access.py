"""IAM down to leading keys, attributes, indexes and tags."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.dynamodb.making import make_table
from tests.services.dynamodb.test_tables import described


def user(aws: Account, *statements: dict[str, Any]) -> Any:
    """A client of a user who may do what the statements say."""
    aws.iam.create_user(UserName="u")
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", **statement} for statement in statements]}
    aws.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps(document))
    key = aws.iam.create_access_key(UserName="u")["AccessKey"]
    return aws.client("dynamodb", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


def is_denied(call: Any, **params: Any) -> bool:
    try:
        call(**params)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return True
    return False


def test_leading_keys_confine_a_user_to_his_own_items(aws: Account) -> None:
    name = make_table(aws, "p:S r:S")
    mine = user(aws, {"Action": "dynamodb:*", "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["me"]}}})
    item = {"p": {"S": "me"}, "r": {"S": "1"}}
    other = {"p": {"S": "you"}, "r": {"S": "1"}}
    mine.put_item(TableName=name, Item=item)
    assert is_denied(mine.put_item, TableName=name, Item=other)
    assert is_denied(mine.get_item, TableName=name, Key=other)
    query = {"TableName": name, "KeyConditionExpression": "#p = :p", "ExpressionAttributeNames": {"#p": "p"}}
    assert mine.query(**query, ExpressionAttributeValues={":p": {"S": "me"}})["Count"] == 1
    assert is_denied(mine.query, **query, ExpressionAttributeValues={":p": {"S": "you"}})
    assert is_denied(mine.batch_get_item, RequestItems={name: {"Keys": [item, other]}})
    assert is_denied(mine.batch_write_item, RequestItems={name: [{"PutRequest": {"Item": item}}, {"DeleteRequest": {"Key": other}}]})
    assert is_denied(
        mine.transact_write_items, TransactItems=[{"Put": {"TableName": name, "Item": item}}, {"Delete": {"TableName": name, "Key": other}}]
    )
    statement = f'SELECT * FROM "{name}" WHERE p = ?'
    assert len(mine.execute_statement(Statement=statement, Parameters=[{"S": "me"}])["Items"]) == 1
    assert is_denied(mine.execute_statement, Statement=statement, Parameters=[{"S": "you"}])


def test_attributes_may_be_named_only_where_they_are_allowed(aws: Account) -> None:
    name = make_table(aws)
    aws.dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "open": {"N": "1"}, "secret": {"N": "2"}})
    condition = {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["p", "open"]},
        "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES", "dynamodb:ReturnValues": ["NONE", "UPDATED_NEW"]},
    }
    reader = user(aws, {"Action": ["dynamodb:GetItem", "dynamodb:Scan", "dynamodb:UpdateItem"], "Condition": condition})
    key = {"TableName": name, "Key": {"p": {"S": "a"}}}
    assert reader.get_item(**key, ProjectionExpression="#o", ExpressionAttributeNames={"#o": "open"})["Item"] == {"open": {"N": "1"}}
    assert is_denied(reader.get_item, **key)
    assert is_denied(reader.get_item, **key, ProjectionExpression="secret")
    assert is_denied(reader.get_item, **key, AttributesToGet=["secret"])
    value = {"ExpressionAttributeValues": {":v": {"N": "5"}}, "ExpressionAttributeNames": {"#o": "open"}}
    reader.update_item(**key, UpdateExpression="SET #o = :v", **value)
    assert is_denied(reader.update_item, **key, UpdateExpression="SET #o = :v REMOVE secret", **value)
    assert is_denied(reader.update_item, **key, UpdateExpression="SET #o = :v", ConditionExpression="attribute_exists(secret)", **value)
    assert is_denied(reader.update_item, **key, UpdateExpression="SET #o = :v", ReturnValues="ALL_OLD", **value)
    assert is_denied(
        reader.scan, TableName=name, ProjectionExpression="p", FilterExpression="secret = :v", ExpressionAttributeValues={":v": {"N": "2"}}
    )


def test_an_index_is_a_resource_of_its_own(aws: Account) -> None:
    name = make_table(aws, gsi="g:S")
    arn = described(aws, name)["TableArn"]
    reader = user(aws, {"Action": "dynamodb:Scan", "Resource": f"{arn}/index/by-g"})
    assert reader.scan(TableName=name, IndexName="by-g")["Count"] == 0
    assert is_denied(reader.scan, TableName=name)


def test_a_transaction_can_be_told_from_a_single_write(aws: Account) -> None:
    name = make_table(aws)
    condition = {"ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": ["TransactWriteItems"]}}
    writer = user(aws, {"Action": "dynamodb:PutItem", "Condition": condition})
    item = {"p": {"S": "a"}}
    writer.transact_write_items(TransactItems=[{"Put": {"TableName": name, "Item": item}}])
    assert is_denied(writer.put_item, TableName=name, Item=item)


def test_tags_decide(aws: Account) -> None:
    red = make_table(aws, Tags=[{"Key": "colour", "Value": "red"}])
    blue = make_table(aws, Tags=[{"Key": "colour", "Value": "blue"}])
    reader = user(aws, {"Action": "dynamodb:*", "Condition": {"StringEquals": {"aws:ResourceTag/colour": "red"}}})
    assert reader.scan(TableName=red)["Count"] == 0
    assert is_denied(reader.scan, TableName=blue)
    assert is_denied(reader.describe_table, TableName=blue)


def test_a_table_with_tags_needs_the_permission_to_tag(aws: Account) -> None:
    maker = user(aws, {"Action": "dynamodb:CreateTable"})
    params = {
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    maker.create_table(TableName="plain", **params)
    assert is_denied(maker.create_table, TableName="tagged", **params, Tags=[{"Key": "a", "Value": "b"}])


def test_replicas_need_permissions_in_their_regions(aws: Account) -> None:
    name = make_table(aws)
    arn = described(aws, name)["TableArn"]
    create = {"TableName": name, "ReplicaUpdates": [{"Create": {"RegionName": "eu-west-1"}}]}
    maker = user(aws, {"Action": "dynamodb:*", "Resource": arn})
    assert is_denied(maker.update_table, **create)
    away = arn.replace("us-east-1", "eu-west-1")
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:*", "Resource": away}]}
    aws.iam.put_user_policy(UserName="u", PolicyName="away", PolicyDocument=json.dumps(document))
    assert not is_denied(maker.update_table, **create)


def test_a_denial_names_action_and_resource(aws: Account) -> None:
    name = make_table(aws)
    nobody = user(aws, {"Action": "s3:*"})
    with pytest.raises(ClientError) as error:
        nobody.get_item(TableName=name, Key={"p": {"S": "a"}})
    arn = described(aws, name)["TableArn"]
    words = f"User: arn:aws:iam::{aws.id}:user/u is not authorized to perform: dynamodb:GetItem on resource: {arn} because"
    assert error.value.response["Error"]["Message"].startswith(words)


def test_what_a_request_wants_to_be_told_counts_for_each_of_its_parts(aws: Account) -> None:
    name = make_table(aws)
    quiet = user(aws, {"Action": "dynamodb:*", "Condition": {"StringEquals": {"dynamodb:ReturnConsumedCapacity": "NONE"}}})
    key = {"p": {"S": "a"}}
    calls: list[tuple[Any, dict[str, Any]]] = [
        (quiet.get_item, {"TableName": name, "Key": key}),
        (quiet.batch_get_item, {"RequestItems": {name: {"Keys": [key]}}}),
        (quiet.batch_write_item, {"RequestItems": {name: [{"PutRequest": {"Item": key}}]}}),
        (quiet.transact_get_items, {"TransactItems": [{"Get": {"TableName": name, "Key": key}}]}),
        (quiet.transact_write_items, {"TransactItems": [{"Update": {"TableName": name, "Key": key, "UpdateExpression": "REMOVE a"}}]}),
        (quiet.execute_statement, {"Statement": f"SELECT * FROM \"{name}\" WHERE p = 'a'"}),
    ]
    for call, params in calls:
        assert not is_denied(call, **params)
        assert is_denied(call, **params, ReturnConsumedCapacity="TOTAL")


def test_selects_that_look_at_a_whole_table_can_be_denied(aws: Account) -> None:
    name = make_table(aws, "p:S r:S")
    careful = user(
        aws,
        {"Action": "dynamodb:PartiQL*"},
        {"Effect": "Deny", "Action": "dynamodb:PartiQLSelect", "Condition": {"Bool": {"dynamodb:FullTableScan": ["true"]}}},
    )
    assert not is_denied(careful.execute_statement, Statement=f"SELECT * FROM \"{name}\" WHERE p = 'a' AND r > 'b'")
    assert not is_denied(careful.execute_statement, Statement=f"SELECT * FROM \"{name}\" WHERE p IN ['a', 'b']")
    assert is_denied(careful.execute_statement, Statement=f"SELECT * FROM \"{name}\" WHERE r = 'b'")
    assert is_denied(careful.execute_statement, Statement=f'SELECT * FROM "{name}"')


def test_each_statement_of_a_batch_is_allowed_or_not(aws: Account) -> None:
    name = make_table(aws)
    mine = user(aws, {"Action": "dynamodb:PartiQL*", "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["me"]}}})
    insert = [{"Statement": f"INSERT INTO \"{name}\" VALUE {{'p': ?}}", "Parameters": [{"S": key}]} for key in ("me", "you")]
    done = mine.batch_execute_statement(Statements=insert)["Responses"]
    assert done[0] == {"TableName": name}
    assert (done[1]["Error"]["Code"], done[1]["TableName"]) == ("AccessDenied", name)
    assert "dynamodb:PartiQLInsert" in done[1]["Error"]["Message"]
    assert [item["p"]["S"] for item in aws.dynamodb.scan(TableName=name)["Items"]] == ["me"]
    assert is_denied(mine.execute_transaction, TransactStatements=insert)


def test_what_statements_write_name_and_return_is_known(aws: Account) -> None:
    name = make_table(aws)
    aws.dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "open": {"N": "1"}, "secret": {"N": "2"}})
    writer = user(
        aws,
        {
            "Action": ["dynamodb:PartiQLUpdate", "dynamodb:PartiQLSelect"],
            "Condition": {
                "ForAllValues:StringEquals": {"dynamodb:Attributes": ["p", "open"]},
                "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES", "dynamodb:ReturnValues": ["NONE", "UPDATED_NEW"]},
            },
        },
    )
    update = f'UPDATE "{name}" SET "open" = 2 WHERE p = \'a\''
    assert not is_denied(writer.execute_statement, Statement=update)
    assert not is_denied(writer.execute_statement, Statement=f"{update} RETURNING MODIFIED NEW *")
    assert is_denied(writer.execute_statement, Statement=f"{update} RETURNING ALL OLD *")
    assert is_denied(writer.execute_statement, Statement=f"{update} AND secret = 2")
    assert not is_denied(writer.execute_statement, Statement=f'SELECT "open" FROM "{name}" WHERE p = \'a\'')
    assert is_denied(writer.execute_statement, Statement=f"SELECT secret FROM \"{name}\" WHERE p = 'a'")
    assert is_denied(writer.execute_statement, Statement=f"SELECT * FROM \"{name}\" WHERE p = 'a'")
