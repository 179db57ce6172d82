"""The thumbnail application, run as its users run it, and killed at any point of its way."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import pytest
from PIL import Image

from tests.end_to_end.conftest import Thumbnails, eventually
from tests.node import Account, RunningNode

Deploy = Callable[[Account], Thumbnails]


def test_a_picture_becomes_a_thumbnail_and_the_log_can_be_read(aws: Account, deploy_thumbnails: Deploy):
    app = deploy_thumbnails(aws)
    app.upload("a picture.jpg")
    app.wait_for("a picture.jpg")

    small = aws.s3.get_object(Bucket=app.outputs["ThumbnailsBucket"], Key="a picture.jpg")
    assert small["ContentType"] == "image/jpeg"
    assert Image.open(io.BytesIO(small["Body"].read())).size == (128, 85)
    group = f"/aws/lambda/{app.outputs['Function']}"

    def messages() -> list[str]:
        try:
            return [event["message"] for event in aws.logs.filter_log_events(logGroupName=group)["events"]]
        except aws.logs.exceptions.ResourceNotFoundException:
            return []

    eventually(lambda: any(m.startswith("REPORT RequestId") for m in messages()), "the log of the invocation")
    assert "a picture.jpg: 128x85\n" in messages()
    assert any(m.startswith("START RequestId") for m in messages())


def test_the_function_may_only_do_what_its_role_allows(aws: Account, deploy_thumbnails: Deploy):
    app = deploy_thumbnails(aws)
    role = aws.lambda_.get_function_configuration(FunctionName=app.outputs["Function"])["Role"].rpartition("/")[2]
    for name in aws.iam.list_role_policies(RoleName=role)["PolicyNames"]:
        aws.iam.delete_role_policy(RoleName=role, PolicyName=name)
    bucket = app.outputs["PicturesBucket"]
    record = {"s3": {"bucket": {"name": bucket}, "object": {"key": "x.jpg"}}}
    answer = aws.lambda_.invoke(FunctionName=app.outputs["Function"], Payload=str({"Records": [record]}).replace("'", '"'))
    assert answer["FunctionError"] == "Unhandled"
    assert b"AccessDenied" in answer["Payload"].read()


def test_deleting_the_stack_leaves_nothing(aws: Account, deploy_thumbnails: Deploy):
    app = deploy_thumbnails(aws)
    aws.cloudformation.delete_stack(StackName=app.stack)
    aws.cloudformation.get_waiter("stack_delete_complete").wait(StackName=app.stack, WaiterConfig={"Delay": 0.05, "MaxAttempts": 600})
    assert [b["Name"] for b in aws.s3.list_buckets()["Buckets"]] == [f"artifacts-{aws.id}"]
    assert aws.lambda_.list_functions()["Functions"] == []
    assert aws.iam.list_roles()["Roles"] == []


# How long after the acknowledged upload the node dies: from before the notification is delivered until after the thumbnail is there.
@pytest.mark.parametrize("after_ms", [0, 10, 40, 120, 300, 700])
def test_a_picture_that_was_acknowledged_gets_its_thumbnail_whenever_the_node_is_killed(
    start_node: Callable[..., RunningNode], deploy_thumbnails: Deploy, after_ms: int
):
    node = start_node()
    account = node.fresh_account()
    app = deploy_thumbnails(account)
    keys = [f"{number}.jpg" for number in range(3)]
    for key in keys:
        app.upload(key)
    time.sleep(after_ms / 1000)  # the moment of death, not a wait for anything
    node.kill()

    again = Thumbnails(Account(start_node(), account.id), app.stack, app.outputs)
    again.wait_for(*keys)
    stack = again.account.cloudformation.describe_stacks(StackName=app.stack)["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"


def test_a_node_that_is_stopped_and_started_serves_the_same_application(start_node: Callable[..., RunningNode], deploy_thumbnails: Deploy):
    node = start_node()
    account = node.fresh_account()
    app = deploy_thumbnails(account)
    app.upload("before.jpg")
    app.wait_for("before.jpg")
    assert node.stop() == 0

    again = Thumbnails(Account(start_node(), account.id), app.stack, app.outputs)
    assert again.made() == {"before.jpg"}
    again.upload("after.jpg")
    again.wait_for("before.jpg", "after.jpg")
