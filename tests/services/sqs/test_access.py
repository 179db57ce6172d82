"""Who may do what with a queue: identity policies, the queue's own, other accounts, services."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.node import Account, RunningNode
from tests.services.sqs.conftest import NewQueue, arn_of
from tests.services.sqs.messages import attributes, bodies, counts, refused, send


def _user(account: Account, *statements: dict[str, Any]) -> Any:
    """A client for SQS of a user with these rights."""
    account.iam.create_user(UserName="eve")
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    account.iam.put_user_policy(UserName="eve", PolicyName="p", PolicyDocument=json.dumps(policy))
    key = account.iam.create_access_key(UserName="eve")["AccessKey"]
    return account.client("sqs", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


def _set_policy(account: Account, url: str, *statements: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    account.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(document)})


def test_permissions_are_per_queue_and_operation(aws: Account, new_queue: NewQueue) -> None:
    mine, other = new_queue(), new_queue()
    eve = _user(aws, {"Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:GetQueueUrl"], "Resource": arn_of(aws, mine)})
    eve.send_message(QueueUrl=mine, MessageBody="x")
    eve.send_message_batch(QueueUrl=mine, Entries=[{"Id": "1", "MessageBody": "y"}])
    eve.get_queue_url(QueueName=mine.rpartition("/")[2])
    user = f"User: arn:aws:iam::{aws.id}:user/eve is not authorized to perform:"
    with refused(
        "AccessDenied",
        f"{user} sqs:sendmessage on resource: {arn_of(aws, other)} because no identity-based policy allows the sqs:sendmessage action",
    ) as refusal:
        eve.send_message(QueueUrl=other, MessageBody="x")
    assert refusal.status == 403
    for attempt in (
        lambda: eve.receive_message(QueueUrl=mine),
        lambda: eve.purge_queue(QueueUrl=mine),
        lambda: eve.delete_queue(QueueUrl=mine),
        lambda: eve.create_queue(QueueName="evil"),
        eve.list_queues,
        lambda: eve.get_queue_url(QueueName=other.rpartition("/")[2]),
        lambda: eve.start_message_move_task(SourceArn=arn_of(aws, mine)),
    ):
        with refused("AccessDenied", user):
            attempt()
    assert bodies(aws, mine) == ["x", "y"]


def test_permissions_may_depend_on_a_queues_tags(aws: Account, new_queue: NewQueue) -> None:
    red, blue = new_queue(), new_queue()
    aws.sqs.tag_queue(QueueUrl=red, Tags={"team": "red"})
    condition = {"StringEquals": {"aws:ResourceTag/team": "red"}}
    eve = _user(aws, {"Effect": "Allow", "Action": "sqs:*", "Resource": "*", "Condition": condition})
    eve.send_message(QueueUrl=red, MessageBody="x")
    with refused("AccessDenied"):
        eve.send_message(QueueUrl=blue, MessageBody="x")


def test_a_deny_of_the_queue_binds_the_accounts_root(aws: Account, queue: str) -> None:
    _set_policy(aws, queue, {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn_of(aws, queue)})
    with refused("AccessDenied", "with an explicit deny in a resource-based policy"):
        send(aws, queue, "x")
    aws.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    send(aws, queue, "x")


def test_another_account_needs_the_queues_permission(aws: Account, node: RunningNode, queue: str) -> None:
    stranger = node.fresh_account()
    with refused("AccessDenied", "because no resource-based policy allows the sqs:sendmessage action"):
        stranger.sqs.send_message(QueueUrl=queue, MessageBody="x")
    aws.sqs.add_permission(QueueUrl=queue, Label="let-in", AWSAccountIds=[stranger.id], Actions=["SendMessage", "GetQueueUrl"])
    stranger.sqs.send_message(QueueUrl=queue, MessageBody="x")
    name = queue.rpartition("/")[2]
    assert stranger.sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=aws.id)["QueueUrl"] == queue
    with refused("AccessDenied", "sqs:receivemessage"):
        stranger.sqs.receive_message(QueueUrl=queue)
    aws.sqs.remove_permission(QueueUrl=queue, Label="let-in")
    with refused("AccessDenied"):
        stranger.sqs.send_message(QueueUrl=queue, MessageBody="x")
    assert bodies(aws, queue) == ["x"]


def test_no_policy_opens_what_is_the_owners_alone(aws: Account, node: RunningNode, queue: str) -> None:
    stranger = node.fresh_account()
    _set_policy(aws, queue, {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": arn_of(aws, queue)})
    stranger.sqs.send_message(QueueUrl=queue, MessageBody="x")
    with refused("AccessDenied"):
        stranger.sqs.delete_queue(QueueUrl=queue)
    with refused("AccessDenied"):
        stranger.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "1"})
    assert counts(aws, queue) == (1, 0, 0)


def test_anybody_may_send_where_a_policy_lets_everybody(aws: Account, node: RunningNode, queue: str) -> None:
    form = urlencode({"Action": "SendMessage", "Version": "2012-11-05", "MessageBody": "from nobody", "QueueUrl": queue}).encode()
    path = node.url + "/" + queue.split("/", 3)[3]
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(path, form)
    assert refusal.value.code == 403
    _set_policy(aws, queue, {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn_of(aws, queue)})
    with urllib.request.urlopen(path, form) as answer:
        assert b"<MD5OfMessageBody>" in answer.read()
    assert bodies(aws, queue) == ["from nobody"]


def test_permissions_stand_in_the_policy_under_their_labels(aws: Account, queue: str) -> None:
    aws.sqs.add_permission(QueueUrl=queue, Label="one", AWSAccountIds=["111122223333"], Actions=["ReceiveMessage"])
    aws.sqs.add_permission(QueueUrl=queue, Label="two", AWSAccountIds=["111122223333", "444455556666"], Actions=["SendMessage", "DeleteMessage"])
    arn = arn_of(aws, queue)
    assert json.loads(attributes(aws, queue)["Policy"]) == {
        "Version": "2008-10-17",
        "Id": f"{arn}/SQSDefaultPolicy",
        "Statement": [
            {
                "Sid": "one",
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                "Action": "SQS:ReceiveMessage",
                "Resource": arn,
            },
            {
                "Sid": "two",
                "Effect": "Allow",
                "Principal": {"AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root"]},
                "Action": ["SQS:SendMessage", "SQS:DeleteMessage"],
                "Resource": arn,
            },
        ],
    }
    with refused("InvalidParameterValue", "Value one for parameter Label is invalid. Reason: Already exists."):
        aws.sqs.add_permission(QueueUrl=queue, Label="one", AWSAccountIds=["111122223333"], Actions=["SendMessage"])
    with refused("InvalidParameterValue", "Value three for parameter Label is invalid. Reason: can't find label."):
        aws.sqs.remove_permission(QueueUrl=queue, Label="three")
    with refused("InvalidParameterValue", "Value SQS:CreateQueue for parameter ActionName is invalid."):
        aws.sqs.add_permission(QueueUrl=queue, Label="x", AWSAccountIds=["111122223333"], Actions=["CreateQueue"])
    for label in ("one", "two"):
        aws.sqs.remove_permission(QueueUrl=queue, Label=label)
    assert "Policy" not in attributes(aws, queue)


def test_a_service_sends_where_the_queue_lets_it_for_its_source(aws: Account, queue: str) -> None:
    bucket = f"sqs-{aws.id}"
    aws.s3.create_bucket(Bucket=bucket)
    configuration = {"QueueConfigurations": [{"QueueArn": arn_of(aws, queue), "Events": ["s3:ObjectCreated:*"]}]}
    with refused("InvalidArgument", "Unable to validate the following destination configurations"):
        aws.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    _set_policy(
        aws,
        queue,
        {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn_of(aws, queue),
            "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}, "StringEquals": {"aws:SourceAccount": aws.id}},
        },
    )
    aws.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    (test_event,) = bodies(aws, queue)
    assert json.loads(test_event)["Event"] == "s3:TestEvent"
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    (event,) = bodies(aws, queue, WaitTimeSeconds=10)
    assert json.loads(event)["Records"][0]["s3"]["object"]["key"] == "k"
