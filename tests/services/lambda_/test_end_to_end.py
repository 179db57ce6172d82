"""Real functions in real instances on a real node: invoked, notified, logged, and not lost when the node dies."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from tests.node import Account, RunningNode
from tests.services.lambda_.functions import arn, create, zipped

HELLO = """
def handler(event, context):
    print("hello", event["name"])
    return {"greeted": event["name"], "arn": context.invoked_function_arn}
"""
SHOUT = "def handler(event, context):\n    for record in event['Records']:\n        print('got', record['s3']['object']['key'])\n"
RAISE = "def handler(event, context):\n    raise ValueError('no good')\n"


def eventually(found: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What `found` returns once it is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def logged(account: Account, text: str, name: str = "f") -> list[str]:
    try:
        page = account.logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern=json.dumps(text))
    except account.logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in page["events"]]


def test_a_function_answers_and_its_lines_can_be_read_at_once(aws: Account) -> None:
    create(aws, code=HELLO)
    answer = aws.lambda_.invoke(FunctionName="f", Payload=json.dumps({"name": "Ada"}))
    assert answer["StatusCode"] == 200
    assert json.load(answer["Payload"]) == {"greeted": "Ada", "arn": arn(aws, "f")}
    assert eventually(lambda: logged(aws, "hello Ada"), 2.0) == ["hello Ada\n"]
    version = aws.lambda_.get_function_configuration(FunctionName="f")["RuntimeVersionConfig"]["RuntimeVersionArn"]
    assert len(logged(aws, f"Runtime Version ARN: {version}")) == 1
    assert len(logged(aws, "START RequestId")) == len(logged(aws, "REPORT RequestId")) == 1


def test_a_function_is_told_by_which_name_each_invocation_came(aws: Account) -> None:
    create(aws, code="def handler(event, context):\n    return [context.invoked_function_arn, context.log_stream_name]\n", Publish=True)
    aws.lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    seen = [json.load(aws.lambda_.invoke(FunctionName="f", Qualifier=qualifier)["Payload"]) for qualifier in ("1", "live", "1")]
    assert [each[0] for each in seen] == [arn(aws, "f") + ":1", arn(aws, "f") + ":live", arn(aws, "f") + ":1"]
    assert len({each[1] for each in seen}) == 1  # one instance served them all


def test_what_a_function_raises_comes_back_as_its_error(aws: Account) -> None:
    create(aws, code=RAISE)
    answer = aws.lambda_.invoke(FunctionName="f")
    error = json.load(answer["Payload"])
    assert answer["FunctionError"] == "Unhandled"
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no good")


def test_new_code_answers_as_soon_as_it_is_put(aws: Account) -> None:
    create(aws, code="def handler(event, context):\n    return 1\n")
    assert json.load(aws.lambda_.invoke(FunctionName="f")["Payload"]) == 1
    aws.lambda_.update_function_code(FunctionName="f", ZipFile=zipped(index="def handler(event, context):\n    return 2\n"))
    assert json.load(aws.lambda_.invoke(FunctionName="f")["Payload"]) == 2


def test_a_picture_in_a_bucket_makes_a_function_run(aws: Account) -> None:
    create(aws, code=SHOUT)
    bucket = f"pictures-{aws.id}"
    aws.s3.create_bucket(Bucket=bucket)
    aws.lambda_.add_permission(
        FunctionName="f",
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
        SourceAccount=aws.id,
    )
    rule = {"LambdaFunctionArn": arn(aws, "f"), "Events": ["s3:ObjectCreated:*"]}
    aws.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [rule]})
    aws.s3.put_object(Bucket=bucket, Key="cat.png", Body=b"meow")
    assert eventually(lambda: logged(aws, "got cat.png"))


def test_an_accepted_event_survives_the_death_of_the_node(start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    account = node.fresh_account()
    create(account, code=HELLO)
    for number in range(5):
        answer = account.lambda_.invoke(FunctionName="f", InvocationType="Event", Payload=json.dumps({"name": f"number {number}"}))
        assert answer["StatusCode"] == 202
    node.kill()
    again = Account(start_node(), account.id)
    for number in range(5):
        assert eventually(lambda number=number: logged(again, f"hello number {number}"))


def test_a_function_that_takes_too_long_is_stopped(aws: Account) -> None:
    create(aws, code="import time\ndef handler(event, context):\n    time.sleep(30)\n", Timeout=1)
    answer = aws.lambda_.invoke(FunctionName="f")
    assert answer["FunctionError"] == "Unhandled"
    assert "Task timed out after 1.00 seconds" in json.load(answer["Payload"])["errorMessage"]
