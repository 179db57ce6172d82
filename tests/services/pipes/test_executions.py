"""What becomes of events on their way through a pipe."""

from __future__ import annotations

import json
from typing import Any

from tests.services.lambda_.house import ACCOUNT, Run, fail
from tests.services.pipes.house import PipesHouse, arn

FUNCTION = arn("lambda", "function:fun")


async def test_messages_go_from_queue_to_queue_as_events(house: PipesHouse) -> None:
    await house.queue("out")
    await house.pipe(arn("sqs", "out"))
    id = await house.send({"n": 1})
    await house.settle()
    (body,) = await house.bodies()
    event = json.loads(body)
    assert (event["messageId"], event["body"], event["eventSource"]) == (id, '{"n": 1}', "aws:sqs")
    assert event["eventSourceARN"] == arn("sqs", "in")
    assert await house.left() == 0


async def test_a_function_gets_an_array_and_is_awaited(house: PipesHouse) -> None:
    await house.function()
    await house.pipe(FUNCTION, TargetParameters={"InputTemplate": '{"n": <$.body.n>}'})
    await house.send({"n": 1})
    await house.settle()
    assert house.events == [[{"n": 1}]]
    assert await house.left() == 0


async def test_a_function_that_fails_leaves_the_message_where_it_was(house: PipesHouse) -> None:
    def fail_first(run: Run) -> Any:
        if len(house.compute.runs) == 1:
            raise RuntimeError("boom")

    await house.function()
    house.compute.behave = fail_first
    await house.pipe(FUNCTION, TargetParameters={"InputTemplate": "<$.body.n>"})
    await house.send({"n": 1})
    await house.settle()
    assert (house.events, await house.left()) == ([[1]], 1)
    await house.advance(31)
    assert (house.events, await house.left()) == ([[1], [1]], 0)


async def test_a_function_says_which_events_failed(house: PipesHouse) -> None:
    await house.function()
    await house.pipe(FUNCTION, SourceParameters={"SqsQueueParameters": {"BatchSize": 2, "MaximumBatchingWindowInSeconds": 1}})
    ids = [await house.send(str(n)) for n in range(2)]
    house.compute.behave = lambda run: {"batchItemFailures": [{"itemIdentifier": ids[1]}]}
    await house.advance(2)
    assert [event["body"] for event in house.events[0]] == ["0", "1"]
    assert await house.left() == 1


async def test_a_function_may_be_told_without_being_awaited(house: PipesHouse) -> None:
    await house.function()
    await house.pipe(FUNCTION, TargetParameters={"LambdaFunctionParameters": {"InvocationType": "FIRE_AND_FORGET"}, "InputTemplate": "<$.body.n>"})
    await house.send({"n": 1})
    await house.settle()
    assert (house.events, await house.left()) == ([[1]], 0)


async def test_only_what_a_filter_wants_is_brought_and_the_rest_is_gone(house: PipesHouse) -> None:
    await house.queue("out")
    pattern = json.dumps({"body": {"kind": ["good"]}})
    await house.pipe(arn("sqs", "out"), SourceParameters={"FilterCriteria": {"Filters": [{"Pattern": pattern}]}})
    for kind in ("bad", "good"):
        await house.send({"kind": kind})
    await house.settle()
    assert [json.loads(json.loads(body)["body"]) for body in await house.bodies()] == [{"kind": "good"}]
    assert await house.left() == 0


async def test_what_an_enrichment_answers_goes_on(house: PipesHouse) -> None:
    await house.function()
    await house.queue("out")
    house.compute.behave = lambda run: [{"double": 2 * item["n"], "of": item} for item in run.payload]
    await house.pipe(
        arn("sqs", "out"),
        Enrichment=FUNCTION,
        EnrichmentParameters={"InputTemplate": '{"n": <$.body.n>}'},
        TargetParameters={"InputTemplate": '{"result": <$.double>, "by": "<aws.pipes.enrichment-arn>"}'},
    )
    await house.send({"n": 21})
    await house.settle()
    assert [json.loads(body) for body in await house.bodies()] == [{"result": 42, "by": FUNCTION}]


