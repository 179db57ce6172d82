"""Credentials outlive the node that gave them, and strict nodes are as strict as AWS with the root."""

from __future__ import annotations

from collections.abc import Callable

from tests.node import Account, RunningNode
from tests.services.iam.documents import allow, root_of, session, trusting
from tests.services.iam.refusals import refusal


def test_keys_and_sessions_outlive_a_crash(start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    aws = node.fresh_account()
    arn = aws.iam.create_role(RoleName="worker", AssumeRolePolicyDocument=trusting(root_of(aws)))["Role"]["Arn"]
    aws.iam.put_role_policy(RoleName="worker", PolicyName="p", PolicyDocument=allow("iam:ListRoles"))
    answer = aws.sts.assume_role(RoleArn=arn, RoleSessionName="night")
    root_key = aws.iam.create_access_key()["AccessKey"]
    node.kill()

    again = Account(start_node(strict=True), aws.id)
    iam = session(again, answer, "iam")
    assert [role["RoleName"] for role in iam.list_roles()["Roles"]] == ["worker"]
    keys = {"aws_access_key_id": root_key["AccessKeyId"], "aws_secret_access_key": root_key["SecretAccessKey"]}
    sts = again.client("sts", **keys)
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{aws.id}:root"
    refused = ("AccessDenied", "Roles may not be assumed by root accounts.", 403)
    assert refusal(sts.assume_role, RoleArn=arn, RoleSessionName="night") == refused
    assert refusal(again.sts.get_caller_identity)[0] == "InvalidClientTokenId"
