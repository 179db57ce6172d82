"""The old query protocol beside JSON, errors in both, and queue URLs of every style."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.node import Account
from tests.services.sqs.conftest import NewQueue
from tests.services.sqs.messages import bodies
from tule.core.errors import ServiceError
from tule.services.sqs.queue_url import QueueKey, parse

NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"
PATHS = re.compile(r"https?://[^/]+/")


def _post(account: Account, path: str, headers: dict[str, str], body: bytes, host: str = "") -> tuple[int, dict[str, str], bytes]:
    """`host` is the Host header's, where it is not the address."""
    named = {"host": host} if host else {}
    request = AWSRequest("POST", account.node.url + path, data=body, headers={**headers, **named})
    SigV4Auth(Credentials(account.id, "test"), "sqs", account.region).add_auth(request)
    made = urllib.request.Request(account.node.url + path, body, dict(request.headers), method="POST")
    try:
        with urllib.request.urlopen(made) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def query(account: Account, action: str, path: str = "/", **params: object) -> tuple[int, ElementTree.Element]:
    form = urlencode({"Action": action, "Version": "2012-11-05", **params}).encode()
    status, headers, body = _post(account, path, {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, form)
    assert headers["content-type"] == "text/xml"
    return status, ElementTree.fromstring(body)


def _text(element: ElementTree.Element, path: str) -> str | None:
    found = element.find("/".join(NAMESPACE + part for part in path.split("/")))
    return None if found is None else found.text


def test_a_message_goes_through_the_query_protocol(aws: Account, queue: str) -> None:
    attribute = {"MessageAttribute.1.Name": "a", "MessageAttribute.1.Value.DataType": "String", "MessageAttribute.1.Value.StringValue": "b"}
    status, sent = query(aws, "SendMessage", QueueUrl=queue, MessageBody="<&>", **attribute)
    assert (status, sent.tag) == (200, NAMESPACE + "SendMessageResponse")
    _, got = query(aws, "ReceiveMessage", **{"QueueUrl": queue, "AttributeName.1": "All", "MessageAttributeName.1": "a"})
    message = got.find(f"{NAMESPACE}ReceiveMessageResult/{NAMESPACE}Message")
    assert message is not None
    assert _text(message, "Body") == "<&>"
    assert _text(message, "MessageId") == _text(sent, "SendMessageResult/MessageId")
    assert _text(message, "MessageAttribute/Name") == "a"
    assert _text(message, "MessageAttribute/Value/StringValue") == "b"
    assert "SenderId" in [_text(each, "Name") for each in message.findall(NAMESPACE + "Attribute")]
    status, _ = query(aws, "DeleteMessage", QueueUrl=queue, ReceiptHandle=_text(message, "ReceiptHandle"))
    assert status == 200
    _, listed = query(aws, "ListQueues")
    assert _text(listed, "ListQueuesResult/QueueUrl") == queue
    _, shown = query(aws, "GetQueueAttributes", **{"QueueUrl": queue, "AttributeName.1": "DelaySeconds"})
    assert _text(shown, "GetQueueAttributesResult/Attribute/Value") == "0"


def test_batches_and_tags_are_flat_in_the_query_protocol(aws: Account, queue: str) -> None:
    entry = "SendMessageBatchRequestEntry"
    params = {f"{entry}.1.Id": "a", f"{entry}.1.MessageBody": "x", f"{entry}.2.Id": "b", f"{entry}.2.MessageBody": "y"}
    _, sent = query(aws, "SendMessageBatch", QueueUrl=queue, **params)
    assert [_text(each, "Id") for each in sent.iter(NAMESPACE + "SendMessageBatchResultEntry")] == ["a", "b"]
    query(aws, "TagQueue", **{"QueueUrl": queue, "Tag.1.Key": "k", "Tag.1.Value": "v"})
    assert aws.sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"k": "v"}
    assert bodies(aws, queue) == ["x", "y"]