async def test_an_empty_answer_of_the_enrichment_ends_it(house: PipesHouse) -> None:
    await house.function()
    await house.queue("out")
    for answer in ("", {}, []):
        house.compute.behave = lambda run, answer=answer: answer
        if not house.events:
            await house.pipe(arn("sqs", "out"), Enrichment=FUNCTION)
        await house.send("x")
        await house.settle()
    assert len(house.events) == 3
    assert (await house.bodies(), await house.left()) == ([], 0)


async def test_an_enrichment_may_answer_with_more_or_fewer(house: PipesHouse) -> None:
    await house.function()
    await house.queue("out")
    house.compute.behave = lambda run: [1, "two", {"three": 3}]
    await house.pipe(arn("sqs", "out"), Enrichment=FUNCTION)
    await house.send("x")
    await house.settle()
    assert sorted(await house.bodies()) == ["1", "two", '{"three":3}']


async def test_a_fifo_target_takes_its_group_from_the_event(house: PipesHouse) -> None:
    await house.queue("out.fifo", FifoQueue="true")
    given = {"MessageGroupId": "$.body.customer", "MessageDeduplicationId": "$.messageId"}
    await house.pipe(arn("sqs", "out.fifo"), TargetParameters={"SqsQueueParameters": given, "InputTemplate": "<$.body.customer>"})
    await house.send({"customer": "c1"})
    await house.settle()
    (message,) = await house.received("out.fifo")
    assert (message["Body"], message["Attributes"]["MessageGroupId"]) == ('"c1"', "c1")


async def test_a_path_that_leads_nowhere_uses_up_an_attempt(house: PipesHouse) -> None:
    await house.queue("dead")
    policy = json.dumps({"deadLetterTargetArn": arn("sqs", "dead"), "maxReceiveCount": 2})
    await house.call("sqs", "SetQueueAttributes", QueueUrl=await house.url("in"), Attributes={"RedrivePolicy": policy})
    await house.queue("out.fifo", FifoQueue="true")
    given = {"MessageGroupId": "$.body.customer", "MessageDeduplicationId": "$.messageId"}
    await house.pipe(arn("sqs", "out.fifo"), TargetParameters={"SqsQueueParameters": given})
    await house.send({"other": 1})
    await house.advance(120)
    assert await house.bodies("dead") == ['{"other": 1}']


async def test_records_of_a_stream_go_on_in_order(house: PipesHouse) -> None:
    await stream(house)
    await house.queue("out.fifo", FifoQueue="true")
    given = {"MessageGroupId": "$.partitionKey", "MessageDeduplicationId": "$.eventID"}
    await house.pipe(
        arn("sqs", "out.fifo"),
        source=arn("kinesis", "stream/s"),
        SourceParameters={"KinesisStreamParameters": {"StartingPosition": "TRIM_HORIZON"}},
        TargetParameters={"SqsQueueParameters": given, "InputTemplate": '{"n": <$.data.n>, "seen": "<$.eventName>"}'},
    )
    for n in range(12):
        await house.call("kinesis", "PutRecord", StreamName="s", PartitionKey="k", Data=json.dumps({"n": n}).encode())
    await house.advance(5)
    found: list[Any] = []
    while bodies := await one_group(house):
        found += bodies
    assert [body["n"] for body in found] == list(range(12))
    assert {body["seen"] for body in found} == {"aws:kinesis:record"}


async def stream(house: PipesHouse, name: str = "s") -> None:
    await house.call("kinesis", "CreateStream", StreamName=name, ShardCount=1)
    await house.advance(60)


