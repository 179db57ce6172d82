"""Exports to S3: what lies in the bucket afterwards."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from datetime import timedelta
from typing import Any

from tests.node import Account
from tests.services.dynamodb.making import make_table
from tests.services.dynamodb.test_tables import described, refused

RICH = {
    "n": {"N": "1200.5"},
    "i": {"N": "600"},
    "b": {"B": b"\x00abc"},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "-2.5"]},
    "l": {"L": [{"S": "q\"\n'"}, {"NULL": True}, {"BOOL": False}]},
    "m": {"M": {"odd key": {"S": "ü"}}},
}


def bucket(account: Account) -> str:
    name = f"exports-{account.id}"
    account.s3.create_bucket(Bucket=name)
    return name


def recovered(account: Account) -> tuple[str, str]:
    """A table with point-in-time recovery, and its ARN."""
    name = make_table(account)
    account.dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    return name, described(account, name)["TableArn"]


def export(account: Account, arn: str, to: str, **more: Any) -> dict[str, Any]:
    begun = account.dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket=to, **more)["ExportDescription"]
    assert begun["ExportStatus"] == "IN_PROGRESS"
    account.node.advance(1)
    return account.dynamodb.describe_export(ExportArn=begun["ExportArn"])["ExportDescription"]


def objects(account: Account, name: str) -> dict[str, bytes]:
    listed = account.s3.list_objects_v2(Bucket=name).get("Contents", [])
    return {one["Key"]: account.s3.get_object(Bucket=name, Key=one["Key"])["Body"].read() for one in listed}


def test_a_full_export_lies_in_the_bucket_as_aws_lays_it_out(turned: Account) -> None:
    name, arn = recovered(turned)
    to = bucket(turned)
    for key in "abc":
        turned.dynamodb.put_item(TableName=name, Item={"p": {"S": key}})
    shown = export(turned, arn, to, S3Prefix="some/where")
    assert (shown["ExportStatus"], shown["ItemCount"], shown["ExportType"], shown["ExportFormat"]) == ("COMPLETED", 3, "FULL_EXPORT", "DYNAMODB_JSON")
    folder = f"some/where/AWSDynamoDB/{shown['ExportArn'].rpartition('/')[2]}/"
    assert shown["ExportManifest"] == f"{folder}manifest-summary.json"
    found = objects(turned, to)
    names = {f"{folder}{file}" for file in ("_started", "manifest-files.json", "manifest-files.md5", "manifest-summary.json", "manifest-summary.md5")}
    (data,) = found.keys() - names
    assert names < found.keys()
    summary = json.loads(found[f"{folder}manifest-summary.json"])
    assert (summary["version"], summary["itemCount"], summary["tableArn"], summary["exportType"]) == ("2020-06-30", 3, arn, "FULL_EXPORT")
    assert summary["manifestFilesS3Key"] == f"{folder}manifest-files.json"
    file = json.loads(found[f"{folder}manifest-files.json"])
    digest = base64.b64encode(hashlib.md5(found[data]).digest()).decode()
    assert (file["itemCount"], file["dataFileS3Key"], file["md5Checksum"]) == (3, data, digest)
    lines = [json.loads(line) for line in gzip.decompress(found[data]).splitlines()]
    assert sorted(line["Item"]["p"]["S"] for line in lines) == ["a", "b", "c"]


def test_an_export_of_an_earlier_time_has_what_was_there_then(turned: Account) -> None:
    name, arn = recovered(turned)
    to = bucket(turned)
    turned.dynamodb.put_item(TableName=name, Item={"p": {"S": "old"}})
    turned.node.advance(10)
    recovery = turned.dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    turned.node.advance(10)
    turned.dynamodb.put_item(TableName=name, Item={"p": {"S": "new"}})
    turned.dynamodb.delete_item(TableName=name, Key={"p": {"S": "old"}})
    shown = export(turned, arn, to, ExportTime=recovery["LatestRestorableDateTime"])
    (data,) = [text for key, text in objects(turned, to).items() if "/data/" in key]
    assert json.loads(gzip.decompress(data)) == {"Item": {"p": {"S": "old"}}}
    assert shown["ItemCount"] == 1


def test_ion_is_ion(turned: Account) -> None:
    name, arn = recovered(turned)
    to = bucket(turned)
    turned.dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, **RICH})
    export(turned, arn, to, ExportFormat="ION")
    ((key, data),) = [(key, text) for key, text in objects(turned, to).items() if "/data/" in key]
    assert key.endswith(".ion.gz")
    assert gzip.decompress(data).decode() == (
        '$ion_1_0 {Item:{p:"a",n:1200.5,i:6d2,b:{{AGFiYw==}},ss:$dynamodb_SS::["a","b"],ns:$dynamodb_NS::[1.,-2.5],'
        'l:["q\\"\\n\'",null,false],m:{\'odd key\':"ü"}}}\n'
    )


def test_an_incremental_export_has_each_changed_item_once(turned: Account) -> None:
    name, arn = recovered(turned)
    to = bucket(turned)
    for key in ("changed", "deleted", "same"):
        turned.dynamodb.put_item(TableName=name, Item={"p": {"S": key}, "v": {"N": "1"}})
    turned.node.advance(60)
    latest = turned.dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    begin = latest["LatestRestorableDateTime"]
    turned.node.advance(60)
    for value in ("2", "3"):
        turned.dynamodb.put_item(TableName=name, Item={"p": {"S": "changed"}, "v": {"N": value}})
    turned.dynamodb.put_item(TableName=name, Item={"p": {"S": "added"}})
    turned.dynamodb.delete_item(TableName=name, Key={"p": {"S": "deleted"}})
    turned.node.advance(3_600)
    turned.dynamodb.put_item(TableName=name, Item={"p": {"S": "changed"}, "v": {"N": "9"}})
    times = {"ExportFromTime": begin, "ExportToTime": begin + timedelta(minutes=30)}
    shown = export(turned, arn, to, ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification=times)
    assert (shown["ExportStatus"], shown["ItemCount"]) == ("COMPLETED", 3)
    ((key, data),) = [(key, text) for key, text in objects(turned, to).items() if "/data/" in key]
    assert key.startswith("AWSDynamoDB/data/")
    changed = {line["Keys"]["p"]["S"]: line for line in map(json.loads, gzip.decompress(data).splitlines())}
    assert changed["changed"]["OldImage"]["v"] == {"N": "1"}
    assert changed["changed"]["NewImage"]["v"] == {"N": "3"}
    assert "OldImage" not in changed["added"]
    assert "NewImage" not in changed["deleted"]
    assert changed.keys() == {"changed", "added", "deleted"}
    assert int(changed["changed"]["Metadata"]["WriteTimestampMicros"]["N"]) // 10**6 >= int(begin.timestamp())


def test_what_exports_refuse(turned: Account) -> None:
    plain = described(turned, make_table(turned))["TableArn"]
    name, arn = recovered(turned)
    assert refused(turned, "export_table_to_point_in_time", TableArn=plain, S3Bucket="b-1")[0] == "PointInTimeRecoveryUnavailableException"
    now = described(turned, name)["CreationDateTime"]
    code, _ = refused(turned, "export_table_to_point_in_time", TableArn=arn, S3Bucket="b-1", ExportTime=now - timedelta(days=1))
    assert code == "InvalidExportTimeException"
    shown = export(turned, arn, f"nowhere-{turned.id}")
    assert (shown["ExportStatus"], shown["FailureCode"]) == ("FAILED", "S3NoSuchBucket")
    listed = turned.dynamodb.list_exports(TableArn=arn)["ExportSummaries"]
    assert [one["ExportStatus"] for one in listed] == ["FAILED"]


def test_a_token_begins_one_export(turned: Account) -> None:
    name, arn = recovered(turned)
    to = bucket(turned)
    asked = {"TableArn": arn, "S3Bucket": to, "ClientToken": "once"}
    first, second = (turned.dynamodb.export_table_to_point_in_time(**asked)["ExportDescription"]["ExportArn"] for _ in range(2))
    assert first == second
    assert refused(turned, "export_table_to_point_in_time", **asked, S3Prefix="x")[0] == "ExportConflictException"
    assert described(turned, name)["TableArn"] == arn


def test_an_export_may_be_filtered_and_projected(turned: Account) -> None:
    name, arn = recovered(turned)
    to = bucket(turned)
    for key, value in (("a", "1"), ("b", "5"), ("c", "9")):
        turned.dynamodb.put_item(TableName=name, Item={"p": {"S": key}, "v": {"N": value}, "rest": {"S": "x"}})
    only = {
        "FilterExpression": "v > :least",
        "ProjectionExpression": "p, v",
        "ExpressionAttributeValues": {":least": {"N": "3"}},
    }
    shown = export(turned, arn, to, FilterSpecification=only)
    assert (shown["ItemCount"], shown["FilterSpecification"]) == (2, only)
    (data,) = [text for key, text in objects(turned, to).items() if "/data/" in key]
    items = [json.loads(line)["Item"] for line in gzip.decompress(data).splitlines()]
    assert sorted(items, key=lambda item: item["p"]["S"]) == [{"p": {"S": "b"}, "v": {"N": "5"}}, {"p": {"S": "c"}, "v": {"N": "9"}}]
    one = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}
    assert export(turned, arn, to, S3Prefix="one", FilterSpecification=one)["ItemCount"] == 1
    wrong = {"FilterExpression": "v >", "ExpressionAttributeValues": {":p": {"S": "a"}}}
    assert refused(turned, "export_table_to_point_in_time", TableArn=arn, S3Bucket=to, FilterSpecification=wrong)[0] == "ValidationException"