def test_a_queue_may_be_named_by_the_path_alone(aws: Account, queue: str) -> None:
    status, _ = query(aws, "SendMessage", urlsplit(queue).path, MessageBody="x")
    assert status == 200
    assert bodies(aws, queue) == ["x"]


def test_json_may_be_posted_to_the_queues_path(aws: Account, queue: str) -> None:
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.SendMessage"}
    status, _, body = _post(aws, urlsplit(queue).path, headers, json.dumps({"QueueUrl": queue, "MessageBody": "x"}).encode())
    assert (status, set(json.loads(body))) == (200, {"MD5OfMessageBody", "MessageId"})


def test_a_missing_queue_is_told_in_each_protocols_way(aws: Account, queue: str) -> None:
    status, error = query(aws, "SendMessage", QueueUrl=queue + "-absent", MessageBody="x")
    assert (status, _text(error, "Error/Code"), _text(error, "Error/Type")) == (400, "AWS.SimpleQueueService.NonExistentQueue", "Sender")
    assert _text(error, "Error/Message") == "The specified queue does not exist for this wsdl version."
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.SendMessage"}
    status, told, body = _post(aws, "/", headers, json.dumps({"QueueUrl": queue + "-absent", "MessageBody": "x"}).encode())
    assert status == 400
    assert json.loads(body) == {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "The specified queue does not exist."}
    assert told["x-amzn-query-error"] == "AWS.SimpleQueueService.NonExistentQueue;Sender"


def test_a_url_is_made_for_the_host_that_the_client_used(aws: Account, new_queue: NewQueue) -> None:
    assert new_queue("hosted") == f"{aws.node.url}/{aws.id}/hosted"
    for host in ("sqs.us-east-1.localhost:4566", "queue.amazonaws.com", "us-east-1.queue.localhost.localstack.cloud:4566"):
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.GetQueueUrl"}
        _, _, body = _post(aws, "/", headers, b'{"QueueName": "hosted"}', host)
        assert json.loads(body) == {"QueueUrl": f"http://{host}/{aws.id}/hosted"}


@pytest.mark.parametrize(
    "host",
    ["https://sqs.us-east-1.amazonaws.com", "https://queue.amazonaws.com", "http://us-east-1.queue.localhost.localstack.cloud:4566", "http://x:1"],
)
def test_a_queue_is_found_under_the_url_of_any_host(aws: Account, queue: str, host: str) -> None:
    aws.sqs.send_message(QueueUrl=PATHS.sub(host + "/", queue), MessageBody=host)
    assert bodies(aws, queue) == [host]


def test_the_region_in_a_url_is_where_the_queue_is(aws: Account) -> None:
    west = aws.client("sqs", region_name="eu-west-1")
    url = west.create_queue(QueueName="western")["QueueUrl"]
    aws.sqs.send_message(QueueUrl=PATHS.sub("https://sqs.eu-west-1.amazonaws.com/", url), MessageBody="x")
    assert west.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "x"


KEY = QueueKey("123456789012", "eu-west-1", "name")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:4566/123456789012/name",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/name",
        "https://eu-west-1.queue.amazonaws.com/123456789012/name",
        "http://sqs.eu-west-1.localhost.localstack.cloud:4566/123456789012/name",
        "http://localhost:4566/queue/eu-west-1/123456789012/name",
        "http://localhost/name",
        "123456789012/name",
        "name",
    ],
)
def test_urls_name_account_and_queue(url: str) -> None:
    assert parse(url, "123456789012", "eu-west-1") == KEY


def test_a_hosts_region_counts_more_than_the_calls() -> None:
    assert parse("https://sqs.us-west-2.amazonaws.com/210987654321/name", "123456789012", "eu-west-1") == QueueKey(
        "210987654321", "us-west-2", "name"
    )


@pytest.mark.parametrize("url", ["http://localhost/a/b/c", "http://localhost/1234/name", "http://localhost/", ""])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ServiceError, match="InvalidAddress"):
        parse(url, "123456789012", "eu-west-1")