async def one_group(house: PipesHouse) -> list[Any]:
    """What one receive gives of a group, deleted."""
    url = await house.url("out.fifo")
    messages = (await house.call("sqs", "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10)).get("Messages", [])
    for message in messages:
        await house.call("sqs", "DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in messages]


async def test_records_that_never_work_are_told_to_the_dead_letter_queue(house: PipesHouse) -> None:
    await stream(house)
    await house.function()
    await house.queue("dead")

    house.compute.behave = fail
    given = {"StartingPosition": "TRIM_HORIZON", "MaximumRetryAttempts": 1, "DeadLetterConfig": {"Arn": arn("sqs", "dead")}}
    made = await house.pipe(FUNCTION, source=arn("kinesis", "stream/s"), SourceParameters={"KinesisStreamParameters": given})
    await house.call("kinesis", "PutRecord", StreamName="s", PartitionKey="k", Data=b"x")
    await house.advance(60)
    assert len(house.events) == 2
    assert {"data", "partitionKey", "sequenceNumber"} < house.events[0][0].keys()
    (body,) = await house.bodies("dead")
    letter = json.loads(body)
    assert letter["context"] == {"partnerResourceArn": made["Arn"], "condition": "RetryAttemptsExhausted"}
    assert letter["KinesisBatchInfo"]["batchSize"] == 1


async def test_a_stream_may_be_the_target(house: PipesHouse) -> None:
    await stream(house, "t")
    await house.pipe(
        arn("kinesis", "stream/t"), TargetParameters={"KinesisStreamParameters": {"PartitionKey": "$.body.k"}, "InputTemplate": "<$.body.n>"}
    )
    await house.send({"k": "key", "n": 7})
    await house.settle()
    shard = (await house.call("kinesis", "ListShards", StreamName="t"))["Shards"][0]["ShardId"]
    iterator = await house.call("kinesis", "GetShardIterator", StreamName="t", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    (record,) = (await house.call("kinesis", "GetRecords", ShardIterator=iterator["ShardIterator"]))["Records"]
    assert (record["PartitionKey"], record["Data"]) == ("key", b"7")


async def test_a_log_group_may_be_the_target(house: PipesHouse) -> None:
    await house.call("logs", "CreateLogGroup", logGroupName="kept")
    given = {"LogStreamName": "$.body.stream", "Timestamp": "$.body.at"}
    at_ms = house.node.clock.now_ms() - 60_000
    await house.pipe(arn("logs", "log-group:kept"), TargetParameters={"CloudWatchLogsParameters": given, "InputTemplate": "<$.body.text>"})
    await house.send({"stream": "one", "at": at_ms, "text": "hello"})
    await house.settle()
    (event,) = (await house.call("logs", "FilterLogEvents", logGroupName="kept"))["events"]
    assert (event["logStreamName"], event["timestamp"], event["message"]) == ("one", at_ms, '"hello"')


async def test_a_topic_may_be_the_target(house: PipesHouse) -> None:
    topic = (await house.call("sns", "CreateTopic", Name="t"))["TopicArn"]
    await house.queue("out")
    policy = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    await house.call("sqs", "SetQueueAttributes", QueueUrl=await house.url("out"), Attributes={"Policy": document})
    raw = {"RawMessageDelivery": "true"}
    await house.call("sns", "Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=arn("sqs", "out"), Attributes=raw)
    await house.pipe(topic, TargetParameters={"InputTemplate": '{"n": <$.body.n>}'})
    await house.send({"n": 5})
    await house.settle()
    assert await house.bodies() == ['{"n": 5}']


async def test_a_bus_is_told_who_speaks(house: PipesHouse) -> None:
    await house.call("logs", "CreateLogGroup", logGroupName="/aws/events/all")
    await house.call("events", "PutRule", Name="all", EventPattern=json.dumps({"account": [arn("", "").split(":")[4]]}))
    await house.queue("out")
    policy = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    await house.call("sqs", "SetQueueAttributes", QueueUrl=await house.url("out"), Attributes={"Policy": document})
    await house.call("events", "PutTargets", Rule="all", Targets=[{"Id": "1", "Arn": arn("sqs", "out")}])
    await house.pipe(arn("events", "event-bus/default"), TargetParameters={"InputTemplate": '{"n": <$.body.n>}'})
    named = {"DetailType": "$.body.type", "Source": "mine", "Resources": ["arn:aws:s3:::b"]}
    await house.queue("in2")
    await house.pipe(arn("events", "event-bus/default"), "q", source=arn("sqs", "in2"), TargetParameters={"EventBridgeEventBusParameters": named})
    await house.send({"n": 1})
    await house.send({"type": "Asked"}, "in2")
    await house.settle()
    events = sorted((json.loads(body) for body in await house.bodies()), key=lambda event: event["source"])
    assert [(event["source"], event["detail-type"]) for event in events] == [("Pipe p", "Event from aws:sqs"), ("mine", "Asked")]
    assert (events[0]["detail"], events[1]["resources"]) == ({"n": 1}, ["arn:aws:s3:::b"])
    assert events[1]["detail"]["body"] == '{"type": "Asked"}'


async def test_a_target_whose_service_is_not_built_fails_visibly(house: PipesHouse) -> None:
    await house.queue("dead")
    policy = json.dumps({"deadLetterTargetArn": arn("sqs", "dead"), "maxReceiveCount": 1})
    await house.call("sqs", "SetQueueAttributes", QueueUrl=await house.url("in"), Attributes={"RedrivePolicy": policy})
    await house.pipe(arn("ecs", "cluster/c"), TargetParameters={"EcsTaskParameters": {"TaskDefinitionArn": arn("ecs", "task-definition/t")}})
    await house.send("x")
    await house.advance(60)
    assert await house.bodies("dead") == ["x"]


async def test_an_execution_is_logged_step_by_step(house: PipesHouse) -> None:
    await house.call("logs", "CreateLogGroup", logGroupName="trail")
    await house.function()
    destination = {"CloudwatchLogsLogDestination": {"LogGroupArn": arn("logs", "log-group:trail")}}
    logging = {**destination, "Level": "INFO", "IncludeExecutionData": ["ALL"]}
    made = await house.pipe(FUNCTION, LogConfiguration=logging)
    await house.send("x")
    await house.settle()
    house.compute.behave = fail
    await house.send("y")
    await house.settle()
    records = [json.loads(event["message"]) for event in (await house.call("logs", "FilterLogEvents", logGroupName="trail"))["events"]]
    assert [record["messageType"] for record in records] == [
        "ExecutionStarted",
        "TargetStageEntered",
        "TargetStageSucceeded",
        "ExecutionSucceeded",
        "ExecutionStarted",
        "TargetStageEntered",
        "TargetInvocationFailed",
        "TargetStageFailed",
        "ExecutionFailed",
    ]
    assert {record["resourceArn"] for record in records} == {made["Arn"]}
    assert len({record["executionId"] for record in records}) == 2
    assert json.loads(records[0]["payload"])[0]["body"] == "x"
    assert "boom" in records[-1]["error"]["details"]


async def test_an_execution_is_logged_to_a_bucket(house: PipesHouse) -> None:
    await house.call("s3", "CreateBucket", Bucket="trail")
    await house.function()
    destination = {"S3LogDestination": {"BucketName": "trail", "BucketOwner": ACCOUNT, "Prefix": "logs"}}
    await house.pipe(FUNCTION, LogConfiguration={**destination, "Level": "INFO"})
    await house.send("x")
    await house.settle()
    (found,) = (await house.call("s3", "ListObjectsV2", Bucket="trail"))["Contents"]
    assert found["Key"].startswith(f"logs/AWSLogs/{ACCOUNT}/pipes/")
    body = (await house.call("s3", "GetObject", Bucket="trail", Key=found["Key"]))["Body"]
    text = body if isinstance(body, bytes) else b"".join([chunk async for chunk in body])
    names = [json.loads(line)["messageType"] for line in text.splitlines()]
    assert names == ["ExecutionStarted", "TargetStageEntered", "TargetStageSucceeded", "ExecutionSucceeded"]
