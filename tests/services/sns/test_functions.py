"""Functions as subscribers: the event that they get, and what their topics' logs say of it."""

from __future__ import annotations

import json
from typing import Any

from tests.node import Account
from tests.services.lambda_.functions import arn, create
from tests.services.sns.endpoints import Queue, eventually

SHOW = "import json\ndef handler(event, context):\n    print('event ' + json.dumps(event))\n"
RAISE = "def handler(event, context):\n    raise ValueError('no good')\n"
WRITE_LOGS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}


def subscribed(aws: Account, topic: str, name: str) -> str:
    aws.lambda_.add_permission(FunctionName=name, StatementId="sns", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com", SourceArn=topic)
    return aws.sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn(aws, name))["SubscriptionArn"]


def lines(aws: Account, group: str, text: str) -> list[str]:
    try:
        found = aws.logs.filter_log_events(logGroupName=group, filterPattern=json.dumps(text))["events"]
    except aws.logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in found]


def event_of(aws: Account, name: str) -> dict[str, Any]:
    [line] = eventually(lambda: lines(aws, f"/aws/lambda/{name}", "event"))
    return json.loads(line.removeprefix("event "))


def test_a_function_gets_the_record_with_nothing_left_out(aws: Account, topic: str) -> None:
    create(aws, "show", code=SHOW)
    subscription = subscribed(aws, topic, "show")
    aws.sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    sent = aws.sns.publish(TopicArn=topic, Message="Hello world.")
    [record] = event_of(aws, "show")["Records"]
    assert (record["EventSource"], record["EventVersion"], record["EventSubscriptionArn"]) == ("aws:sns", "1.0", subscription)
    message = record["Sns"]
    assert list(message) == [
        *("Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp"),
        *("SignatureVersion", "Signature", "SigningCertUrl", "UnsubscribeUrl", "MessageAttributes"),
    ]
    assert (message["MessageId"], message["Subject"], message["Message"]) == (sent["MessageId"], None, "Hello world.")
    assert (message["SignatureVersion"], message["MessageAttributes"]) == ("1", {})
    assert message["SigningCertUrl"].startswith("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-")


def test_a_function_whose_policy_lets_nobody_in_leaves_a_dead_letter(aws: Account, topic: str) -> None:
    create(aws, "closed", code=SHOW)
    dead = Queue(aws, "dead")
    redrive = json.dumps({"deadLetterTargetArn": dead.arn})
    aws.sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn(aws, "closed"), Attributes={"RedrivePolicy": redrive})
    aws.sns.publish(TopicArn=topic, Message="knock")
    assert dead.texts(1) == ["knock"]


def test_a_function_s_dead_letters_go_to_a_topic_with_what_went_wrong(aws: Account, topic: str) -> None:
    queue = Queue(aws)
    aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    create(aws, "broken", code=RAISE)
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}]}
    aws.iam.put_role_policy(RoleName="runner", PolicyName="publish", PolicyDocument=json.dumps(allow))
    aws.lambda_.update_function_configuration(FunctionName="broken", DeadLetterConfig={"TargetArn": topic})
    aws.lambda_.put_function_event_invoke_config(FunctionName="broken", MaximumRetryAttempts=0)
    aws.lambda_.invoke(FunctionName="broken", InvocationType="Event", Payload=json.dumps({"raise": 1}))
    [message] = queue.messages(1)
    body = json.loads(message["Body"])
    assert json.loads(body["Message"]) == {"raise": 1}
    assert body["MessageAttributes"]["ErrorMessage"] == {"Type": "String", "Value": "no good"}
    assert body["MessageAttributes"]["ErrorCode"] == {"Type": "Number", "Value": "200"}


def test_deliveries_are_logged_for_a_topic_that_names_a_role(aws: Account, topic: str) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = aws.iam.create_role(RoleName="feedback", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    aws.iam.put_role_policy(RoleName="feedback", PolicyName="logs", PolicyDocument=json.dumps(WRITE_LOGS))
    create(aws, "show", code=SHOW)
    subscribed(aws, topic, "show")
    for name, value in (("LambdaSuccessFeedbackRoleArn", role["Role"]["Arn"]), ("LambdaSuccessFeedbackSampleRate", "100")):
        aws.sns.set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=value)
    sent = aws.sns.publish(TopicArn=topic, Message="log me")
    [line] = eventually(lambda: lines(aws, f"sns/us-east-1/{aws.id}/topic", sent["MessageId"]))
    logged = json.loads(line)
    assert logged["status"] == "SUCCESS"
    assert logged["notification"]["topicArn"] == topic
    assert logged["notification"]["messageMD5Sum"] == "b3a323b6e969023a4f1b7c4971b5f34e"
    assert (logged["delivery"]["destination"], logged["delivery"]["statusCode"]) == (arn(aws, "show"), 202)
