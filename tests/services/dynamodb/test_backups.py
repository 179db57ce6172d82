"""On-demand backups, what a deleted table leaves, and restores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.node import Account
from tests.services.dynamodb.making import make_table
from tests.services.dynamodb.test_indexes import put_many
from tests.services.dynamodb.test_tables import described, refused
from tests.services.lambda_.house import opened


def items(aws: Account, name: str, **more: Any) -> dict[str, str]:
    pages = aws.dynamodb.get_paginator("scan").paginate(TableName=name, **more)
    return {item["p"]["S"]: item["g"]["S"] for page in pages for item in page["Items"]}


def backup(aws: Account, name: str) -> str:
    return aws.dynamodb.create_backup(TableName=name, BackupName="one")["BackupDetails"]["BackupArn"]


def test_a_backup_is_described_listed_and_deleted(aws: Account) -> None:
    name = make_table(aws, gsi="g:S", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    put_many(aws, name, 20)
    made = aws.dynamodb.create_backup(TableName=name, BackupName="one")["BackupDetails"]
    assert (made["BackupStatus"], made["BackupType"], made["BackupName"]) == ("CREATING", "USER", "one")
    arn = made["BackupArn"]
    assert arn.startswith(f"{described(aws, name)['TableArn']}/backup/")
    shown = aws.dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]
    assert shown["BackupDetails"]["BackupStatus"] == "AVAILABLE"
    assert shown["SourceTableDetails"]["ItemCount"] == 20
    assert shown["SourceTableDetails"]["TableSizeBytes"] == shown["BackupDetails"]["BackupSizeBytes"] > 0
    assert shown["SourceTableFeatureDetails"]["GlobalSecondaryIndexes"][0]["IndexName"] == "by-g"
    assert shown["SourceTableFeatureDetails"]["StreamDescription"]["StreamViewType"] == "KEYS_ONLY"
    second = backup(aws, name)
    page = aws.dynamodb.list_backups(TableName=name, Limit=1)
    assert [one["BackupArn"] for one in page["BackupSummaries"]] == [arn]
    rest = aws.dynamodb.list_backups(ExclusiveStartBackupArn=page["LastEvaluatedBackupArn"])
    assert [one["BackupArn"] for one in rest["BackupSummaries"]] == [second]
    assert aws.dynamodb.delete_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "DELETED"
    assert refused(aws, "describe_backup", BackupArn=arn)[0] == "BackupNotFoundException"


def test_a_backup_outlives_its_table_and_becomes_another(aws: Account) -> None:
    name = make_table(aws, gsi="g:S")
    put_many(aws, name, 30)
    before = items(aws, name)
    arn = backup(aws, name)
    aws.dynamodb.delete_table(TableName=name)
    restored = aws.dynamodb.restore_table_from_backup(TargetTableName="again", BackupArn=arn)["TableDescription"]
    assert (restored["TableStatus"], restored["RestoreSummary"]["RestoreInProgress"]) == ("CREATING", True)
    shown = described(aws, "again")
    assert (shown["TableStatus"], shown["RestoreSummary"]["SourceBackupArn"]) == ("ACTIVE", arn)
    assert not shown["RestoreSummary"]["RestoreInProgress"]
    assert items(aws, "again") == items(aws, "again", IndexName="by-g") == before


def test_a_large_backup_has_every_item_as_it_was(turned: Account) -> None:
    name = make_table(turned, gsi="g:S")
    put_many(turned, name, 1_600)
    before = items(turned, name)
    turned.node.turn_clock({"do": "advance", "by_ms": 2})
    arn = backup(turned, name)
    for number in range(0, 1_600, 40):
        turned.dynamodb.put_item(TableName=name, Item={"p": {"S": str(number)}, "g": {"S": "later"}})
        turned.dynamodb.delete_item(TableName=name, Key={"p": {"S": str(number + 1)}})
        turned.dynamodb.put_item(TableName=name, Item={"p": {"S": f"new-{number}"}, "g": {"S": "new"}})
    turned.node.advance(1)
    shown = turned.dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]
    assert (shown["BackupDetails"]["BackupStatus"], shown["SourceTableDetails"]["ItemCount"]) == ("AVAILABLE", 1_600)
    turned.dynamodb.restore_table_from_backup(TargetTableName=f"{name}-again", BackupArn=arn)
    turned.node.advance(1)
    assert described(turned, f"{name}-again")["TableStatus"] == "ACTIVE"
    assert items(turned, f"{name}-again") == items(turned, f"{name}-again", IndexName="by-g") == before
    turned.dynamodb.delete_table(TableName=name)  # nothing holds it any more


def test_a_deleted_table_with_recovery_can_be_restored_for_35_days(turned: Account) -> None:
    name = make_table(turned)
    put_many(turned, name, 10)
    turned.dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    turned.dynamodb.delete_table(TableName=name)
    assert turned.dynamodb.list_backups(TableName=name)["BackupSummaries"] == []
    (kept,) = turned.dynamodb.list_backups(TableName=name, BackupType="SYSTEM")["BackupSummaries"]
    assert kept["BackupName"] == f"{name}$DeletedTableBackup"
    turned.dynamodb.restore_table_from_backup(TargetTableName=name, BackupArn=kept["BackupArn"])
    assert len(items(turned, name)) == 10
    turned.node.advance(35 * 86_400)
    assert turned.dynamodb.list_backups(TableName=name, BackupType="ALL")["BackupSummaries"] == []


def test_a_restore_may_change_billing_and_leave_indexes_out(aws: Account) -> None:
    name = make_table(aws, gsi="g:S", Tags=[{"Key": "a", "Value": "b"}])
    arn = backup(aws, name)
    units = {"ReadCapacityUnits": 2, "WriteCapacityUnits": 3}
    restore = {"TargetTableName": "again", "BackupArn": arn, "BillingModeOverride": "PROVISIONED"}
    assert refused(aws, "restore_table_from_backup", **restore)[0] == "ValidationException"
    aws.dynamodb.restore_table_from_backup(**restore, ProvisionedThroughputOverride=units, GlobalSecondaryIndexOverride=[])
    shown = described(aws, "again")
    assert (shown["ProvisionedThroughput"]["ReadCapacityUnits"], shown["ProvisionedThroughput"]["WriteCapacityUnits"]) == (2, 3)
    assert "GlobalSecondaryIndexes" not in shown
    assert aws.dynamodb.list_tags_of_resource(ResourceArn=shown["TableArn"])["Tags"] == []


def test_what_backups_and_restores_refuse(aws: Account) -> None:
    assert refused(aws, "create_backup", TableName="nowhere", BackupName="one") == ("TableNotFoundException", "Table not found: nowhere")
    name = make_table(aws)
    arn = backup(aws, name)
    again = refused(aws, "restore_table_from_backup", TargetTableName=name, BackupArn=arn)
    assert again == ("TableAlreadyExistsException", f"Table already exists: {name}")
    absent = f"{arn[:-8]}00000000"
    assert refused(aws, "delete_backup", BackupArn=absent) == ("BackupNotFoundException", f"Backup not found: {absent}")


async def test_every_step_may_run_twice(tmp_path: Path) -> None:
    """On the store that runs every transaction twice."""
    async with opened(tmp_path, "chaos") as house:

        async def call(operation: str, **params: Any) -> dict[str, Any]:
            return await house.call("dynamodb", operation, **params)

        keys = {"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}]}
        await call("CreateTable", TableName="tab", BillingMode="PAY_PER_REQUEST", **keys)
        for number in range(520):
            await call("PutItem", TableName="tab", Item={"p": {"S": str(number)}, "g": {"S": "x"}})
        index = {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
        definitions = [{"AttributeName": "g", "AttributeType": "S"}]
        await call("UpdateTable", TableName="tab", AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=[{"Create": index}])
        backup = (await call("CreateBackup", TableName="tab", BackupName="one"))["BackupDetails"]["BackupArn"]
        await house.node.jobs.settle()
        await call("RestoreTableFromBackup", TargetTableName="again", BackupArn=backup)
        await house.node.jobs.settle()
        for name in ("tab", "again"):  # what an index holds: chaos lets reads of it lag behind
            shown = (await call("DescribeTable", TableName=name))["Table"]["GlobalSecondaryIndexes"][0]
            assert (shown["IndexStatus"], shown["ItemCount"]) == ("ACTIVE", 520)
        shown = (await call("DescribeBackup", BackupArn=backup))["BackupDescription"]
        assert shown["SourceTableDetails"]["ItemCount"] == 520
        await call("DeleteTable", TableName="tab")
        await call("DeleteBackup", BackupArn=backup)
        await house.node.jobs.settle()
        left = await house.node.store.read(lambda tx: tx.one("SELECT count(*) FROM dynamodb_items"))
        assert left == (520,)  # those of the restored table
