"""Schedules through the API."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.scheduler.given import OFF, TRUST, allow, create, queue, refused, role

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def test_a_schedule_shows_its_defaults(aws: Account) -> None:
    arn = create(aws, "every")
    shown = without_metadata(aws.scheduler.get_schedule(Name="every"))
    assert shown.pop("CreationDate") == shown.pop("LastModificationDate")
    assert shown == {
        "ActionAfterCompletion": "NONE",
        "Arn": arn,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "GroupName": "default",
        "Name": "every",
        "ScheduleExpression": "rate(5 minutes)",
        "ScheduleExpressionTimezone": "UTC",
        "State": "ENABLED",
        "Target": {
            "Arn": queue(aws),
            "RetryPolicy": {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185},
            "RoleArn": role(aws),
        },
    }
    assert arn == f"arn:aws:scheduler:us-east-1:{aws.id}:schedule/default/every"


def test_an_update_forgets_what_it_does_not_say(aws: Account) -> None:
    create(aws, Description="old", StartDate=SOON, EndDate=SOON + timedelta(days=1), State="DISABLED", ScheduleExpressionTimezone="Europe/Paris")
    before = aws.scheduler.get_schedule(Name="s")
    assert (before["StartDate"], before["Description"], before["State"]) == (SOON, "old", "DISABLED")
    aws.scheduler.update_schedule(
        Name="s",
        ScheduleExpression="cron(0 12 ? * MON *)",
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
        Target={"Arn": queue(aws), "RoleArn": role(aws), "Input": "x", "RetryPolicy": {"MaximumRetryAttempts": 0}},
    )
    after = aws.scheduler.get_schedule(Name="s")
    assert after.keys().isdisjoint({"StartDate", "EndDate", "Description"})
    assert (after["State"], after["ScheduleExpressionTimezone"]) == ("ENABLED", "UTC")
    assert after["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 0}
    assert after["CreationDate"] == before["CreationDate"]


def test_one_name_in_a_group_is_taken_once(aws: Account) -> None:
    create(aws)
    with pytest.raises(ClientError) as error:
        create(aws)
    assert refused(error) == ("ConflictException", "Schedule s already exists.", 409)
    aws.scheduler.create_schedule_group(Name="other")
    assert create(aws, GroupName="other").endswith(":schedule/other/s")


def test_the_same_request_with_the_same_token_is_one(aws: Account) -> None:
    first = create(aws, ClientToken="token-1")
    assert create(aws, ClientToken="token-1") == first
    with pytest.raises(ClientError) as error:
        create(aws, expression="rate(6 minutes)", ClientToken="token-1")
    assert refused(error)[0] == "ConflictException"


@pytest.mark.parametrize("operation", ["get_schedule", "delete_schedule"])
def test_what_is_not_there_is_not_found(aws: Account, operation: str) -> None:
    with pytest.raises(ClientError) as error:
        getattr(aws.scheduler, operation)(Name="none")
    assert refused(error) == ("ResourceNotFoundException", "Schedule none does not exist.", 404)


def test_a_group_must_be_there_first(aws: Account) -> None:
    with pytest.raises(ClientError) as error:
        create(aws, GroupName="none")
    assert refused(error) == ("ResourceNotFoundException", "Schedule group none does not exist.", 404)


def test_a_deleted_schedule_is_gone(aws: Account) -> None:
    create(aws)
    aws.scheduler.delete_schedule(Name="s")
    assert aws.scheduler.list_schedules()["Schedules"] == []


def test_schedules_are_listed_by_group_prefix_and_state(aws: Account) -> None:
    aws.scheduler.create_schedule_group(Name="g")
    for name in ("ab", "aa", "b"):
        create(aws, name)
    create(aws, "ac", GroupName="g", State="DISABLED")

    def names(**filters: Any) -> list[str]:
        pages = aws.scheduler.get_paginator("list_schedules").paginate(**filters, PaginationConfig={"PageSize": 1})
        return [found["Name"] for page in pages for found in page["Schedules"]]

    assert names() == ["aa", "ab", "b", "ac"]
    assert names(NamePrefix="a") == ["aa", "ab", "ac"]
    assert names(GroupName="default", NamePrefix="a") == ["aa", "ab"]
    assert names(GroupName="g") == ["ac"]
    assert names(State="DISABLED") == ["ac"]
    with pytest.raises(ClientError) as error:
        aws.scheduler.list_schedules(GroupName="none")
    assert refused(error)[0] == "ResourceNotFoundException"
    with pytest.raises(ClientError) as error:
        aws.scheduler.list_schedules(NextToken="made up")
    assert refused(error) == ("ValidationException", "Invalid NextToken.", 400)


def test_a_summary_names_the_target(aws: Account) -> None:
    arn = create(aws)
    (summary,) = aws.scheduler.list_schedules()["Schedules"]
    assert (summary["Arn"], summary["GroupName"], summary["State"], summary["Target"]) == (arn, "default", "ENABLED", {"Arn": queue(aws)})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"FlexibleTimeWindow": {"Mode": "OFF", "MaximumWindowInMinutes": 5}},
            "MaximumWindowInMinutes must not be provided when FlexibleTimeWindowMode is set to OFF.",
        ),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes must be provided when FlexibleTimeWindowMode is set to FLEXIBLE."),
        ({"StartDate": SOON, "EndDate": SOON}, "The StartDate you specify must come before the EndDate."),
        ({"StartDate": SOON - timedelta(days=2)}, "The StartDate you specify cannot be earlier than 5 minutes ago."),
        ({"ScheduleExpressionTimezone": "Europe/Atlantis"}, "Invalid Schedule Expression Timezone Europe/Atlantis."),
    ],
)
def test_settings_that_contradict_each_other_are_refused(aws: Account, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError) as error:
        create(aws, **settings)
    assert refused(error) == ("ValidationException", message, 400)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"Arn": "arn:aws:s3:::bucket"}, "s3 is not a supported service for a target."),
        ({"Arn": "arn:aws:sqs:eu-west-1:123456789012:q"}, "The target ARN provided does not match the current region us-east-1."),
        ({"Arn": "arn:aws:scheduler:us-east-1:123456789012:aws-sdk:sqs:sendMessage"}, "scheduler is not a supported service for a target."),
        ({"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"}, "You must provide an input to set this target for your schedule."),
        ({"Arn": "arn:aws:scheduler:::aws-sdk:sqs:getQueueUrl", "Input": "{}"}, "getQueueUrl API is not supported."),
        ({"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "Input": "{"}, "JSON syntax error in input for the target."),
        (
            {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "Input": '{"queueUrl": "u"}'},
            "Invalid RequestJson provided. Reason Request payload is missing the following field(s): QueueUrl, MessageBody.",
        ),
        ({"Arn": "arn:aws:lambda:us-east-1:123456789012:function:f", "Input": "no"}, "JSON syntax error in input for the target."),
        ({"KinesisParameters": {"PartitionKey": "k"}}, "Parameters KinesisParameters not supported for the target."),
        ({"Arn": "arn:aws:sqs:us-east-1:123456789012:q.fifo"}, "Parameters SqsParameters must be specified."),
        ({"SqsParameters": {"MessageGroupId": "g"}}, "Parameters MessageGroupId not valid for the target."),
        ({"Arn": "arn:aws:events:us-east-1:123456789012:event-bus/default"}, "Parameters EventBridgeParameters must be specified."),
    ],
)
def test_a_target_must_be_one_that_can_be_called_so(aws: Account, target: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError) as error:
        create(aws, target=target)
    assert refused(error) == ("ValidationException", message, 400)


def test_scheduler_must_be_let_into_the_role(aws: Account) -> None:
    message = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
    trust = json.loads(json.dumps(TRUST).replace("scheduler.", "lambda."))
    for arn in (role(aws, "closed", trust=trust), f"arn:aws:iam::{aws.id}:role/none"):
        with pytest.raises(ClientError) as error:
            create(aws, target={"RoleArn": arn})
        assert refused(error) == ("ValidationException", message, 400)


def test_a_role_of_another_account_cannot_be_passed(aws: Account) -> None:
    with pytest.raises(ClientError) as error:
        create(aws, target={"RoleArn": "arn:aws:iam::111122223333:role/r"})
    assert refused(error) == ("AccessDeniedException", "Cross-account pass role is not allowed.", 403)


def test_what_ecs_needs_is_kept_as_it_was_given(aws: Account) -> None:
    ecs = {
        "TaskDefinitionArn": f"arn:aws:ecs:us-east-1:{aws.id}:task-definition/t:1",
        "TaskCount": 1,
        "LaunchType": "FARGATE",
        "NetworkConfiguration": {"awsvpcConfiguration": {"Subnets": ["subnet-1"], "AssignPublicIp": "ENABLED"}},
        "Tags": [{"a": "b"}],
    }
    create(aws, target={"Arn": f"arn:aws:ecs:us-east-1:{aws.id}:cluster/c", "EcsParameters": ecs})
    assert aws.scheduler.get_schedule(Name="s")["Target"]["EcsParameters"] == ecs


def user(account: Account, *statements: dict[str, Any]) -> Any:
    account.iam.create_user(UserName="u")
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    account.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=document)
    key = account.iam.create_access_key(UserName="u")["AccessKey"]
    return account.client("scheduler", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


def test_who_gives_a_schedule_a_role_must_be_allowed_to_pass_it(aws: Account) -> None:
    arn = role(aws)
    own = json.loads(allow("scheduler:CreateSchedule", resource=f"arn:aws:scheduler:us-east-1:{aws.id}:schedule/default/mine"))["Statement"][0]
    settings = {"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": OFF, "Target": {"Arn": queue(aws), "RoleArn": arn}}
    client = user(aws, own)
    with pytest.raises(ClientError) as error:
        client.create_schedule(Name="mine", **settings)
    assert refused(error)[0] == "AccessDeniedException"
    assert "iam:PassRole" in refused(error)[1]
    passing = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": arn,
        "Condition": {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
    }
    aws.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [own, passing]}))
    client.create_schedule(Name="mine", **settings)
    with pytest.raises(ClientError) as error:
        client.create_schedule(Name="other", **settings)
    assert refused(error)[0] == "AccessDeniedException"
