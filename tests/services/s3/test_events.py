"""What happened to objects, as it is told: the rules by themselves, and the jobs that a node's operations leave in its store."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.node import Account
from tests.services.s3.refusals import refusal
from tests.stores import KINDS, opened
from tule.access import principal
from tule.core.clock import TurnableClock
from tule.core.errors import ServiceError
from tule.core.ids import Ids
from tule.platform.call import Call
from tule.services.s3 import ROOM, events, names, notification_rules
from tule.services.s3.events import Change
from tule.services.s3.state import buckets
from tule.store.store import Store, Tx

FUNCTION = "arn:aws:lambda:us-east-1:111111111111:function:f"
QUEUE = "arn:aws:sqs:us-east-1:111111111111:q"
TOPIC = "arn:aws:sns:us-east-1:111111111111:t"


def _rule(*wanted: str, prefix: str | None = None, suffix: str | None = None, **more: Any) -> dict[str, Any]:
    rules = [{"Name": name, "Value": value} for name, value in (("prefix", prefix), ("suffix", suffix)) if value is not None]
    return {"LambdaFunctionArn": FUNCTION, "Events": list(wanted), **({"Filter": {"Key": {"FilterRules": rules}}} if rules else {}), **more}


def _refused(*rules: dict[str, Any], **more: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        notification_rules.checked({"LambdaFunctionConfigurations": list(rules), **more}, Ids())
    return caught.value.message


@pytest.mark.parametrize(
    ("asked", "name", "told"),
    [
        ("s3:ObjectCreated:*", "ObjectCreated:Put", True),
        ("s3:ObjectCreated:Put", "ObjectCreated:Put", True),
        ("s3:ObjectCreated:Put", "ObjectCreated:Post", False),
        ("s3:ObjectRemoved:*", "ObjectRemoved:DeleteMarkerCreated", True),
        ("s3:ObjectRemoved:*", "ObjectCreated:Put", False),
    ],
)
def test_an_event_with_a_star_means_all_of_its_kind(asked: str, name: str, told: bool) -> None:
    assert events.matches(asked, name) is told


def test_a_configuration_gets_ids_and_capital_filter_names() -> None:
    stored = notification_rules.checked({"LambdaFunctionConfigurations": [_rule("s3:ObjectCreated:*", prefix="in/", suffix=".jpg")]}, Ids())
    (rule,) = stored["LambdaFunctionConfigurations"]
    assert rule["Id"]
    assert rule["Filter"]["Key"]["FilterRules"] == [{"Name": "Prefix", "Value": "in/"}, {"Name": "Suffix", "Value": ".jpg"}]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_rule("s3:ObjectCreated:*"), _rule("s3:ObjectCreated:Put")),
        (_rule("s3:ObjectCreated:*", prefix="a"), _rule("s3:ObjectCreated:*", prefix="ab")),
        (_rule("s3:ObjectCreated:*", suffix=".jpg"), _rule("s3:ObjectCreated:*", suffix="g")),
        (_rule("s3:ObjectCreated:*", prefix="a"), _rule("s3:ObjectCreated:*", suffix=".jpg")),
    ],
)
def test_rules_that_would_both_tell_of_one_change_are_refused(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert _refused(one, other) == "Configurations overlap. Configurations on the same bucket cannot share a common event type."


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_rule("s3:ObjectCreated:*"), _rule("s3:ObjectRemoved:*")),
        (_rule("s3:ObjectCreated:*", prefix="a/"), _rule("s3:ObjectCreated:*", prefix="b/")),
        (_rule("s3:ObjectCreated:*", prefix="a/", suffix=".jpg"), _rule("s3:ObjectCreated:*", prefix="a/", suffix=".png")),
    ],
)
def test_rules_that_never_meet_are_taken(one: dict[str, Any], other: dict[str, Any]) -> None:
    notification_rules.checked({"LambdaFunctionConfigurations": [one, other]}, Ids())


def test_wrong_rules_are_refused() -> None:
    assert _refused(_rule("s3:Nonsense")) == "The event is not supported for notifications"
    assert _refused(_rule("s3:ObjectCreated:*", LambdaFunctionArn="nonsense")) == "The ARN could not be parsed"
    assert _refused(_rule("s3:ObjectCreated:*", LambdaFunctionArn=QUEUE)) == "The ARN could not be parsed"
    same = (_rule("s3:ObjectCreated:*", Id="x"), _rule("s3:ObjectRemoved:*", Id="x"))
    assert _refused(*same) == "Same ID used for multiple configurations. IDs must be unique"


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(request.param, tmp_path, TurnableClock()) as store:
        await store.migrate("service:s3", ROOM.schema)
        yield store


def _call() -> Call:
    caller = principal.Principal("role", "1" * 12, "arn:aws:sts::111111111111:assumed-role/r/s", user_id="AROAX:s")
    return Call(None, "request-1", 0, caller, caller.account, "us-east-1", "s3", "PutObject", source_ip="203.0.113.9")  # type: ignore[arg-type]


async def _told(store: Store, configuration: dict[str, Any], change: Change, versioning: str = "") -> list[tuple[str, dict[str, Any]]]:
    """(target, payload) of every job that a change leaves."""

    def happen(tx: Tx) -> None:
        stored = notification_rules.checked(configuration, tx.ids)
        buckets.create(tx, "bucket", "1" * 12, "us-east-1", {"Notification": stored, "Versioning": versioning})
        events.notify(_call(), tx, buckets.get(tx, "bucket"), change)

    await store.write(happen)
    rows = await store.read(lambda tx: tx.all("SELECT target, payload, kind, source_service, source_arn FROM jobs ORDER BY sequence"))
    senders = {("send", "s3.amazonaws.com", "arn:aws:s3:::bucket"), ("event", "s3.amazonaws.com", "")}
    assert {row[2:] for row in rows} <= senders
    return [(target, _sent(kind, orjson.loads(payload))) for target, payload, kind, *_ in rows]


def _sent(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return orjson.loads(payload["text"]) if kind == "send" else payload


async def test_a_record_says_all_that_aws_says(store: Store) -> None:
    change = Change("ObjectCreated:Put", "PutObject", "in/ä b+.jpg", 255, 9, "e" * 32, "v" * 32)
    rules = {"LambdaFunctionConfigurations": [_rule("s3:ObjectCreated:*", suffix=".jpg", Id="conf")]}
    ((target, payload),) = await _told(store, rules, change, "Enabled")
    assert target == FUNCTION
    (record,) = payload["Records"]
    time_ = record.pop("eventTime")
    assert time_.endswith("Z")
    assert len(time_) == len("2024-05-01T12:00:00.123Z")
    assert record == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:AROAX:s"},
        "requestParameters": {"sourceIPAddress": "203.0.113.9"},
        "responseElements": {"x-amz-request-id": "request-1", "x-amz-id-2": names.host_id("request-1")},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "conf",
            "bucket": {"name": "bucket", "ownerIdentity": {"principalId": names.principal_id("1" * 12)}, "arn": "arn:aws:s3:::bucket"},
            "object": {"key": "in/%C3%A4+b%2B.jpg", "size": 9, "eTag": "e" * 32, "versionId": "v" * 32, "sequencer": "0000000000000000FF"},
        },
    }


async def test_each_destination_that_asked_is_told_and_no_other(store: Store) -> None:
    change = Change("ObjectCreated:Copy", "CopyObject", "in/a", 1, 1, "e")
    incoming = {"Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "in/"}]}}}
    configuration = {
        "LambdaFunctionConfigurations": [_rule("s3:ObjectCreated:*", prefix="out/"), _rule("s3:ObjectRemoved:*")],
        "QueueConfigurations": [{"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:Copy"], **incoming}],
        "TopicConfigurations": [{"TopicArn": TOPIC, "Events": ["s3:ObjectCreated:Put"], **incoming}],
    }
    assert [target for target, _ in await _told(store, configuration, change)] == [QUEUE]


async def test_eventbridge_gets_an_event_of_its_own_shape(store: Store) -> None:
    change = Change("ObjectRemoved:DeleteMarkerCreated", "DeleteObject", "a b", 255, version="v" * 32, etag="e")
    ((target, event),) = await _told(store, {"EventBridgeConfiguration": {}}, change, "Enabled")
    assert target == "arn:aws:events:us-east-1:111111111111:event-bus/default"
    assert (event["source"], event["detail-type"], event["resources"]) == ("aws.s3", "Object Deleted", ["arn:aws:s3:::bucket"])
    assert event["detail"] == {
        "version": "0",
        "bucket": {"name": "bucket"},
        "object": {"key": "a b", "etag": "e", "version-id": "v" * 32, "sequencer": "0000000000000000FF"},
        "request-id": "request-1",
        "requester": "1" * 12,
        "source-ip-address": "203.0.113.9",
        "reason": "DeleteObject",
        "deletion-type": "Delete Marker Created",
    }


async def test_without_a_configuration_nothing_is_left(store: Store) -> None:
    assert await _told(store, {}, Change("ObjectCreated:Put", "PutObject", "k", 1, 1, "e")) == []


def test_destinations_that_do_not_exist_are_refused_together(aws: Account, bucket: str) -> None:
    absent = [f"arn:aws:lambda:us-east-1:{aws.id}:function:absent{number}" for number in (1, 2)]
    rules = [{"LambdaFunctionArn": arn, "Events": [event]} for arn, event in zip(absent, ("s3:ObjectCreated:*", "s3:ObjectRemoved:*"), strict=True)]
    error = refusal(aws.s3.put_bucket_notification_configuration, Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": rules})
    assert (error["Code"], error["Message"]) == ("InvalidArgument", "Unable to validate the following destination configurations")
    assert [error["ArgumentName1"], error["ArgumentName2"]] == absent
    got = aws.s3.get_bucket_notification_configuration(Bucket=bucket)
    assert "LambdaFunctionConfigurations" not in got
    aws.s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": rules}, SkipDestinationValidation=True
    )
    got = aws.s3.get_bucket_notification_configuration(Bucket=bucket)
    assert [rule["LambdaFunctionArn"] for rule in got["LambdaFunctionConfigurations"]] == absent


@pytest.fixture
def copier(aws: Account, new_bucket: Callable[[], str]) -> tuple[str, str, str]:
    """A function that puts the event it gets into a second bucket: (first bucket, second bucket, function's ARN)."""
    first, second = new_bucket(), new_bucket()
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = aws.iam.create_role(RoleName="copier", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    allow = {"Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{second}/*"}]}
    aws.iam.put_role_policy(RoleName="copier", PolicyName="p", PolicyDocument=json.dumps(allow))
    code = (
        "import boto3, json\n"
        "def handler(event, context):\n"
        f"    boto3.client('s3').put_object(Bucket='{second}', Key=event['Records'][0]['s3']['object']['key'], Body=json.dumps(event))\n"
    )
    made = aws.lambda_.create_function(
        FunctionName="copier", Runtime="python3.12", Role=role, Handler="index.handler", Code={"ZipFile": _zipped(code)}, Timeout=20
    )
    return first, second, made["FunctionArn"]


def _zipped(code: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", code)
    return buffer.getvalue()


def test_a_function_hears_of_an_object_once_it_may_be_invoked(aws: Account, copier: tuple[str, str, str]) -> None:
    first, second, function = copier
    configuration = {"LambdaFunctionConfigurations": [{"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}]}
    error = refusal(aws.s3.put_bucket_notification_configuration, Bucket=first, NotificationConfiguration=configuration)
    assert error["ArgumentValue1"] == f"Not authorized to invoke function [{function}]"
    aws.lambda_.add_permission(
        FunctionName="copier", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com", SourceArn=f"arn:aws:s3:::{first}"
    )
    aws.lambda_.get_waiter("function_active_v2").wait(FunctionName="copier")
    aws.s3.put_bucket_notification_configuration(Bucket=first, NotificationConfiguration=configuration)
    aws.s3.put_object(Bucket=first, Key="heard", Body=b"12345")
    aws.s3.get_waiter("object_exists").wait(Bucket=second, Key="heard", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    event = json.loads(aws.s3.get_object(Bucket=second, Key="heard")["Body"].read())
    assert event["Records"][0]["eventName"] == "ObjectCreated:Put"
    assert event["Records"][0]["s3"]["object"]["size"] == 5
