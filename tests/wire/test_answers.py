"""Answers as bytes, where clients other than SDKs look at them, and what serializers take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import urlencode
from xml.etree import ElementTree

import cbor2
import orjson
import pytest

from tests.wire.clients import MODELS
from tule.core.errors import ServiceError
from tule.wire.http import Body, Request
from tule.wire.identify import identify

_ID = "6f2f0a76-2f5c-4b1e-8f0a-0d3c1b2a4e5f"


def _query(service: str, fields: dict[str, str], path: str = "/") -> Request:
    body = urlencode(fields).encode()
    return Request("POST", path, "", {"host": "localhost:4566", "content-type": "application/x-www-form-urlencoded"}, Body.of(body), body)


def test_old_sqs_clients_are_understood() -> None:
    request = _query(
        "sqs",
        {
            "Action": "SendMessage",
            "Version": "2012-11-05",
            "QueueUrl": "http://localhost:4566/000000000000/q",
            "MessageBody": "hello",
            "MessageAttribute.1.Name": "colour",
            "MessageAttribute.1.Value.StringValue": "red",
            "MessageAttribute.1.Value.DataType": "String",
            "MessageSystemAttribute.1.Name": "AWSTraceHeader",
            "MessageSystemAttribute.1.Value.StringValue": "Root=1",
            "MessageSystemAttribute.1.Value.DataType": "String",
        },
    )
    assert identify(MODELS, request, "sqs").parse(request) == {
        "QueueUrl": "http://localhost:4566/000000000000/q",
        "MessageBody": "hello",
        "MessageAttributes": {"colour": {"StringValue": "red", "DataType": "String"}},
        "MessageSystemAttributes": {"AWSTraceHeader": {"StringValue": "Root=1", "DataType": "String"}},
    }


def test_old_sqs_clients_name_the_queue_by_the_path() -> None:
    request = _query("sqs", {"Action": "ReceiveMessage", "Version": "2012-11-05", "AttributeName.1": "All"}, "/000000000000/q")
    params = identify(MODELS, request, "sqs").parse(request)
    assert params == {"QueueUrl": "http://localhost:4566/000000000000/q", "AttributeNames": ["All"]}


def test_old_sqs_clients_send_batches_and_attributes() -> None:
    fields = {"Action": "SendMessageBatch", "Version": "2012-11-05", "QueueUrl": "q"}
    for number in range(1, 11):
        fields |= {
            f"SendMessageBatchRequestEntry.{number}.Id": f"m{number}",
            f"SendMessageBatchRequestEntry.{number}.MessageBody": "b",
            f"SendMessageBatchRequestEntry.{number}.DelaySeconds": "1",
        }
    request = _query("sqs", fields)
    entries = identify(MODELS, request, "sqs").parse(request)["Entries"]
    assert [entry["Id"] for entry in entries] == [f"m{number}" for number in range(1, 11)]
    assert entries[9] == {"Id": "m10", "MessageBody": "b", "DelaySeconds": 1}
    request = _query(
        "sqs",
        {
            "Action": "CreateQueue",
            "QueueName": "q",
            "Attribute.1.Name": "DelaySeconds",
            "Attribute.1.Value": "5",
            "Tag.1.Key": "k",
            "Tag.1.Value": "v",
        },
    )
    assert identify(MODELS, request, "sqs").parse(request) == {"QueueName": "q", "Attributes": {"DelaySeconds": "5"}, "tags": {"k": "v"}}


def test_old_sqs_clients_can_read_messages() -> None:
    message = {
        "MessageId": "1",
        "Body": "a<b",
        "Attributes": {"SentTimestamp": "5"},
        "MessageAttributes": {"c": {"BinaryValue": b"\x00", "DataType": "Binary"}},
    }
    response = MODELS.service("sqs").operation("ReceiveMessage", "query").serialize({"Messages": [message, {"MessageId": "2"}]}, _ID)
    assert response.headers["content-type"] == "text/xml"
    assert response.body.decode() == (
        '<ReceiveMessageResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><ReceiveMessageResult>'
        "<Message><MessageId>1</MessageId><Body>a&lt;b</Body><Attribute><Name>SentTimestamp</Name><Value>5</Value></Attribute>"
        "<MessageAttribute><Name>c</Name><Value><BinaryValue>AA==</BinaryValue><DataType>Binary</DataType></Value></MessageAttribute></Message>"
        "<Message><MessageId>2</MessageId></Message></ReceiveMessageResult>"
        f"<ResponseMetadata><RequestId>{_ID}</RequestId></ResponseMetadata></ReceiveMessageResponse>"
    )


def test_java_clients_speak_cbor_to_kinesis() -> None:
    body = cbor2.dumps({"StreamName": "s", "ShardId": "x", "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": cbor2.CBORTag(1, 1_700_000_000_500)})
    headers = {"x-amz-target": "Kinesis_20131202.GetShardIterator", "content-type": "application/x-amz-cbor-1.1"}
    request = Request("POST", "/", "", headers, Body.of(body), body)
    codec = identify(MODELS, request)
    assert codec.parse(request)["Timestamp"] == 1_700_000_000.5
    record = {"Data": b"\x00\xff", "PartitionKey": "k", "SequenceNumber": "1", "ApproximateArrivalTimestamp": 1_700_000_000.5}
    answer = MODELS.service("kinesis").operation("GetRecords", "cbor-1.1").serialize({"Records": [record], "MillisBehindLatest": 0}, _ID)
    assert answer.headers["content-type"] == "application/x-amz-cbor-1.1"
    raw = cbor2.loads(answer.body, semantic_decoders={1: lambda value, _: value})
    assert raw["Records"][0] == {**record, "ApproximateArrivalTimestamp": 1_700_000_000_500}
    error = codec.error(ServiceError("ResourceNotFoundException", "no stream"), _ID)
    assert cbor2.loads(error.body) == {"__type": "ResourceNotFoundException", "message": "no stream"}


def test_query_answers_without_a_result() -> None:
    response = MODELS.operation("iam", "DeleteUser").serialize(None, _ID)
    assert response.body.decode() == (
        '<DeleteUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        f"<ResponseMetadata><RequestId>{_ID}</RequestId></ResponseMetadata></DeleteUserResponse>"
    )


def test_a_bucket_s_listing() -> None:
    result = {
        "Name": "b",
        "Prefix": "",
        "KeyCount": 1,
        "MaxKeys": 1000,
        "IsTruncated": False,
        "Contents": [{"Key": "a&\r\x01b", "LastModified": 1_700_000_000, "ETag": '"e"', "Size": 3, "StorageClass": "STANDARD"}],
        "CommonPrefixes": [{"Prefix": "p/"}],
        "NextContinuationToken": None,
    }
    response = MODELS.operation("s3", "ListObjectsV2").serialize(result, _ID)
    assert response.headers["content-type"] == "application/xml"
    assert response.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        "<IsTruncated>false</IsTruncated><Contents><Key>a&amp;&#xD;&#x1;b</Key><LastModified>2023-11-14T22:13:20.000Z</LastModified>"
        '<ETag>"e"</ETag><Size>3</Size><StorageClass>STANDARD</StorageClass></Contents><Name>b</Name><Prefix></Prefix><MaxKeys>1000</MaxKeys>'
        "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes><KeyCount>1</KeyCount></ListBucketResult>"
    )


def test_a_bucket_s_location_is_the_text_of_the_root() -> None:
    body = MODELS.operation("s3", "GetBucketLocation").serialize({"LocationConstraint": "eu-west-1"}, _ID).body
    assert ElementTree.fromstring(body).text == "eu-west-1"
    body = MODELS.operation("s3", "GetBucketLocation").serialize({}, _ID).body
    assert body.endswith(b'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></LocationConstraint>')


def test_an_acl_says_the_type_of_its_grantee_in_an_attribute() -> None:
    grant = {"Grantee": {"Type": "Group", "URI": "http://acs"}, "Permission": "READ"}
    body = MODELS.operation("s3", "GetBucketAcl").serialize({"Owner": {"ID": "o"}, "Grants": [grant]}, _ID).body
    assert (
        b'<AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group">'
        b"<URI>http://acs</URI></Grantee><Permission>READ</Permission></Grant></AccessControlList>"
    ) in body


def test_headers_of_an_object() -> None:
    result = {"Body": b"abc", "ETag": '"e"', "LastModified": 1_700_000_000.9, "ContentType": "text/plain", "Metadata": {"Colour": "red"}}
    response = MODELS.operation("s3", "GetObject").serialize(result, _ID)
    assert response.body == b"abc"
    assert response.headers["Last-Modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert response.headers["content-type"] == "text/plain"
    assert response.headers["x-amz-meta-Colour"] == "red"
    assert response.headers["x-amz-request-id"] == _ID
    assert response.headers["x-amz-id-2"]


def test_statuses() -> None:
    assert MODELS.operation("s3", "DeleteObject").serialize({}, _ID).status == 204
    assert MODELS.operation("lambda", "CreateFunction").serialize({}, _ID).status == 201
    assert MODELS.operation("lambda", "Invoke").serialize({"StatusCode": 202}, _ID).status == 202
    assert MODELS.operation("s3", "GetObject").serialize({}, _ID, 206).status == 206


@pytest.mark.parametrize(
    "value", [1_714_564_800.5, datetime(2024, 5, 1, 12, 0, 0, 500_000, UTC), datetime(2024, 5, 1, 14, 0, 0, 500_000, timezone(timedelta(hours=2)))]
)
def test_times_may_be_numbers_or_datetimes(value: object) -> None:
    secret = orjson.loads(MODELS.operation("secretsmanager", "DescribeSecret").serialize({"CreatedDate": value}, _ID).body)
    assert secret == {"CreatedDate": 1_714_564_800.5}
    stack = MODELS.operation("cloudformation", "CreateChangeSet").serialize({}, _ID)
    assert stack.status == 200
    role = MODELS.operation("iam", "GetRole").serialize({"Role": {"CreateDate": value}}, _ID)
    assert b"<CreateDate>2024-05-01T12:00:00.500Z</CreateDate>" in role.body
    alarm = MODELS.operation("cloudwatch", "GetMetricStatistics").serialize({"Datapoints": [{"Timestamp": value}]}, _ID)
    assert cbor2.loads(alarm.body)["Datapoints"][0]["Timestamp"].timestamp() == 1_714_564_800.5


def test_blobs_may_be_text_and_special_numbers_are_words() -> None:
    body = orjson.loads(MODELS.operation("kms", "Encrypt").serialize({"CiphertextBlob": "abc"}, _ID).body)
    assert body == {"CiphertextBlob": "YWJj"}
    point = {"Datapoints": [{"Average": float("nan"), "Sum": float("-inf")}]}
    answer = MODELS.service("cloudwatch").operation("GetMetricStatistics", "json").serialize(point, _ID)
    assert orjson.loads(answer.body)["Datapoints"] == [{"Average": "NaN", "Sum": "-Infinity"}]


def test_integers_beyond_64_bits_are_written_exactly() -> None:
    answer = MODELS.operation("kinesis", "ListShards").serialize({"Shards": [], "NextToken": None}, _ID)
    assert orjson.loads(answer.body) == {"Shards": []}
    answer = MODELS.operation("dynamodb", "DescribeTable").serialize({"Table": {"ItemCount": 2**70}}, _ID)
    assert answer.body == b'{"Table":{"ItemCount":1180591620717411303424}}'


def test_rendered_json_passes_through() -> None:
    items = orjson.Fragment(b'[{"k":{"S":"v"}}]')
    answer = MODELS.operation("dynamodb", "Query").serialize({"Items": items, "Count": 1}, _ID)
    assert answer.body == b'{"Items":[{"k":{"S":"v"}}],"Count":1}'


def test_members_that_the_model_does_not_know_are_not_written() -> None:
    answer = MODELS.operation("dynamodb", "Query").serialize({"Count": 1, "Secret": "x"}, _ID)
    assert answer.body == b'{"Count":1}'


def test_json_answers_without_output_are_empty() -> None:
    answer = MODELS.operation("kinesis", "CreateStream").serialize({}, _ID)
    assert answer.body == b""
    assert answer.headers == {"x-amzn-RequestId": _ID, "content-type": "application/x-amz-json-1.1"}


def test_members_in_headers_are_not_in_the_body_too() -> None:
    answer = MODELS.operation("apigateway", "GetSdk").serialize({"contentType": "application/zip", "body": b"z"}, _ID)
    assert (answer.headers["content-type"], answer.body) == ("application/zip", b"z")
    answer = MODELS.operation("lambda", "GetFunction").serialize({"Tags": {"a": "b"}}, _ID)
    assert orjson.loads(answer.body) == {"Tags": {"a": "b"}}
