"""Tables: made, described, listed, changed, deleted; and what AWS refuses, in its words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account, RunningNode
from tests.services.dynamodb.making import make_table

P = {"AttributeName": "p", "KeyType": "HASH"}
R = {"AttributeName": "r", "KeyType": "RANGE"}
ONE = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
ALL = {"ProjectionType": "ALL"}
INVALID = "One or more parameter values were invalid: "


def kinds(names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def described(aws: Account, name: str) -> dict[str, Any]:
    return aws.dynamodb.describe_table(TableName=name)["Table"]


def refused(aws: Account, operation: str, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        getattr(aws.dynamodb, operation)(**params)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_a_table_is_described_as_it_was_made(aws: Account) -> None:
    made = aws.dynamodb.create_table(
        TableName="orders",
        KeySchema=[P, R],
        AttributeDefinitions=kinds("prg"),
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
        GlobalSecondaryIndexes=[
            {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": ALL, "ProvisionedThroughput": ONE}
        ],
    )["TableDescription"]
    assert (made["TableStatus"], made["GlobalSecondaryIndexes"][0]["IndexStatus"]) == ("CREATING", "CREATING")
    assert "WarmThroughput" not in made
    aws.dynamodb.get_waiter("table_exists").wait(TableName="orders", WaiterConfig={"Delay": 1, "MaxAttempts": 2})
    shown = described(aws, "orders")
    arn = f"arn:aws:dynamodb:us-east-1:{aws.id}:table/orders"
    assert shown.pop("CreationDateTime").timestamp() > 1_600_000_000
    assert len(shown.pop("TableId")) == 36
    assert shown == {
        "AttributeDefinitions": kinds("prg"),
        "TableName": "orders",
        "KeySchema": [P, R],
        "TableStatus": "ACTIVE",
        "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
        "TableSizeBytes": 0,
        "ItemCount": 0,
        "TableArn": arn,
        "DeletionProtectionEnabled": False,
        "WarmThroughput": {"ReadUnitsPerSecond": 5, "WriteUnitsPerSecond": 6, "Status": "ACTIVE"},
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by-g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": ALL,
                "IndexStatus": "ACTIVE",
                "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, **ONE},
                "IndexSizeBytes": 0,
                "ItemCount": 0,
                "IndexArn": f"{arn}/index/by-g",
                "WarmThroughput": {"ReadUnitsPerSecond": 1, "WriteUnitsPerSecond": 1, "Status": "ACTIVE"},
            }
        ],
    }


def test_an_on_demand_table_says_since_when(aws: Account) -> None:
    name = make_table(aws)
    shown = described(aws, name)
    assert shown["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST", "LastUpdateToPayPerRequestDateTime": shown["CreationDateTime"]}
    assert shown["WarmThroughput"] == {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000, "Status": "ACTIVE"}
    assert described(aws, shown["TableArn"])["TableId"] == shown["TableId"]


def index(name: str = "idx", keys: list[dict[str, str]] | None = None, **more: Any) -> dict[str, Any]:
    return {"IndexName": name, "KeySchema": keys or [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": ALL, **more}


G = {"AttributeName": "g", "KeyType": "HASH"}
REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"BillingMode": "PROVISIONED"}, INVALID + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"),
    (
        {"ProvisionedThroughput": ONE},
        INVALID + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
    ),
    ({"KeySchema": [R]}, INVALID + "Some index key attributes are not defined in AttributeDefinitions. Keys: [r], AttributeDefinitions: [p]"),
    (
        {"KeySchema": [{"AttributeName": "p", "KeyType": "RANGE"}]},
        "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
    ),
    (
        {"KeySchema": [P, {"AttributeName": "r", "KeyType": "HASH"}], "AttributeDefinitions": kinds("pr")},
        "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
    ),
    (
        {"KeySchema": [P, {"AttributeName": "p", "KeyType": "RANGE"}]},
        "Both the Hash Key and the Range Key element in the KeySchema have the same name",
    ),
    (
        {"AttributeDefinitions": kinds("pr")},
        INVALID + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
    ),
    ({"GlobalSecondaryIndexes": []}, INVALID + "List of GlobalSecondaryIndexes is empty"),
    ({"LocalSecondaryIndexes": []}, INVALID + "List of LocalSecondaryIndexes is empty"),
    (
        {"LocalSecondaryIndexes": [index(keys=[P, R])]},
        INVALID + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
    ),
    (
        {"KeySchema": [P, R], "AttributeDefinitions": kinds("pr"), "LocalSecondaryIndexes": [index(keys=[P])]},
        INVALID + "Index KeySchema does not have a range key for index: idx",
    ),
    (
        {
            "KeySchema": [P, R],
            "AttributeDefinitions": kinds("prg"),
            "LocalSecondaryIndexes": [index(keys=[G, {"AttributeName": "p", "KeyType": "RANGE"}])],
        },
        INVALID + "Index KeySchema does not have the same leading hash key as table KeySchema for index: idx. index hash key: g, table hash key: p",
    ),
    (
        {"AttributeDefinitions": kinds("pg"), "GlobalSecondaryIndexes": [index(Projection={})]},
        INVALID + "Unknown ProjectionType: null",
    ),
    (
        {"AttributeDefinitions": kinds("pg"), "GlobalSecondaryIndexes": [index(Projection={"ProjectionType": "INCLUDE"})]},
        INVALID + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
    ),
    (
        {"AttributeDefinitions": kinds("pg"), "GlobalSecondaryIndexes": [index(Projection={**ALL, "NonKeyAttributes": ["a"]})]},
        INVALID + "ProjectionType is ALL, but NonKeyAttributes is specified",
    ),
    ({"AttributeDefinitions": kinds("pg"), "GlobalSecondaryIndexes": [index(), index()]}, INVALID + "Duplicate index name: idx"),
    (
        {"AttributeDefinitions": kinds("pgx"), "GlobalSecondaryIndexes": [index()]},
        INVALID + "Some AttributeDefinitions are not used. AttributeDefinitions: [p, g, x], keys used: [g, p]",
    ),
    (
        {"AttributeDefinitions": kinds("pg"), "GlobalSecondaryIndexes": [index(ProvisionedThroughput=ONE)]},
        INVALID + "ProvisionedThroughput should not be specified for index: idx when BillingMode is PAY_PER_REQUEST",
    ),
    (
        {"AttributeDefinitions": kinds("pg"), "GlobalSecondaryIndexes": [index(f"index-{number}") for number in range(21)]},
        INVALID + "GlobalSecondaryIndex count exceeds the per-table limit of 20",
    ),
]


@pytest.mark.parametrize(("changes", "message"), REFUSALS, ids=[str(number) for number in range(len(REFUSALS))])
def test_what_is_wrong_with_a_table_is_said_in_awss_words(aws: Account, changes: dict[str, Any], message: str) -> None:
    params: dict[str, Any] = {"TableName": "abc", "KeySchema": [P], "AttributeDefinitions": kinds("p"), "BillingMode": "PAY_PER_REQUEST"}
    assert refused(aws, "create_table", **params | changes) == ("ValidationException", message)
    assert aws.dynamodb.list_tables()["TableNames"] == []


def test_a_tables_name_is_checked_in_every_operation(aws: Account) -> None:
    length = ("ValidationException", "TableName must be at least 3 characters long and at most 255 characters long")
    assert refused(aws, "describe_table", TableName="ab") == length
    assert refused(aws, "get_item", TableName="x" * 256, Key={"p": {"S": "a"}}) == length
    code, message = refused(aws, "delete_table", TableName="a@b")
    assert (code, "[a-zA-Z0-9_.-]+" in message) == ("ValidationException", True)


def test_what_is_not_there_is_said_differently_by_operation(aws: Account) -> None:
    absent = ("ResourceNotFoundException", "Requested resource not found: Table: nowhere not found")
    for operation in ("describe_table", "delete_table"):
        assert refused(aws, operation, TableName="nowhere") == absent
    assert refused(aws, "update_table", TableName="nowhere", BillingMode="PAY_PER_REQUEST") == absent
    plain = ("ResourceNotFoundException", "Requested resource not found")
    assert refused(aws, "get_item", TableName="nowhere", Key={"p": {"S": "a"}}) == plain


def test_a_table_is_made_once(aws: Account) -> None:
    name = make_table(aws)
    params = {"TableName": name, "KeySchema": [P], "AttributeDefinitions": kinds("p"), "BillingMode": "PAY_PER_REQUEST"}
    assert refused(aws, "create_table", **params) == ("ResourceInUseException", f"Table already exists: {name}")


def test_tables_are_listed_in_pages(aws: Account) -> None:
    names = sorted(make_table(aws) for _ in range(5))
    first = aws.dynamodb.list_tables(Limit=3)
    assert (first["TableNames"], first["LastEvaluatedTableName"]) == (names[:3], names[2])
    rest = aws.dynamodb.list_tables(ExclusiveStartTableName=names[2])
    assert rest["TableNames"] == names[3:]
    assert "LastEvaluatedTableName" not in rest


def test_a_deleted_table_is_gone_with_its_items(aws: Account) -> None:
    name = make_table(aws, gsi="g:S")
    aws.dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "g": {"S": "b"}})
    shown = aws.dynamodb.delete_table(TableName=name)["TableDescription"]
    assert (shown["TableStatus"], shown["ItemCount"]) == ("DELETING", 1)
    assert not {"KeySchema", "AttributeDefinitions", "CreationDateTime", "GlobalSecondaryIndexes"} & shown.keys()
    aws.dynamodb.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 2})
    params = {"TableName": name, "KeySchema": [P], "AttributeDefinitions": kinds("p"), "BillingMode": "PAY_PER_REQUEST"}
    aws.dynamodb.create_table(**params)
    assert aws.dynamodb.scan(TableName=name)["Count"] == 0


def test_protection_keeps_a_table(aws: Account) -> None:
    name = make_table(aws, DeletionProtectionEnabled=True)
    code, message = refused(aws, "delete_table", TableName=name)
    assert (code, "protected against deletion" in message) == ("ValidationException", True)
    aws.dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    aws.dynamodb.delete_table(TableName=name)
    assert name not in aws.dynamodb.list_tables()["TableNames"]


def test_units_change_and_are_not_set_to_what_they_are(aws: Account) -> None:
    name = make_table(aws, units=5)
    updated = aws.dynamodb.update_table(TableName=name, ProvisionedThroughput={"ReadCapacityUnits": 3, "WriteCapacityUnits": 9})["TableDescription"]
    assert updated["TableStatus"] == "UPDATING"
    shown = described(aws, name)["ProvisionedThroughput"]
    assert (shown["ReadCapacityUnits"], shown["WriteCapacityUnits"], shown["NumberOfDecreasesToday"]) == (3, 9, 1)
    assert shown["LastDecreaseDateTime"] == shown["LastIncreaseDateTime"]
    code, message = refused(aws, "update_table", TableName=name, ProvisionedThroughput={"ReadCapacityUnits": 3, "WriteCapacityUnits": 9})
    assert code == "ValidationException"
    assert message.startswith("The provisioned throughput for the table will not change. The requested value equals the current value.")


def test_billing_changes_both_ways_with_the_indexes(aws: Account) -> None:
    name = make_table(aws, gsi="g:S", units=5)
    aws.dynamodb.update_table(TableName=name, BillingMode="PAY_PER_REQUEST")
    shown = described(aws, name)
    assert shown["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert shown["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
    back = {"TableName": name, "BillingMode": "PROVISIONED", "ProvisionedThroughput": ONE}
    assert refused(aws, "update_table", **back) == ("ValidationException", INVALID + "ProvisionedThroughput must be specified for index: by-g")
    aws.dynamodb.update_table(**back, GlobalSecondaryIndexUpdates=[{"Update": {"IndexName": "by-g", "ProvisionedThroughput": ONE}}])
    shown = described(aws, name)
    assert shown["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    assert shown["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["WriteCapacityUnits"] == 1


def test_a_stream_is_switched_on_once(aws: Account) -> None:
    name = make_table(aws)
    on = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    aws.dynamodb.update_table(TableName=name, StreamSpecification=on)
    shown = described(aws, name)
    assert shown["StreamSpecification"] == on
    assert shown["LatestStreamArn"] == f"{shown['TableArn']}/stream/{shown['LatestStreamLabel']}"
    code, message = refused(aws, "update_table", TableName=name, StreamSpecification=on)
    assert (code, message) == ("ValidationException", f"Table already has an enabled stream: TableName: {name}")
    aws.dynamodb.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})
    shown = described(aws, name)
    assert "StreamSpecification" not in shown
    assert "LatestStreamArn" in shown


def test_a_table_is_encrypted_under_the_accounts_key_for_dynamodb(aws: Account) -> None:
    name = make_table(aws, SSESpecification={"Enabled": True})
    shown = described(aws, name)["SSEDescription"]
    key = aws.kms.describe_key(KeyId="alias/aws/dynamodb")["KeyMetadata"]
    assert shown == {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key["Arn"]}
    updated = aws.dynamodb.update_table(TableName=name, SSESpecification={"Enabled": False})["TableDescription"]
    assert updated["SSEDescription"] == {**shown, "Status": "UPDATING"}
    assert "SSEDescription" not in described(aws, name)


def test_class_and_warm_throughput_are_kept(aws: Account) -> None:
    name = make_table(aws, TableClass="STANDARD_INFREQUENT_ACCESS", WarmThroughput={"ReadUnitsPerSecond": 20_000, "WriteUnitsPerSecond": 5_000})
    shown = described(aws, name)
    assert shown["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert shown["WarmThroughput"] == {"ReadUnitsPerSecond": 20_000, "WriteUnitsPerSecond": 5_000, "Status": "ACTIVE"}
    code, message = refused(aws, "update_table", TableName=name, WarmThroughput={"ReadUnitsPerSecond": 15_000})
    assert (code, "decreasing WarmThroughput is not supported" in message) == ("ValidationException", True)
    aws.dynamodb.update_table(TableName=name, TableClass="STANDARD")
    assert described(aws, name)["TableClassSummary"]["TableClass"] == "STANDARD"


def test_an_update_of_nothing_is_refused(aws: Account) -> None:
    code, message = refused(aws, "update_table", TableName=make_table(aws))
    assert (code, message.startswith("At least one of ProvisionedThroughput, BillingMode")) == ("ValidationException", True)


def test_limits_and_endpoints(aws: Account) -> None:
    limits = aws.dynamodb.describe_limits()
    assert (limits["AccountMaxReadCapacityUnits"], limits["TableMaxWriteCapacityUnits"]) == (80_000, 40_000)
    endpoints = aws.dynamodb.describe_endpoints()["Endpoints"]
    assert endpoints == [{"Address": aws.node.url.removeprefix("http://"), "CachePeriodInMinutes": 1440}]


def test_insights_are_switched_by_table_and_index(aws: Account) -> None:
    name = make_table(aws, gsi="g:S")
    assert aws.dynamodb.describe_contributor_insights(TableName=name)["ContributorInsightsStatus"] == "DISABLED"
    begun = aws.dynamodb.update_contributor_insights(TableName=name, IndexName="by-g", ContributorInsightsAction="ENABLE")
    assert (begun["ContributorInsightsStatus"], begun["IndexName"]) == ("ENABLING", "by-g")
    assert aws.dynamodb.describe_contributor_insights(TableName=name, IndexName="by-g")["ContributorInsightsStatus"] == "ENABLED"
    listed = aws.dynamodb.list_contributor_insights(TableName=name)["ContributorInsightsSummaries"]
    assert [(one["TableName"], one["IndexName"], one["ContributorInsightsStatus"]) for one in listed] == [(name, "by-g", "ENABLED")]


def test_what_is_not_built_says_so(aws: Account) -> None:
    vector = {
        "IndexName": "vec",
        "VectorAttribute": {"AttributeName": "v"},
        "Projection": ALL,
        "Dimensions": 3,
        "DistanceFunction": "COSINE",
    }
    with pytest.raises(ClientError) as error:
        make_table(aws, VectorIndexes=[vector])
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_quotas_hold_where_throughput_is_limited(start_node: Callable[..., RunningNode]) -> None:
    account = start_node(env={"TULE_THROTTLING": "on"}).fresh_account()
    name = make_table(account, units=5)
    much = {"ReadCapacityUnits": 40_001, "WriteCapacityUnits": 1}
    code, message = refused(account, "update_table", TableName=name, ProvisionedThroughput=much)
    assert (code, message.startswith("Subscriber limit exceeded: ")) == ("LimitExceededException", True)
    for units in (4, 3, 2, 1):
        less = {"ReadCapacityUnits": units, "WriteCapacityUnits": 5}
        account.dynamodb.update_table(TableName=name, ProvisionedThroughput=less)
    code, message = refused(account, "update_table", TableName=name, ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1})
    assert (code, "Number of decreases today: 4." in message) == ("LimitExceededException", True)
    assert described(account, name)["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 4
