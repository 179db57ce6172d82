"""What happens to records before they are delivered: functions, partitions, taking apart, delimiters, backups."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from typing import Any

import pytest

from tests.node import Account
from tests.services.firehose.house import at_once, bucket, destination, failures, objects, processing, put, role
from tests.services.lambda_.functions import arn, create
from tule.services.firehose.processing import deaggregation

ERRORS = "errors/!{firehose:error-output-type}/"
UPPER = """
import base64, json
def handler(event, context):
    out = []
    for record in event["records"]:
        data = base64.b64decode(record["data"])
        if data == b"event":
            data = json.dumps({key: value for key, value in event.items() if key != "records"} | {"record": sorted(record)}).encode()
        result = {b"drop": "Dropped", b"fail": "ProcessingFailed"}.get(data, "Ok")
        keys = {"first": chr(data[0])}
        answer = {"recordId": record["recordId"], "result": result, "data": base64.b64encode(data.upper()).decode()}
        out.append({**answer, "metadata": {"partitionKeys": keys}})
    return {"records": out}
"""
PARTITIONED = {"SizeInMBs": 64, "IntervalInSeconds": 0}
WITH_FUNCTION = {"BufferIntervalInSeconds": "0", "BufferSizeInMBs": "1"}


def _stream(aws: Account, target: str, *processors: tuple[str, dict[str, str]], **more: Any) -> None:
    config = at_once(role(aws), target, ErrorOutputPrefix=ERRORS, ProcessingConfiguration=processing(*processors), **more)
    aws.firehose.create_delivery_stream(DeliveryStreamName="d", ExtendedS3DestinationConfiguration=config)


def _function(aws: Account, code: str) -> dict[str, str]:
    create(aws, code=code)
    return {"LambdaArn": arn(aws, "f"), **WITH_FUNCTION}


def test_a_function_transforms_drops_and_fails_records(turned: Account) -> None:
    target = bucket(turned)
    _stream(turned, target, ("Lambda", _function(turned, UPPER)), Prefix="data/")
    put(turned, "d", b"one ", b"drop", b"fail", b"two")
    turned.node.advance(1)
    assert list(objects(turned, target, "data/").values()) == [b"ONE TWO"]
    (failed,) = failures(turned, target, "errors/processing-failed/")
    arrival, ending = failed.pop("arrivalTimestamp"), failed.pop("attemptEndingTimestamp")
    assert arrival <= ending
    assert failed == {
        "attemptsMade": 1,
        "errorCode": "Lambda.ProcessingFailedStatus",
        "errorMessage": "ProcessingFailed status set for record",
        "rawData": base64.b64encode(b"fail").decode(),
        "lambdaArn": arn(turned, "f"),
    }


def test_a_function_is_given_the_event_that_aws_gives(turned: Account) -> None:
    target = bucket(turned)
    _stream(turned, target, ("Lambda", _function(turned, UPPER)), Prefix="data/")
    put(turned, "d", b"event")
    turned.node.advance(1)
    (content,) = objects(turned, target, "data/").values()
    event = json.loads(content.lower())
    assert len(event.pop("invocationid")) == 36
    assert event == {
        "deliverystreamarn": f"arn:aws:firehose:us-east-1:{turned.id}:deliverystream/d",
        "region": "us-east-1",
        "record": ["approximatearrivaltimestamp", "data", "recordid"],
    }


def test_a_function_waits_for_its_own_buffer(turned: Account) -> None:
    target = bucket(turned)
    function = _function(turned, UPPER) | {"BufferIntervalInSeconds": "90"}
    _stream(turned, target, ("Lambda", function), Prefix="data/")
    put(turned, "d", b"x")
    turned.node.advance(89)
    assert objects(turned, target) == {}
    turned.node.advance(2)
    assert list(objects(turned, target, "data/").values()) == [b"X"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def handler(event, context):\n    raise ValueError('no')\n", "Lambda.FunctionError"),
        ("def handler(event, context):\n    return {}\n", "Lambda.JsonProcessingException"),
        ("def handler(event, context):\n    return {'records': []}\n", "Lambda.MissingRecordId"),
        (
            "def handler(event, context):\n    return {'records': [{**r, 'result': 'Ok'} for r in event['records']] * 2}\n",
            "Lambda.DuplicatedRecordId",
        ),
    ],
)
def test_a_function_that_fails_is_tried_again_and_then_its_records_go_to_the_errors(turned: Account, code: str, expected: str) -> None:
    target = bucket(turned)
    _stream(turned, target, ("Lambda", _function(turned, code) | {"NumberOfRetries": "2"}), Prefix="data/")
    put(turned, "d", b"one", b"two")
    turned.node.advance(1)
    assert objects(turned, target) == {}
    turned.node.advance(120)
    found = failures(turned, target, "errors/processing-failed/")
    assert [(failed["errorCode"], failed["attemptsMade"]) for failed in found] == [(expected, 3)] * 2
    assert [base64.b64decode(failed["rawData"]) for failed in found] == [b"one", b"two"]
    assert objects(turned, target, "data/") == {}


def test_a_query_partitions_records(turned: Account) -> None:
    target = bucket(turned)
    query = {"MetadataExtractionQuery": "{customer: .customer.id, kind: (.kind | ascii_downcase)}", "JsonParsingEngine": "JQ-1.6"}
    _stream(
        turned,
        target,
        ("MetadataExtraction", query),
        ("AppendDelimiterToRecord", {"Delimiter": "\\n"}),
        Prefix="c=!{partitionKeyFromQuery:customer}/k=!{partitionKeyFromQuery:kind}/",
        DynamicPartitioningConfiguration={"Enabled": True},
        BufferingHints=PARTITIONED,
    )
    records = [{"customer": {"id": i % 2}, "kind": "A" if i < 3 else "B"} for i in range(4)]
    put(turned, "d", *[json.dumps(record).encode() for record in records], b"no json", b'{"kind": "x"}')
    turned.node.advance(1)
    found: dict[str, list[Any]] = {}
    for key, content in objects(turned, target, "c=").items():
        found.setdefault(key.rpartition("/")[0], []).extend(json.loads(line) for line in content.splitlines())
    assert found == {"c=0/k=a": [records[0], records[2]], "c=1/k=a": [records[1]], "c=1/k=b": [records[3]]}
    failed = failures(turned, target, "errors/processing-failed/")
    assert sorted(base64.b64decode(entry["rawData"]) for entry in failed) == [b"no json", b'{"kind": "x"}']
    assert {entry["errorCode"] for entry in failed} == {"DynamicPartitioning.MetadataExtractionFailed"}


def test_what_was_partitioned_before_the_prefix_changed_is_not_lost(turned: Account) -> None:
    target = bucket(turned)
    query = {"MetadataExtractionQuery": "{a: .a, b: .b}", "JsonParsingEngine": "JQ-1.6"}
    config = destination(
        role(turned),
        target,
        Prefix="a=!{partitionKeyFromQuery:a}/",
        ErrorOutputPrefix=ERRORS,
        ProcessingConfiguration=processing(("MetadataExtraction", query)),
        DynamicPartitioningConfiguration={"Enabled": True},
        BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 60},
    )
    turned.firehose.create_delivery_stream(DeliveryStreamName="d", ExtendedS3DestinationConfiguration=config)
    put(turned, "d", b'{"a": 1, "b": 2}')
    turned.node.advance(1)
    turned.firehose.update_destination(
        DeliveryStreamName="d",
        DestinationId="destinationId-000000000001",
        CurrentDeliveryStreamVersionId="1",
        ExtendedS3DestinationUpdate={"Prefix": "b=!{partitionKeyFromQuery:b}/"},
    )
    turned.node.advance(60)
    assert list(objects(turned, target, "errors/processing-failed/").values()) == [b'{"a": 1, "b": 2}']


def test_a_function_partitions_records(turned: Account) -> None:
    target = bucket(turned)
    _stream(
        turned,
        target,
        ("Lambda", _function(turned, UPPER)),
        Prefix="first=!{partitionKeyFromLambda:first}/",
        DynamicPartitioningConfiguration={"Enabled": True},
        BufferingHints=PARTITIONED,
    )
    put(turned, "d", b"apple", b"bear", b"ant")
    turned.node.advance(1)
    assert list(objects(turned, target, "first=a/").values()) == [b"APPLEANT"]
    assert list(objects(turned, target, "first=b/").values()) == [b"BEAR"]


def test_several_documents_in_a_record_are_taken_apart(turned: Account) -> None:
    target = bucket(turned)
    _stream(turned, target, ("RecordDeAggregation", {"SubRecordType": "JSON"}), ("AppendDelimiterToRecord", {}), Prefix="data/")
    put(turned, "d", b'{"a":1}{"a":2}\n{"a":3}', b'[{"a":4},{"a":5}]', b"nothing of the kind")
    turned.node.advance(1)
    (content,) = objects(turned, target, "data/").values()
    assert [json.loads(line)["a"] for line in content.splitlines()] == [1, 2, 3, 4, 5]
    assert [entry["errorCode"] for entry in failures(turned, target, "errors/")] == ["RecordDeAggregation.JsonDeserializationFailed"]


def test_delimited_pieces_are_taken_apart(turned: Account) -> None:
    target = bucket(turned)
    parameters = {"SubRecordType": "DELIMITED", "Delimiter": base64.b64encode(b"##").decode()}
    _stream(turned, target, ("RecordDeAggregation", parameters), ("AppendDelimiterToRecord", {"Delimiter": ";"}), Prefix="data/")
    put(turned, "d", b"a##b##", b"c")
    turned.node.advance(1)
    assert list(objects(turned, target, "data/").values()) == [b"a;b;c;"]


def test_messages_are_taken_out_of_what_cloudwatch_logs_sends(turned: Account) -> None:
    target = bucket(turned)
    _stream(
        turned,
        target,
        ("Decompression", {"CompressionFormat": "GZIP"}),
        ("CloudWatchLogProcessing", {"DataMessageExtraction": "true"}),
        Prefix="data/",
    )
    document = {"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "message": "one"}, {"id": "2", "message": "two"}]}
    control = {"messageType": "CONTROL_MESSAGE", "logEvents": [{"id": "", "message": "checking"}]}
    put(turned, "d", gzip.compress(json.dumps(control).encode()), gzip.compress(json.dumps(document).encode()), b"plain")
    turned.node.advance(1)
    assert list(objects(turned, target, "data/").values()) == [b"one\ntwo\n"]
    assert [entry["errorCode"] for entry in failures(turned, target, "errors/")] == ["Decompression.InvalidFormat"]


def test_what_came_in_is_kept_as_it_was(turned: Account) -> None:
    target, kept = bucket(turned), bucket(turned)
    function = _function(turned, UPPER)
    config = at_once(role(turned), target, ProcessingConfiguration=processing(("Lambda", function)), S3BackupMode="Enabled")
    config["S3BackupConfiguration"] = at_once(config["RoleARN"], kept, Prefix="raw/")
    turned.firehose.create_delivery_stream(DeliveryStreamName="d", ExtendedS3DestinationConfiguration=config)
    put(turned, "d", b"one", b"drop")
    turned.node.advance(1)
    assert list(objects(turned, target).values()) == [b"ONE"]
    assert list(objects(turned, kept, "raw/").values()) == [b"onedrop"]


def test_a_function_learns_where_in_a_kinesis_stream_a_record_was(turned: Account) -> None:
    target = bucket(turned)
    code = UPPER.replace("sorted(record)", 'record["kinesisRecordMetadata"]')
    function, allowed = _function(turned, code), role(turned)
    turned.kinesis.create_stream(StreamName="s", ShardCount=1)
    stream_arn = f"arn:aws:kinesis:us-east-1:{turned.id}:stream/s"
    turned.firehose.create_delivery_stream(
        DeliveryStreamName="d",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": stream_arn, "RoleARN": allowed},
        ExtendedS3DestinationConfiguration=at_once(allowed, target, ProcessingConfiguration=processing(("Lambda", function))),
    )
    number = turned.kinesis.put_record(StreamName="s", Data=b"event", PartitionKey="k")["SequenceNumber"]
    turned.node.advance(1)
    (content,) = objects(turned, target).values()
    event = json.loads(content.lower())
    assert event["sourcekinesisstreamarn"] == stream_arn
    metadata = event["record"]
    assert (metadata["sequencenumber"], metadata["partitionkey"], metadata["shardid"]) == (number, "k", "shardid-000000000000")


def _field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2, len(data)]) + data


def test_what_the_producer_library_puts_together_is_taken_apart() -> None:
    records = [_field(3, b"\x08\x00" + _field(3, b"one")), _field(3, b"\x08\x01" + _field(3, b"two"))]
    message = _field(1, b"key-1") + _field(1, b"key-2") + b"".join(records)
    aggregated = b"\xf3\x89\x9a\xc2" + message + hashlib.md5(message).digest()
    assert deaggregation.kpl(aggregated) == [("key-1", b"one"), ("key-2", b"two")]
    assert deaggregation.kpl(aggregated[:-1] + b"x") is None
    assert deaggregation.kpl(b"plain") is None
