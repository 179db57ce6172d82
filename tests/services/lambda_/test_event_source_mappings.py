"""Event source mappings as the API shows them: defaults, states, refusals, permissions, listing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.services.lambda_.house import ACCOUNT, REGION, House
from tests.services.lambda_.mapped import EVERYTHING, allow, function, mapping, queue, queue_arn, stream, stream_arn
from tule.access.principal import Principal
from tule.core.errors import ServiceError

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:fun"


async def refusal(house: House, operation: str = "CreateEventSourceMapping", **params: Any) -> tuple[str, str]:
    with pytest.raises(ServiceError) as raised:
        await house.lam(operation, **params)
    return raised.value.code, raised.value.message


async def made(house: House, **params: Any) -> dict[str, Any]:
    return await house.lam("CreateEventSourceMapping", **{"FunctionName": "fun", **params})


async def test_a_mapping_of_a_queue_has_aws_defaults(house: House) -> None:
    await function(house)
    await queue(house)
    answer = await made(house, EventSourceArn=queue_arn("q"))
    uuid = answer["UUID"]
    assert answer.pop("LastModified")
    assert answer == {
        "UUID": uuid,
        "EventSourceMappingArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{uuid}",
        "EventSourceArn": queue_arn("q"),
        "FunctionArn": FUNCTION,
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
        "State": "Creating",
        "StateTransitionReason": "USER_INITIATED",
    }
    await house.settle()
    assert (await house.lam("GetEventSourceMapping", UUID=uuid))["State"] == "Enabled"


async def test_a_mapping_of_a_stream_has_aws_defaults(house: House) -> None:
    await function(house)
    await stream(house)
    answer = await made(house, EventSourceArn=stream_arn("s"), StartingPosition="LATEST")
    assert answer.pop("LastModified") and answer.pop("EventSourceMappingArn") and answer.pop("UUID")
    assert answer == {
        "EventSourceArn": stream_arn("s"),
        "FunctionArn": FUNCTION,
        "BatchSize": 100,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "FunctionResponseTypes": [],
        "LastProcessingResult": "No records processed",
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "StartingPosition": "LATEST",
        "State": "Creating",
        "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": 0,
    }


async def test_it_passes_through_aws_states(house: House) -> None:
    await function(house)
    await queue(house)

    async def state(operation: str, **params: Any) -> str:
        return (await house.lam(operation, **params))["State"]

    uuid = (await made(house, EventSourceArn=queue_arn("q"), Enabled=False))["UUID"]
    seen: list[str] = [await state("GetEventSourceMapping", UUID=uuid)]
    for change in ({"Enabled": True}, {"BatchSize": 5}, {"Enabled": False}):
        seen.append(await state("UpdateEventSourceMapping", UUID=uuid, **change))
        await house.settle()
        seen.append(await state("GetEventSourceMapping", UUID=uuid))
    seen.append(await state("DeleteEventSourceMapping", UUID=uuid))
    assert seen == ["Disabled", "Enabling", "Enabled", "Updating", "Enabled", "Disabling", "Disabled", "Deleting"]
    await house.settle()
    assert await refusal(house, "GetEventSourceMapping", UUID=uuid) == ("ResourceNotFoundException", "The resource you requested does not exist.")


@pytest.mark.parametrize("operation", ["GetEventSourceMapping", "UpdateEventSourceMapping", "DeleteEventSourceMapping"])
async def test_an_unknown_mapping_is_not_found(house: House, operation: str) -> None:
    unknown = "00000000-0000-0000-0000-000000000000"
    assert await refusal(house, operation, UUID=unknown) == ("ResourceNotFoundException", "The resource you requested does not exist.")


async def test_what_makes_no_sense_is_refused_in_aws_words(house: House) -> None:
    await function(house)
    await queue(house)
    await queue(house, "q.fifo")
    await stream(house)
    of_queue, of_fifo, of_stream = queue_arn("q"), queue_arn("q.fifo"), stream_arn("s")
    window = "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
    expected: list[tuple[dict[str, Any], str]] = [
        ({}, "Unrecognized event source."),
        ({"EventSourceArn": "arn:aws:iam::123456789012:role/r"}, "Unrecognized event source."),
        ({"EventSourceArn": of_queue, "FunctionName": "absent"}, "Function does not exist"),
        (
            {"EventSourceArn": of_queue, "DestinationConfig": {"OnFailure": {"Destination": of_queue}}},
            "Unsupported DestinationConfig parameter for given event source mapping type.",
        ),
        (
            {"EventSourceArn": of_queue, "MaximumRetryAttempts": 2},
            "Unsupported MaximumRetryAttempts parameter for given event source mapping type.",
        ),
        ({"EventSourceArn": of_queue, "StartingPosition": "LATEST"}, "StartingPosition is not valid for SQS event sources."),
        ({"EventSourceArn": of_queue, "BatchSize": 11}, window),
        ({"EventSourceArn": of_fifo, "MaximumBatchingWindowInSeconds": 1}, "Batching window is not supported for FIFO queues"),
        ({"EventSourceArn": of_queue, "FilterCriteria": {"Filters": [{"Pattern": '{"body": "no list"}'}]}}, "Invalid filter pattern definition."),
        ({"EventSourceArn": of_queue, "FilterCriteria": {"Filters": [{"Pattern": "nonsense"}]}}, "Invalid filter pattern definition."),
        (
            {"EventSourceArn": of_stream, "StartingPosition": "LATEST", "FilterCriteria": {"Filters": [{"Pattern": '{"data": ["text"]}'}]}},
            "Invalid filter pattern definition.",
        ),
        (
            {"EventSourceArn": of_stream},
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.",
        ),
        ({"EventSourceArn": stream_arn("absent"), "StartingPosition": "LATEST"}, f"Stream not found: {stream_arn('absent')}"),
        (
            {"EventSourceArn": queue_arn("absent")},
            "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message:"
            " The specified queue does not exist.",
        ),
    ]
    for params, message in expected:
        assert await refusal(house, **{"FunctionName": "fun", **params}) == ("InvalidParameterValueException", message)


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ({"EventSourceArn": f"arn:aws:kafka:{REGION}:{ACCOUNT}:cluster/c/1"}, "Amazon MSK"),
        ({"EventSourceArn": f"arn:aws:mq:{REGION}:{ACCOUNT}:broker:b:1"}, "Amazon MQ"),
        ({"EventSourceArn": f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:c"}, "Amazon DocumentDB"),
        ({"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka:9092"]}}}, "Apache Kafka"),
    ],
)
async def test_sources_that_are_not_built_say_so(house: House, source: dict[str, Any], named: str) -> None:
    code, message = await refusal(house, FunctionName="fun", **source)
    assert code == "NotImplemented"
    assert named in message


async def test_the_execution_role_must_be_allowed_to_read_the_source(house: House) -> None:
    await house.function()
    await queue(house)
    await stream(house)
    asked = {"FunctionName": "fun", "EventSourceArn": queue_arn("q")}
    for granted, missing in (
        ([], "ReceiveMessage"),
        (["sqs:ReceiveMessage"], "DeleteMessage"),
        (["sqs:ReceiveMessage", "sqs:DeleteMessage"], "GetQueueAttributes"),
    ):
        statement = {"Effect": "Allow", "Action": ["logs:CreateLogGroup", *granted], "Resource": "*"}
        await allow(house, {"Version": "2012-10-17", "Statement": [statement]})
        message = f"The provided execution role does not have permissions to call {missing} on SQS"
        assert await refusal(house, **asked) == ("InvalidParameterValueException", message)
    of_stream = {"FunctionName": "fun", "EventSourceArn": stream_arn("s"), "StartingPosition": "LATEST"}
    actions = "GetRecords, GetShardIterator, DescribeStream, ListShards, and ListStreams"
    message = f"Cannot access stream {stream_arn('s')}. Please ensure the role can perform the {actions} Actions on your stream in IAM."
    for granted in (["kinesis:ListStreams"], ["kinesis:DescribeStream"], ["kinesis:DescribeStream", "kinesis:GetShardIterator"]):
        await allow(house, {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": granted, "Resource": "*"}]})
        assert await refusal(house, **of_stream) == ("InvalidParameterValueException", message)
    await allow(house, EVERYTHING)
    await made(house, EventSourceArn=queue_arn("q"))


@pytest.mark.parametrize("told", [["kinesis:DescribeStream"], ["kinesis:DescribeStreamSummary", "kinesis:ListShards"]], ids=["sam", "serverless"])
async def test_a_role_may_learn_of_shards_by_either_call(house: House, told: list[str]) -> None:
    await house.function()
    await stream(house)
    granted = [*told, "kinesis:GetShardIterator", "kinesis:GetRecords"]
    await allow(house, {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": granted, "Resource": stream_arn("s")}]})
    await made(house, EventSourceArn=stream_arn("s"), StartingPosition="LATEST")


async def test_a_queue_must_hide_messages_for_as_long_as_the_function_may_run(house: House) -> None:
    await function(house, Timeout=60)
    await queue(house)
    code, message = await refusal(house, FunctionName="fun", EventSourceArn=queue_arn("q"))
    assert (code, message) == (
        "InvalidParameterValueException",
        "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds",
    )


async def test_one_source_is_mapped_to_a_function_once(house: House) -> None:
    await function(house)
    await queue(house)
    await stream(house)
    first = (await made(house, EventSourceArn=queue_arn("q")))["UUID"]
    again = f"already exists. Please update or delete the existing mapping with UUID {first}"
    message = f'An event source mapping with SQS arn (" {queue_arn("q")} ") and function (" fun ") {again}'
    assert await refusal(house, FunctionName="fun", EventSourceArn=queue_arn("q")) == ("ResourceConflictException", message)
    of_stream = {"EventSourceArn": stream_arn("s"), "StartingPosition": "LATEST"}
    second = (await made(house, **of_stream))["UUID"]
    again = f"provided mapping already exists. Please update or delete the existing mapping with UUID {second}"
    message = f'The event source arn (" {stream_arn("s")} ") and function (" fun ") {again}'
    assert await refusal(house, FunctionName="fun", **of_stream) == ("ResourceConflictException", message)
    await house.lam("PublishVersion", FunctionName="fun")
    assert (await made(house, EventSourceArn=queue_arn("q"), FunctionName="fun:1"))["FunctionArn"] == f"{FUNCTION}:1"


async def test_mappings_are_listed_by_function_and_by_source_in_pages(house: House) -> None:
    await function(house)
    await function(house, "other")
    uuids: list[str] = []
    for n in range(3):
        await queue(house, f"q{n}")
        uuids.append((await made(house, EventSourceArn=queue_arn(f"q{n}")))["UUID"])
    other = (await made(house, FunctionName="other", EventSourceArn=queue_arn("q0")))["UUID"]

    async def listed(**params: Any) -> list[str]:
        return [one["UUID"] for one in (await house.lam("ListEventSourceMappings", **params))["EventSourceMappings"]]

    assert sorted(await listed()) == sorted([*uuids, other])
    assert sorted(await listed(FunctionName="fun")) == sorted(uuids)
    assert sorted(await listed(EventSourceArn=queue_arn("q0"))) == sorted([uuids[0], other])
    assert await listed(EventSourceArn=queue_arn("q0"), FunctionName=FUNCTION) == [uuids[0]]
    page = await house.lam("ListEventSourceMappings", FunctionName="fun", MaxItems=2)
    rest = await listed(FunctionName="fun", MaxItems=2, Marker=page["NextMarker"])
    assert sorted([one["UUID"] for one in page["EventSourceMappings"]] + rest) == sorted(uuids)


async def test_an_update_changes_what_it_names_and_takes_back_what_is_empty(house: House) -> None:
    await function(house)
    await function(house, "other")
    await queue(house)
    pattern = json.dumps({"body": {"kind": ["a"]}})
    uuid = await mapping(house, queue_arn("q"), FilterCriteria={"Filters": [{"Pattern": pattern}]}, ScalingConfig={"MaximumConcurrency": 2})
    changed = await house.lam("UpdateEventSourceMapping", UUID=uuid, FunctionName="other", BatchSize=3, FilterCriteria={"Filters": []})
    assert changed["BatchSize"] == 3
    assert changed["FunctionArn"].endswith(":other")
    assert changed["ScalingConfig"] == {"MaximumConcurrency": 2}
    assert "FilterCriteria" not in changed
    assert "ScalingConfig" not in await house.lam("UpdateEventSourceMapping", UUID=uuid, ScalingConfig={})


async def test_settings_of_other_sources_are_refused(house: House) -> None:
    await function(house)
    await queue(house)
    await stream(house)
    asked: dict[str, Any] = {"FunctionName": "fun", "EventSourceArn": queue_arn("q")}
    of_stream: dict[str, Any] = {"FunctionName": "fun", "EventSourceArn": stream_arn("s"), "StartingPosition": "LATEST"}
    settings: list[dict[str, Any]] = [
        {**asked, "LoggingConfig": {"SystemLogLevel": "INFO"}},
        {**asked, "MetricsConfig": {"Metrics": ["KafkaMetrics"]}},
        {**asked, "ProvisionedPollerConfig": {"MinimumPollers": 1}},
        {**asked, "ProvisionedPollerConfig": {"MinimumPollers": 5, "MaximumPollers": 3}},
        {**asked, "ProvisionedPollerConfig": {"PollerGroupName": "group"}},
        {**of_stream, "ProvisionedPollerConfig": {"MinimumPollers": 2}},
        {**of_stream, "MetricsConfig": {"Metrics": ["ErrorCount"]}},
        {**of_stream, "StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": house.node.clock.now_ms() / 1000 + 60},
    ]
    for wrong in settings:
        assert (await refusal(house, **wrong))[0] == "InvalidParameterValueException"


async def test_provisioned_pollers_are_completed(house: House) -> None:
    await function(house)
    await queue(house)
    asked: dict[str, Any] = {"FunctionName": "fun", "EventSourceArn": queue_arn("q"), "ProvisionedPollerConfig": {"MinimumPollers": 3}}
    made = await house.lam("CreateEventSourceMapping", **asked)
    assert made["ProvisionedPollerConfig"] == {"MinimumPollers": 3, "MaximumPollers": 200}
    none = await house.lam("UpdateEventSourceMapping", UUID=made["UUID"], ProvisionedPollerConfig={})
    assert "ProvisionedPollerConfig" not in none


async def test_mappings_carry_tags(house: House) -> None:
    await function(house)
    await queue(house)
    answer = await made(house, EventSourceArn=queue_arn("q"), Tags={"team": "a"})
    arn = answer["EventSourceMappingArn"]
    await house.lam("TagResource", Resource=arn, Tags={"stage": "b"})
    await house.lam("UntagResource", Resource=arn, TagKeys=["team"])
    assert (await house.lam("ListTags", Resource=arn))["Tags"] == {"stage": "b"}


def user(name: str) -> Principal:
    arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
    return Principal("user", ACCOUNT, arn, entity_arn=arn, user_id="AIDA")


async def as_user(house: House, operation: str, **params: Any) -> dict[str, Any]:
    return await house.node.dispatcher.invoke("lambda", operation, params, principal=user("ann"), region=REGION)


async def test_policies_may_ask_which_function_a_mapping_is_for(house: House) -> None:
    await function(house)
    await function(house, "other")
    await queue(house)
    await house.call("iam", "CreateUser", UserName="ann")
    statement = {
        "Effect": "Allow",
        "Action": ["lambda:CreateEventSourceMapping", "lambda:GetEventSourceMapping"],
        "Resource": f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:*",
        "Condition": {"ArnEquals": {"lambda:FunctionArn": FUNCTION}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    await house.call("iam", "PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=document)
    mine = await as_user(house, "CreateEventSourceMapping", FunctionName="fun", EventSourceArn=queue_arn("q"))
    assert (await as_user(house, "GetEventSourceMapping", UUID=mine["UUID"]))["UUID"] == mine["UUID"]
    with pytest.raises(ServiceError) as refused:
        await as_user(house, "CreateEventSourceMapping", FunctionName="other", EventSourceArn=queue_arn("q"))
    assert refused.value.code == "AccessDeniedException"
    assert "lambda:CreateEventSourceMapping" in refused.value.message
    with pytest.raises(ServiceError) as refused:
        await as_user(house, "DeleteEventSourceMapping", UUID=mine["UUID"])
    assert mine["EventSourceMappingArn"] in refused.value.message
