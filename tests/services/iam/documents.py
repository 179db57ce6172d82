"""Policy documents and callers, as the tests of IAM and STS need them."""

from __future__ import annotations

import json
from typing import Any

from tests.node import Account

LAMBDA_TRUST = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
)


def allow(*actions: str, resource: str = "*", **more: Any) -> str:
    """The text of a policy with one statement."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def deny(*actions: str, resource: str = "*") -> str:
    return allow(*actions, resource=resource, Effect="Deny")


def trusting(principal: Any, *actions: str, **more: Any) -> str:
    """The text of a trust policy."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": list(actions) or "sts:AssumeRole", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def root_of(aws: Account) -> dict[str, str]:
    return {"AWS": f"arn:aws:iam::{aws.id}:root"}


class User:
    """A new user with an access key: `user.sts` is boto3's client for STS as that user."""

    def __init__(self, aws: Account, name: str, *policies: str) -> None:
        self._aws = aws
        self.name = name
        self.arn = aws.iam.create_user(UserName=name)["User"]["Arn"]
        for number, policy in enumerate(policies):
            aws.iam.put_user_policy(UserName=name, PolicyName=f"policy{number}", PolicyDocument=policy)
        self.key = aws.iam.create_access_key(UserName=name)["AccessKey"]

    def client(self, service: str) -> Any:
        return self._aws.client(service, aws_access_key_id=self.key["AccessKeyId"], aws_secret_access_key=self.key["SecretAccessKey"])

    @property
    def iam(self) -> Any:
        return self.client("iam")

    @property
    def sts(self) -> Any:
        return self.client("sts")


def session(aws: Account, answer: dict[str, Any], service: str) -> Any:
    """boto3's client with the credentials that an operation of STS has answered."""
    found = answer["Credentials"]
    return aws.client(
        service,
        aws_access_key_id=found["AccessKeyId"],
        aws_secret_access_key=found["SecretAccessKey"],
        aws_session_token=found["SessionToken"],
    )
