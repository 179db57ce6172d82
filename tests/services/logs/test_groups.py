"""Log groups through boto3: names, pages, retention, keys and tags."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from tests.node import Account


def refused(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def names(account: Account, **asked: object) -> list[str]:
    pages = account.logs.get_paginator("describe_log_groups").paginate(**asked)
    return [group["logGroupName"] for page in pages for group in page["logGroups"]]


def test_a_group_is_described_as_it_was_made(aws: Account) -> None:
    aws.logs.create_log_group(logGroupName="/app/one", tags={"env": "test"})
    group = aws.logs.describe_log_groups()["logGroups"][0]
    assert group.pop("creationTime") > 1_600_000_000_000
    assert group == {
        "logGroupName": "/app/one",
        "metricFilterCount": 0,
        "arn": f"arn:aws:logs:us-east-1:{aws.id}:log-group:/app/one:*",
        "logGroupArn": f"arn:aws:logs:us-east-1:{aws.id}:log-group:/app/one",
        "storedBytes": 0,
        "logGroupClass": "STANDARD",
        "deletionProtectionEnabled": False,
    }


def test_a_group_is_made_once(aws: Account) -> None:
    aws.logs.create_log_group(logGroupName="twice")
    with pytest.raises(ClientError) as error:
        aws.logs.create_log_group(logGroupName="twice")
    assert refused(error) == ("ResourceAlreadyExistsException", "The specified log group already exists")


def test_groups_come_in_pages_by_prefix_and_by_pattern(aws: Account) -> None:
    for name in ("/a/1", "/a/2", "/a/3", "/b/1"):
        aws.logs.create_log_group(logGroupName=name)
    first = aws.logs.describe_log_groups(limit=2)
    assert [group["logGroupName"] for group in first["logGroups"]] == ["/a/1", "/a/2"]
    assert names(aws, PaginationConfig={"PageSize": 2}) == ["/a/1", "/a/2", "/a/3", "/b/1"]
    assert names(aws, logGroupNamePrefix="/a/") == ["/a/1", "/a/2", "/a/3"]
    assert names(aws, logGroupNamePattern="/1") == ["/a/1", "/b/1"]


def test_groups_are_listed_by_beginnings_and_by_parts_of_their_names(aws: Account) -> None:
    for name in ("/app/web", "/app/db", "/lambda/web"):
        aws.logs.create_log_group(logGroupName=name)

    def listed(**asked: object) -> list[str]:
        return [group["logGroupName"] for group in aws.logs.list_log_groups(**asked)["logGroups"]]

    assert listed() == ["/app/db", "/app/web", "/lambda/web"]
    assert listed(logGroupNamePattern="^/app") == ["/app/db", "/app/web"]
    assert listed(logGroupNamePattern="web|/db") == ["/app/db", "/app/web", "/lambda/web"]
    assert listed(logGroupNamePattern="^web") == []


def test_a_token_of_another_listing_is_refused(aws: Account) -> None:
    for name in ("x1", "x2"):
        aws.logs.create_log_group(logGroupName=name)
    token = aws.logs.describe_log_groups(limit=1)["nextToken"]
    with pytest.raises(ClientError) as error:
        aws.logs.describe_log_groups(limit=1, nextToken=token, logGroupNamePrefix="x")
    assert refused(error) == ("InvalidParameterException", "The specified nextToken is invalid.")


def test_prefix_and_pattern_exclude_one_another(aws: Account) -> None:
    with pytest.raises(ClientError) as error:
        aws.logs.describe_log_groups(logGroupNamePrefix="a", logGroupNamePattern="b")
    assert refused(error)[0] == "InvalidParameterException"


def test_retention_is_one_of_the_allowed_numbers_of_days(aws: Account) -> None:
    aws.logs.create_log_group(logGroupName="kept")
    aws.logs.put_retention_policy(logGroupName="kept", retentionInDays=7)
    assert aws.logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
    aws.logs.delete_retention_policy(logGroupName="kept")
    assert "retentionInDays" not in aws.logs.describe_log_groups()["logGroups"][0]
    with pytest.raises(ClientError) as error:
        aws.logs.put_retention_policy(logGroupName="kept", retentionInDays=2)
    assert refused(error)[0] == "InvalidParameterException"


def test_tags_are_the_same_by_the_old_and_the_new_operations(aws: Account) -> None:
    aws.logs.create_log_group(logGroupName="tagged", tags={"a": "1"})
    arn = f"arn:aws:logs:us-east-1:{aws.id}:log-group:tagged"
    aws.logs.tag_log_group(logGroupName="tagged", tags={"b": "2"})
    aws.logs.tag_resource(resourceArn=arn, tags={"c": "3"})
    aws.logs.untag_log_group(logGroupName="tagged", tags=["a"])
    assert aws.logs.list_tags_log_group(logGroupName="tagged")["tags"] == {"b": "2", "c": "3"}
    aws.logs.untag_resource(resourceArn=arn, tagKeys=["b"])
    assert aws.logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"c": "3"}


def test_a_key_is_kept_and_shown(aws: Account) -> None:
    allowed = {"Effect": "Allow", "Principal": {"Service": "logs.us-east-1.amazonaws.com"}, "Action": "kms:*", "Resource": "*"}
    owner = {"Effect": "Allow", "Principal": {"AWS": aws.id}, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [owner, allowed]})
    key = aws.kms.create_key(Policy=policy)["KeyMetadata"]["Arn"]
    aws.logs.create_log_group(logGroupName="sealed", kmsKeyId=key)
    assert aws.logs.describe_log_groups()["logGroups"][0]["kmsKeyId"] == key
    aws.logs.disassociate_kms_key(logGroupName="sealed")
    assert "kmsKeyId" not in aws.logs.describe_log_groups()["logGroups"][0]


def test_a_group_made_anew_begins_empty(aws: Account) -> None:
    aws.logs.create_log_group(logGroupName="again")
    aws.logs.create_log_stream(logGroupName="again", logStreamName="s")
    aws.logs.delete_log_group(logGroupName="again")
    aws.logs.create_log_group(logGroupName="again")
    assert aws.logs.describe_log_streams(logGroupName="again")["logStreams"] == []


def test_what_is_not_there_is_said_so(aws: Account) -> None:
    with pytest.raises(ClientError) as error:
        aws.logs.delete_log_group(logGroupName="nowhere")
    assert refused(error) == ("ResourceNotFoundException", "The specified log group does not exist.")


def test_a_name_that_is_too_long_is_refused(aws: Account) -> None:
    with pytest.raises(ClientError) as error:
        aws.logs.create_log_group(logGroupName="x" * 513)
    assert refused(error)[0] == "InvalidParameterException"
